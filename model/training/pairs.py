"""Views drawn twice, at 512x288 and a window of them at 2048x1152: python -m model.training.pairs --seeds A:B.
Knows the simulator, and what the engine does to pictures before anybody sees them; nothing of what trains on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from math import cos, sin
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir
from model.geometry import reproject
from model.planes import HEIGHT, WIDTH, pack, unpack
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import Eyes, quick_tokenizer
from model.worlds.cache import asked
from model.worlds.clips import path_of, start
from model.worlds.opengl import Picture
from model.worlds.renderer import Renderer, View
from model.worlds.streaming import share
from model.worlds.terrain import PLACES, Terrain, bake
from model.worlds.walker import EYE_M, floor
from model.worlds.weather import TIMES, WEATHERS, Sky, settled

A_WORLD = 6  # views of each world
FINEST = 4  # times as high and wide
WINDOW = (WIDTH // 2, HEIGHT // 2)  # columns and rows of 512x288 that are also drawn in full resolution
CANDIDATES = 3  # windows of which the most detailed is drawn, for three of four: most of a landscape is smooth
WEATHER_SHARES = (0.4, 0.2, 0.14, 0.13, 0.13)
KINDS = ("drawn", "generated", "moved")  # as the simulator draws it, as the tokenizer does, as seen from elsewhere


def draw(world: int, coarse: Renderer, fine: Renderer, eyes: Eyes) -> dict[str, Tensor]:
    """A_WORLD windows of a world. y [N, 3, 144, 256], u, v [N, 3, 72, 128]: in the order of KINDS;
    fine_y [N, 576, 1024], fine_u, fine_v [N, 288, 512]: the truth."""
    rng = np.random.default_rng([world, 11])
    terrain = bake(PLACES[world % len(PLACES)], world)
    for renderer in (coarse, fine):
        renderer.enter(terrain)
    rows: dict[str, list[Tensor]] = {name: [] for name in ("y", "u", "v", "fine_y", "fine_u", "fine_v")}
    for _ in range(A_WORLD):
        weather = str(rng.choice(WEATHERS, p=WEATHER_SHARES))
        view = view_of(terrain, settled(str(rng.choice(TIMES)), weather, rng), rng)
        planes = [_bytes(picture) for picture in _as_served(view, terrain, coarse, eyes, rng)]
        left, top = _window(planes[0][0], rng)
        for name, kinds, shrink in zip("yuv", zip(*planes, strict=True), (1, 2, 2), strict=True):
            window = (
                slice(top // shrink, (top + WINDOW[1]) // shrink),
                slice(left // shrink, (left + WINDOW[0]) // shrink),
            )
            rows[name].append(torch.stack([kind[window] for kind in kinds]))
        truth = fine.draw(view, (FINEST * left, FINEST * top))
        for name in "yuv":
            rows[f"fine_{name}"].append(torch.from_numpy(getattr(truth, name)))
    return {name: torch.stack(parts) for name, parts in rows.items()}


def view_of(terrain: Terrain, sky: Sky, rng: np.random.Generator) -> View:
    """What somebody sees who stands somewhere in this world."""
    at = start(terrain, rng)
    return View(at.x, at.y, at.z, at.yaw, at.pitch, **asdict(sky), clock=float(rng.uniform(0, 60)))


def _as_served(view: View, terrain: Terrain, renderer: Renderer, eyes: Eyes, rng: np.random.Generator) -> list[Tensor]:
    """The view's planes [1, 7, 144, 256] in the order of KINDS."""
    drawn = _planes(renderer.draw(view))
    generated = eyes.decode(eyes.encode(drawn)).clamp(-1, 1)
    back_m, aside_m = rng.choice([0.3, 1.0, 3.0]) * rng.uniform(0, 1), rng.normal(0, 0.2)
    c, s = cos(view.yaw), sin(view.yaw)
    x, z = view.x - back_m * s + aside_m * c, view.z - back_m * c - aside_m * s
    y = view.y + floor(terrain, x, z) + EYE_M - (floor(terrain, view.x, view.z) + EYE_M)
    before = replace(
        view,
        x=x,
        y=y,
        z=z,
        yaw=view.yaw + rng.normal(0, 0.12),
        pitch=float(np.clip(view.pitch + rng.normal(0, 0.04), -0.6, 0.6)),
    )
    poses = [torch.tensor([[v.x, v.y, v.z, v.yaw, v.pitch]]) for v in (before, view)]
    seen, known = reproject(_planes(renderer.draw(before)), *poses)
    return [drawn, generated, torch.where(known > 0, seen, generated)]


def _planes(picture: Picture) -> Tensor:
    depth = picture.depth.astype(np.int32)
    y, u, v, code = (torch.from_numpy(part) for part in (picture.y, picture.u, picture.v, depth))
    return pack(y, u, v, code)[None]


def _bytes(planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    y, u, v = (part[0] for part in unpack(planes))
    return y, u, v


def _window(y: Tensor, rng: np.random.Generator) -> tuple[int, int]:
    """Left column and top row, even, of a window of y [288, 512]."""

    def detail(corner: tuple[int, int]) -> float:
        left, top = corner
        seen = y[top : top + WINDOW[1], left : left + WINDOW[0]].float()
        return float(seen.diff(dim=0).abs().mean() + seen.diff(dim=1).abs().mean())

    columns, rows = (WIDTH - WINDOW[0]) // 2, (HEIGHT - WINDOW[1]) // 2
    corners = [(2 * int(rng.integers(columns + 1)), 2 * int(rng.integers(rows + 1))) for _ in range(CANDIDATES)]
    return corners[0] if rng.uniform() < 0.25 else max(corners, key=detail)


def _work(folder: Path, worlds: Sequence[int]) -> None:
    torch.set_num_threads(1)
    coarse = Renderer()
    fine = Renderer(FINEST * WIDTH, FINEST * HEIGHT, (FINEST * WINDOW[0], FINEST * WINDOW[1]))
    eyes = quick_tokenizer(FrameTokenizer.load(WEIGHTS / "tokenizer.safetensors"), None)
    for world in worlds:
        path = path_of(folder, world)
        if path.exists():
            continue
        partial_ = path.with_suffix(".tmp")
        save_file({name: part.contiguous() for name, part in draw(world, coarse, fine, eyes).items()}, partial_)
        partial_.rename(path)
        print(f"world {world}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=cache_dir() / "pairs-nano")
    options, worlds = asked(parser, arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    share(partial(_work, options.out), worlds, options.processes)


if __name__ == "__main__":
    main()
