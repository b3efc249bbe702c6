"""Figures with intervals, two results compared, runs that go on, and a page that needs no other file."""

import json
import re
from dataclasses import replace

import pytest
import torch

from model.evaluation import compare, plots, report, suite
from model.evaluation.figures import QUICK, Case, Figure, balanced, mean
from model.evaluation.judges import Judges
from model.evaluation.pictures import Picture
from model.evaluation.prompts import bundled
from model.evaluation.statistics import beyond_noise, beyond_noise_in_pairs, interval
from model.evaluation.suite import Estimate, Suite, SuiteError

QUICK_KEYS = [
    "tokenizer_psnr_db",
    "tokenizer_ssim",
    "next_frame_psnr_db",
    "next_frame_ssim",
    "psnr24_db",
    "psnr96_db",
    "feature_distance",
    "delta4_psnr_db",
    "action_recovery_keys",
    "action_recovery_camera",
    "response_frames",
    "revisit10_gain_db",
    "prompt_adherence",
    "prompt_switch_s",
    *(f"obeyed{name}" for name in ("", "_s", "_night", "_dusk", "_dawn", "_snow", "_rain", "_fog", "_clear")),
    "drift_worst_ratio",
    "drift_slope",
    "drift_feature_distance",
    "late_control_ratio",
    "gravity_error",
    "walking_speed_error",
    "bounce_error",
    "subject_likeness",
    "subject_kept",
    "judges",
]


def picture(value: int) -> Picture:
    half = torch.full((144, 256), 128, dtype=torch.uint8)
    return Picture(torch.full((288, 512), value, dtype=torch.uint8), half, half)


class Dice:
    """A metric that is worth its case's number; counts how often it is played."""

    name = "dice"
    figures = (Figure("eyes", "dB", "what lies on top", mean),)

    def __init__(self):
        self.played = []

    def names(self, size):
        return [f"throw {n}" for n in range(4)]

    def frames(self, number, size):
        return 10

    def case(self, number, size, player, court):
        self.played.append(number)
        if number == 3 and player == "stops":
            raise KeyboardInterrupt
        shots = {0: picture(20 + number)}
        return Case(f"throw {number}", {"eyes": float(number)}, shots, shots, {"eyes": [[0.0, 1.0], [1.0, 2.0]]})


def records(folder, metric, player="plays", who="me"):
    return suite.play(Suite("quick", QUICK, (metric,)), player, None, folder / "kept.jsonl", who, lambda text: None)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    first, second = Dice(), Dice()
    with pytest.raises(KeyboardInterrupt):
        records(tmp_path, first, "stops")
    kept = tmp_path / "kept.jsonl"
    kept.write_text(kept.read_text()[:-40])  # the last line was cut short
    assert [r["values"]["eyes"] for r in records(tmp_path, second)] == [0, 1, 2, 3]
    assert first.played == [0, 1, 2, 3] and second.played == [2, 3]


def test_a_run_says_how_long_it_takes_by_the_frames_that_are_left():
    now_s = iter([0.0, 60.0, 90.0])
    ends = Estimate(400, lambda: next(now_s))
    assert ends.after(100) == "about 3 min left" and ends.after(200) == "about 1 min left"


def test_every_case_of_full_says_how_many_frames_it_plays():
    full = suite.suite_of("full", bundled(), 10)
    frames = {m.name: [m.frames(n, full.size) for n, _ in enumerate(m.names(full.size))] for m in full.metrics}
    assert all(min(of) > 0 for of in frames.values())
    assert max(frames["memory"]) > 300 * 24 and frames["drift"] == [24 * 600] * full.size.drifts


def test_what_another_one_did_is_not_taken_up(tmp_path):
    records(tmp_path, Dice())
    other = Dice()
    records(tmp_path, other, who="somebody else")
    assert other.played == [0, 1, 2, 3]


def test_the_summary_has_six_numbers_a_figure_and_says_what_is_unusable(tmp_path):
    weak, chosen = Judges.load(), suite.suite_of("quick", bundled(), 1)
    weak.accuracy = {name: dict.fromkeys(of, 0.5) for name, of in weak.accuracy.items()}
    figures = suite.summary(chosen, weak, [], [], [])
    assert list(figures) == QUICK_KEYS
    assert all(set(of) >= {"value", "low", "high", "ceiling", "floor", "n"} for of in figures.values())
    assert set(figures["judges"]["unusable"]) == {
        f.name for metric in chosen.metrics for f in metric.figures if f.rests_on
    }
    found = suite.summary(Suite("quick", QUICK, (Dice(),)), weak, *[records(tmp_path, Dice())] * 3)["eyes"]
    assert set(found) == {"value", "low", "high", "ceiling", "floor", "n", "cases"}
    assert sorted(found["cases"].values()) == [0, 1, 2, 3]
    assert found["value"] == 1.5 and found["low"] < 1.5 < found["high"] and found["n"] == 4


def test_full_adds_the_longer_ones_and_languages_apart():
    names = {f.name for metric in suite.suite_of("full", bundled(), 60).metrics for f in metric.figures}
    assert {"revisit60_gain_db", "revisit300_gain_db", "prompt_adherence_en", "prompt_adherence_pt"} <= names


