"""Whether bodies fall as they should: how long a jump keeps the eye off the ground, read from the picture.
The jumper is the only body that falls; for thrown things there is no output yet."""

from __future__ import annotations

from model.evaluation.episodes import Episode, Player
from model.evaluation.figures import Case, Court, Figure, Size, mean
from model.evaluation.judges import GAP
from model.evaluation.pictures import look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act
from model.worlds.walker import Controls

BEFORE, AFTER = 8, 40  # frames
FIRST, STEP = 4, 2  # of the pairs that are judged


class Physics:
    """See the module."""

    name = "physics"
    figures: tuple[Figure, ...] = (
        Figure(
            "gravity_error",
            "",
            "error of the fall's acceleration, from a jump's time in the air",
            mean,
            higher_is_better=False,
            rests_on=("air",),
        ),
    )

    def names(self, size: Size) -> list[str]:
        return [f"jump {number}" for number in range(size.jumps)]

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        jump = Act(Controls(jump=True, forward=number % 2 == 0))
        rest = Act(Controls(forward=number % 2 == 0))
        acts = [rest] * BEFORE + [jump] + [rest] * (AFTER - 1)
        frames = list(range(FIRST, BEFORE + AFTER - GAP + 1, STEP))
        looked = tuple(sorted({0, *frames, *(f + GAP for f in frames)}))
        episode = Episode(f"jump {number}", scene(300 + number, "day", "clear"), tuple(acts), looked)
        true, shown = court.truth.play(episode), player.play(episode)
        pictures = look([shown[f] for f in frames]), look([shown[f + GAP] for f in frames])
        chances = court.judges.moved(*pictures)[0]["air"]
        flying = (court.truth.facts(episode)["walk"][:, 8] < 0.5).float()
        true_share = sum(float(flying[f + 1 : f + GAP + 1].mean()) for f in frames)
        read_share = float(chances[:, 1].sum())
        error = min(1.0, abs(true_share / read_share - 1)) if read_share > 0.5 else 1.0  # g is 2 v / time in the air
        kept = looked[:: max(1, len(looked) // 6)]
        return Case(episode.name, {"gravity_error": error}, {f: shown[f] for f in kept}, {f: true[f] for f in kept})
