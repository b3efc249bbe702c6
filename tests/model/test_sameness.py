"""Worlds are drawn the same as fragments and as compute shaders, one by one and in turn."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.worlds import sameness
from model.worlds.clips import start
from model.worlds.films import play
from model.worlds.lands import land
from model.worlds.opengl import NoRenderer
from model.worlds.painter import Painter
from model.worlds.passes import ASKED, COMPUTE, FRAGMENTS, way
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer, View
from model.worlds.sameness import CROP, apart, films, walks
from model.worlds.shots import Camera, Frame, Heaven, Shot
from model.worlds.terrain import bake

SMALL = Frame(128, 80)


@pytest.mark.parametrize("frame", [SMALL, CROP], ids=["whole", "crop"])
def test_both_ways_draw_the_same_worlds(frame: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {}
    for one in (FRAGMENTS, COMPUTE):
        monkeypatch.setenv(ASKED, one)
        with (gl := Renderer(64, 48).gl):
            assert way(gl) == one
        drawn[one] = walks(4, frame) | films("nano", 4, frame) | films("full", 8, frame)
    found = apart(drawn[FRAGMENTS], drawn[COMPUTE])
    assert max(mean for mean, *_ in found.values()) < 0.02, found
    assert min(drawn[COMPUTE][f"{name}/y"].std() for name in ("walks", "nano", "full")) > 5, "pictures of something"


def test_a_crop_is_a_part_of_the_whole_by_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, COMPUTE)
    y = walks(2, Frame(256, 144))["walks/y"][:, 144 - 32 - 80 : 144 - 32, 64 : 64 + 128].astype(int)
    assert np.abs(y - walks(2, CROP)["walks/y"]).mean() < 0.02


@pytest.mark.parametrize("asked", [FRAGMENTS, COMPUTE])
def test_views_drawn_in_turn_are_those_drawn_one_by_one(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, asked)
    renderer, terrain = Renderer(128, 80), bake("meadow", 3)
    renderer.enter(terrain)
    at = start(terrain, np.random.default_rng(3))
    views = [View(at.x, at.y, at.z, at.yaw + turn, at.pitch) for turn in range(7)]
    found = list(renderer.draw_each(views))
    alone = [renderer.draw(view) for view in views]
    assert all((a.y == b.y).all() and (a.depth == b.depth).all() for a, b in zip(found, alone, strict=True))
    assert not (alone[0].y == alone[1].y).all()


def test_shots_painted_in_turn_may_be_left_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, COMPUTE)
    painter, shots = Painter(SMALL), [moment.shot for _, _, moment, _, _ in play(1, profile("nano"), 6)]
    painter.enter(next(play(1, profile("nano"), 1))[1])
    first = next(painter.paint_each(shots))
    assert (first.rgb == painter.paint(shots[0]).rgb).all()
    in_turn = list(painter.paint_each(shots))
    assert all((a.rgb == painter.paint(s).rgb).all() for a, s in zip(in_turn, shots, strict=True))


def test_the_nearest_of_many_solids_stays_by_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than a group of pixels looks for at once, in both orders."""
    monkeypatch.setenv(ASKED, COMPUTE)
    painter = Painter(SMALL)
    painter.enter(land("moon", 1))
    row = np.array([0, 0, 0, 0, 2, 2, 0.1, 7, 0, 0, 0, 0, 2, 3, 0, 0], np.float32)
    rows = np.tile(row, (150, 1))
    rows[:, 1], rows[:, 2], rows[:, 8] = 60, 10 + 0.1 * np.arange(150), np.arange(150) / 150
    camera = Camera(0.0, 60.0, 0.0, 0.0)
    for order in (rows, rows[::-1]):
        painted = painter.paint(Shot(camera, Heaven(), solids=np.ascontiguousarray(order)))
        assert painted.distance_m[40, 64] == pytest.approx(9.9, abs=0.02)


def test_apart_names_what_differs() -> None:
    one = {"walks/y": np.zeros((2, 4, 4), np.uint8), "nano/materials": np.zeros((1, 2, 2), np.uint8)}
    other = {"walks/y": one["walks/y"].copy(), "nano/materials": np.full((1, 2, 2), 9, np.uint8)}
    other["walks/y"][1] = 200
    assert apart(one, other) == {"walks/y": [100.0, 200.0, 200.0, 0.5], "nano/materials": [1.0, 1.0, 1.0, 1.0]}
    assert not sameness.told(apart(one, other)) and sameness.told(apart(one, one))
    with pytest.raises(ValueError, match="expected the same planes"):
        apart(one, {})


def test_what_was_written_elsewhere_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sameness, "everything", lambda: walks(1, SMALL))
    path = tmp_path / "drawn.npz"
    sameness.main(["--write", str(path)])
    with pytest.raises(SystemExit) as ended:
        sameness.main(["--against", str(path)])
    assert ended.value.code == 0 and "walks/y: mean 0.0000" in capsys.readouterr().out


def test_a_machine_without_compute_shaders_draws_fragments() -> None:
    asks = "from model.worlds.renderer import Renderer; from model.worlds.passes import way; gl = Renderer(64, 48).gl\n"
    old = {**os.environ, "MESA_GL_VERSION_OVERRIDE": "3.3"}
    told = subprocess.run([sys.executable, "-c", f"{asks}with gl: print(way(gl), gl.version_code)"], env=old,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert told.stdout.split() == [FRAGMENTS, "330"] and not told.stderr


def test_an_unknown_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, "pencil")
    with pytest.raises(NoRenderer, match="MUNDO_PASSES is compute or fragments; got pencil"):
        Renderer(64, 48)
