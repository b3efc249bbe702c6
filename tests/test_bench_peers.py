"""The race against published networks: what it refuses, and that its table says what was measured."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from engine.models import Models
from engine.rungs import LADDER

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_peer_that_is_unknown_or_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peers = script("bench_peers")
    for given in (f"nobody={tmp_path}", f"dreamer4={tmp_path / 'missing'}", "diamond"):
        with pytest.raises(SystemExit):
            peers.parse(["--peer", given])
        assert "--peer is NAME=PATH" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="a checkout of that peer"):
        peers.dreamer4(tmp_path, torch.float32)


def test_the_table_names_each_once_by_its_faster_type_and_its_ratio() -> None:
    peers = script("bench_peers")
    made = [
        peers.Subject("ours", "int8", 4_000_000, lambda: None, [2.0], [1.0]),
        peers.Subject("diamond", "float32", 9_000_000, lambda: None, [9.0], [5.0]),
        peers.Subject("diamond", "bfloat16", 9_000_000, lambda: None, [6.0], [3.0]),
    ]
    for subject in made:
        subject.once = lambda: None
    found = peers.race(made, rounds=1)
    assert [(each.name, each.type) for each in found] == [("ours", "int8"), ("diamond", "bfloat16")]
    assert "| diamond | bfloat16 | 9.0M | 6.0 | 3.0 |" in peers.table(found)


def test_a_gpu_holds_fewer_worlds_on_a_higher_rung_and_no_more_than_its_peak_allows() -> None:
    roofline = script("roofline")
    rows = [row.split("|")[1:-1] for row in roofline.gpu_rows(Models.random(), "H100", roofline.H100)]
    worlds, gflop = ([float(row[at]) for row in rows] for at in (7, 2))
    assert [row[1].strip() for row in rows] == [rung.name for rung in LADDER]
    assert worlds == sorted(worlds, reverse=True)
    assert all(24 * n * 1e9 * work <= 1.01 * roofline.H100.flops_s for n, work in zip(worlds, gflop, strict=True))
