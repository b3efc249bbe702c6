"""The films of the wall: the look comes home, a loop has no seam, a film is small; those that lie on the wall are such.
Renders nothing: what the weights show is painted here."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.script import controls_at, read
from scripts import wall
from server.templates import Template, loop_of

ROWS, COLUMNS = 72, 128
MOST_SEAM = 3.0  # grey levels on average, beside what moves from frame to frame


def shown(path: Path) -> Any:
    """The film's grey pictures: [N, rows, columns]."""
    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="gray") for frame in film.decode(video=0)]).astype(np.float32)


def seam_and_most(pictures: Any) -> tuple[float, float]:
    """How much changes from the last picture to the first one, and at most from one to the next."""
    steps = np.abs(np.diff(np.concatenate([pictures, pictures[:1]]), axis=0)).mean(axis=(1, 2))
    return float(steps[-1]), float(steps[:-1].max())


@pytest.fixture(scope="module")
def clip() -> Any:
    """A place that the look passes over, and that is darker on every return."""
    columns = np.arange(COLUMNS)
    frames = wall.LOOP_FRAMES + wall.OVERLAP_FRAMES
    clip = np.full((frames, ROWS * 3 // 2, COLUMNS), 128, np.uint8)
    for frame in range(frames):
        phase = 40 * wall.yaw_rad(frame, wall.LOOK_RAD) + columns / 10
        clip[frame, :ROWS] = np.rint(120 + 60 * np.sin(phase) - 0.4 * frame)
    return clip


def test_the_look_comes_home_and_each_frame_of_the_overlap_looks_where_one_of_the_loop_did(tmp_path: Path) -> None:
    script = tmp_path / "controls.json"
    script.write_text(json.dumps(wall.controls(0.16)))
    events, frames = read(script), range(wall.LOOP_FRAMES + wall.OVERLAP_FRAMES)
    yaws = list(accumulate(controls_at(events, frame).look_x for frame in frames))
    assert max(yaws) == pytest.approx(0.16, abs=1e-6)
    for frame in range(wall.OVERLAP_FRAMES):
        assert yaws[frame + wall.LOOP_FRAMES] == pytest.approx(yaws[frame], abs=1e-6)


def test_a_clip_that_does_not_come_home_becomes_a_loop_without_a_seam(clip: Any, tmp_path: Path) -> None:
    path = tmp_path / "meadow.mp4"
    wall.write(clip[: wall.LOOP_FRAMES], path, 18)
    seam, _ = seam_and_most(shown(path))
    assert seam > 10 * MOST_SEAM
    wall.fitted(wall.closed(clip), path)
    pictures = shown(path)
    seam, most = seam_and_most(pictures)
    assert len(pictures) == wall.LOOP_FRAMES and seam < 1.2 * most and most < 12, (seam, most)


def test_a_film_that_is_too_large_is_made_again_and_one_that_never_fits_leaves_nothing(
    clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "meadow.mp4"
    best = wall.write(clip, path, wall.QUALITIES[0])
    monkeypatch.setattr(wall, "MOST_BYTES", best - 1)
    assert wall.fitted(clip, path) > wall.QUALITIES[0] and path.stat().st_size < best
    path.unlink()
    monkeypatch.setattr(wall, "MOST_BYTES", 100)
    monkeypatch.setattr(wall, "QUALITIES", range(43, 45))
    with pytest.raises(SystemExit, match="meadow.mp4: more than 100 bytes"):
        wall.fitted(clip, path)
    assert list(tmp_path.iterdir()) == []


def test_a_template_has_a_loop_where_its_film_lies(tmp_path: Path) -> None:
    (tmp_path / "meadow.mp4").touch()
    assert loop_of(Template(id="meadow", title={}), tmp_path) == (tmp_path / "meadow.mp4").resolve()
    assert loop_of(Template(id="shore", title={}), tmp_path) is None
    inner = tmp_path / "inner"
    inner.mkdir()
    assert loop_of(Template(id="../meadow", title={}), inner) is None


@pytest.mark.parametrize("path", sorted(wall.WALL.glob("*.mp4")), ids=lambda path: path.stem)
def test_what_lies_on_the_wall_is_small_and_closes(path: Path) -> None:
    assert path.stat().st_size <= wall.MOST_BYTES
    seam, most = seam_and_most(shown(path))
    assert seam < max(MOST_SEAM, most), (seam, most)
