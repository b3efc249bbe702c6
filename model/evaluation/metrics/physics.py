"""Whether bodies move by the simulator's constants: how a jump's rise turns into a fall, how fast somebody walks, and
how much of its speed a thrown ball keeps when it bounces. Read from the picture alone."""

from __future__ import annotations

from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from model.camera import project
from model.evaluation.balls import bounces, rows_of_ball
from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.judges import GAP, Judges
from model.evaluation.pictures import HEIGHT, WIDTH, look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Wish, terrain_of, thrown
from model.planes import CROP_X, CROP_Y, GRID_HEIGHT, GRID_WIDTH
from model.worlds.physics import BALL_RESTITUTION, FRAME_S, GRAVITY_M_S2, JUMP_M_S
from model.worlds.terrain import Terrain
from model.worlds.walker import Controls, Walk, free

BEFORE, AFTER, STEP = 8, 32, 2  # frames of standing, and from the jump on; between the pairs that are judged
FLIGHT = int(2 * JUMP_M_S / GRAVITY_M_S2 / FRAME_S)  # whole frames in the air
PAIR = (0, 1, GAP, GAP + 1)  # frames of one
STRIDES, STEADY = 40, 12  # frames of walking, and the first of them that counts
FIRST_BALL, A_BALL = 3400, 37  # seeds of scenes
THROWN, FLYING = 8, 96  # the frame that first hears of a ball, and frames after it
LEVEL, RIM, AFAR_M = 0.05, 6.0, 11.0  # how far off a slope may put what is kept; pixels from a view's edge; metres


