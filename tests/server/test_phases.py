"""The states of a session and the queue, as numbers and names."""

from __future__ import annotations

from itertools import product

import pytest

from server.phases import MAY_FOLLOW, NotAllowed, SessionState, follow
from server.queueing import Queue


def test_a_session_goes_from_state_to_state_as_the_table_says() -> None:
    refused = 0
    for before, after in product(SessionState, SessionState):
        if after in MAY_FOLLOW[before]:
            assert follow(before, after) is after
        else:
            refused += 1
            with pytest.raises(NotAllowed, match=f"after {before.value} comes .*, not {after.value}"):
                follow(before, after)
    assert refused > 15 and not MAY_FOLLOW[SessionState.ENDED]
    assert all(SessionState.ENDED in MAY_FOLLOW[state] for state in SessionState if state is not SessionState.ENDED)


def test_a_queue_serves_in_order_and_who_lost_a_world_first() -> None:
    queue = Queue(3)
    for name in ("a", "b", "a", "c"):
        queue.join(name)
    assert queue.full and [queue.place(name) for name in "abcd"] == [1, 2, 3, None]
    queue.join("lost", first=True)
    queue.leave("b")
    assert [queue.next() for _ in range(4)] == ["lost", "a", "c", None]


def test_the_expected_wait_is_judged_by_how_long_others_stayed() -> None:
    queue = Queue(3)
    assert queue.wait_s(1, 2) is None
    for seconds in (50.0, 150.0):
        queue.stayed(seconds)
    assert queue.wait_s(1, 1) == 100.0 and queue.wait_s(3, 2) == 150.0 and queue.wait_s(1, 0) is None
