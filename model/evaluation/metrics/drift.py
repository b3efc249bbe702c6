"""Whether a world stays itself while people walk and talk: sharpness, light and colour, second by second beside truth
under the same hands and words, and whether hands still work at the end. A world that stops moving fails."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.evaluation.episodes import Episode, Player, Shots
from model.evaluation.figures import Case, Court, Figure, Size, above_chance, mean
from model.evaluation.judges import GAP, LOOKED, Judges
from model.evaluation.metrics.control import recovered
from model.evaluation.metrics.fidelity import feature_distance
from model.evaluation.pictures import Picture, look, streamed_luma
from model.evaluation.scenes import scene, wander, wishing

EVERY, SEGMENT_S, WISH_S = 24, 10, 15  # frames between looks; a segment; seconds between prompts
MOVING = 0.25  # the least share of the truth's change from frame to frame
FLOORS = {
    "sharpness": 0.002,
    "luma": 0.02,
    "saturation": 0.005,
}  # added to both sides, so that nights do not divide by 0
EARLY = 1 / 3  # the first and the last part of the time, for control


def late(values: list[dict[str, list[list[str]]]]) -> float:
    """Control above chance in the last third over that of the first; 0 where there was none to lose."""
    first, last = (above_chance([row for value in values for row in value[k]], 3) for k in ("early", "late"))
    return max(0.0, last) / first if first > 0.1 else 0.0


def size_of(slopes: list[float]) -> float:
    """Of the mean slope: near 0 where worlds change this way and that."""
    return abs(mean(slopes))


def slope_a_minute(curve: list[list[float]]) -> float | None:
    """Least squares over [seconds, ratio] of the ratio's logarithm; None for less than two points."""
    if len(curve) < 2:
        return None
    seconds, ratios = np.array(curve).T
    return float(60 * np.polyfit(seconds, np.log(np.maximum(ratios, 1e-3)), 1)[0])


class Drift:
    """See the module."""

    name = "drift"
    figures: tuple[Figure, ...] = (
        Figure("drift_worst_ratio", "", "the worst 10 s beside truth, 1 is as true as at the start", mean),
        Figure("drift_slope", "/min", "share of the sharpness lost or gained a minute", size_of, False),
        Figure("drift_feature_distance", "", "MMD of the last third from the true one", mean, False),
        Figure("late_control_ratio", "", "turns read back in the last third over the first", late, rests_on=("turn",)),
    )

    def names(self, size: Size) -> list[str]:
        return [f"stroll {number}" for number in range(size.drifts)]

    def frames(self, number: int, size: Size) -> int:
        return 24 * size.drift_s

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        frames = 24 * size.drift_s
        rng = np.random.default_rng([number, 41])
        acts = wishing(wander(rng, frames), 24 * WISH_S, rng)
        at = list(range(EVERY, frames - LOOKED[-1] + 1, EVERY))
        looked = tuple(sorted({0, *(f + later for f in at for later in LOOKED)}))
        episode = Episode(f"stroll {number}", scene(400 + number, "day", "clear"), tuple(acts), looked)
        true, shown = court.truth.play(episode), player.play(episode)
        ratios = segments(shown, true, at)
        part = int(len(at) * EARLY)
        early, last = (recovered(shown, episode, some, court, ("turn",))["turn"] for some in (at[:part], at[-part:]))
        curves = {f"{name}, beside truth": curve for name, curve in ratios.items() if name != "moving"}
        worst = min(min(r, 1 / max(r, 1e-6)) for curve in curves.values() for _, r in curve)
        moving = min(share for _, share in ratios["moving"])
        values = {
            "drift_worst_ratio": worst if moving >= MOVING else 0.0,
            "drift_slope": slope_a_minute(ratios["sharpness"]),
            "drift_feature_distance": feature_distance(*late_features(shown, true, at, court.judges)),
            "late_control_ratio": {"early": early, "late": last},
        }
        kept = [0, *at[:: max(1, len(at) // 5)]][:6]
        return Case(episode.name, values, {f: shown[f] for f in kept}, {f: true[f] for f in kept}, curves)


def late_features(shown: Shots, true: Shots, at: list[int], judges: Judges) -> tuple[Tensor, Tensor]:
    """Of the last third of the time, of what is shown, and of the truth at the frames between."""
    frames = at[-int(len(at) * EARLY) :]
    return judges.features(look([shown[f] for f in frames])), judges.features(look([true[f + GAP] for f in frames]))


def segments(shown: Shots, true: Shots, at: list[int]) -> dict[str, list[list[float]]]:
    """For each property [seconds, shown over true] by segment, and the share of the truth's movement as `moving`."""
    out: dict[str, list[list[float]]] = {name: [] for name in (*FLOORS, "moving")}
    size = SEGMENT_S * 24 // EVERY
    for first in range(0, len(at), size):
        frames = at[first : first + size]
        ours, theirs = (dict.fromkeys(out, 0.0) for _ in range(2))
        for shots, sums in ((shown, ours), (true, theirs)):
            for f in frames:
                for name, value in properties(shots[f]).items():
                    sums[name] += value / len(frames)
                change = (streamed_luma(shots[f + GAP]) - streamed_luma(shots[f])).abs().mean()
                sums["moving"] += float(change) / len(frames)
        when = (frames[0] + frames[-1]) / 48
        for name in out:
            more = FLOORS.get(name, 1e-4)
            out[name].append([when, (ours[name] + more) / (theirs[name] + more)])
    return out


def properties(picture: Picture) -> dict[str, float]:
    """Sharpness (mean size of the Laplacian of luma), luma and saturation (mean size of chroma), all of 0..1."""
    luma = streamed_luma(picture)
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    sharpness = F.conv2d(luma[None, None], kernel[None, None]).abs().mean()
    u, v = ((plane.float() - 128) / 224 for plane in (picture.u, picture.v))
    return {
        "sharpness": float(sharpness),
        "luma": float(luma.mean()),
        "saturation": float((u.square() + v.square()).sqrt().mean()),
    }
