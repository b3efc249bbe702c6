"""Frames of the lowest rung enlarged to a higher one, by the network's head for it.
Knows pictures and files; nothing of worlds, encoders and sessions."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import torch

from configs.paths import WEIGHTS
from engine.codec import Plane
from engine.device import Place
from engine.placed import PlacedLadder
from engine.rungs import Rung
from model import checkpoint
from model.ladder.native import NativeLadder
from model.ladder.network import KIND, SCALES, Ladder, LadderConfig
from model.native import Unsupported
from model.planes import GRID_HEIGHT, GRID_WIDTH, HEIGHT, WIDTH

LADDER_FILE = "ladder.safetensors"
log = logging.getLogger(__name__)


class Pictured(Protocol):
    """What is seen of a frame: its planes with margin at the lowest rung, y [288, 512], u and v [144, 256]."""

    @property
    def y(self) -> Plane: ...
    @property
    def u(self) -> Plane: ...
    @property
    def v(self) -> Plane: ...


class Enlarger:
    """The heads of the upper rungs, in integers where this machine can, or at a place. Threads may call them at the
    same time."""

    def __init__(self, ladder: Ladder, tops: list[float], place: Place | None = None) -> None:
        self.heads: Ladder | NativeLadder | PlacedLadder = ladder
        if place is not None:
            self.heads = PlacedLadder(ladder, place)
            self._rehearse()
            return
        try:
            self.heads = NativeLadder(ladder, tops)
        except Unsupported as why:
            log.warning("the upper rungs are drawn in floats, many times slower: %s", why)

    @classmethod
    def load(cls, weights: Path = WEIGHTS, place: Place | None = None) -> Enlarger:
        """The bundled heads. Raises CheckpointError."""
        path = weights / LADDER_FILE
        tops = checkpoint.load_extra(path, KIND).get("tops")
        if not isinstance(tops, list):
            raise checkpoint.CheckpointError(f"{path}: expected what each layer writes at most, `tops`; found none")
        return cls(Ladder.load(path), [float(top) for top in tops], place)

    @classmethod
    def random(cls, place: Place | None = None) -> Enlarger:
        """Heads with random weights, for measuring speed."""
        config = LadderConfig()
        return cls(Ladder(config).eval().requires_grad_(False), [1.0] * (config.layers + 1), place)

    def _rehearse(self) -> None:
        """What a device records of each head is recorded now, and not while somebody watches."""
        luma = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
        chroma = torch.zeros(1, GRID_HEIGHT, GRID_WIDTH, dtype=torch.uint8)
        for scale in SCALES:
            self.heads.enlarge(luma, chroma, chroma, scale)

    def planes(self, frame: Pictured, rung: Rung) -> tuple[Plane, Plane, Plane]:
        """The frame's planes with margin, as large as the rung's."""
        if rung.scale == 1:
            return frame.y, frame.u, frame.v
        y, u, v = (torch.from_numpy(plane)[None] for plane in (frame.y, frame.u, frame.v))
        y, u, v = self.heads.enlarge(y, u, v, rung.scale)
        return y[0].numpy(), u[0].numpy(), v[0].numpy()
