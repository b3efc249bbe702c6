"""Whose turn it is: together, without waiting for those that begin."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from engine.turns import BEGINNING, Turns


async def test_nobody_waits_for_one_that_begins_and_all_wait_for_those_that_live() -> None:
    turns: Turns[str] = Turns()
    counted, first_frame, going = Counter[str](), asyncio.Event(), asyncio.Event()
    going.set()

    async def tick(name: str) -> None:
        await (first_frame if name == "new" and not counted[name] else going).wait()
        counted[name] += 1

    for _ in range(6):
        await turns.take(["old"], tick)
    for _ in range(5):
        await turns.take(["old", "new"], tick)
    assert counted["new"] == 0 and counted["old"] >= 6 + 5 - BEGINNING
    first_frame.set()
    for _ in range(BEGINNING + 4):
        await turns.take(["old", "new"], tick)
    before = counted.copy()
    going.clear()  # overloaded: everything takes its time
    slow = asyncio.create_task(turns.take(["old", "new"], tick))
    await asyncio.sleep(0.01)
    assert not slow.done() and counted == before
    going.set()
    await slow
    assert counted["old"] - before["old"] == counted["new"] - before["new"] == 1


async def test_what_a_tick_raises_is_raised_and_what_is_under_way_can_be_ended() -> None:
    turns: Turns[str] = Turns()

    async def fails(name: str) -> None:
        raise RuntimeError(name)

    with pytest.raises(RuntimeError, match="one"):
        for _ in range(3):
            await turns.take(["one"], fails)
    cancelled = asyncio.Event()

    async def hangs(name: str) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            cancelled.set()

    await turns.take(["two"], hangs)
    await turns.end()
    assert cancelled.is_set()
