"""What a world remembers of where it was: keyframes by pose, so that a place looks as it did when somebody comes back.
Knows poses, distances and light; nothing of networks, nor of how a keyframe is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.camera import check_pose, unproject
from model.sight import sharpness

GRID = (9, 16)  # cells of a view in which it is counted what a keyframe shows
FINER = 2  # points a cell and direction that a keyframe is known by
MOST = 128
NEAR_M = 40.0  # keyframes farther away than this are not asked
ALIKE = 0.75  # cosine of the angle between two looks at a thing, below which one tears what the other saw
DREAM_NEAR_M = 4.0  # dreams in invented worlds: they tear when they are seen from elsewhere, and nobody saw them yet
NEW = 0.8  # a view of which keyframes together do not show more than this share is worth remembering
BETTER = 0.1  # by how much another keyframe must show more, to lead instead of one in use
HELD = 2.0  # and how many times as much a further one must add
WHOLE = 0.95  # the share of its own that makes a keyframe a whole one
LEAVES, RETURNS = 0.5, 0.6  # what a picture that was given must be worth to lead on, and to lead again
LOOKED_AT = 4  # keyframes that are looked at from one pose at most
AT_ALL = 1.0  # what it counts for that a cell is shown at all, beside how well
MORE = 0.004  # the share of the view that a further one must add
SAME_LIGHT = 0.1  # a difference of light up to which two keyframes can lie side by side
LEADS = 0.5  # the share that one shows beside which none in another light is put
DIM = 0.1  # what a keyframe under wholly other light is worth
DREAM = 0.75  # what one that nobody has walked up to yet is worth
LIGHT = 7
NOT_OWN = -1.0  # a depth code's plane that no distance has
COLUMN_RAD = 0.1  # a turn by more than the picture's angle over a cell: what cells at its edge show may end within them
SEEN = 0.3  # how well a cell must be shown to count as seen


@dataclass(frozen=True)
class Keyframe:
    """A frame worth coming back to: latents [16, 18, 32], pose [5], light [7], which frame it was, the nearest distance
    that each latent cell saw [18, 32] in metres (0: what it shows there is another keyframe's), the depth code of that
    from which each was drawn [18, 32] (NOT_OWN there), whether it was shown or only dreamed, and, until it is put away,
    its planes [8, 144, 256] themselves, in half precision."""

    latents: Tensor
    pose: Tensor
    light: Tensor
    index: int
    distance_m: Tensor
    drawn: Tensor
    dreamed: bool = False
    planes: Tensor | None = None

    @property
    def whole(self) -> bool:
        """Whether it was shown and all of it is its own, so that nothing else need be put into it."""
        return not self.dreamed and bool((self.drawn > NOT_OWN).float().mean() > WHOLE)


class Choice(NamedTuple):
    """Keyframes to look at, whether what is seen is new, and how much of it a whole keyframe shows that leads."""

    keyframes: list[Keyframe]
    new: bool
    led: float


def nearest_m(distance_m: Tensor) -> Tensor:
    """Distances [144, 256] -> the nearest one of each latent cell [18, 32]."""
    rows, columns = (size * FINER for size in GRID)
    return distance_m.reshape(rows, -1, columns, distance_m.shape[1] // columns).amin((1, 3))


class Memory:
    """At most `most` keyframes; beyond that the dream farthest from the newest is forgotten, else the keyframe.
    Never the first."""

    def __init__(self, most: int = MOST):
        if most < 2:
            raise ValueError(f"a memory holds at least 2 keyframes, not {most}")
        self.most = most
        self.keyframes: list[Keyframe] = []
        self.given = False  # whether the first picture was, and not invented
        self._points = torch.empty(0, 3, GRID[0] * GRID[1] * FINER**2)
        self._poses, self._lights = torch.empty(0, 5), torch.empty(0, LIGHT)
        self._real = torch.empty(0)  # what each is worth in its own light
        self._whole = torch.empty(0, dtype=torch.bool)

    def keep(self, keyframe: Keyframe) -> None:
        """Remembers a keyframe. Raises ValueError on a pose that is not finite."""
        check_pose("keyframe", keyframe.pose[None])
        points = unproject(keyframe.distance_m[None], keyframe.pose[None]).flatten(2)
        self.keyframes.append(keyframe)
        self._points = torch.cat([self._points, points])
        self._poses = torch.cat([self._poses, keyframe.pose[None]])
        self._lights = torch.cat([self._lights, keyframe.light[None]])
        self._real = torch.cat([self._real, torch.tensor([DREAM if keyframe.dreamed else 1.0])])
        self._whole = torch.cat([self._whole, torch.tensor([keyframe.whole])])
        if len(self.keyframes) > self.most:
            far = (self._poses[:, :3] - keyframe.pose[:3]).norm(dim=1)
            far[0] = -2  # all else was drawn after it
            dreamed = torch.tensor([k.dreamed for k in self.keyframes])
            self._forget(int((far.masked_fill(~dreamed, -1) if dreamed.any() else far).argmax()))

    def _sharp(self, pose: Tensor) -> Tensor:
        """How well each keyframe saw each cell of the view from `pose` [5], [N, 144] in [0, 1]: not at all, or less
        where it saw it from farther away, or from another side."""
        sharp = sharpness(self._points, self._poses[:, :3], pose, GRID, NEAR_M, ALIKE)
        if self.given:
            return sharp
        far = (self._poses[:, :3] - pose[:3]).norm(dim=1) > DREAM_NEAR_M
        return sharp.masked_fill_((far & (self._real < 1))[:, None], 0.0)

    def shown(self, pose: Tensor, light: Tensor) -> Tensor:
        """What each keyframe is worth for each cell of the view from `pose` [5], [N, 144] in [0, 1]: less than what it
        saw where that was under other light [7], or a dream."""
        change = (self._lights - light).norm(dim=1).clamp(0, 1)
        worth: Tensor = (1 - (1 - DIM) * change) * self._real
        return self._sharp(pose) * worth[:, None]

    def worth(self, pose: Tensor, light: Tensor) -> Tensor:
        """How much each keyframe shows of the view from `pose` [5] in that light [7], [N] in [0, 1]."""
        return self.shown(pose, light).mean(1)

    def choose(self, pose: Tensor, light: Tensor, used: list[Keyframe], turning: float = 0.0) -> Choice:
        """What to look at from `pose` on: the whole keyframe that shows most, then what was shown, older ones
        first, then what was dreamed, newer ones first: each knew the others and goes over into them, where they end in
        a cut. Those in `used`, and its first as the first, unless others are clearly better. For who is turning, to the
        right or, below 0, to the left, also what comes into view next."""
        worth = self.shown(pose, light)
        if not len(worth):
            return Choice([], True, 0.0)
        lead = self._leading(worth.mean(1), used)
        led = 0.0 if lead is None else float(worth[lead].mean())
        new = bool(worth.amax(0).mean() < NEW)
        if turning:
            further = pose + torch.tensor([0.0, 0.0, 0.0, copysign(COLUMN_RAD, turning), 0.0])
            worth = torch.cat([worth, self.shown(further, light)], 1)
        held = np.array([HELD if any(k is u for u in used) else 1.0 for k in self.keyframes], np.float32)
        shown, least = (worth + AT_ALL * (worth > SEEN)).numpy(), self._least(light, lead, led).numpy()
        together = np.zeros(shown.shape[1], np.float32) if lead is None else shown[lead]
        chosen = [] if lead is None else [lead]
        while len(chosen) < LOOKED_AT:
            gain = (np.maximum(shown, together) - together).mean(1) - (least if chosen else 0)
            best = int((gain * held).argmax())
            if gain[best] <= 0:
                break
            chosen.append(best)
            together = np.maximum(together, shown[best])
        dreamed = [k.dreamed for k in self.keyframes]
        chosen.sort(key=lambda i: (i != lead, dreamed[i], -i if dreamed[i] else i))
        keyframes = [self.keyframes[i] for i in chosen]
        return Choice(keyframes, new, led)

    def _least(self, light: Tensor, lead: int | None, led: float) -> Tensor:
        """What each keyframe must add to what others show, [N]: more than there is, where it shows another light than
        there is, and than the one that leads, which shows enough."""
        other = (self._lights - light).norm(dim=1) > SAME_LIGHT
        if lead is not None:
            other &= (self._lights - self._lights[lead]).norm(dim=1) > SAME_LIGHT
        return torch.where(other & (led > LEADS), 1 + AT_ALL, MORE)

    def _leading(self, worth: Tensor, used: list[Keyframe]) -> int | None:
        """The number of the whole keyframe that is worth most, by [N]: the first in use, unless it is worth clearly
        less. One that was given, sharper than any that is drawn, leads longer. None where none is worth anything."""
        leads = bool(used) and used[0] is self.keyframes[0]
        if self.given and self._whole[0] and worth[0] >= (LEAVES if leads else RETURNS):
            return 0
        first = torch.tensor([BETTER * (bool(used) and k is used[0]) for k in self.keyframes])
        best = int((worth + first * (worth > 0)).masked_fill(~self._whole, -1).argmax())
        return best if self._whole[best] and worth[best] > 0 else None

    def unseen(self, pose: Tensor, light: Tensor | None = None) -> float:
        """The share of the view from `pose` [5] that no keyframe shows in that light [7], or in whatever light."""
        if not self.keyframes:
            return 1.0
        shown = self._sharp(pose) if light is None else self.shown(pose, light)
        return float((shown.amax(0) < SEEN).float().mean())

    def _forget(self, which: int) -> None:
        del self.keyframes[which]
        rest = torch.arange(len(self._poses)) != which
        self._points, self._poses, self._whole = self._points[rest], self._poses[rest], self._whole[rest]
        self._lights, self._real = self._lights[rest], self._real[rest]
