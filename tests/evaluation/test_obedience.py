"""A wish that is not obeyed to its end fails by its own figure, and decides the comparison of two results."""

import dataclasses

import pytest

from model.evaluation import compare, suite
from model.evaluation.episodes import frozen
from model.evaluation.metrics.obedience import HORIZON_S, Obedience, planned, seconds_until
from model.evaluation.prompts import bundled
from model.evaluation.subjects import Wish

OBEDIENCE = Obedience()
PLANNED = planned(suite.QUICK)
NIGHT, SNOW = (next(i for i, (change, _) in enumerate(PLANNED) if change.shows == shows) for shows in ("night", "snow"))


class StopsAtDusk:
    """The truth, but whoever asks for the night gets the dusk."""

    invents = False

    def __init__(self, court):
        self._truth = court.truth

    def play(self, episode):
        acts = tuple(
            dataclasses.replace(act, say=Wish(act.say.text, "dusk")) if act.say and act.say.time == "night" else act
            for act in episode.acts
        )
        return self._truth.play(dataclasses.replace(episode, acts=acts))


def test_a_night_that_stops_at_dusk_fails_that_change(court):
    def value(player, number, name):
        return OBEDIENCE.case(number, suite.QUICK, player, court).values[name]

    lazy = StopsAtDusk(court)
    assert value(court.truth, NIGHT, "obeyed_night") == 1 and value(lazy, NIGHT, "obeyed_night") == 0
    assert value(court.truth, NIGHT, "obeyed_s") < 3 and value(lazy, NIGHT, "obeyed_s") == HORIZON_S
    assert value(court.truth, SNOW, "obeyed_snow") == value(lazy, SNOW, "obeyed_snow") == 1
    assert value(frozen(court.truth), SNOW, "obeyed_snow") == 0


def test_the_time_until_it_is_seen_counts_from_when_it_stays():
    assert seconds_until([False, True, False, True, True]) == pytest.approx(1.0)
    assert seconds_until([True, True]) == 0.0
    assert seconds_until([False] * 13) == seconds_until([True, False] * 6 + [False]) == HORIZON_S


def test_one_lost_change_of_seven_makes_a_result_worse(court):
    def result(night):
        records = [
            {"metric": "obedience", "case": f"{change.text}, {n}", "values": values}
            for change, n in PLANNED
            for done in [night if change.shows == "night" else 1.0]
            for values in [{"obeyed": done, f"obeyed_{change.shows}": done, "obeyed_s": 4 - 3 * done}]
        ]
        chosen = suite.suite_of("obedience", bundled(), 1)
        return suite.summary(chosen, court.judges, records, records, records)

    verdicts = {d.name: d.verdict for d in compare.differences(result(1.0), result(0.0))}
    assert verdicts["obeyed_night"] == "worse" and verdicts["obeyed_snow"] == "same"


def test_prompts_are_measured_with_the_plain_wishes_among_them():
    names = [metric.name for metric in suite.suite_of("prompts", bundled(), 1).metrics]
    assert names == ["prompts", "obedience"]
