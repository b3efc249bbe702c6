"""Rendering a clip: the file, the sum, the strip; with a world drawn by a formula instead of a network."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from engine.enlarging import Enlarger
from engine.render import Enlarged, RenderError, main, parse, render, write_strip
from engine.rungs import rung_named
from engine.script import Event
from engine.world import Frame, Inputs


class Gradient:
    """Brightness by seed, frame and buttons; colour fixed."""

    def __init__(self, seed: int) -> None:
        self.index, self.seed, self.said = 0, seed, ""

    def say(self, text: str) -> None:
        self.said = text

    def step(self, inputs: Inputs) -> Frame:
        level = 40 + self.seed + self.index + 20 * bool(inputs.buttons) + 40 * bool(self.said)
        y = np.full((288, 512), level, np.uint8)
        u, v = np.full((144, 256), 90, np.uint8), np.full((144, 256), 170, np.uint8)
        self.index += 1
        return Frame(self.index - 1, y, u, v, {}, [], 1.0, 1.0)


def sum_of(out: Path, seed: int = 0, events: list[Event] | None = None) -> str:
    return render(Gradient(seed), events or [], 1.0, out, [], lambda done, frames: None)[0]


def test_a_clip_may_be_of_a_higher_rung(tmp_path: Path) -> None:
    larger = Enlarged(Gradient(0), Enlarger.random(), rung_named("540p"))
    stills = render(larger, [], 0.2, tmp_path / "clip.mp4", [0.0], lambda done, frames: None)[1]
    assert stills[0][0].shape == (540, 960) and stills[0][1].shape == (270, 480)


def test_the_clip_has_every_frame_at_the_streamed_size_and_rate(tmp_path: Path) -> None:
    sum_of(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.width, stream.height, stream.average_rate) == (480, 270, 24)
    assert len(frames) == 24
    assert abs(int(frames[20].to_ndarray(format="gray")[100, 100]) - 60) < 60
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_sum_is_that_of_the_frames_and_nothing_else(tmp_path: Path) -> None:
    first = sum_of(tmp_path / "a.mp4")
    assert sum_of(tmp_path / "b.mp4") == first
    assert sum_of(tmp_path / "a.mp4", seed=1) != first
    assert sum_of(tmp_path / "a.mp4", events=[Event(0.5, buttons=1)]) != first
    assert sum_of(tmp_path / "a.mp4", events=[Event(0.5, say="night")]) != first


def test_a_clip_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    class Breaking(Gradient):
        def step(self, inputs: Inputs) -> Frame:
            if self.index == 3:
                raise RuntimeError("broke")
            return super().step(inputs)

    with pytest.raises(RuntimeError, match="broke"):
        render(Breaking(0), [], 1.0, tmp_path / "clip.mp4", [], lambda done, frames: None)
    assert list(tmp_path.iterdir()) == []


def test_the_strip_shows_the_stills_in_bt709_colours(tmp_path: Path) -> None:
    stills = render(Gradient(0), [], 2.0, tmp_path / "clip.mp4", [0.0, 1.0, 2.0], lambda done, frames: None)[1]
    write_strip(tmp_path / "strip.png", stills)
    with av.open(str(tmp_path / "strip.png")) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    assert rgb.shape == (270, 3 * 480, 3)
    for column, level in ((0, 40), (1, 64), (2, 87)):
        luma, cb, cr = (level - 16) / 219, (90 - 128) / 224, (170 - 128) / 224
        wanted = [luma + 1.5748 * cr, luma - 0.187324 * cb - 0.468124 * cr, luma + 1.8556 * cb]
        got = rgb[100, column * 480 + 200]
        assert np.allclose(got, np.clip(np.array(wanted) * 255, 0, 255), atol=3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--seconds", "0"], "at least one frame"),
        (["--seconds", "nan"], "at least one frame"),
        (["--seconds", "5", "--strip", "{}/s.png", "--at", "0,9"], "within 0..5"),
        (["--strip", "{}/s.png", "--at", "soon"], "separated by commas"),
        (["--strip", "{}/nowhere/s.png"], "no folder"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(tmp_path: Path, arguments: list[str], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        parse(["--out", str(tmp_path / "clip.mp4"), *(argument.format(tmp_path) for argument in arguments)])


def test_missing_weights_are_one_line_and_no_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "clip.mp4"), "--weights", str(tmp_path)]) == 2
    assert "expected a frame-tokenizer checkpoint" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_bad_controls_file_is_one_line_and_no_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "controls").write_text('{"buttons": ["KeyQ"]}')
    assert main(["--out", str(tmp_path / "clip.mp4"), "--controls", str(tmp_path / "controls")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "KeyQ" in said.err
    assert not (tmp_path / "clip.mp4").exists()
