"""The rungs of the ladder: how large each is, with its margin and as it is streamed, and what its encoder may spend.
Knows numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from engine.codec import CodecConfig, Crop
from engine.messages import RUNGS
from model.planes import HEIGHT, WIDTH


@dataclass(frozen=True)
class Rung:
    """`scale`: how many times as high and wide as the lowest one; `name`: the lines that are streamed."""

    name: str
    scale: int
    bits_per_second: int

    @property
    def codec(self) -> CodecConfig:
        """The settings that its encoder begins with."""
        return CodecConfig(self.scale * WIDTH, self.scale * HEIGHT, self.bits_per_second)

    @property
    def crop(self) -> Crop:
        """What is streamed of it."""
        return Crop.of(self.scale * WIDTH, self.scale * HEIGHT)


SCALES, BITS_PER_SECOND = (1, 2, 4), (2_500_000, 5_000_000, 9_000_000)
LADDER = tuple(Rung(*each) for each in zip(RUNGS, SCALES, BITS_PER_SECOND, strict=True))
LOWEST = LADDER[0]


def rung_named(name: str) -> Rung:
    """Raises ValueError that names all there are."""
    for rung in LADDER:
        if rung.name == name:
            return rung
    raise ValueError(f"a rung is one of {', '.join(RUNGS)}, not {name!r}")
