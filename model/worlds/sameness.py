"""Whether two machines, or two ways on one, draw the same worlds: `python -m model.worlds.sameness --write FILE` here,
`--against FILE` there; `--ways` draws as fragments and as compute shaders. Knows pictures of seeds and how far they are
apart; refuses to know how they are drawn."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.worlds.clips import start
from model.worlds.films import play
from model.worlds.opengl import NoRenderer, Picture
from model.worlds.painter import Painter
from model.worlds.passes import ASKED, COMPUTE, FRAGMENTS, way
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer, View
from model.worlds.shots import Frame
from model.worlds.streaming import CLIPS
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import TIMES, WEATHERS, settled

WHOLE, CROP = Frame(256, 144), Frame(128, 80, 64, 32, 256, 144)
WORLDS = 8  # of each profile
FILM_FRAME = 30  # of a film: by then events have begun
LIMIT = 1.0  # of 255: the mean difference of a profile's colours under which they are the same
Planes = dict[str, NDArray[np.generic]]  # by "profile/plane": [N, H, W]


def walks(worlds: int, frame: Frame) -> Planes:
    """What somebody who stands in each of the worlds 0, 1, ... sees: planes as in opengl.Picture."""
    renderer, pictures = Renderer(*frame.whole, (frame.width, frame.height)), []
    for seed in range(worlds):
        terrain, rng = bake(PLACES[seed % len(PLACES)], seed), np.random.default_rng([seed, 52])
        renderer.enter(terrain)
        sky = asdict(settled(TIMES[seed // 2 % len(TIMES)], WEATHERS[seed % len(WEATHERS)], rng))
        at = start(terrain, rng)
        view = View(at.x, at.y, at.z, at.yaw, at.pitch, **sky, clock=5.0)
        pictures.append(renderer.draw(view, (frame.left, frame.whole[1] - frame.low - frame.height)))
    return _stacked(CLIPS, pictures)


def films(name: str, worlds: int, frame: Frame) -> Planes:
    """A frame of each of a profile's films 0, 1, ...: planes as in opengl.Picture, and materials as in Painting."""
    painter, pictures, materials = Painter(frame), [], []
    for seed in range(worlds):
        *_, (_, land, moment, _, _) = play(seed, profile(name), FILM_FRAME + 1)
        painter.enter(land)
        pictures.append(painter.planes(moment.shot))
        materials.append(painter.paint(moment.shot).materials)
    return _stacked(name, pictures) | {f"{name}/materials": np.stack(materials)}


def _stacked(name: str, pictures: Sequence[Picture]) -> Planes:
    return {f"{name}/{part}": np.stack([getattr(p, part) for p in pictures]) for part in ("y", "u", "v", "depth")}


def everything(worlds: int = WORLDS, frame: Frame = WHOLE) -> Planes:
    """So many worlds of all profiles. Raises NoRenderer."""
    return walks(worlds, frame) | films("nano", worlds, frame) | films("full", worlds, frame)


def apart(one: Mapping[str, NDArray[np.generic]], other: Mapping[str, NDArray[np.generic]]) -> dict[str, list[float]]:
    """By plane: the mean difference, of the codes' own unit (y, u, v of 255, depth of 65535, materials 1 where they are
    not the same); the mean of the picture that is furthest off; the greatest; the share of pixels that differ. Raises
    ValueError where they are not of the same worlds."""
    if one.keys() != other.keys() or any(one[name].shape != other[name].shape for name in one):
        raise ValueError(f"expected the same planes; got {_shapes(one)} and {_shapes(other)}")
    found = {}
    for name in one:
        off = np.abs(one[name].astype(np.int64) - other[name].astype(np.int64))
        off = np.minimum(off, 1) if name.endswith("materials") else off
        each = off.reshape(len(off), -1).mean(1)
        found[name] = [float(each.mean()), float(each.max()), float(off.max()), float((off > 0).mean())]
    return found


def _shapes(planes: Mapping[str, NDArray[np.generic]]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in planes.items())


def told(found: Mapping[str, Sequence[float]]) -> bool:
    """Prints how far planes are apart; whether every profile's y, u and v are under LIMIT in the mean."""
    for name, (mean, worst, most, share) in found.items():
        print(f"{name}: mean {mean:.4f}, worst picture {worst:.4f}, most {most:.0f}, {share:.3%} of pixels")
    means = [found[name][0] for name in found if name.rsplit("/")[-1] in ("y", "u", "v")]
    print(
        f"mean of y, u and v {np.mean(means):.4f} of 255 at {WORLDS} worlds a profile; {LIMIT:.0f} is the limit of each"
    )
    return max(means) < LIMIT


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--write", type=Path, metavar="FILE", help="an .npz of what this machine draws")
    asked.add_argument("--against", type=Path, metavar="FILE")
    asked.add_argument("--ways", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.ways:
            sys.exit(not told(apart(*(_by(one) for one in (FRAGMENTS, COMPUTE)))))
        gl = Renderer(*WHOLE.whole).gl
        with gl:
            print(f"by {gl.info['GL_RENDERER']}, {way(gl)}", flush=True)
        drawn = everything()
    except NoRenderer as error:
        sys.exit(str(error))
    if options.write:
        with options.write.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **drawn)
    else:
        with np.load(options.against, allow_pickle=False) as file:
            sys.exit(not told(apart(drawn, dict(file))))


def _by(one: str) -> Planes:
    os.environ[ASKED] = one
    return everything()


if __name__ == "__main__":
    main()
