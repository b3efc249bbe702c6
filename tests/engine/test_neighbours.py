"""Workers of one gateway: who is busy has an even share of the cores, who is alone has them all."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.paths import ROOT
from engine.messages import BUSY_BYTES, MOST_WORKERS, Open, Ready, VideoPacket, encode
from engine.neighbours import BUSY_S, Neighbours
from model import native
from tests.engine.test_serving import gather, listening

BUSY_AND_GONE = """
import os, pathlib, sys
from engine.neighbours import Neighbours
Neighbours(pathlib.Path(sys.argv[1]), 1, 3).share(8)
os.kill(os.getpid(), 9)
"""


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "busy"
    path.write_bytes(bytes(MOST_WORKERS * BUSY_BYTES))
    return path


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    native.beside_others(None)
    native.use_threads(0)


def test_who_is_busy_has_a_share_and_who_is_alone_all(file: Path) -> None:
    clock = Clock()
    one, two, three = (Neighbours(file, number, 3, clock) for number in range(3))
    assert one.share(8) == 8
    assert two.share(8) == 4
    assert three.share(8) == 2 == one.share(8)
    assert one.share(2) == 1
    clock.now_s += BUSY_S * 0.9
    assert two.share(8) == 2
    clock.now_s += BUSY_S * 0.2  # the others asked for none since
    assert two.share(8) == 8


def test_one_that_was_killed_leaves_its_share(file: Path) -> None:
    assert subprocess.run([sys.executable, "-c", BUSY_AND_GONE, str(file)], cwd=ROOT).returncode == -9
    clock = Clock()
    mine = Neighbours(file, 0, 3, clock)
    clock.now_s = mine._times[1]  # the moment of its death
    assert mine.share(8) == 4
    clock.now_s += BUSY_S
    assert mine.share(8) == 8


@pytest.mark.parametrize(("number", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_number_that_is_no_workers_is_refused(file: Path, number: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"expected a worker's number from 0 to {count - 1}, got {number}"):
        Neighbours(file, number, count)


def test_a_file_that_is_too_small_is_refused(tmp_path: Path) -> None:
    (tmp_path / "busy").write_bytes(bytes(20))
    with pytest.raises(ValueError, match="expected a file of 24 bytes for 3 workers, got 20"):
        Neighbours(tmp_path / "busy", 0, 3)


def test_kernels_use_what_others_leave_and_no_more_than_they_may(
    file: Path, restored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    one, two, three = (Neighbours(file, number, 3, Clock()) for number in range(3))
    native.beside_others(one.share)
    assert native.cores() == native.most_cores() == native.MOST_THREADS  # of eight
    two.share(8), three.share(8)
    assert native.cores() == native.threads() == 2 and native.most_cores() == native.MOST_THREADS
    with native.sharing(lambda: 1):
        assert native.threads() == 1
    native.use_threads(3)  # of all together
    assert native.cores() == 1 and native.most_cores() == native.allowed() == 3


async def test_a_worker_says_how_many_there_are_and_tells_them_that_it_is_busy(file: Path, tmp_path: Path) -> None:
    socket = tmp_path / "worker.sock"
    command = ["-m", "engine.worker", "--socket", str(socket), "--rung", "270p", "--neighbours", str(file)]
    async with listening(socket) as connected:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--workers", "2", "--number", "1", cwd=ROOT
        )
        reader, writer = await connected
        ready = (await gather(reader, Ready, 1))[0]
        assert isinstance(ready, Ready) and ready.workers == 2 and ready.capacity >= 1
        assert file.read_bytes() == bytes(MOST_WORKERS * BUSY_BYTES)  # nobody is in it yet
        writer.write(encode(Open(session="a", seed=1)))
        await gather(reader, VideoPacket, 2)
        times = memoryview(file.read_bytes()).cast("d")
        assert times[1] > 0 and not any(times[at] for at in range(MOST_WORKERS) if at != 1)
    assert await process.wait() == 0
