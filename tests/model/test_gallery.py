"""The sheets of the gallery: what can be heard is there to be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.worlds import gallery
from model.worlds.gallery import LABEL, Strip, sheets, sounds, strip
from model.worlds.noises import RATE
from model.worlds.painter import Painter
from model.worlds.shots import Frame
from model.worlds.spectrograms import HIGH_HZ, LOW_HZ, every_sound, spectrogram


@pytest.mark.parametrize("hz", [200.0, 1000.0, 5000.0])
def test_a_tone_is_seen_at_its_octave(hz: float) -> None:
    seen = spectrogram(0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE), (80, 120)).sum((1, 2))
    row = 119 * np.log(HIGH_HZ / hz) / np.log(HIGH_HZ / LOW_HZ)
    assert np.argmax(seen) == pytest.approx(row, abs=3)


def test_every_sound_is_heard_and_has_its_own_name() -> None:
    made = list(every_sound())
    assert len({name for name, _ in made}) == len(made) >= 20
    for name, pcm in made:
        assert np.abs(pcm).max() > 0.01, f"{name} is silent"


def test_the_sheet_of_sounds_is_whole_and_labelled() -> None:
    sheet = sounds(64)
    rows = -(-len(list(every_sound())) // gallery.COLUMNS)
    assert sheet.shape == (rows * (24 + LABEL), 4 * 64, 3)
    assert "sounds" in sheets(Painter(Frame(64, 48)))


def test_a_strip_to_music_is_brighter_where_it_is_louder() -> None:
    painter = Painter(Frame(64, 48))
    row = strip(painter, Strip("aurora", "mountains", "night", "aurora", "none", camera="first", music=True))
    levels = [row[:20, 64 * k : 64 * (k + 1)].mean() for k in range(5)]
    assert levels[1] > 1.1 * levels[0] and levels[4] > 1.1 * levels[3]


def test_a_sheet_that_cannot_be_painted_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="multiples of 16; got 0 x 0"):
        gallery.main(["--out", str(tmp_path), "--width", "0"])
    with pytest.raises(SystemExit):
        gallery.main(["--out", str(tmp_path), "--width", "64", "--only", "smells"])
    assert "got smells" in capsys.readouterr().err
