"""Whether the subject stays the same subject: somebody walks half-way around a tree, a cactus or a rock, looks away and
looks back. What is shown in its place is compared with what truly stands there and with all other subjects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import count

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import project
from model.evaluation.episodes import Episode, Player
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.pictures import HEIGHT, WIDTH, Picture, look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, terrain_of
from model.planes import CROP_X, CROP_Y, GRID_HEIGHT, GRID_WIDTH
from model.worlds.terrain import Terrain
from model.worlds.walker import EYE_M, Controls, Walk, free, step

FIRST_SEED, A_SUBJECT = 2200, 41
AWAY_BY, NEAREST_M, FARTHEST_M = (
    1.8,
    5.0,
    14.0,
)  # heights from which a subject is looked at, in metres at least and at most
SIDES, REACH_M = 8, 60.0  # ways to face it that are tried; how far from where a scene begins it may stand
OPEN_M, LEVEL_M = 1.6, 1.2  # how near to the line of sight nothing else grows; how far below or above its feet may be
LEAST_PX = 24.0
AROUND, AWAY, REST = 48, 16, 8  # frames of walking around it, of each half of looking away and back, of standing
AWAY_RAD = 1.3
LOOKED = (0, AROUND // 2, AROUND, AROUND + AWAY, AROUND + 2 * AWAY + REST)
JUDGED = (1, 2, 4)  # of those, with the subject in view
SHARE = 1.0  # a subject's width, of its height
SIZE = (40, 40)  # pixels that are compared


class Subject:
    """See the module."""

    name = "subject"
    figures: tuple[Figure, ...] = (
        Figure(
            "subject_likeness",
            "",
            "of a subject to its truth, walked around and looked back at (correlation)",
            mean,
        ),
        Figure("subject_kept", "", "it is more like itself than like any other subject", mean),
    )

    def names(self, size: Size) -> list[str]:
        return [f"subject {number}" for number in range(size.subjects)]

    def frames(self, number: int, size: Size) -> int:
        return LOOKED[-1]

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        all_true = [
            [cut(court.truth.play(e)[LOOKED[i]], box) for i, box in zip(JUDGED, boxes, strict=True)]
            for e, boxes in (around(n) for n in range(size.subjects))
        ]
        episode, boxes = around(number)
        true, shown = court.truth.play(episode), player.play(episode)
        likenesses, kept = [], []
        for at, (i, box) in enumerate(zip(JUDGED, boxes, strict=True)):
            seen = cut(shown[LOOKED[i]], box)
            each = [likeness(seen, other[at]) for other in all_true]
            likenesses.append(each[number])
            kept.append(float(max(range(len(each)), key=each.__getitem__) == number))
        values = {"subject_likeness": mean(likenesses), "subject_kept": mean(kept)}
        return Case(episode.name, values, {f: shown[f] for f in LOOKED}, {f: true[f] for f in LOOKED})


@dataclass(frozen=True)
class Box:
    """Where a subject stands in a view: column, row and height in pixels of what judges look at."""

    column: float
    row: float
    height: float


Begun = tuple[Walk, Tensor, float]  # who faces a subject; its feet [3] and its height, in metres


@cache
def around(number: int) -> tuple[Episode, tuple[Box, ...]]:
    """The episode of a subject, and where it truly stands in the frames that are judged."""
    for seed in count(FIRST_SEED + A_SUBJECT * number):
        here = scene(seed, "day", "clear")
        terrain = terrain_of(here.place, here.world)
        for begin, feet, height_m in _facing(terrain, here.walk):
            acts, walks = _round(terrain, begin, feet)
            boxes = [_box(walks[LOOKED[i]], feet, height_m) for i in JUDGED]
            whole = [box for box in boxes if box is not None]
            if len(whole) == len(JUDGED) and all(_open(terrain, walks[f], feet) for f in LOOKED[:3]):
                return Episode(f"subject {number}", replace(here, walk=begin), tuple(acts), LOOKED), tuple(whole)
    raise AssertionError("seeds have no end")


def _facing(terrain: Terrain, near: Walk) -> Iterator[Begun]:
    """Places from which to look at what grows in the neighbourhood."""
    feet, heights, _, _ = terrain.plants
    for i in np.argsort(np.hypot(feet[:, 0] - near.x, feet[:, 2] - near.z)):
        x, ground, z = (float(part) for part in feet[i])
        if math.hypot(x - near.x, z - near.z) > REACH_M:
            return
        away_m = min(max(AWAY_BY * float(heights[i]), NEAREST_M), FARTHEST_M)
        for side in range(SIDES):
            yaw = 2 * math.pi * side / SIDES
            at_x, at_z = x - away_m * math.sin(yaw), z - away_m * math.cos(yaw)
            level = terrain.height(at_x, at_z)
            if free(terrain, at_x, at_z) and abs(level - ground) < LEVEL_M:
                yield Walk(at_x, level + EYE_M, at_z, yaw, 0.0), torch.tensor([x, ground, z]), float(heights[i])


def _open(terrain: Terrain, walk: Walk, feet: Tensor) -> bool:
    """Whether nothing else grows near the line from an eye to a subject."""
    way = np.array([float(feet[0]) - walk.x, float(feet[2]) - walk.z])
    others = terrain.plants[0][:, [0, 2]] - np.array([walk.x, walk.z])
    along = np.clip(others @ way / (way @ way), 0, 1)
    off = np.hypot(*(others - along[:, None] * way).T)
    return bool((off < OPEN_M).sum() <= 1)  # itself


def _round(terrain: Terrain, begin: Walk, feet: Tensor) -> tuple[list[Act], list[Walk]]:
    """Sidestepping with the subject in the middle of the view, a look away and back, and rest."""
    acts, walks = [], [begin]
    for frame in range(AROUND + 2 * AWAY + REST):
        at = walks[-1]
        if frame < AROUND:
            wanted = math.atan2(float(feet[0]) - at.x, float(feet[2]) - at.z)
            controls = Controls(right=True, look_x=math.remainder(wanted - at.yaw, 2 * math.pi))
        else:
            sign = 1 if frame < AROUND + AWAY else -1 if frame < AROUND + 2 * AWAY else 0
            controls = Controls(look_x=sign * AWAY_RAD / AWAY)
        acts.append(Act(controls))
        walks.append(step(terrain, at, controls))
    return acts, walks


def _box(walk: Walk, feet: Tensor, height_m: float) -> Box | None:
    """Where a subject stands in a view; None where it is not whole."""
    points = torch.stack([feet, feet + torch.tensor([0, height_m, 0])], 1).float()[None]
    pose = torch.tensor([[walk.x, walk.y, walk.z, walk.yaw, walk.pitch]])
    column, row, far = project(points, pose, GRID_HEIGHT, GRID_WIDTH)
    height = float(row[0, 0] - row[0, 1])
    middle, top = float(column.mean()) - CROP_X / 2, float(row[0, 1]) - CROP_Y / 2
    inside = SHARE * height / 2 < middle < WIDTH - SHARE * height / 2 and -0.1 * height < top < HEIGHT - height
    return Box(middle, top, height) if inside and height >= LEAST_PX and float(far.min()) > 0 else None


def cut(picture: Picture, box: Box) -> Tensor:
    """[3, *SIZE] of what a picture shows in a box."""
    y, x = torch.meshgrid(torch.linspace(0, 1, SIZE[0]), torch.linspace(-0.5, 0.5, SIZE[1]), indexing="ij")
    column, row = box.column + SHARE * box.height * x, box.row + box.height * y
    where = torch.stack([2 * (column + 0.5) / WIDTH - 1, 2 * (row + 0.5) / HEIGHT - 1], -1)
    return F.grid_sample(look([picture]), where[None], padding_mode="border", align_corners=False)[0]


def likeness(a: Tensor, b: Tensor) -> float:
    """Correlation of two cuts over all pixels and colours, -1 to 1."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-6))
