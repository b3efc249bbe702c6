"""Ten thousand presses from the page's own module to the gateway's own rule, over a line that loses and reorders.
Needs node; starts no browser."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from server.channels import read_controls
from server.steering import Steering

ROOT = Path(__file__).resolve().parents[2]
LOST, LATE = 0.05, 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_held_in_the_end_is_what_the_world_holds(seed: int) -> None:
    made = subprocess.run(
        ["node", str(ROOT / "tests/browser/modules/presses.mjs"), str(seed)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    told = json.loads(made.stdout)
    assert len(told["sent"]) > 10_000
    line = random.Random(seed)
    arriving = [message for message in told["sent"] if line.random() >= LOST]
    for place in range(len(arriving) - 1):
        if line.random() < LATE:
            arriving[place], arriving[place + 1] = arriving[place + 1], arriving[place]
    steering = Steering(silence_s=0.3)
    steps = [merged for message in arriving if (merged := steering.update("a", read_controls(message), 0.0))]
    assert steps[-1].buttons == told["held"]
    assert len(arriving) < len(told["sent"]) and len(steps) < len(arriving), "expected a line that loses and reorders"
