"""Whether a place is as it was left: turn away, walk away for some time, walk home by controls, and look again.
A gain is over the better of two who remember nothing: what was shown while away, and who began away."""

from __future__ import annotations

import math
from itertools import count

from model.evaluation.episodes import Episode, Player
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.pictures import psnr_db
from model.evaluation.scenes import scene, walked
from model.evaluation.subjects import Act, Scene
from model.worlds.walker import Controls

TURN, LEG, SETTLE = 42, 96, 12  # frames of half a turn, of a leg of the way, of standing at home
HOME_M, AWAY_M = 0.3, 3.0  # how near the way must end, and how far it must have led
HALF_TURN = Act(Controls(look_x=math.pi / TURN))


def gain(away_s: int) -> Figure:
    """The figure of a visit after so many seconds away."""
    return Figure(f"revisit{away_s}_gain_db", "dB", f"what memory gains at home after {away_s} s away", mean)


class Memory:
    """See the module."""

    name = "memory"

    def __init__(self, away_s: tuple[int, ...]):
        self._away_s = away_s
        self.figures = tuple(gain(seconds) for seconds in away_s)

    def names(self, size: Size) -> list[str]:
        return [f"visit {number}, {seconds} s" for seconds in self._away_s for number in range(size.visits)]

    def frames(self, number: int, size: Size) -> int:
        acts, farthest = way(self._away_s[number // size.visits])
        return 2 * len(acts) - farthest

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        seconds, number = self._away_s[number // size.visits], number % size.visits
        acts, farthest = way(seconds)
        here = suitable(number, acts, farthest)
        looked = (0, TURN, farthest, len(acts))
        episode = Episode(f"visit {number}, {seconds} s", here, tuple(acts), looked)
        true, shown = court.truth.play(episode), player.play(episode)
        home, last = true[len(acts)], len(acts)
        baseline = psnr_db(shown[farthest], home)
        if player.invents:
            begun_away = Episode(
                f"{episode.name}, begun away", away(here, acts, farthest), tuple(acts[farthest:]), (0, last - farthest)
            )
            baseline = max(baseline, psnr_db(player.play(begun_away)[last - farthest], home))
        values = {f"revisit{seconds}_gain_db": psnr_db(shown[last], home) - baseline}
        return Case(episode.name, values, {f: shown[f] for f in looked}, {f: true[f] for f in looked})


def way(seconds: int) -> tuple[list[Act], int]:
    """Half a turn, there and back again for so long, half a turn more, and rest; and the last frame in which it is
    farthest from home: who begins there has a leg's way home, and remembers nothing."""
    legs = max(1, round(seconds * 24 / (2 * LEG)))
    there, back = [Act(Controls(forward=True))] * LEG, [Act(Controls(back=True))] * LEG
    acts = [HALF_TURN] * TURN + (there + back) * legs + [HALF_TURN] * TURN + [Act()] * SETTLE
    return acts, TURN + LEG + 2 * LEG * (legs - 1)


def suitable(number: int, acts: list[Act], farthest: int) -> Scene:
    """A scene in which nothing stands in that way."""
    for seed in count(1000 + 50 * number):
        here = scene(seed, "day", "clear")
        walks = walked(here, acts)
        home, end, far = walks[0], walks[-1], walks[farthest]
        if math.hypot(end.x - home.x, end.z - home.z) < HOME_M < AWAY_M < math.hypot(far.x - home.x, far.z - home.z):
            return here
    raise AssertionError("seeds have no end")


def away(here: Scene, acts: list[Act], farthest: int) -> Scene:
    """The same world, entered where the way is farthest."""
    return Scene(
        here.world, here.place, walked(here, acts[:farthest])[-1], here.sky, here.prompt, here.clock + farthest / 24
    )
