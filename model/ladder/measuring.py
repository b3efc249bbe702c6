"""How the upper rungs compare with a bicubic enlargement: python -m model.ladder.measuring --pairs DIR --json FILE.
Knows held-out pairs and a slow pan through the simulator; nothing of training."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from model.ladder.network import SCALES, Ladder, bicubic
from model.training.losses import psnr
from model.training.pairs import FINEST, KINDS
from model.worlds import clips
from model.worlds.clips import HELD_OUT

BYTES = 219.0  # from black to white
RIM = 8  # cells of chroma at a window's rim that do not count: the network sees nothing beyond them there


def held_out(path: Path) -> bool:
    """Whether a file's world is kept for validation, by the rule of the clips."""
    return int(path.stem) % HELD_OUT == 0


def sharpness(luma: Tensor) -> float:
    """Mean square step between neighbouring pixels of [H, W]."""
    return float(luma.diff(dim=0).square().mean() + luma.diff(dim=1).square().mean())


@torch.inference_mode()
def against_bicubic(ladder: Ladder, folder: Path, count: int) -> dict[str, float]:
    """Means over `count` held-out views, or all there are: luma's PSNR in dB over that of the bicubic enlargement, by
    kind and scale, and the energy of gradients beside truth's, of the network and of the enlargement."""
    paths = [path for path in sorted(folder.glob("[0-9]*.safetensors")) if held_out(path)]
    rows: dict[str, list[float]] = {}
    for at in range(count):
        pair = clips.read(paths[at % len(paths)])
        still = at // len(paths)
        if still >= len(pair["y"]):
            break
        for kind, name in enumerate(KINDS):
            y, u, v = (pair[part][still, kind][None] for part in "yuv")
            for scale in SCALES:
                truth = F.avg_pool2d(pair["fine_y"][still][None].float(), FINEST // scale)
                drawn, enlarged = ladder.enlarge(y, u, v, scale)[0].float(), bicubic(y, scale)
                rim = slice(2 * scale * RIM, -2 * scale * RIM)
                truth, drawn, enlarged = (part[0, rim, rim] for part in (truth, drawn, enlarged))
                over = psnr(drawn, truth, BYTES) - psnr(enlarged, truth, BYTES)
                label = f"{name}_x{scale}"
                rows.setdefault(f"{label}_db", []).append(float(psnr(drawn, truth, BYTES)))
                rows.setdefault(f"{label}_gain_db", []).append(float(over))
                whole = max(sharpness(truth), 1e-6)
                rows.setdefault(f"{label}_gradient", []).append(sharpness(drawn) / whole)
                rows.setdefault(f"{label}_gradient_bicubic", []).append(sharpness(enlarged) / whole)
    return {name: sum(values) / len(values) for name, values in rows.items()}
