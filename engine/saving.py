"""A world as bytes and back: tensors in safetensors, the rest as JSON in their metadata.
Knows the format; nothing of how worlds live."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.memory import MOST, Keyframe
from engine.messages import MAX_PROMPT_CHARS

FORMAT, VERSION = "mundo-world", 2
PARTS = ("latents", "pose", "light", "index", "distance_m", "drawn", "dreamed")  # of the keyframes, stacked

LARGEST = 1e6  # metres, and whatever else a tensor holds: no world that was walked in comes near
Part = tuple[torch.dtype, tuple[int, ...]]
"""What a tensor must be: its type and its shape (-1: any size)."""


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is no tensor: the networks' name, the frame that was last, the place's number, whether somebody
    stands on the ground, the prompt in force and since how many frames it is, whether the first picture was given, the
    camera, and the ground's height below it in metres."""

    model: str
    index: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    place: Annotated[int, msgspec.Meta(ge=0)]
    ground: Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
    prompt: Annotated[str, msgspec.Meta(max_length=MAX_PROMPT_CHARS)]
    since: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    given: bool = False
    camera: str = "first"
    floor_m: Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)] = 0.0


class NotAWorld(ValueError):
    """These bytes are no saved world, or one of other networks; the message names what was expected and what came."""


def to_bytes(facts: Facts, tensors: dict[str, Tensor]) -> bytes:
    """Facts and named tensors."""
    about = json.dumps({"format": FORMAT, "version": VERSION, "facts": msgspec.to_builtins(facts)})
    return bytes(save({name: part.detach().contiguous().clone() for name, part in tensors.items()}, {"world": about}))


def from_bytes(data: bytes, parts: dict[str, Part]) -> tuple[Facts, dict[str, Tensor]]:
    """Facts and tensors, these and no others. Raises NotAWorld."""
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"]["world"])
        if (about.get("format"), about.get("version")) != (FORMAT, VERSION):
            raise NotAWorld(
                f"expected a {FORMAT} of version {VERSION}; got {about.get('format')} {about.get('version')}"
            )
        facts = msgspec.convert(about["facts"], Facts)
    except NotAWorld:
        raise
    except msgspec.MsgspecError as error:
        raise NotAWorld(f"expected the facts of a world: {error}") from error
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAWorld(f"expected a {FORMAT}, got damaged bytes: {error}") from error
    if set(tensors) != set(parts):
        raise NotAWorld(f"expected {', '.join(sorted(parts))}; got {', '.join(sorted(tensors))}")
    for name, part in parts.items():
        _check(name, part, tensors[name])
    return facts, tensors


def _check(name: str, part: Part, tensor: Tensor) -> None:
    (dtype, shape), found = part, tuple(tensor.shape)
    if tensor.dtype != dtype:
        raise NotAWorld(f"expected {name} of {dtype}; got {tensor.dtype}")
    if len(found) != len(shape) or any(a not in (-1, b) for a, b in zip(shape, found, strict=True)):
        raise NotAWorld(f"expected {name} of {list(shape)}; got {list(found)}")
    if tensor.is_floating_point() and not (tensor.abs() <= LARGEST).all():  # nor is what is no number
        raise NotAWorld(f"expected numbers of up to {LARGEST:g} in {name}")


def keyframes_as_tensors(keyframes: list[Keyframe]) -> dict[str, Tensor]:
    """Stacked, a tensor a part; there must be one at least."""
    stacks = {part: [torch.as_tensor(getattr(k, part)) for k in keyframes] for part in PARTS}
    return {f"keyframes.{part}": torch.stack(stack) for part, stack in stacks.items()}


def keyframes_from(tensors: dict[str, Tensor]) -> list[Keyframe]:
    """The same back."""
    parts = [tensors[f"keyframes.{part}"] for part in PARTS]
    if len({len(part) for part in parts}) != 1:
        raise NotAWorld(f"expected as many of each part of the keyframes; got {[len(part) for part in parts]}")
    if not 1 <= len(parts[0]) <= MOST:
        raise NotAWorld(f"expected 1 to {MOST} keyframes; got {len(parts[0])}")
    return [
        Keyframe(z, p, light, int(i), far, drawn, bool(dreamed))
        for z, p, light, i, far, drawn, dreamed in zip(*parts, strict=True)
    ]
