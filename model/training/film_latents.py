"""Films as latents with their labels: what a training keeps of them.
Knows a film's arrays and the tokenizer; nothing of how a film comes about, and nothing of losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.planes import from_rgb
from model.tokenizer.quick import Eyes
from model.training.latents import CHUNK, LATENT
from model.worlds.film_files import Arrays

PIXELS = ("rgb", "distance_m", "normals", "materials", "seen_before")  # what latents stand for


@torch.inference_mode()
def film_latents(eyes: Eyes, arrays: Arrays, device: torch.device) -> Arrays:
    """A film's arrays with `latents` [T, 16, 18, 32] float16 and `seen` [T, 18, 32] float16 (the share of each latent's
    pixels that an earlier frame showed) for its pixels."""
    rgb, away = torch.from_numpy(arrays["rgb"]), torch.from_numpy(arrays["distance_m"]).float()
    nearest = -F.max_pool2d(-away[:, None], 2)[:, 0]  # of the four pixels of a depth: as planes.glsl
    parts = [_encoded(eyes, *some, device) for some in zip(rgb.split(CHUNK), nearest.split(CHUNK), strict=True)]
    seen = F.adaptive_avg_pool2d(torch.from_numpy(arrays["seen_before"])[:, None].float(), LATENT[1:])[:, 0]
    kept = {name: array for name, array in arrays.items() if name not in PIXELS}
    return kept | {"latents": torch.cat(parts).numpy(), "seen": seen.half().numpy()}


def _encoded(eyes: Eyes, rgb: Tensor, distance_m: Tensor, device: torch.device) -> Tensor:
    planes = from_rgb(rgb, distance_m).to(device).contiguous(memory_format=torch.channels_last)
    return eyes.encode(planes).half().cpu()
