"""A training run that can stop at any moment and go on: weights, average, optimizer, step and clock in one file.
Knows schedules and files; refuses to know what is trained, on what, or by which loss."""

from __future__ import annotations

import copy
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

import torch
from torch import Tensor, nn

SAVE_EVERY_S = 120.0
LONGEST_STEP_S = 20.0  # a longer gap between two steps was a pause (SIGSTOP, sleep) and does not count
AVERAGE_DECAY = 0.999


def warmup_stable_decay(step: int, progress: float, warmup_steps: int = 100, decay: float = 0.3) -> float:
    """Factor of the learning rate: linear warm-up by steps, then flat, then linear to 2 % over the last `decay`
    of the run. `progress` 0..1 is the share of the time budget that is spent."""
    warm = min(1.0, (step + 1) / warmup_steps)
    return warm * min(1.0, max(0.02, (1 - progress) / decay))


def step_seed(seed: int, step: int) -> int:
    """The seed of everything random in one step, so that a resumed run draws what the unbroken one would."""
    return (seed * 1_000_003 + step * 7_919) % (2**63 - 1)


class RunBusy(RuntimeError):
    """A run's folder is in use by another process."""


class Run:
    """Model, moving average, optimizer, step and spent time, kept in `folder`/state.pt.

    `minutes` is the budget of the whole run, resumed or not. `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        minutes: float,
        clock: Callable[[], float] = time.monotonic,
    ):
        if minutes <= 0:
            raise ValueError(f"a run needs a positive budget, got {minutes} minutes")
        self.folder = folder
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(False).eval()
        self.optimizer = optimizer
        self.base_rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.budget_s = 60 * minutes
        self.step = 0
        self.spent_s = 0.0
        self.stopping = False
        self._clock = clock
        self._last_s = clock()
        self._saved_s = self._last_s

    @property
    def progress(self) -> float:
        return min(1.0, self.spent_s / self.budget_s)

    @property
    def over(self) -> bool:
        return self.stopping or self.spent_s >= self.budget_s

    def set_rate(self, factor: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor

    def advance(self) -> None:
        """After every optimizer step: averages the weights, counts the step and its time, saves when it is due."""
        self.step += 1
        decay = min(AVERAGE_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            averages: list[Tensor] = list(self.average.parameters())
            torch._foreach_lerp_(averages, list(self.model.parameters()), 1 - decay)
        now_s = self._clock()
        self.spent_s += min(now_s - self._last_s, LONGEST_STEP_S)
        self._last_s = now_s
        if now_s - self._saved_s >= SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Writes state.pt so that a crash at any moment leaves the old one or the new one, whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        partial = self.folder / "state.pt.partial"
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / "state.pt")
        self._saved_s = self._clock()

    def resume(self) -> bool:
        """Takes up state.pt where there is one; says whether there was."""
        path = self.folder / "state.pt"
        if not path.is_file():
            return False
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent_s = int(state["step"]), float(state["spent_s"])
        self._last_s = self._clock()
        return True

    @contextmanager
    def interruptible(self) -> Iterator[Run]:
        """Within it SIGTERM and SIGINT end the loop after the present step; the state is saved on the way out.
        Raises RunBusy while another process is in this run."""

        def stop(signum: int, frame: FrameType | None) -> None:
            self.stopping = True

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock, _held(lock, self.folder):
            before = {which: signal.signal(which, stop) for which in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield self
                self.save()
            finally:
                for which, handler in before.items():
                    signal.signal(which, handler)


@contextmanager
def _held(lock: IO[str], folder: Path) -> Iterator[None]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunBusy(f"expected {folder} to be free, but another process trains there") from None
    yield
