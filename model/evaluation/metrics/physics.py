"""Whether bodies move by the simulator's constants: how a jump's rise turns into a fall, and how fast somebody walks.
Read from the picture alone. The walker is the only body there is; nothing can be thrown yet, so nothing bounces."""

from __future__ import annotations

import numpy as np
import torch

from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.judges import GAP, Judges
from model.evaluation.pictures import look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act
from model.worlds.walker import FRAME_S, GRAVITY_M_S2, JUMP_M_S, Controls

BEFORE, AFTER, STEP = 8, 32, 2  # frames of standing, and from the jump on; between the pairs that are judged
FLIGHT = int(2 * JUMP_M_S / GRAVITY_M_S2 / FRAME_S)  # whole frames in the air
PAIR = (0, 1, GAP, GAP + 1)  # frames of one
STRIDES, STEADY = 40, 12  # frames of walking, and the first of them that counts


class Physics:
    """See the module."""

    name = "physics"
    figures: tuple[Figure, ...] = (
        Figure("gravity_error", "", "of the fall's acceleration, from a jump's rise and fall", mean, False, ("rise",)),
        Figure("walking_speed_error", "", "of the speed of somebody who walks", mean, False, ("ahead",)),
    )

    def names(self, size: Size) -> list[str]:
        return [f"{kind} {number}" for kind in ("jump", "strides") for number in range(size.jumps)]

    def frames(self, number: int, size: Size) -> int:
        return BEFORE + AFTER if number < size.jumps else STRIDES

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        if number < size.jumps:
            return self._jump(number, player, court)
        return self._strides(number - size.jumps, player, court)

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
