"""Which rung a world is drawn at: decisions with a clock of their own."""

from itertools import pairwise

import pytest

from engine.ladder import CLIMB_WINDOW_S, FALL_WINDOW_S, HOLD_S, Control, highest

PERIOD_S = 1 / 24


class Machine:
    """Ticks on a machine where each rung takes a share of its period; above 1, slots are skipped."""

    def __init__(self, rates: tuple[float, ...], busy: tuple[float, ...]) -> None:
        self.control, self.busy, self.now_s = Control(rates, 0.0), list(busy), 0.0
        self.moves: list[tuple[float, int]] = []
        self._owed = 0.0

    def run(self, seconds: float) -> int:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            before = self.control.rung
            busy = self.busy[before]
            self._owed += max(0.0, busy - 1)
            skipped, self._owed = int(self._owed), self._owed % 1
            self.now_s += PERIOD_S * (1 + skipped)
            if self.control.saw(min(busy, 1.0), skipped, self.now_s) != before:
                self.moves.append((self.now_s, self.control.rung))
        return self.control.rung


def test_the_highest_rung_with_time_to_spare_is_the_first() -> None:
    assert highest([40, 30, 20]) == 1
    assert highest([40, 30, 27.6]) == 2
    assert highest([20, 10, 5]) == 0
    with pytest.raises(ValueError, match="a rate above 0"):
        Control([], 0.0)


def test_what_falls_behind_falls_within_seconds_and_stays() -> None:
    machine = Machine((60, 40, 30), (0.5, 0.95, 1.4))
    assert machine.run(60) == 1
    assert len(machine.moves) == 1 and machine.moves[0][0] < FALL_WINDOW_S + 1


def test_a_machine_at_rest_is_left_alone() -> None:
    machine = Machine((60, 40, 30), (0.4, 0.6, 0.8))
    assert machine.run(120) == 2 and machine.moves == []


def test_a_burden_that_goes_away_is_climbed_out_of() -> None:
    machine = Machine((60, 40, 30), (0.4, 0.6, 1.5))
    assert machine.run(8) == 1
    machine.busy = [0.4, 0.6, 0.8]
    machine.run(HOLD_S + CLIMB_WINDOW_S + 2)
    assert [rung for _, rung in machine.moves] == [1, 2]


def test_who_falls_again_and_again_waits_longer_each_time() -> None:
    machine = Machine((60, 40, 30), (0.4, 0.55, 1.5))  # looks as if there were room, and there is none
    machine.run(600)
    climbs = [at for at, rung in machine.moves if rung == 2]
    falls = [at for at, rung in machine.moves if rung == 1]
    waits = [up - down for down, up in zip(falls, climbs, strict=False)]
    assert len(climbs) <= 6 and all(later > 1.5 * sooner for sooner, later in pairwise(waits))


def test_one_late_frame_moves_nothing() -> None:
    control = Control((60, 40, 30), 0.0)
    for tick in range(1, 200):
        assert control.saw(0.9, 2 if tick == 100 else 0, tick * PERIOD_S) == 2
