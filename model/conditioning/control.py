"""What a person does in a frame, as one token's input. Knows the order of the simulator's and the page's buttons."""

from __future__ import annotations

import torch
from torch import Tensor

HELD = ("forward", "back", "left", "right", "look_up", "look_down", "look_left", "look_right", "jump", "run")
WIDTH = len(HELD) + 2
LOOK_SCALE = 0.07  # radians of look in one frame that count as 1
LOOK_LIMIT = 0.15
ARROW_RAD_S = 1.6
PITCH_LIMIT = 1.2
FRAME_S = 1 / 24


def features(controls: Tensor) -> Tensor:
    """[..., 12] (HELD as 0 or 1, look right and up in radians) -> [..., 12], look scaled."""
    return torch.cat([controls[..., :10], controls[..., 10:] / LOOK_SCALE], -1)


def look(yaw: float, pitch: float, controls: Tensor) -> tuple[float, float]:
    """The look after a frame of controls [12]: exact, no network is asked where a head turns."""
    c = controls.tolist()
    arrow = ARROW_RAD_S * FRAME_S
    yaw += c[10] + arrow * (c[7] - c[6])
    pitch += c[11] + arrow * (c[4] - c[5])
    return yaw, max(-PITCH_LIMIT, min(PITCH_LIMIT, pitch))
