"""What a world looks back at: which of its keyframes show what lies before it, and what is kept of a frame as another.
Knows memory, views and the networks that read them; nothing of controls or of sampling."""

from __future__ import annotations

from math import pi, sin

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.memory import LEAVES, LIGHT, NEW, NOT_OWN, SAME_LIGHT, Keyframe, Memory, nearest_m
from engine.models import Glimpse, Models
from model.beside import most_around
from model.omni import GRID
from model.overlay import GUESS, PLANES, Known
from model.planes import GRID_HEIGHT, GRID_WIDTH, metres
from model.view import CELL, per_pixel

LATENT_GRID = (2 * GRID[0], 2 * GRID[1])
KEY_EVERY = 8  # frames between two keyframes at least
OVERLAP = 6  # half-resolution pixels that a keyframe keeps beyond what is its own

Key = tuple[Keyframe, Known]


def with_own(planes: Tensor, own: Tensor, pose: Tensor, light: Tensor) -> Known:
    """Planes [1, 8, 144, 256] of which some pixels `own` [1, 1, 144, 256] show more than keyframes do."""
    return Known(torch.cat([planes, own.to(planes.dtype)], 1), pose, light)


def all_own(planes: Tensor, pose: Tensor, light: Tensor) -> Known:
    """Planes [1, 8, 144, 256] that show all of their view [1, 5] themselves."""
    return with_own(planes, torch.ones_like(planes[:, :1], dtype=torch.bool), pose, light)


def nothing(pose: Tensor, light: Tensor) -> Known:
    """A last frame of which nothing is seen from `pose` [1, 5]: one that looks the other way, and guessed all."""
    planes = torch.zeros(1, PLANES, GRID_HEIGHT, GRID_WIDTH)
    planes[:, 7] = GUESS
    return Known(planes, pose + torch.tensor([[0.0, 0.0, 0.0, pi, 0.0]]), light)


def _grown(mask: Tensor) -> Tensor:
    """The most of each pixel and those within OVERLAP of it."""
    return most_around(mask, OVERLAP)


