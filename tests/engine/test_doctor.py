"""The doctor: what it finds, says and keeps."""

import json
from pathlib import Path

import pytest

from engine import doctor
from engine.device import HERE
from engine.doctor import MOST_WORLDS, Found, examine, keep_rates, known_rates, lacks, table, workers_held, worlds_held
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
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0, 1})
    assert worlds_held(tmp_path) == 1
    keep_rates(tmp_path, [Found("270p", 30.0, core_ms), *FOUND[1:]])
    assert worlds_held(tmp_path) == worlds


@pytest.fixture
def sixteen_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(doctor, "memory_gib", lambda: 128.0)


def test_workers_share_the_worlds_that_their_cores_hold(tmp_path: Path, sixteen_cores: None) -> None:
    keep_rates(tmp_path, [Found("270p", 30.0, 40.0), *FOUND[1:]])  # 1.1 cores a world with time to spare
    held = {workers: [worlds_held(tmp_path, "cpu", at, workers) for at in range(workers)] for workers in (1, 2, 4, 14)}
    assert held == {1: [3], 2: [4, 3], 4: [4, 4, 3, 3], 14: [1] * 14}
    assert [worlds_held(tmp_path, "cpu", at, 20) for at in (0, 19)] == [1, 1]  # who was asked for serves


def test_a_processor_has_a_worker_for_each_world_and_a_gpu_one_for_each_two_cores(
    tmp_path: Path, sixteen_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workers_held(tmp_path) == 1  # not examined yet
    assert workers_held(tmp_path, "cuda") == 8
    for core_ms, workers in ((40.0, 14), (15.0, 16), (1000.0, 1)):
        keep_rates(tmp_path, [Found("270p", 30.0, core_ms), *FOUND[1:]])
        assert workers_held(tmp_path) == workers
    keep_rates(tmp_path, [Found("270p", 30.0, 40.0), *FOUND[1:]])
    monkeypatch.setattr(doctor, "memory_gib", lambda: 8.0)
    assert workers_held(tmp_path) == 5 and workers_held(tmp_path, "cuda") == 2
    monkeypatch.setattr(doctor.native, "allowed", lambda: 2)
    assert workers_held(tmp_path) == 1 == workers_held(tmp_path, "cuda")


def test_the_doctor_says_how_many_worlds_in_how_many_workers(
    tmp_path: Path, sixteen_cores: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("World", "models_on"):
        monkeypatch.setattr(doctor, name, lambda *_: None)
    monkeypatch.setattr(Enlarger, "load", lambda *_: None)
    monkeypatch.setattr(doctor, "examine", lambda *_: [Found("270p", 30.0, 40.0), *FOUND[1:]])
    assert doctor.main(["--weights", str(tmp_path), "--json", str(tmp_path / "found.json")]) == 0
    assert "Worlds at 270p at the same time: 14, workers: 14." in capsys.readouterr().out
    said = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert (said["worlds"], said["workers"], said["chosen"]) == (14, 14, "540p")


def test_the_doctor_enlarges_where_networks_are(
    tmp_path: Path, sixteen_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[tuple[object, ...]] = []
    for name in ("World", "models_on"):
        monkeypatch.setattr(doctor, name, lambda *_: None)
    monkeypatch.setattr(doctor, "place_of", {"cpu": None, "cuda": HERE}.get)
    monkeypatch.setattr(Enlarger, "load", lambda *given: loaded.append(given))
    monkeypatch.setattr(doctor, "examine", lambda *_: FOUND)
    for device in ("cpu", "cuda"):
        assert doctor.main(["--weights", str(tmp_path), "--device", device]) == 0
    assert loaded == [(tmp_path, None), (tmp_path, HERE)]
