"""Saved worlds as somebody may forge them, with a right checksum around: a worker refuses them or lives on in them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from engine.messages import Opened, State, encode
from engine.models import Models
from engine.session import NotRestored
from engine.worker import restorer
from engine.world import Inputs, World
from tests.hostile import hostile, many

NUMBERS = (0, 1, -1, 1e-30, 1e4, 9e5, 1e9, 1e30, -1e30, 3.4e38, 255, 65535, 0.5, -1e5, 2**62, float("nan"))
ODD = (None, True, 2**31, 2**53, 2**64, 10**30, 10**400, -(2**63), 1e308, float("inf"), "", "x" * 5000, "\0", "1", [])
TYPES = (torch.uint8, torch.uint16, torch.int64, torch.float32, torch.bfloat16, torch.float64, torch.bool)
PARTS = (
    "y", "u", "v", "depth", "sky", "pose", "velocity", "generator", "keyframes.latents", "keyframes.pose",
    "keyframes.light", "keyframes.index", "keyframes.distance_m", "keyframes.drawn", "keyframes.dreamed",
)  # fmt: skip
FACTS = ("model", "index", "place", "ground", "prompt", "since", "camera", "floor_m", "format", "version", "other")
CHANGE = (
    st.tuples(st.just("fact"), st.sampled_from(FACTS), st.sampled_from(ODD) | st.floats() | st.integers(-2, 10))
    | st.tuples(st.just("filled"), st.sampled_from(PARTS), st.sampled_from(NUMBERS))
    | st.tuples(st.just("spot"), st.sampled_from(PARTS), st.sampled_from(NUMBERS))
    | st.tuples(st.just("typed"), st.sampled_from(PARTS), st.sampled_from(TYPES))
    | st.tuples(st.just("cut"), st.sampled_from(PARTS), st.integers(0, 8))
    | st.tuples(st.just("noise"), st.sampled_from(PARTS), st.sampled_from((0.1, 1.0, 30.0, 1e5)))
)
PATCH = st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8))


@cache
def lived() -> tuple[Models, bytes]:
    """Networks, and a world of theirs that somebody walked in."""
    models = Models.random()
    world = World(models, 1, "a meadow")
    for _ in range(6):
        world.step(Inputs(buttons=1, look_x=0.05))
    return models, world.saved()


def forged(changes: list[tuple[str, str, Any]]) -> bytes:
    """The saved world with parts of it changed, and whole again."""
    data = lived()[1]
    about = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["world"])
    tensors = load(data)
    for how, name, value in changes:
        if how == "fact":
            (about if name in about else about["facts"])[name] = value
        else:
            tensors[name] = changed(tensors[name], how, value)
    return bytes(save({name: part.contiguous() for name, part in tensors.items()}, {"world": json.dumps(about)}))


def changed(part: torch.Tensor, how: str, value: Any) -> torch.Tensor:
    wide = part.to(torch.float64)
    match how:
        case "filled":
            return torch.full_like(wide, value).to(part.dtype)
        case "spot":
            wide.view(-1)[wide.numel() // 2 :][:1] = value
            return wide.to(part.dtype)
        case "typed":
            return wide.to(value)
        case "cut":
            return part[:value]
        case _:
            return (wide + value * torch.randn(wide.shape, generator=torch.Generator().manual_seed(1))).to(part.dtype)


def live_on_or_refuse(data: bytes) -> bool:
    """Whether it was taken for a world; then it has frames, whose numbers can be sent, and is saved again."""
    try:
        world = restorer(lived()[0])(data)
    except NotRestored as refused:
        assert len(str(refused)) < 400
        return False
    encode(Opened(session="a", epoch=1, frame=world.index))
    for _ in range(2):
        frame = world.step(Inputs(buttons=1, look_x=0.1))
        encode(State(session="a", epoch=1, frame=frame.index, values=frame.state, audio=frame.audio))
    assert restorer(lived()[0])(world.saved()).index == frame.index
    return True


def test_the_world_that_is_forged_is_taken() -> None:
    assert live_on_or_refuse(lived()[1]) and live_on_or_refuse(forged([]))


@hostile
@given(st.lists(CHANGE, min_size=1, max_size=3))
def test_a_forged_world_is_refused_or_lived_in(changes: list[tuple[str, str, Any]]) -> None:
    live_on_or_refuse(forged(changes))


@hostile
@given(st.lists(PATCH, min_size=1, max_size=3), st.integers(0, 1 << 20) | st.none())
def test_bytes_that_are_overwritten_are_refused_or_lived_in(patches: list[tuple[int, bytes]], cut: int | None) -> None:
    data = bytearray(lived()[1])
    for at, put in patches:
        at %= len(data) if at % 2 else 4096  # the header as often as the rest
        data[at : at + len(put)] = put
    live_on_or_refuse(bytes(data if cut is None else data[:cut]))


@pytest.mark.soak
def test_ten_thousand_forged_worlds() -> None:
    many(__file__)
