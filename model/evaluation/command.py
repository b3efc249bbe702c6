"""The command line of `mundo eval`: what is measured, against what, and where results go.
Knows files and options; how a learned world begins and moves is handed in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from configs.paths import WEIGHTS, cache_dir
from model import checkpoint
from model.evaluation import compare as comparison
from model.evaluation import prompts as prompt_files
from model.evaluation import report, suite
from model.evaluation.episodes import Live, OutOfFocus, Player, ThroughTokenizer, Truth, frozen
from model.evaluation.figures import Court
from model.evaluation.judges import FILE, Judges
from model.evaluation.metrics.rungs import Rungs
from model.evaluation.metrics.sound import Sound
from model.evaluation.metrics.voice import Voice
from model.evaluation.records import Audible
from model.evaluation.subjects import Subject
from model.ladder import measuring as ladder
from model.sound import networks as sound_networks
from model.training.pictures import NoClips
from model.voice import encoder as voice_encoder

METRICS = Path(__file__).parent / "metrics"
SUBJECTS = ("simulator", "blurred", "copy", "weights", "all")


class EvaluationError(Exception):
    """What was asked for cannot be measured; the message is for people."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, checked before a network is loaded. Raises EvaluationError."""
    parser = argparse.ArgumentParser(prog="mundo eval", description="Measure a world against the simulator's truth.")
    names = ", ".join((*suite.METRICS, *suite.APART))
    parser.add_argument("--suite", default="quick", help=f"{', '.join(suite.SUITES)}, or {names}")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="the folder of the weights, or one file of what is measured"
    )
    parser.add_argument(
        "--subject", choices=SUBJECTS, default="weights", help="the weights, a reference, or all in one table"
    )
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="of drift in the full suite; of music and talk for voice"
    )
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
        if options.suite not in suite.APART:
            options.chosen = suite.suite_of(options.suite, options.said, options.minutes)
        elif options.subject != "weights":
            raise EvaluationError(f"--subject: {options.suite} is measured of weights alone, not of {options.subject}")
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
    run = Run(options, reconstruct)
    wanted = SUBJECTS[:-1] if options.subject == "all" else (options.subject,)
    results = {}
    for name in wanted:
        player = run.weights(world) if name == "weights" else run.references[name]
        label = world.name if name == "weights" else name
        played = run.records(label, player, lasting=name != "weights")
        results[label] = figures = suite.summary(options.chosen, run.court.judges, played, *run.bounds)
        if options.subject != "all":
            print(report.text(label, figures))
    if options.subject == "all":
        print(report.table(results))
    _hand_out(options, (label, options.chosen, figures, played, run.bounds[0]))
    run.forget()
    return 0


@dataclass(frozen=True)
class Apart:
    """A suite of one family that needs no world."""

    name: str
    metrics: tuple[Audible, ...]


def listen(options: argparse.Namespace) -> int:
    """Measures what needs no world, prints the table, writes what was asked for. Raises CheckpointError."""
    families: dict[str, tuple[Audible, str]] = {
        "sound": (Sound(), sound_networks.FILE),
        "voice": (Voice(max(1, round(options.minutes))), voice_encoder.FILE),
        "rungs": (Rungs(), ladder.FILE),
    }
    family, file = families[options.suite]
    path = options.weights / file if options.weights.is_dir() else options.weights
    try:
        measured = family.records(path, Saying(sys.stderr.isatty()))
    except NoClips as error:
        raise EvaluationError(str(error)) from error
    chosen = Apart(options.suite, (family,))
    figures = suite.summary(chosen, None, *measured)
    print(report.text(path.stem, figures))
    _hand_out(options, (path.stem, chosen, figures, measured.weights, measured.ceiling))
    return 0


Result = tuple[str, suite.Measured, suite.Summary, report.Records, report.Records]


def _hand_out(options: argparse.Namespace, result: Result) -> None:
    """The files that were asked for, of a result's name, suite, figures and records, and of the ceiling's records."""
    if options.json:
        _write(options.json, json.dumps(result[2], indent=1) + "\n")
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
        _write(options.report / "index.html", report.html(*result))


class Run:
    """The players of a suite, and the records of what they played; `bounds`: of the ceiling and of the floor.
    Records of references are kept, those of weights only until the run is done: the next one measures anew."""

    def __init__(self, options: argparse.Namespace, reconstruct: Callable[[Tensor], Tensor]):
        truth = Truth(cache_dir() / "truth")
        self.court, self._suite = Court(truth, Judges.load(FILE)), options.chosen
        self._through = ThroughTokenizer(truth, reconstruct)
        self.references: dict[str, Player] = {
            "simulator": truth,
            "blurred": OutOfFocus(truth),
            "copy": frozen(truth),
        }
        measured_by = [FILE, options.weights / "tokenizer.safetensors", *sorted(METRICS.glob("*.py"))]
        hashes = [checkpoint.sha256(path) for path in measured_by]
        cases = [(metric.name, metric.names(self._suite.size)) for metric in self._suite.metrics]
        self._key = suite.key_of(hashes, self._suite.size, cases, [p.expect for p in options.said])
        self._weighed = [checkpoint.sha256(path) for path in sorted(options.weights.glob("*.safetensors"))]
        self._say, self._passing = Saying(sys.stderr.isatty()), list[Path]()
        self.bounds = self.records("tokenizer", self._through), self.records("copy", self.references["copy"])

    def weights(self, world: Subject) -> Player:
        """A learned world, played live."""
        return Live(world, self.court.truth, self._through)

    def records(self, name: str, player: Player, lasting: bool = True) -> list[dict[str, object]]:
        """What a player did, played only where it is not kept."""
        key = self._key if lasting else suite.key_of(self._key, self._weighed)
        path = cache_dir() / "evaluation" / f"{key}-{name}.jsonl"
        if not lasting:
            self._passing.append(path)
        return suite.play(self._suite, player, self.court, path, name, self._say)

    def forget(self) -> None:
        """The records of weights."""
        for path in self._passing:
            path.unlink()


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
