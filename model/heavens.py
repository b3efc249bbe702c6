"""Where sun and moon stand in a picture, cell by cell, as networks are told it: a low sun reddens its side of the sky.
Knows a gaze and the sun's turn; nothing of weather, nor of what is seen."""

from __future__ import annotations

from functools import cache, lru_cache

import torch
from torch import Tensor

from model.camera import rays
from model.conditioning import state
from model.omni import ABOVE, GRID, HEAVENS, patch

SUN_NARROW, MOON_NARROW = (6.0, 40.0, 400.0), (40.0, 400.0)  # how sharply what a cell is told falls off around them
LOUD = 16.0  # what networks that knew nothing of them are told so much louder, they learn in as many fewer steps


def heavens(turn: Tensor, gaze: Tensor) -> Tensor:
    """The sun's turn [...] and who looks, yaw and pitch in radians [..., 2] -> [..., 144, 24]: for each cell the cosine
    of its angle to the sun, and how near it is to the sun and to the moon, at several scales from 0 to 1; all of it
    LOUD times."""
    if turn.numel() == 1 and gaze.numel() == 2 and turn.device.type == "cpu":
        return _lone(float(turn), *gaze.flatten().tolist()).expand(*turn.shape, -1, -1)
    return _told(torch.stack([state.sun(turn), state.moon(turn)], -2), gaze)


@lru_cache(64)
def _lone(turn: float, yaw: float, pitch: float) -> Tensor:
    """Kept, since somebody who stands, and each step of a picture that is being drawn, asks for the same again."""
    with torch.inference_mode(False), torch.no_grad():
        return _told(bodies(turn), torch.tensor([yaw, pitch]))


def _told(both: Tensor, gaze: Tensor) -> Tensor:
    """By the directions of sun and moon [..., 2, 3]."""
    to = torch.einsum("...nc,chw->...nhw", seen_by(both, gaze[..., None, :]), _along(gaze.device))
    sun, moon = ((to[..., n, None, :, :] - 1) * _sharp(n, gaze.device) for n in (0, 1))
    told = LOUD * patch(torch.cat([to[..., :1, :, :], sun.exp(), moon.exp()], -3))
    assert told.shape[-1] == HEAVENS
    return told


@cache
def _sharp(which: int, device: torch.device) -> Tensor:
    """How sharply each number that is told of sun or moon falls off [n, 1, 1]."""
    with torch.inference_mode(False):
        return torch.tensor((SUN_NARROW, MOON_NARROW)[which], device=device)[:, None, None]


@lru_cache(64)
def bodies(turn: float) -> Tensor:
    """Where sun and moon stand at the sun's turn: directions [2, 3] (east, up, south)."""
    with torch.inference_mode(False), torch.no_grad():
        return torch.stack([state.sun(torch.tensor(turn)), state.moon(torch.tensor(turn))])


@cache
def _along(device: torch.device) -> Tensor:
    """Directions through the cells [3, 18, 32]."""
    with torch.inference_mode(False):
        return rays(2 * GRID[0], 2 * GRID[1], device)


def seen_by(there: Tensor, gaze: Tensor) -> Tensor:
    """Directions [..., 3] (east, up, south) as who looks with yaw and pitch [..., 2] sees them: right, up, ahead."""
    east, height, south = there.unbind(-1)
    yaw, pitch = gaze.unbind(-1)
    right, level = east * yaw.cos() - south * yaw.sin(), east * yaw.sin() + south * yaw.cos()
    up, ahead = height * pitch.cos() - level * pitch.sin(), level * pitch.cos() + height * pitch.sin()
    return torch.stack([right, up, ahead], -1)


def under(view: Tensor, turn: Tensor, gaze: Tensor) -> Tensor:
    """View tokens [..., 144, 103] with where sun and moon stand said in them: the sun's turn [...], gaze [..., 2]."""
    return torch.cat([view[..., : ABOVE.start], heavens(turn, gaze).to(view.dtype), view[..., ABOVE.stop :]], -1)
