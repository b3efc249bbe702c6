"""A world as bytes and back: tensors in safetensors, the rest as JSON in their metadata.
Knows the format; nothing of how worlds live."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.memory import MOST, Keyframe

FORMAT, VERSION = "mundo-world", 2
PARTS = ("latents", "pose", "light", "index", "distance_m", "drawn", "dreamed")  # of the keyframes, stacked


class NotAWorld(ValueError):
    """These bytes are no saved world, or one of other networks; the message names what was expected and what came."""


def to_bytes(facts: dict[str, Any], tensors: dict[str, Tensor]) -> bytes:
    """JSON-able facts and named tensors."""
    about = json.dumps({"format": FORMAT, "version": VERSION, "facts": facts})
    return bytes(save({name: part.detach().contiguous().clone() for name, part in tensors.items()}, {"world": about}))


def from_bytes(data: bytes, shapes: dict[str, tuple[int, ...]]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Facts and tensors, of these names and shapes (-1: any size). Raises NotAWorld."""
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"]["world"])
        if (about.get("format"), about.get("version")) != (FORMAT, VERSION):
            raise NotAWorld(
                f"expected a {FORMAT} of version {VERSION}; got {about.get('format')} {about.get('version')}"
            )
        facts = about["facts"]
    except NotAWorld:
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAWorld(f"expected a {FORMAT}, got damaged bytes: {error}") from error
    if not isinstance(facts, dict) or set(tensors) != set(shapes):
        raise NotAWorld(f"expected {', '.join(sorted(shapes))}; got {', '.join(sorted(tensors))}")
    for name, shape in shapes.items():
        found = tuple(tensors[name].shape)
        if len(found) != len(shape) or any(a not in (-1, b) for a, b in zip(shape, found, strict=True)):
            raise NotAWorld(f"expected {name} of {list(shape)}; got {list(found)}")
        if tensors[name].is_floating_point() and not tensors[name].isfinite().all():
            raise NotAWorld(f"expected finite numbers in {name}")
    return facts, tensors


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