class Recollection:
    """The memory of one world, and the keyframes of it that are looked at."""

    def __init__(self, models: Models):
        self._models = models
        self.memory = Memory()
        self._keys: list[Key] = []
        self._as: dict[int, Known] = {}  # what one of them is seen as
        self._pose, self._light = torch.zeros(1, 5), torch.zeros(LIGHT)  # that they were chosen for
        self.led = 0.0  # how much of what is seen one of them shows that is whole
        self.stands = False  # whether the light was the same before
        self._stood = False  # the same of the last frame
        self._new = True  # whether what is seen from there is

    def glimpse(self, last: Known, pose: Tensor, light: Tensor) -> Glimpse:
        """What is known of the view from `pose` [1, 5] in that light [7] by the last frame and the keyframes that show
        most of it."""
        if not (self.stands and torch.equal(pose, self._pose) and torch.equal(light, self._light)):
            self._choose(pose, light)
        keys = [(keyframe, self._as.get(id(keyframe), known)) for keyframe, known in self._keys]
        return self._see(keys, last, pose, light)

    def elsewhere(self, pose: Tensor, light: Tensor) -> Glimpse:
        """The same of a view that nobody has yet, for who goes on from it: by whatever keyframes show most of it, and
        not by what the last frame made up, and told of up to its border."""
        keys = self._recalled(self.memory.choose(pose[0], light, self._used()).keyframes)
        return self._see(keys, nothing(pose, light), pose, light, beyond=True)

    def look_back(self, latents: Tensor, known: Known, index: int) -> None:
        """Remembers frame `index`, latents [1, 16, 18, 32], where what it shows is new and its own; in light that has
        just come to rest a frame later, so that who draws the view anew is told how it looked before."""
        rests, self._stood = self.stands and not self._stood, self.stands
        if rests and self._keys and (self._keys[0][0].light - self._light).norm() > SAME_LIGHT:
            return
        last = max((k.index for k in self.memory.keyframes if not k.dreamed), default=-KEY_EVERY)
        if self._new and index - last >= KEY_EVERY and bool(known.planes[:, 8].any()):
            self.remember(latents, known, index)
            self._choose(known.pose, known.light)

    def given_leads(self) -> bool:
        """Whether it is a picture that was given, sharper than any that is drawn, that is looked at before all others,
        and it shows enough."""
        leads = bool(self._keys) and self._keys[0][0] is self.memory.keyframes[0]
        return self.memory.given and leads and self.led >= LEAVES

    def follow(self, latents: Tensor, known: Known, index: int) -> Keyframe:
        """Remembers latents [1, 16, 18, 32] that were drawn as `known`, a whole picture of what is seen about frame
        `index`, and looks at it rather than at any other as long as it shows as much."""
        keyframe = self.remember(latents, known, index)
        self._keys, self.stands = [(keyframe, known)], False
        return keyframe

    def see_as(self, keyframe: Keyframe, known: Known) -> None:
        """Looks at a keyframe, and at no other, as if it had been drawn so; not from elsewhere."""
        self._as = {id(keyframe): known}

    def see_all(self) -> None:
        """Looks at every keyframe as it is."""
        self._as = {}

    def _choose(self, pose: Tensor, light: Tensor) -> None:
        """The keyframes that are looked at from `pose` on; and whether what is seen there is new: in its place, or in
        its light once that stands."""
        self.stands = torch.equal(light, self._light)
        turning = sin(float(pose[0, 3] - self._pose[0, 3]))
        chosen, new, self.led = self.memory.choose(pose[0], light, self._used(), turning)
        self._keys = self._recalled(chosen)
        self._new = new and (self.stands or self.memory.unseen(pose[0]) > 1 - NEW)
        self._pose, self._light = pose, light

    def remember(self, latents: Tensor, known: Known, index: int, dreamed: bool = False) -> Keyframe:
        """Keeps latents [1, 16, 18, 32] that were drawn as `known`. What is not its own other keyframes show, and
        better: here it was seen through one view more."""
        planes = known.planes.clone()
        kept = _grown(planes[:, 8:])  # else a gap would open between two keyframes
        planes[:, 7:8].masked_fill_((kept == 0) & (planes[:, 7:8] < GUESS), NOT_OWN)
        own = F.avg_pool2d(planes[:, 8:], CELL)[0, 0] > 0.5
        drawn = torch.where(own, F.avg_pool2d(known.planes[:, 7:8], CELL)[0, 0], NOT_OWN)
        distance_m = nearest_m(metres(planes)[0]) * own
        facts = (known.pose[0], known.light, index, distance_m, drawn, dreamed)
        keyframe = Keyframe(latents[0].bfloat16(), *facts, planes[0].half())
        self.memory.keep(keyframe)
        return keyframe

    def _see(self, keys: list[Key], last: Known, pose: Tensor, light: Tensor, beyond: bool = False) -> Glimpse:
        leads = bool(keys) and keys[0][0].whole
        count = 1 if leads else sum(not keyframe.dreamed for keyframe, _ in keys)
        views = [known for _, known in keys]
        return self._models.see(views[:count], last, views[count:], pose, light, beyond)

    def _used(self) -> list[Keyframe]:
        return [keyframe for keyframe, _ in self._keys]

    def _recalled(self, keyframes: list[Keyframe]) -> list[Key]:
        held = {id(keyframe): (keyframe, view) for keyframe, view in self._keys}
        return [held.get(id(keyframe)) or (keyframe, self._recall(keyframe)) for keyframe in keyframes]

    def _recall(self, keyframe: Keyframe) -> Known:
        """A keyframe as it was; decoded, where it comes out of a saved world."""
        if keyframe.planes is not None:
            return Known(keyframe.planes[None].float(), keyframe.pose[None], keyframe.light)
        planes = self._models.decode(keyframe.latents[None].float())
        drawn = F.interpolate(keyframe.drawn[None, None].float(), planes.shape[-2:])
        planes = torch.cat([planes, torch.minimum(planes[:, 6:7], drawn)], 1)
        own = per_pixel(keyframe.drawn[None, None] > NOT_OWN)
        return with_own(planes, own, keyframe.pose[None], keyframe.light)
