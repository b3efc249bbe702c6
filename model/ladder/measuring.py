"""How the upper rungs compare with a bicubic enlargement: python -m model.ladder.measuring --pairs DIR --json FILE.
Knows held-out pairs and a slow pan through the simulator; nothing of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import cache_dir
from model.ladder.network import SCALES, Ladder, Planes, bicubic
from model.measuring import command, measured
from model.planes import HEIGHT, WIDTH
from model.training.losses import psnr
from model.training.pairs import FINEST, KINDS, WINDOW, view_of
from model.training.pictures import NoClips
from model.worlds import clips
from model.worlds.clips import HELD_OUT
from model.worlds.renderer import Renderer
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import settled

FILE = "ladder.safetensors"
PAN_WORLDS, PAN_FRAMES = (0, 17, 34, 51), 9  # held out, a place each
PAN_RAD = 0.06 / 24  # a frame: two thirds of a pixel of the lowest rung

BYTES = 219.0  # from black to white
RIM = 8  # cells of chroma at a window's rim that do not count: the network sees nothing beyond them there


def held_out(path: Path) -> bool:
    """Whether a file's world is kept for validation, by the rule of the clips."""
    return int(path.stem) % HELD_OUT == 0


def sharpness(luma: Tensor) -> float:
    """Mean square step between neighbouring pixels of [H, W]."""
    return float(luma.diff(dim=0).square().mean() + luma.diff(dim=1).square().mean())


class Enlarged(NamedTuple):
    """One held-out view: figures by name, and luma in full resolution of what the simulator drew small, as the network,
    as the bicubic enlargement, and as it truly is, [h, w] each."""

    name: str
    figures: dict[str, float]
    network: Tensor
    bicubic: Tensor
    truth: Tensor


@torch.inference_mode()
def enlarged(ladder: Ladder, folder: Path, count: int) -> Iterator[Enlarged]:
    """`count` held-out views, or all there are: luma's PSNR in dB over that of the bicubic enlargement, by kind and
    scale, and the energy of gradients beside truth's, of the network and of the enlargement."""
    paths = [path for path in sorted(folder.glob("[0-9]*.safetensors")) if held_out(path)]
    if not paths:
        raise NoClips(f"expected held-out pairs in {folder}, found none: python -m model.training.pairs --seeds 0:120")
    for at in range(count):
        path, still = paths[at % len(paths)], at // len(paths)
        pair = clips.read(path)
        if still >= len(pair["y"]):
            return
        figures: dict[str, float] = {}
        shown: list[Tensor] = []
        for kind, name in enumerate(KINDS):
            y, u, v = (pair[part][still, kind][None] for part in "yuv")
            for scale in SCALES:
                truth = F.avg_pool2d(pair["fine_y"][still][None].float(), FINEST // scale)
                rim = slice(2 * scale * RIM, -2 * scale * RIM)
                drawn, plain = ladder.enlarge(y, u, v, scale)[0].float(), bicubic(y, scale)
                parts = [part[0, rim, rim] for part in (drawn, plain, truth)]
                figures |= {f"{name}_x{scale}_{key}": value for key, value in _beside(*parts).items()}
                shown = parts if kind == 0 and scale == FINEST else shown
        yield Enlarged(f"world {int(path.stem)}, view {still}", figures, *shown)


def _beside(drawn: Tensor, plain: Tensor, truth: Tensor) -> dict[str, float]:
    """Figures of a picture's luma beside those of the bicubic enlargement."""
    own, whole = float(psnr(drawn, truth, BYTES)), max(sharpness(truth), 1e-6)
    return {
        "db": own,
        "gain_db": own - float(psnr(plain, truth, BYTES)),
        "gradient": sharpness(drawn) / whole,
        "gradient_bicubic": sharpness(plain) / whole,
    }


def against_bicubic(ladder: Ladder, folder: Path, count: int) -> dict[str, float]:
    """Means over `count` held-out views, or all there are, see `enlarged`."""
    views = [view.figures for view in enlarged(ladder, folder, count)]
    return {name: sum(view[name] for view in views) / len(views) for name in views[0]}


def pan(world: int, coarse: Renderer, fine: Renderer) -> Iterator[tuple[Planes, Tensor]]:
    """A slow turn on a clear day: the planes of each frame's window [1, h, w], and its luma in full resolution."""
    rng = np.random.default_rng([world, 13])
    terrain = bake(PLACES[world % len(PLACES)], world)
    for renderer in (coarse, fine):
        renderer.enter(terrain)
    first = view_of(terrain, settled("day", "clear", rng), rng)
    left, top = WINDOW[0] // 2, WINDOW[1] // 2
    for frame in range(PAN_FRAMES):
        view = replace(first, yaw=first.yaw + PAN_RAD * frame)
        seen, truth = coarse.draw(view), fine.draw(view, (FINEST * left, FINEST * top))
        y = torch.from_numpy(seen.y[top : top + WINDOW[1], left : left + WINDOW[0]].copy())
        half = slice(top // 2, (top + WINDOW[1]) // 2), slice(left // 2, (left + WINDOW[0]) // 2)
        u, v = (torch.from_numpy(part[half].copy()) for part in (seen.u, seen.v))
        yield (y[None], u[None], v[None]), torch.from_numpy(truth.y)[None].float()


@torch.inference_mode()
def flicker(ladder: Ladder) -> dict[str, float]:
    """How much what changes from frame to frame of a slow pan differs from what changes in truth, over how much it does
    in the bicubic enlargement: above 1, the network adds flicker."""
    coarse = Renderer()
    fine = Renderer(FINEST * WIDTH, FINEST * HEIGHT, (FINEST * WINDOW[0], FINEST * WINDOW[1]))
    errors = {scale: torch.zeros(2) for scale in SCALES}
    for world in PAN_WORLDS:
        before: dict[int, Tensor] = {}
        for planes, full in pan(world, coarse, fine):
            for scale in SCALES:
                truth = F.avg_pool2d(full, FINEST // scale)
                drawn = torch.cat([ladder.enlarge(*planes, scale)[0].float(), bicubic(planes[0], scale), truth])
                rim = slice(2 * scale * RIM, -2 * scale * RIM)
                drawn = drawn[:, rim, rim]
                if scale in before:
                    change = drawn - before[scale]
                    errors[scale] += (change[:2] - change[2]).square().mean((1, 2))
                before[scale] = drawn
    return {f"flicker_x{scale}": float((error[0] / error[1]).sqrt()) for scale, error in errors.items()}


def main() -> None:
    """Parse and measure."""
    parser = command("ladder", __doc__)
    parser.add_argument("--pairs", type=Path, default=cache_dir() / "pairs-nano")
    parser.add_argument("--count", type=int, default=42, help="held-out views")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()

    def measure() -> dict[str, float]:
        ladder = Ladder.load(options.weights / FILE)
        return against_bicubic(ladder, options.pairs, options.count) | flicker(ladder)

    measured(measure, options.json)


if __name__ == "__main__":
    main()
