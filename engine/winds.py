"""What moves by itself in a world that stands: the wind's clouds in its sky, waves on its water. Knows poses, metres
and the world's time; refuses to know memory: nothing of it is kept."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.borders import DEPTH, SKY
from model.camera import rays
from model.conditioning import state
from model.drifting import Picture, clouds, drifted, phases, waves
from model.heavens import bodies
from model.planes import GRID_HEIGHT, GRID_WIDTH, metres
from model.waters import Waters

WIND = (0.07, 0.024)  # the simulator's clouds come from there: heights of their plane a second, east and south
CLOUDS_S, CLOUDS_WIDE = 10.0, (6, 40)
STREAM = (0.35, 0.15)  # metres a second, east and south
WAVES_S, WAVES_WIDE = 2.4, (4, 16)
LOOK_EVERY = 4  # frames after which it is asked anew whether there is water, where there was none
LEAST = 0.005  # the share of a picture that is worth moving
WET = 0.5
LEVEL_M, SLACK = 0.4, 0.03  # how far from the water's level it may lie, and how much farther a metre of distance
UP = rays(GRID_HEIGHT, GRID_WIDTH)[1:]  # of looks, in their own frame: up and ahead


class Shores:
    """Where one world's last frame showed water."""

    def __init__(self, waters: Waters):
        self._waters = waters
        self._last: Tensor | None = None

    def water(self, latents: Tensor, index: int) -> Tensor:
        """How likely each cell of frame `index`, latents [1, 16, 18, 32], is water, [1, 36, 64] in 0..1."""
        if self._last is None or index % LOOK_EVERY == 0 or float(self._last.mean()) > LEAST:
            self._last = self._waters.share(latents)
        return self._last


@torch.inference_mode()
def blown(picture: Picture, planes: Tensor, water: Tensor, now: state.WorldState, at_s: float) -> Picture:
    """The picture of planes [1, 7 or more, 144, 256] at a time of the world, of which cells [1, 36, 64] are as likely
    water as is said; itself where it shows neither sky nor water."""
    pose, depth = torch.tensor(now.pose), planes[:, DEPTH]
    sky = depth < SKY
    if float(sky.float().mean()) > LEAST:
        flow = clouds(pose, WIND, phases(at_s, CLOUDS_S), bodies(float(now.sky[0])))
        picture = drifted(picture, sky, flow, CLOUDS_WIDE)
    if float((water > WET).float().mean()) < LEAST:
        return picture
    wet = F.interpolate(water[None], depth.shape[1:], mode="bilinear")[0] > WET
    far_m = metres(planes)
    below_m = -far_m * (UP[0] * pose[4].cos() + UP[1] * pose[4].sin())
    wet &= ~sky & (below_m > 0)
    if float(wet.float().mean()) < LEAST:
        return picture
    level_m = below_m[wet].median()
    wet &= (below_m - level_m).abs() < LEVEL_M + SLACK * far_m
    return drifted(picture, wet, waves(pose, float(level_m), STREAM, phases(at_s, WAVES_S)), WAVES_WIDE)
