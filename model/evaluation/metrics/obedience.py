"""Whether the plain wishes are obeyed to their end: one change each, and how soon it is seen.
A world that stops half-way (at dusk, when night was asked for) fails that change. Knows what is said and seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.evaluation.episodes import Episode, Player
from model.evaluation.figures import Case, Court, Figure, Size, Value, mean
from model.evaluation.judges import ATTRIBUTES
from model.evaluation.pictures import look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Wish
from model.worlds.walker import Controls

SAID_AT, EVERY, LOOKS = 5, 8, 12  # the frame that first hears the wish; frames between looks; looks after it
LAST = 3  # looks that say what it came to
HORIZON_S = EVERY * LOOKS / 24
STROLL = Act(Controls(look_x=0.01))
FIRST_SEED, A_CHANGE = 800, 50  # of the scenes: every change has its own


@dataclass(frozen=True)
class Change:
    """What is said in a scene of that time and weather, and the class of the attribute that is seen once it is done;
    `worlds`: in how many worlds, by one of the size."""

    text: str
    start: tuple[str, str]
    attribute: str
    shows: str
    worlds: int = 1


CHANGES = (
    Change("night falls", ("day", "clear"), "time", "night", worlds=4),  # the longest way, and the first to be lost
    Change("dusk falls", ("day", "clear"), "time", "dusk"),
    Change("dawn breaks", ("night", "clear"), "time", "dawn"),
    Change("let it snow", ("day", "clear"), "weather", "snow"),
    Change("let it rain", ("day", "clear"), "weather", "rain"),
    Change("fog rolls in", ("day", "clear"), "weather", "fog"),
    Change("the sun comes out", ("day", "rain"), "weather", "clear"),
)


def judgement(change: Change) -> str:
    """Whom its figure rests on: whether a picture shows that class or any other."""
    return f"{change.attribute} {change.shows}"


class Obedience:
    """See the module. Every change has a figure of its own, so that one that is lost is not drowned by the others."""

    name = "obedience"
    figures: tuple[Figure, ...] = (
        Figure("obeyed", "", "of the plain wishes, seen to their end", mean, rests_on=("time", "weather")),
        Figure("obeyed_s", "s", "until it is seen", mean, higher_is_better=False, rests_on=("time", "weather")),
        *(
            Figure(f"obeyed_{c.shows}", "", f"{c.text!r}, said by {c.start[0]}", mean, rests_on=(judgement(c),))
            for c in CHANGES
        ),
    )

    def names(self, size: Size) -> list[str]:
        return [f"{change.text}, {n}" for change, n in planned(size)]

    def frames(self, number: int, size: Size) -> int:
        return SAID_AT + EVERY * LOOKS

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        change, world = planned(size)[number]
        episode = said(change, world)
        shown, true = player.play(episode), court.truth.play(episode)
        looked = [frame for frame in episode.looked if frame >= SAID_AT]
        chances = court.judges.read(look([shown[frame] for frame in looked]))[change.attribute]
        wanted = ATTRIBUTES[change.attribute].index(change.shows)
        end = int(chances[-LAST:].mean(0).argmax())
        done = end == wanted
        seen = (chances.argmax(1) == wanted).tolist()
        row = [f"{change.attribute} {name}" for name in (change.shows, ATTRIBUTES[change.attribute][end])]
        values: dict[str, Value] = {"obeyed": float(done), f"obeyed_{change.shows}": float(done)}
        values |= {"obeyed_s": seconds_until(seen), "obeyed_seen": [row]}
        kept = [looked[i] for i in np.linspace(0, len(looked) - 1, 6).astype(int)]
        return Case(episode.name, values, {f: shown[f] for f in kept}, {f: true[f] for f in kept})


def planned(size: Size) -> list[tuple[Change, int]]:
    """Every change with the number of its world."""
    return [(change, n) for change in CHANGES for n in range(size.changes * change.worlds)]


def said(change: Change, number: int) -> Episode:
    """A look around in a scene of the change's start; then it is said, and waited for."""
    time, weather = (change.shows if change.attribute == kind else "" for kind in ("time", "weather"))
    wish = Wish(change.text, time, weather)
    acts = [STROLL] * (SAID_AT - 1) + [Act(STROLL.controls, wish)] + [STROLL] * (EVERY * LOOKS)
    looked = (0, *(SAID_AT + EVERY * i for i in range(LOOKS + 1)))
    seed = FIRST_SEED + A_CHANGE * CHANGES.index(change) + number
    return Episode(f"{change.text}, {number}", scene(seed, *change.start), tuple(acts), looked)


def seconds_until(seen: list[bool]) -> float:
    """From the wish to the look from which on it is seen, to the last look; the horizon when it is not seen then."""
    lasting = len(seen) - next((i for i, sees in enumerate(reversed(seen)) if not sees), len(seen))
    return min(HORIZON_S, lasting * EVERY / 24)
