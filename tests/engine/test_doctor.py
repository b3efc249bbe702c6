"""The doctor: what it finds, says and keeps."""

from pathlib import Path

import pytest

from engine import doctor
from engine.doctor import MOST_WORLDS, Found, examine, keep_rates, known_rates, lacks, table, worlds_held
from engine.enlarging import Enlarger
from tests.engine.test_bench import Counting

FOUND = [Found("270p", 40.0, 30.0), Found("540p", 30.0, 40.0), Found("1080p", 12.5, 90.0)]


@pytest.mark.alone
def test_each_rung_is_measured_and_the_upper_ones_cost_more() -> None:
    found = examine(Counting(), Enlarger.random(), 0.3)
    assert [each.rung for each in found] == ["270p", "540p", "1080p"]
    assert found[0].core_ms < found[1].core_ms < found[2].core_ms


def test_it_says_where_worlds_begin_and_what_is_missing() -> None:
    said = table(FOUND)
    assert "Worlds begin at 540p." in said
    assert "Speed for 1080p: 12.5 frames a second of 27.6." in lacks(FOUND)
    assert not any("540p" in each for each in lacks(FOUND))


def test_a_lack_of_cores_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0})
    assert "Cores: 1 may be used, 2 are needed." in lacks(FOUND)


def test_what_was_found_is_kept_for_the_same_weights_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path / "cache"))
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "a.safetensors").write_bytes(b"one")
    assert known_rates(weights) is None
    assert keep_rates(weights, FOUND) == known_rates(weights) == (40.0, 30.0, 12.5)
    assert known_rates(weights, "cuda") is None
    (weights / "a.safetensors").write_bytes(b"two")
    assert known_rates(weights) is None


@pytest.mark.parametrize(("core_ms", "worlds"), [(90.0, 1), (52.0, 1), (36.0, 2), (9.0, 8), (0.01, MOST_WORLDS)])
def test_as_many_worlds_are_admitted_as_keep_up(
    core_ms: float, worlds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor.native, "cores", lambda: 2)
    assert worlds_held(tmp_path) == 1
    keep_rates(tmp_path, [Found("270p", 30.0, core_ms), *FOUND[1:]])
    assert worlds_held(tmp_path) == worlds
