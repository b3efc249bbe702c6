"""Where the large networks run, and in which arithmetic. Knows devices' names; nothing of networks."""

from __future__ import annotations

from dataclasses import dataclass

import torch


class NoDevice(Exception):
    """The device that was asked for is not there; the message says what is."""


@dataclass(frozen=True)
class Place:
    """A device, and the type of what networks compute there."""

    device: torch.device
    dtype: torch.dtype


CPU = "cpu"
HERE = Place(torch.device("cpu"), torch.float32)


def place_named(name: str) -> Place:
    """cpu, cuda or cuda:N, where networks compute in bf16. Raises NoDevice."""
    if name == CPU:
        return HERE
    if name != "cuda" and not (name.startswith("cuda:") and name[5:].isdecimal()):
        raise NoDevice(f"expected a device cpu, cuda or cuda:N, got {name!r}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count <= int(name[5:] or 0):
        built = f"torch {torch.__version__} sees {count} GPUs"
        raise NoDevice(f"expected an NVIDIA GPU for {name}, and torch built for CUDA with its driver; {built}")
    return Place(torch.device(name), torch.bfloat16)
