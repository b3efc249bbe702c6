"""The command line of `mundo eval`: what is measured, against what, and where results go.
Knows files and options; how a learned world begins and moves is handed in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from configs.paths import WEIGHTS, cache_dir
from model import checkpoint
from model.evaluation import compare as comparison
from model.evaluation import prompts as prompt_files
from model.evaluation import report, suite
from model.evaluation.episodes import Live, Player, ThroughTokenizer, Truth, frozen
from model.evaluation.figures import Court
from model.evaluation.judges import FILE, Judges
from model.evaluation.subjects import Blurred, CopyLastFrame, Simulator, Subject

SUBJECTS = ("weights", "simulator", "blurred", "copy")


class EvaluationError(Exception):
    """What was asked for cannot be measured; the message is for people."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, checked before a network is loaded. Raises EvaluationError."""
    parser = argparse.ArgumentParser(prog="mundo eval", description="Measure a world against the simulator's truth.")
    parser.add_argument("--suite", default="quick", help=f"{', '.join(suite.SUITES)}, or {', '.join(suite.METRICS)}")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="the folder of the weights, or one file of the dynamics"
    )
    parser.add_argument(
        "--subject", choices=SUBJECTS, default="weights", help="what plays: the weights, or a reference"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="of drift in the full suite")
    parser.add_argument("--prompts", type=Path, help="JSON list of {prompt, start, expect}; the bundled 200 without it")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--report", type=Path, help="the folder of the HTML report")
    parser.add_argument(
        "--compare", type=Path, nargs=2, metavar=("A.json", "B.json"), help="which differences are real"
    )
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0: all cores")
    options = parser.parse_args(arguments)
    try:
        options.said = prompt_files.read(options.prompts) if options.prompts else prompt_files.bundled()
        if options.minutes <= 0:
            raise EvaluationError(f"--minutes is more than 0, not {options.minutes}")
        options.chosen = suite.suite_of(options.suite, options.said, options.minutes)
    except (prompt_files.PromptsError, suite.SuiteError) as error:
        raise EvaluationError(str(error)) from error
    if options.json and not options.json.resolve().parent.is_dir():
        raise EvaluationError(f"{options.json}: there is no folder {options.json.resolve().parent}")
    return options


def compare(first: Path, second: Path) -> int:
    """Prints the table of differences; 1 when the second is worse somewhere. Raises EvaluationError."""
    try:
        found = comparison.differences(comparison.read(first), comparison.read(second))
    except comparison.ResultError as error:
        raise EvaluationError(str(error)) from error
    print(comparison.table(found))
    return int(any(difference.verdict == "worse" for difference in found))


def evaluate(options: argparse.Namespace, world: Subject, reconstruct: Callable[[Tensor], Tensor]) -> int:
    """Plays the suite, prints the table, writes what was asked for. `reconstruct`: planes through the tokenizer."""
    judges = Judges.load(FILE)
    truth = Truth(cache_dir() / "truth")
    court, chosen = Court(truth, judges), options.chosen
    subject = subject_of(options.subject, world)
    hashes = checkpoint.sha256(FILE)[:12], checkpoint.sha256(options.weights / "tokenizer.safetensors")[:12]
    folder = cache_dir() / "evaluation"
    cases = [(metric.name, metric.names(chosen.size)) for metric in chosen.metrics]
    key = suite.key_of(hashes, chosen.size, cases, [p.expect for p in options.said])
    say = Saying(sys.stderr.isatty())

    def records(name: str, player: Player) -> list[dict[str, object]]:
        return suite.play(chosen, player, court, folder / f"{key}-{name}.jsonl", name, say)

    through = ThroughTokenizer(truth, reconstruct)
    ceiling = records("truth through the tokenizer", through)
    floor = records("the first frame copied", frozen(truth))
    kept = folder / f"{key}-{suite.key_of(subject.name)}.jsonl"
    live = Live(subject, truth, through if subject is world else None)
    played = suite.play(chosen, live, court, kept, subject.name, say)
    figures = suite.summary(chosen, judges, played, ceiling, floor)
    print(report.text(subject.name, figures))
    if options.json:
        _write(options.json, json.dumps(figures, indent=1) + "\n")
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
        _write(options.report / "index.html", report.html(subject.name, chosen, figures, played))
    kept.unlink()  # the next run measures anew; only a run that was stopped is taken up
    return 0


def subject_of(name: str, world: Subject) -> Subject:
    """The weights' world, or one of the references."""
    if name == "weights":
        return world
    if name == "copy":
        return CopyLastFrame()
    return Simulator() if name == "simulator" else Blurred(Simulator())


class Saying:
    """Progress on standard error: one line that changes on a terminal, else one every ten seconds."""

    def __init__(self, terminal: bool):
        self._terminal, self._said_s = terminal, -1e9

    def __call__(self, text: str) -> None:
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._said_s >= 10:
            self._said_s = time.monotonic()
            print(text, file=sys.stderr, flush=True)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
