"""Many worlds, one forward pass: what each is told is what it would be told alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine import imagination
from engine.batch import Batch
from engine.models import Models
from engine.world import Frame, Inputs, World
from model import native
from model.omni import BLOCK, FIRST_CARRIED, GROUPS, PATCH, VIEW, Omni, OmniConfig, Seen, given_alone

CONFIG = OmniConfig(width=128, layers=4, heads=2, hidden=192, time_every=2, window=5)
WORLDS = 3


@pytest.fixture(autouse=True)
def a_core_for_each() -> Iterator[None]:
    native.use_threads(WORLDS + 1)
    yield
    native.use_threads(0)


@pytest.fixture
def one_dream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what lies around a first frame, which has few steps, only the nearest is dreamed of: what holds of one, holds
    of seven."""
    monkeypatch.setattr(imagination, "TURNS", imagination.TURNS[:1])
    monkeypatch.setattr(imagination, "FIRST_STEPS", 8)


def an_omni() -> Omni:
    torch.manual_seed(1)
    omni = Omni(CONFIG).eval().requires_grad_(False)
    for parameter in omni.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return omni


def asked(world: int, filled: int = CONFIG.window):
    """Noise, what is given, mask and past of a world that is like no other."""
    torch.manual_seed(10 + world)
    view = torch.rand(1, GROUPS["video"], VIEW)
    given = given_alone(torch.randn(1, 8, CONFIG.width), world + 0.5, torch.randn(4, 8), view, (0.25 * world, 0.5))
    shape = (1, CONFIG.window, BLOCK - FIRST_CARRIED, CONFIG.heads, 64)
    past = [(torch.randn(shape), torch.randn(shape)) for _ in range(CONFIG.time_layers)]
    mask = torch.arange(CONFIG.window + 1) >= CONFIG.window - filled
    return torch.randn(1, 1, GROUPS["video"], PATCH), given, mask[None, None], past


def together(batch: Batch, asks: list) -> list[Seen]:
    """A step of each at the same time."""
    met = threading.Barrier(len(asks))

    def step(ask: tuple) -> Seen:
        with torch.inference_mode(), batch.stepping():
            met.wait(10)
            return batch(*ask)

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(step, asks))


def test_worlds_together_are_told_in_floats_what_each_is_told_alone() -> None:
    omni = an_omni()
    batch, asks = Batch(omni), [asked(world, filled=5 - world) for world in range(WORLDS)]
    told = together(batch, asks)
    assert (batch.passes, batch.served) == (1, WORLDS)
    for ours, ask in zip(told, asks, strict=True):
        alone = omni(*ask)
        pairs = [(ours.clean, alone.clean), (ours.hidden, alone.hidden), (ours.trust, alone.trust)]
        pairs += [pair for a, b in zip(ours.kept, alone.kept, strict=True) for pair in zip(a, b, strict=True)]
        assert all(mine.shape == other.shape and torch.allclose(mine, other, atol=1e-4) for mine, other in pairs)
    assert not torch.allclose(told[0].clean, told[1].clean, atol=1e-2)


def test_who_leaves_or_steps_apart_keeps_nobody_waiting() -> None:
    omni = an_omni()
    batch, inside, leave = Batch(omni), threading.Event(), threading.Event()

    def leaves() -> None:
        with batch.stepping():
            inside.set()
            leave.wait(10)

    def asks(how: Callable) -> Seen:
        with torch.inference_mode(), how():
            return batch(*asked(0))

    with ThreadPoolExecutor(3) as threads:
        leaving = threads.submit(leaves)
        inside.wait(10)
        assert torch.equal(threads.submit(asks, batch.apart).result(10).clean, omni(*asked(0)).clean)
        waits = threads.submit(asks, batch.stepping)
        with pytest.raises(TimeoutError):
            waits.result(0.3)
        leave.set()
        leaving.result(10)
        assert torch.equal(waits.result(10).clean, omni(*asked(0)).clean)


def test_cores_are_shared_and_the_last_one_for_whom_all_others_wait_has_them_all() -> None:
    batch, both = Batch(an_omni()), threading.Barrier(2)
    cores: list[int] = []

    def waits() -> Seen:
        with torch.inference_mode(), batch.stepping():
            both.wait(10)
            cores.append(native.threads())
            both.wait(10)
            return batch(*asked(0))

    def is_last() -> None:
        with batch.stepping():
            both.wait(10)
            both.wait(10)
            until = time.monotonic() + 10
            while native.threads() != native.cores() and time.monotonic() < until:
                time.sleep(0.01)
            cores.append(native.threads())

    with ThreadPoolExecutor(2) as threads:
        first, last = threads.submit(waits), threads.submit(is_last)
        last.result(20)
        first.result(20)
    assert cores == [2, 4]


def test_more_worlds_than_cores_take_turns_and_all_come_to_an_end() -> None:
    native.use_threads(2)
    omni = an_omni()
    batch, asks = Batch(omni), [asked(world) for world in range(5)]

    def steps(ask: tuple) -> list[Seen]:
        seen = []
        for _ in range(3):
            with torch.inference_mode(), batch.stepping():
                assert batch(*ask).clean.isfinite().all()
                seen.append(batch(*ask))
        return seen

    with ThreadPoolExecutor(len(asks)) as threads:
        told = [future.result(60) for future in [threads.submit(steps, ask) for ask in asks]]
    assert batch.served == 30 and batch.passes < 30
    for seen, ask in zip(told, asks, strict=True):
        alone = omni(*ask)
        assert all(torch.allclose(each.clean, alone.clean, atol=1e-4) for each in seen)


def test_an_error_of_the_network_reaches_every_world_and_the_next_step_is_free_of_it() -> None:
    batch, asks = Batch(an_omni()), [asked(world) for world in range(2)]
    broken = (asks[0][0], asks[0][1], asks[0][2][..., :3], asks[0][3])
    with pytest.raises(RuntimeError):
        together(batch, [broken, asks[1]])
    assert len(together(batch, asks)) == 2


def walked(worlds: list[World], inputs: list[Inputs], frames: int) -> list[list[Frame]]:
    with ThreadPoolExecutor(len(worlds)) as threads:
        ticks = [list(threads.map(World.step, worlds, inputs)) for _ in range(frames)]
    return [list(frames_of) for frames_of in zip(*ticks, strict=True)]


def test_worlds_with_other_prompts_and_controls_live_together_as_they_do_alone(one_dream: None) -> None:
    models = Models.random()
    inputs = [Inputs(buttons=1), Inputs(look_x=0.05)]
    prompts = ["a meadow at noon", "a snowy night"]
    both = walked([World(models, seed, prompt) for seed, prompt in enumerate(prompts)], inputs, 4)
    assert models.batch.passes < models.batch.served
    for seed, prompt in enumerate(prompts):
        [alone] = walked([World(models, seed, prompt)], inputs[seed : seed + 1], 4)
        for ours, its_own in zip(both[seed], alone, strict=True):
            assert np.abs(ours.y.astype(int) - its_own.y).max() <= (0 if native.available() else 2)
            assert ours.state == pytest.approx(its_own.state, abs=1e-4)