class Physics:
    """See the module."""

    name = "physics"
    figures: tuple[Figure, ...] = (
        Figure("gravity_error", "", "of the fall's acceleration, from a jump's rise and fall", mean, False, ("rise",)),
        Figure("walking_speed_error", "", "of the speed of somebody who walks", mean, False, ("ahead",)),
        Figure("bounce_error", "", "of what a thrown ball keeps of its speed, from its bounces' times", mean, False),
    )

    def names(self, size: Size) -> list[str]:
        kinds = {"jump": size.jumps, "strides": size.jumps, "ball": size.balls}
        return [f"{kind} {number}" for kind, count in kinds.items() for number in range(count)]

    def frames(self, number: int, size: Size) -> int:
        return (BEFORE + AFTER, STRIDES, THROWN + FLYING)[min(2, number // size.jumps)]

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        kind = min(2, number // size.jumps)
        return (self._jump, self._strides, self._ball)[kind](number - kind * size.jumps, player, court)

    def _jump(self, number: int, player: Player, court: Court) -> Case:
        acts = [Act()] * BEFORE + [Act(Controls(jump=True))] + [Act()] * (AFTER - 1)
        frames = list(range(BEFORE + 1, BEFORE + FLIGHT - GAP, STEP))
        episode = Episode(f"jump {number}", scene(300 + number, "day", "clear"), tuple(acts), _looked(frames))
        shown, true = player.play(episode), court.truth.play(episode)
        up = speeds(shown, frames, court.judges)[:, 2].numpy()
        slope = float(np.polyfit(np.array(frames) * FRAME_S, up, 1)[0])
        error = min(1.0, abs(-slope / GRAVITY_M_S2 - 1))
        curve = [[(f + GAP / 2 - BEFORE) * FRAME_S, float(v)] for f, v in zip(frames, up, strict=True)]
        return _case(episode, {"gravity_error": error}, shown, true, {"m/s upward during a jump": curve})

    def _strides(self, number: int, player: Player, court: Court) -> Case:
        acts = [Act(Controls(forward=True))] * STRIDES
        frames = list(range(STEADY, STRIDES - GAP, GAP))
        episode = Episode(f"strides {number}", scene(340 + number, "day", "clear"), tuple(acts), _looked(frames))
        shown, true = player.play(episode), court.truth.play(episode)
        walk = court.truth.facts(episode)["walk"]
        ways = walk[[f + GAP for f in frames]][:, [0, 2]] - walk[frames][:, [0, 2]]
        real = ways.norm(dim=1) / (GAP * FRAME_S)
        read = speeds(shown, frames, court.judges)[:, 0]
        free = real > real.max() / 2  # not before a wall
        error = min(1.0, abs(float(read[free].median() / real[free].median()) - 1))
        return _case(episode, {"walking_speed_error": error}, shown, true, {})

    def _ball(self, number: int, player: Player, court: Court) -> Case:
        episode = ball_episode(number)
        shown, true = player.play(episode), court.truth.play(episode)
        frames = episode.looked[1:]
        seen = look([shown[f] for f in frames])
        rows = rows_of_ball(seen[0], seen[1:])
        error = min(1.0, abs(kept(rows) / BALL_RESTITUTION - 1))
        curve = [[STEP * i * FRAME_S, HEIGHT - row] for i, row in enumerate(rows) if row is not None]
        return _case(episode, {"bounce_error": error}, shown, true, {"pixels above the lower edge, a ball": curve})


def ball_episode(number: int) -> Episode:
    """Somebody stands where it is level, and a ball is thrown that bounces three times within view."""
    for seed in count(FIRST_BALL + A_BALL * number):
        here = scene(seed, "day", "clear")
        terrain = terrain_of(here.place, here.world)
        way = thrown(terrain, here.walk, here.world).at[1 : FLYING + 1 : STEP]
        rows = _in_view(terrain, here.walk, way)
        if rows and abs(kept(rows) / BALL_RESTITUTION - 1) < LEVEL:
            break
    acts = [Act()] * (THROWN - 1) + [Act(say=Wish("throw a ball", event="ball"))] + [Act()] * FLYING
    looked = (0, *range(THROWN - 1, THROWN + FLYING, STEP))
    return Episode(f"ball {number}", here, tuple(acts), looked)


def kept(rows: list[float | None]) -> float:
    """How much of its speed a ball in these rows of looks keeps when it bounces: its second flight beside its first, by
    the time between bounces. 0 where it is not seen to bounce three times."""
    at = bounces(rows)
    return (at[2] - at[1]) / (at[1] - at[0]) if len(at) > 2 else 0.0


def _solid(terrain: Terrain, x: float, y: float, z: float) -> bool:
    return y < terrain.height(x, z) or terrain.in_crown(x, y, z) or not free(terrain, x, z)


def _in_view(terrain: Terrain, walk: Walk, way: NDArray[np.float64]) -> list[float | None]:
    """The rows in which a ball is seen on its way [N, 3]; none where it leaves the view or something hides it."""
    pose = torch.tensor([[walk.x, walk.y, walk.z, walk.yaw, walk.pitch]])
    column, row, far = project(torch.from_numpy(way).float().T[None], pose, GRID_HEIGHT, GRID_WIDTH)
    column, row = column - CROP_X / 2, row - CROP_Y / 2
    inside = (column > RIM) & (column < WIDTH - RIM) & (row > RIM) & (row < HEIGHT - RIM) & (far > 0) & (far < AFAR_M)
    eye = np.array([walk.x, walk.y, walk.z])
    between = (eye + (at - eye) * share for at in way[::2] for share in np.linspace(0.1, 1, 10))
    clear = bool(inside.all()) and not any(_solid(terrain, *at) for at in between)
    return list(row[0].tolist()) if clear else []


def speeds(shown: Shots, frames: list[int], judges: Judges) -> torch.Tensor:
    """What the judges read between frames t and t + GAP: m/s ahead, aside and up, [N, 3]."""
    return judges.speeds(torch.stack([look([shown[f + later] for f in frames]) for later in PAIR], 1))


def _looked(frames: list[int]) -> tuple[int, ...]:
    return tuple(sorted({0, *(f + later for f in frames for later in PAIR)}))


def _case(
    episode: Episode, values: dict[str, float], shown: Shots, true: Shots, over_time: dict[str, list[list[float]]]
) -> Case:
    kept = episode.looked[:: max(1, len(episode.looked) // 6)]
    return Case(episode.name, dict(values), {f: shown[f] for f in kept}, {f: true[f] for f in kept}, over_time)
