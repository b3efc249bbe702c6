"""What a world looks back at: which of its keyframes show what lies before it, and what is kept of a frame as another.
Knows memory, views and the networks that read them; nothing of controls or of sampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.memory import LOOKED_AT, NOT_OWN, Keyframe, Memory, nearest_m
from engine.models import Glimpse, Known, Models
from model.omni import GRID
from model.planes import metres
from model.view import CELL

LATENT_GRID = (2 * GRID[0], 2 * GRID[1])
KEY_EVERY = 8  # frames between two keyframes at least
CHOOSE_EVERY = 2  # frames after which other keyframes may be looked at
RELIT = 0.3  # a change of light beyond which a keyframe is not looked at

Key = tuple[Keyframe, Known]


def per_pixel(cells: Tensor) -> Tensor:
    """[1, 1, 18, 32] -> [1, 1, 144, 256]."""
    return cells.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)


def with_own(planes: Tensor, own: Tensor, pose: Tensor, light: Tensor) -> Known:
    """Planes [1, 8, 144, 256] of which some pixels `own` [1, 1, 144, 256] show more than keyframes do."""
    return Known(torch.cat([planes, own.to(planes.dtype)], 1), pose, light)


class Recollection:
    """The memory of one world, and the keyframes of it that are looked at."""

    def __init__(self, models: Models):
        self._models = models
        self.memory = Memory()
        self._keys: list[Key] = []

    def glimpse(self, last: Known, pose: Tensor, light: Tensor) -> Glimpse:
        """What is known of the view from `pose` [1, 5] in that light [7] by the last frame and the keyframes in use."""
        keys = [(keyframe, view) for keyframe, view in self._keys if float((light - view.light).norm()) <= RELIT]
        return self._see(keys, last, pose, light)

    def elsewhere(self, last: Known, pose: Tensor, light: Tensor) -> Glimpse:
        """The same of a view that nobody has yet, by whatever keyframes show most of it."""
        chosen, _ = self.memory.choose(pose[0], light, [])
        return self._see([(keyframe, self._recall(keyframe)) for keyframe in chosen], last, pose, light)

    def look_back(self, latents: Tensor, known: Known, index: int) -> None:
        """Chooses what the frames after this one, frame `index`, look at beside it: keyframes from memory, and this
        frame, latents [1, 16, 18, 32], as a new one where what it shows is new."""
        if self._keys and index % CHOOSE_EVERY:
            return
        chosen, new = self.memory.choose(known.pose[0], known.light, [keyframe for keyframe, _ in self._keys])
        last = max((k.index for k in self.memory.keyframes if not k.dreamed), default=-KEY_EVERY)
        if new and index - last >= KEY_EVERY:
            chosen = [*chosen[: LOOKED_AT - 1], self.remember(latents, known, index)]
        held = {id(keyframe): (keyframe, view) for keyframe, view in self._keys}
        self._keys = [held.get(id(keyframe)) or (keyframe, self._recall(keyframe)) for keyframe in chosen]

    def remember(self, latents: Tensor, known: Known, index: int, dreamed: bool = False) -> Keyframe:
        """Keeps latents [1, 16, 18, 32] that were drawn as `known`. What is not its own other keyframes show, and
        better: here it was seen through one view more."""
        planes = known.planes.clone()
        planes[:, 7].masked_fill_(planes[:, 8] == 0, NOT_OWN)
        own = F.avg_pool2d(planes[:, 8:], CELL)[0, 0] > 0.5
        drawn = torch.where(own, F.avg_pool2d(known.planes[:, 7:8], CELL)[0, 0], NOT_OWN)
        distance_m = nearest_m(metres(planes)[0]) * own
        facts = (known.pose[0], known.light, index, distance_m, drawn, dreamed)
        keyframe = Keyframe(latents[0].bfloat16(), *facts, planes[0].half())
        self.memory.keep(keyframe)
        return keyframe

    def _see(self, keys: list[Key], last: Known, pose: Tensor, light: Tensor) -> Glimpse:
        shown, dreamed = ([known for key, known in keys if key.dreamed == dreamed] for dreamed in (False, True))
        return self._models.see(shown, last, dreamed, pose, light)

    def _recall(self, keyframe: Keyframe) -> Known:
        """A keyframe as it was; decoded, where it comes out of a saved world."""
        if keyframe.planes is not None:
            return Known(keyframe.planes[None].float(), keyframe.pose[None], keyframe.light)
        planes = self._models.decode(keyframe.latents[None].float())
        drawn = F.interpolate(keyframe.drawn[None, None].float(), planes.shape[-2:])
        planes = torch.cat([planes, torch.minimum(planes[:, 6:7], drawn)], 1)
        own = per_pixel(keyframe.drawn[None, None] > NOT_OWN)
        return with_own(planes, own, keyframe.pose[None], keyframe.light)
