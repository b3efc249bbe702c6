"""The suites of sound and voice: figures like all others, beside their ceiling and their floor."""

import json

import pytest

from engine import evaluate
from model.evaluation.compare import NUMBERS, read
from model.evaluation.metrics import sound
from model.voice.batches import Utterances

FEW = 12


@pytest.fixture
def told(tmp_path):
    def run(name, *arguments):
        paths = ["--json", str(tmp_path / "a.json"), "--report", str(tmp_path)]
        assert evaluate.main(["--suite", name, *paths, *arguments]) == 0
        return read(tmp_path / "a.json"), (tmp_path / "index.html").read_text("utf-8")

    return run


def test_sound_lies_between_its_floor_and_its_ceiling_and_its_spectrograms_are_shown(told, monkeypatch, capsys):
    monkeypatch.setattr(sound, "RECORDINGS", 2)
    figures, page = told("sound")
    assert "onset_f1" in capsys.readouterr().out
    for name in ("envelope_correlation", "onset_f1", "listening_f1"):
        assert figures[name]["floor"] < figures[name]["value"] < 1.0001, (name, figures[name])
        assert set(NUMBERS) <= set(figures[name]) and figures[name]["n"] == 2
    assert figures["onset_f1"]["ceiling"] > 0.85 and figures["listening_f1"]["ceiling"] > 0.98
    assert figures["imagined_spectrum_db"]["ceiling"] < figures["imagined_spectrum_db"]["value"]
    assert page.count("data:image/jpeg") == 2 and "envelope_correlation" in page
    assert json.dumps(figures["judges"]["unusable"]) == "[]"


def test_voice_is_told_by_utterance_and_by_minute(told, monkeypatch):
    monkeypatch.setattr(Utterances, "count", property(lambda self: FEW))
    figures, page = told("voice", "--minutes", "0.5")
    right = figures["attributes_right_15_db"]
    assert 0 < right["n"] <= FEW and right["floor"] < right["value"] <= right["ceiling"] == 1
    assert figures["obeyed_5_db"]["floor"] == 0
    for what in ("music", "noise", "foreign"):
        found = figures[f"false_{what}"]
        assert found["n"] == 1 and found["ceiling"] == 0 < found["floor"] and found["value"] < found["floor"] / 4
    assert "false_foreign" in page