@pytest.mark.parametrize(
    ("name", "message"),
    [("sound", "expected a suite of quick, full, fidelity"), ("quik", "expected a suite of quick, full, fidelity")],
)
def test_what_cannot_be_measured_is_said(name, message):
    with pytest.raises(SuiteError, match=message):
        suite.suite_of(name, bundled(), 1)


def test_intervals_come_from_cases_and_noise_is_told_from_difference():
    low, high = interval([0.0, 1.0] * 50, mean)
    assert 0.35 < low < 0.5 < high < 0.65
    assert balanced([[["a", "a"], ["a", "b"]], [["b", "b"]]]) == 0.75
    assert beyond_noise((10, 9, 11), (14, 13, 15)) and not beyond_noise((10, 9, 11), (10.8, 9.8, 11.8))


def result(value: float, spread: float = 0.5, ceiling: float = 40.0, floor: float = 10.0) -> dict:
    figure = {"value": value, "low": value - spread, "high": value + spread, "ceiling": ceiling, "floor": floor, "n": 9}
    return {"psnr24_db": figure, "judges": {**figure, "unusable": []}}


def test_two_results_are_compared_beyond_noise_and_towards_the_ceiling():
    def verdict(a, b):
        return compare.differences(a, b)[0].verdict

    assert verdict(result(20), result(22)) == "better" and verdict(result(22), result(20)) == "worse"
    assert verdict(result(20), result(20.4)) == "same"
    errors = {"ceiling": 0.0, "floor": 9.0}
    assert verdict(result(5, **errors), result(3, **errors)) == "better"
    weak = result(30)
    weak["judges"]["unusable"] = ["psnr24_db"]
    assert verdict(result(20), weak) == "unusable"
    assert "worse beyond noise in psnr24_db" in compare.table(compare.differences(result(22), result(20)))


def test_the_same_cases_are_compared_one_by_one():
    hard = [10.0 + i for i in range(20)]  # far apart, so that intervals alone would say nothing
    first = result(19.5, spread=3)
    first["psnr24_db"]["cases"] = {f"case {i}": value for i, value in enumerate(hard)}

    def moved(by):
        second = result(19.5 + by, spread=3)
        second["psnr24_db"]["cases"] = {f"case {i}": v + by + 0.2 * (-1) ** i for i, v in enumerate(hard)}
        return second

    def verdict(second):
        return compare.differences(first, second)[0].verdict

    assert verdict(moved(0.5)) == "better" and verdict(moved(-0.5)) == "worse" and verdict(moved(0.0)) == "same"
    few = moved(0.5)
    few["psnr24_db"]["cases"] = {"case 0": 11.0}
    assert verdict(few) == "same"
    with pytest.raises(ValueError, match="as many cases"):
        beyond_noise_in_pairs([1.0], [1.0, 2.0])


def test_axes_have_round_numbers():
    assert plots.ticks(5.5, 55.0) == [10, 20, 30, 40, 50] and plots.ticks(0.0, 4.0) == [0, 1, 2, 3, 4]
    assert plots.ticks(0.986, 1.001) == pytest.approx([0.99, 0.995, 1.0]) and plots.ticks(3.0, 3.0) == [3]


def test_a_file_that_is_no_result_is_refused(tmp_path):
    path = tmp_path / "a.json"
    for content, message in (("[]", "expected the figures"), ("{", "not JSON"), ('{"judges": {}}', "to have value")):
        path.write_text(content)
        with pytest.raises(compare.ResultError, match=message):
            compare.read(path)


def test_the_report_is_one_page_with_strips_plots_and_the_worst_case(tmp_path):
    chosen = Suite("quick", QUICK, (Dice(),))
    played = records(tmp_path, chosen.metrics[0])
    figures = suite.summary(chosen, Judges.load(), played, played, played)
    page = report.html("<me>", chosen, figures, played, played)
    assert "&lt;me&gt;" in page and "worst: 0 dB (throw 0)" in page and "best: 3 dB (throw 3)" in page
    assert page.count("data:image/jpeg;base64,") == 3 and page.count("<polyline") == 5
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "eyes" in report.text("me", figures)
    assert "| `eyes` | 1.5 (0.5 to 2.5) |" in report.table({"me": figures, "you": figures})
    assert json.loads(json.dumps(figures)) == figures
    assert "Nothing falls far short" in page
    short = report.html(
        "me", chosen, {**figures, "eyes": {**figures["eyes"], "floor": 1.0, "ceiling": 3.0}}, played, []
    )
    assert "<b>eyes</b> (25 %): what lies on top: 1.5 dB, at best 3" in short and "eyes, worst: 0 dB (throw 0)" in short
    assert short.count("data:image/jpeg;base64,") == 3 and short.count("dashed") == 0 and page.count("dashed") == 1
    lower = replace(Dice.figures[0], higher_is_better=False)
    chosen.metrics[0].figures = (lower,)
    assert "worst: 3 dB (throw 3)" in report.html("me", chosen, figures, played, [])
