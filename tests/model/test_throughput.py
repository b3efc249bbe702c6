"""The command that says how fast worlds are drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.worlds import throughput
from model.worlds.shots import Frame


def test_every_size_of_both_profiles_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "SIZES", (Frame(64, 48), Frame(64, 48, 32, 32, 256, 144)))
    monkeypatch.setattr(throughput, "CROP", throughput.SIZES[1])
    path = tmp_path / "rates.json"
    throughput.main(["--processes", "1", "--seconds", "0.02", "--json", str(path)])
    found = json.loads(path.read_text())
    sizes = [f"{n}_64x48{of}" for n in ("walks", "nano", "full") for of in ("", "_of_256x144")]
    assert list(found) == ["renderer", "way", *(f"{size}{what}" for size in sizes for what in ("", "_core_ms"))]
    assert found["renderer"] and found["way"] in ("fragments", "compute")
    assert all(found[size] > 0 and found[f"{size}_core_ms"] > 0 for size in sizes)


def test_one_size_is_measured_by_two_processes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    throughput.main(["--processes", "2", "--seconds", "0.02", "--only", "walks_256x144"])
    rates, by = capsys.readouterr().out.splitlines()
    assert rates.startswith("walks_256x144 ") and by.endswith(", 2 processes")


def test_an_unknown_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        throughput.main(["--only", "walks_3x3"])
    assert "got walks_3x3" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["--processes", "0"], ["--seconds", "nan"]])
def test_no_processes_and_no_time_are_refused(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        throughput.main(asked)
    assert "expected processes and seconds above 0" in capsys.readouterr().err
