"""Worlds in several processes: how they are shared out, begun and ended, and what their figures come to together."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from engine.bench import main, report, table
from engine.crowd import Begin, PartFailed, shares, threads_each, together
from engine.meter import Meter
from engine.rungs import LOWEST
from engine.spans import Span, joined, total


def told(worlds: range, begin: Begin) -> tuple[int, list[int], float, float]:
    """A share that says who did it, when it was ready and when it went on; the second one takes longer to be ready."""
    time.sleep(0.3 * worlds[0])
    ready_s = time.monotonic()
    begin()
    return os.getpid(), list(worlds), ready_s, time.monotonic()


def refused(worlds: range, begin: Begin) -> None:
    if worlds[0] == 1:
        raise PartFailed("there is no such world")
    begin()


def gone(worlds: range, begin: Begin) -> None:
    begin()
    if worlds[0] == 1:
        os._exit(7)
    time.sleep(60)


def test_worlds_are_shared_out_evenly() -> None:
    assert [list(share) for share in shares(5, 2)] == [[0, 2, 4], [1, 3]]
    assert [list(share) for share in shares(3, 3)] == [[0], [1], [2]]


@pytest.mark.parametrize("processes", [0, -1, 4])
def test_more_processes_than_worlds_or_none_are_refused(processes: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 to 3 processes for 3 worlds, got {processes}"):
        shares(3, processes)


def test_cores_are_shared_out_among_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    assert [threads_each(processes) for processes in (1, 2, 4, 5, 16, 40)] == [4, 4, 4, 3, 1, 1]


def test_every_share_has_a_process_of_its_own_and_all_begin_once_the_last_is_ready() -> None:
    parts = together(told, 3, 2)
    assert [worlds for _, worlds, _, _ in parts] == [[0, 2], [1]]
    assert len({pid for pid, *_ in parts} | {os.getpid()}) == 3
    assert min(begun_s for *_, begun_s in parts) >= max(ready_s for _, _, ready_s, _ in parts)


def test_one_that_cannot_do_its_part_is_heard_and_nobody_waits_for_it() -> None:
    with pytest.raises(PartFailed, match="^there is no such world$"):
        together(refused, 2, 2)


def test_one_that_dies_is_noticed_and_the_others_end_with_it() -> None:
    began_s = time.monotonic()
    with pytest.raises(PartFailed, match="a process ended with code 7"):
        together(gone, 2, 2)
    assert time.monotonic() - began_s < 30


def span(seconds: float, frame_ms: list[float], core_s: float, rss_mb: float) -> Span:
    meter = Meter(frame_ms, [each / 2 for each in frame_ms], [1.0] * len(frame_ms))
    return Span(seconds, core_s, rss_mb, rss_mb + 10, meter, [list(frame_ms)])


def test_the_joined_figures_are_what_the_parts_say() -> None:
    one = [span(60.0, [30.0] * 6, 12.0, 500.0), span(30.0, [40.0] * 3, 6.0, 510.0)]
    two = [span(61.0, [50.0] * 4, 10.0, 600.0), span(30.5, [300.0] * 2, 5.0, 620.0)]
    figures = report(joined([one, two]), "test", LOWEST, 4)
    assert (figures["worlds"], figures["processes"], figures["frames"]) == (4, 2, 15)
    assert figures["seconds"] == 91.5 and figures["fps"] == round(15 / 91.5, 2)
    assert figures["core_ms_a_frame"] == round(33e3 / 15, 1)
    assert figures["rss_mb"] == 1130.0 and figures["peak_rss_mb"] == 1150.0
    assert figures["step_ms"]["p50"] == 40.0 and figures["interval_ms"] == figures["step_ms"]
    assert figures["decode_ms"]["p50"] == 20.0 and figures["encode_ms"]["p99"] == 1.0
    assert [minute["frames"] for minute in figures["minutes"]] == [10, 5]
    assert figures["minutes"][0]["rss_mb"] == 1100.0 and figures["minutes"][1]["core_ms_a_frame"] == 2200.0
    assert "worlds: 4 in 2 processes" in table(figures)


def test_pictures_shown_again_are_counted_in_each_process_and_the_worst_is_told() -> None:
    calm, hurried = span(2.0, [30.0] * 40, 1.0, 1.0), span(2.0, [100.0] * 20, 1.0, 1.0)
    alone = [total([each]).figures()["repeats"] for each in (calm, hurried)]
    assert alone[0] == 0 < alone[1] == total(joined([[calm], [hurried]])).figures()["repeats"]


def test_two_processes_measure_their_worlds_together(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert main(["--random-weights", "--worlds", "3", "--processes", "2", "--seconds", "1", "--json", str(file)]) == 0
    figures = json.loads(file.read_text("utf-8"))
    assert (figures["worlds"], figures["processes"]) == (3, 2)
    assert figures["frames"] >= 3 and figures["seconds"] >= 1
    assert figures["rss_mb"] > 400  # two processes with networks of their own
    assert figures["tflops"] > 0


def test_what_one_process_lacks_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--weights", str(tmp_path), "--worlds", "2", "--processes", "2"]) == 2
    assert capsys.readouterr().err.startswith("mundo bench: expected a frame-tokenizer checkpoint")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--processes", "0"], "--processes is 1 to as many as there are worlds, 1, not 0"),
        (["--worlds", "2", "--processes", "3"], "--processes is 1 to as many as there are worlds, 2, not 3"),
        (["--worlds", "2", "--processes", "2", "--profile"], "--profile looks into one process, not 2"),
    ],
)
def test_processes_that_make_no_sense_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err
