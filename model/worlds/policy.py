"""What a person might press: random controls with the rhythm of hands, and some drawn anew on every frame.
Knows nothing of the world."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.worlds.walker import Controls


def hands(rng: np.random.Generator) -> Iterator[Controls]:
    """Controls without end. A fifth of the people are erratic: every frame is drawn independently."""
    erratic = rng.uniform() < 0.2
    style = rng.choice(["walk", "look", "stand", "mixed"], p=[0.35, 0.2, 0.08, 0.37])
    sweep = rng.normal(0, 0.03, 2) * (1, 0.4)
    held: dict[str, bool] = {}
    pitch = 0.0
    left_frames = 0
    while True:
        if left_frames <= 0 or erratic:
            moves = style in ("walk", "mixed")
            p = 0.75 if style == "walk" else 0.45
            held = {
                "forward": moves and rng.uniform() < p,
                "back": moves and rng.uniform() < 0.12,
                "left": moves and rng.uniform() < 0.15,
                "right": moves and rng.uniform() < 0.15,
                "look_left": style != "stand" and rng.uniform() < 0.17,
                "look_right": style != "stand" and rng.uniform() < 0.17,
                "look_up": style != "stand" and rng.uniform() < (0.08 if pitch < 0.1 else 0.0),
                "look_down": style != "stand" and rng.uniform() < (0.08 if pitch > -0.2 else 0.0),
                "jump": moves and rng.uniform() < 0.10,
                "run": moves and rng.uniform() < 0.25,
            }
            sweep = rng.normal(0, 0.028, 2) * (1, 0.35) if rng.uniform() < 0.5 and style != "stand" else np.zeros(2)
            sweep[1] -= 0.03 * pitch
            left_frames = int(rng.integers(4, 26))
        left_frames -= 1
        held["look_up"] = held["look_up"] and pitch < 0.3
        held["look_down"] = held["look_down"] and pitch > -0.4
        jitter = rng.normal(0, 0.004, 2) if style != "stand" else np.zeros(2)
        look = np.clip(sweep + jitter, -0.15, 0.15)
        pitch += float(look[1]) + 0.0667 * (held["look_up"] - held["look_down"])
        yield Controls(**held, look_x=float(look[0]), look_y=float(look[1]))
