"""How many hostile inputs a decoder meets, and what all of hypothesis' tests of that kind share."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("MUNDO_FUZZ_EXAMPLES", "100"))
SOAK_EXAMPLES = 10_000
hostile = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def many(file: str) -> None:
    """All tests of a file that are no soak, with SOAK_EXAMPLES inputs each."""
    command = [sys.executable, "-m", "pytest", "-q", "--durations=0", "-m", "not soak", file]
    environment = {**os.environ, "MUNDO_FUZZ_EXAMPLES": str(SOAK_EXAMPLES)}
    assert subprocess.run(command, env=environment, timeout=3600).returncode == 0
