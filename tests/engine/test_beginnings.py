"""What is told of new worlds' first frames and of what lies around them."""

from itertools import islice

from engine import beginnings
from model.evaluation.judges import Judges


def test_the_simulators_own_worlds_show_what_was_asked_for(monkeypatch):
    monkeypatch.setattr(beginnings, "SENTENCES", 1)
    asked = list(islice(beginnings.asked(), 6))  # five of a meadow, one of a desert
    monkeypatch.setattr(beginnings, "asked", lambda: iter(asked))
    turns = beginnings.simulated(1)
    assert [len(views) for views in turns] == [1 + beginnings.VIEWS] * 6
    right = [beginnings.rightly(Judges.load(), views, wanted) for views, (_, wanted) in zip(turns, asked, strict=True)]
    assert all(each["first_time"] == [1] for each in right) and sum(right[5]["turn_place"]) == beginnings.VIEWS
    astray = beginnings.rightly(Judges.load(), turns[5], {**asked[5][1], "place": "coast"})
    assert sum(astray["turn_place"]) == 0 and astray["turn_time"] == right[5]["turn_time"]
