"""What a world remembers of where it was: keyframes by pose, so that a place looks as it did when somebody comes back.
Knows poses, distances and light; nothing of networks, nor of how a keyframe is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.camera import check_pose, unproject
from model.sight import sharpness

GRID = (9, 16)  # cells of a view in which it is counted what a keyframe shows
FINER = 2  # points a cell and direction that a keyframe is known by
MOST = 128
NEAR_M = 40.0  # keyframes farther away than this are not asked
NEW = 0.8  # a view of which keyframes together do not show more than this share is worth remembering
BETTER = 0.1  # by how much another keyframe must show more, to be taken instead of one in use
LOOKED_AT = 4  # keyframes that are looked at from one pose at most
MORE = 0.004  # the share of the view that a further one must add
DIM = 0.1  # what a keyframe under wholly other light is worth
DREAM = 0.75  # what one that nobody has walked up to yet is worth
LIGHT = 7
NOT_OWN = -1.0  # a depth code's plane that no distance has
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
        self._points = torch.empty(0, 3, GRID[0] * GRID[1] * FINER**2)
        self._poses, self._lights = torch.empty(0, 5), torch.empty(0, LIGHT)
        self._real = torch.empty(0)  # what each is worth in its own light

    def keep(self, keyframe: Keyframe) -> None:
        """Remembers a keyframe. Raises ValueError on a pose that is not finite."""
        check_pose("keyframe", keyframe.pose[None])
        points = unproject(keyframe.distance_m[None], keyframe.pose[None]).flatten(2)
        self.keyframes.append(keyframe)
        self._points = torch.cat([self._points, points])
        self._poses = torch.cat([self._poses, keyframe.pose[None]])
        self._lights = torch.cat([self._lights, keyframe.light[None]])
        self._real = torch.cat([self._real, torch.tensor([DREAM if keyframe.dreamed else 1.0])])
        if len(self.keyframes) > self.most:
            far = (self._poses[:, :3] - keyframe.pose[:3]).norm(dim=1)
            far[0] = -2  # all else was drawn after it
            dreamed = torch.tensor([k.dreamed for k in self.keyframes])
            self._forget(int((far.masked_fill(~dreamed, -1) if dreamed.any() else far).argmax()))

    def _sharp(self, pose: Tensor) -> Tensor:
        """How well each keyframe saw each cell of the view from `pose` [5], [N, 144] in [0, 1]: not at all, or less
        where it saw it from farther away."""
        return sharpness(self._points, self._poses[:, :3], pose, GRID, NEAR_M)

    def shown(self, pose: Tensor, light: Tensor) -> Tensor:
        """What each keyframe is worth for each cell of the view from `pose` [5], [N, 144] in [0, 1]: less than what it
        saw where that was under other light [7], or a dream."""
        change = (self._lights - light).norm(dim=1).clamp(0, 1)
        worth: Tensor = (1 - (1 - DIM) * change) * self._real
        return self._sharp(pose) * worth[:, None]

    def worth(self, pose: Tensor, light: Tensor) -> Tensor:
        """How much each keyframe shows of the view from `pose` [5] in that light [7], [N] in [0, 1]."""
        return self.shown(pose, light).mean(1)

    def choose(self, pose: Tensor, light: Tensor, used: list[Keyframe]) -> tuple[list[Keyframe], bool]:
        """The keyframes to look at from `pose` on, first what was shown, then what was dreamed, older ones first; those
        in `used` unless others are clearly better. And whether what is seen from here is new."""
        shown = self.shown(pose, light)
        if not len(shown):
            return [], True
        held = torch.tensor([any(k is u for u in used) for k in self.keyframes]) * BETTER
        chosen: list[int] = []
        together = torch.zeros(shown.shape[1])
        for _ in range(LOOKED_AT):
            gain = (torch.maximum(shown, together) - together).mean(1)
            best = int((gain + held * (gain > 0)).argmax())
            if gain[best] <= (MORE if chosen else 0):
                break
            chosen.append(best)
            together = torch.maximum(together, shown[best])
        keyframes = sorted((self.keyframes[i] for i in chosen), key=lambda k: (k.dreamed, k.index))
        return keyframes, bool(shown.amax(0).mean() < NEW)

    def unseen(self, pose: Tensor) -> float:
        """The share of the view from `pose` [5] that no keyframe shows, in whatever light."""
        if not self.keyframes:
            return 1.0
        return float((self._sharp(pose).amax(0) < SEEN).float().mean())

    def _forget(self, which: int) -> None:
        del self.keyframes[which]
        rest = torch.arange(len(self._poses)) != which
        self._points, self._poses = self._points[rest], self._poses[rest]
        self._lights, self._real = self._lights[rest], self._real[rest]
