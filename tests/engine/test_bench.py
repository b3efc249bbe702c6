"""The bench: what it counts, and the shape of its report."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from engine.bench import main, report, table
from engine.display import Sight
from engine.enlarging import Enlarger
from engine.rungs import LADDER, LOWEST
from engine.spans import measure, repeats, walk
from engine.world import Frame, Inputs


class Counting:
    """A world that only counts its steps."""

    def __init__(self) -> None:
        self.index = 0

    def say(self, text: str) -> None:
        raise AssertionError("the bench says nothing")

    def step(self, inputs: Inputs) -> Frame:
        plane, chroma = np.zeros((288, 512), np.uint8), np.zeros((144, 256), np.uint8)
        self.index += 1
        return Frame(self.index - 1, plane, chroma, chroma, {}, [], float(self.index), 2.0)


def test_every_counted_frame_was_sampled_anew() -> None:
    world, ticks = Counting(), itertools.count()
    spans = measure([world], Sight(), 10.0, clock=lambda: float(next(ticks)))
    frames = sum(span.meter.frames for span in spans)
    assert frames == 10
    assert world.index == frames + 8 + 1  # the warm-up, and the one that is sampled while the last is encoded
    assert len(set(spans[0].meter.step_ms)) == frames


def test_a_long_run_is_reported_minute_by_minute() -> None:
    ticks = itertools.count(0, 10)
    figures = report(measure([Counting()], Sight(), 150.0, lambda: float(next(ticks))), "test", LOWEST, 1)
    assert [minute["frames"] for minute in figures["minutes"]] == [6, 6, 3]
    assert [minute["fps"] for minute in figures["minutes"]] == [0.1, 0.1, 0.1]
    assert figures["frames"] == 15 and figures["seconds"] == 150
    assert figures["decode_ms"] == {"p50": 2.0, "p99": 2.0}


def test_the_report_is_json_and_a_table_with_the_same_figures() -> None:
    ticks = itertools.count()
    figures = json.loads(
        json.dumps(report(measure([Counting()], Sight(), 3.0, lambda: float(next(ticks))), "test", LOWEST, 1))
    )
    assert {
        "fps",
        "step_ms",
        "decode_ms",
        "encode_ms",
        "core_ms_a_frame",
        "rss_mb",
        "repeats",
        "interval_ms",
        "model",
        "device",
        "worlds",
    } <= set(figures)
    assert figures["resolution"] == [480, 270]
    assert "1.0 newly sampled frames a second" in table(figures)
    assert "480x270" in table(figures)


def test_worlds_step_together_and_a_rung_is_measured_as_it_is_served() -> None:
    worlds, ticks, rung = [Counting(), Counting()], itertools.count(), LADDER[1]
    spans = measure(worlds, Sight(Enlarger.random(), fixed=rung), 8.0, lambda: float(next(ticks)))
    figures = report(spans, "test", rung, len(worlds))
    assert (figures["rung"], figures["resolution"], figures["worlds"]) == ("540p", [960, 540], 2)
    assert figures["frames"] == 16 and figures["fps"] == 2 and worlds[0].index == worlds[1].index
    assert figures["decode_ms"]["p50"] > 2.0  # the head's share beside the world's own
    assert figures["interval_ms"] == {"p50": 1000.0, "p99": 1000.0}


def test_pictures_that_would_be_shown_again_are_counted_as_a_worker_paces_them() -> None:
    assert repeats([30.0] * 48) == repeats([41.0] * 48) == 0
    assert repeats([30.0] * 10 + [200.0] + [30.0] * 10) == 3
    assert 7 <= repeats([50.0] * 48) <= 9  # 2.4 s are 57.6 slots


def test_the_bench_walks_and_turns() -> None:
    looks = [walk(frame).look_x for frame in range(200)]
    assert all(walk(frame).buttons for frame in range(200))
    assert max(looks) > 0.01 and min(looks) < -0.01


def test_a_profile_tells_of_the_world_and_not_of_who_waits_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--random-weights", "--seconds", "0.1", "--profile"]) == 0
    told = capsys.readouterr().out
    assert "omni_int8.py" in told or "omni.py" in told
    assert "world.py" in told and "acquire" not in told


def test_missing_weights_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--weights", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("mundo bench: expected a frame-tokenizer checkpoint")


def test_a_device_that_is_not_there_is_named_and_has_no_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cuda:99"]) == 2
    assert "mundo bench: expected an NVIDIA GPU for cuda:99" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--device", "cuda", "--limit"])
    assert "--limit measures this processor, and goes with --device cpu, not cuda" in capsys.readouterr().err
