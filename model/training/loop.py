"""What every training has around its losses: its command's options, one step down a loss, and reports at their pace.
Knows a run and figures by name; refuses to know networks, batches and what a figure says."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from model.training.run import Run, warmup_stable_decay


def command(name: str, about: str | None, config: str, minutes: float) -> argparse.ArgumentParser:
    """The options of `mundo train <name>` that all trainings have."""
    parser = argparse.ArgumentParser(prog=f"mundo train {name}", description=about)
    parser.add_argument("--config", default=config)
    parser.add_argument("--minutes", type=float, default=minutes, help="budget of the whole run, resumed or not")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--run", default=name, help="name of the run's folder")
    return parser


def take_up(run: Run) -> None:
    """Resumes the run, and says whether there was something to resume."""
    print("resumed" if run.resume() else "nothing to resume; started", f"at step {run.step}", flush=True)


def descend(run: Run, loss: Tensor, networks: Iterable[nn.Module], longest: float) -> Tensor:
    """One step down a loss at the run's present rate, the gradient of each network clipped to a length of `longest`.
    Where one is not finite all weights stay. Returns the lengths before clipping, [networks]."""
    run.set_rate(warmup_stable_decay(run.step, run.progress))
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    lengths = torch.stack([nn.utils.clip_grad_norm_(network.parameters(), longest) for network in networks])
    if lengths.isfinite().all():
        run.optimizer.step()
    run.advance()
    return lengths


class Pace:
    """How much is done a second, between reports that are `every_s` apart."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._since_s, self._done = time.monotonic(), 0.0

    def add(self, done: float) -> float | None:
        """Counts what was done; what was done a second since the last report where the next one is due, else None."""
        self._done += done
        now_s = time.monotonic()
        passed_s = now_s - self._since_s
        if passed_s < self._every_s:
            return None
        a_second = self._done / passed_s
        self._since_s, self._done = now_s, 0.0
        return a_second


def report(run: Run, pace: str, figures: Mapping[str, float | Tensor]) -> None:
    """One line on standard output. A figure may be a tensor: only here a GPU is waited for."""
    told = " ".join(f"{name} {value:.4f}" for name, value in figures.items())
    print(f"step {run.step} spent {run.spent_s / 60:.1f} min, {pace} {told}", flush=True)


def keep_on(run: Run, step: Callable[[], Mapping[str, float | Tensor]], report_every_s: float) -> None:
    """Steps until the budget is spent or a signal comes, reporting the figures of the last one."""
    pace = Pace(report_every_s)
    while not run.over:
        figures = step()
        steps_per_s = pace.add(1)
        if steps_per_s is not None:
            report(run, f"{steps_per_s:.2f} steps/s,", figures)
