"""Plays the cases of metrics, keeps what is done so that a run can go on later, and sums cases up as figures.
Knows metrics and players as protocols, and JSON; nothing of what they measure."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from model.evaluation.episodes import TRUTH_VERSION, Player
from model.evaluation.figures import QUICK, Case, Court, Family, Figure, Metric, Size
from model.evaluation.judges import ATTRIBUTES, MOTIONS, Judges
from model.evaluation.metrics.adherence import Adherence
from model.evaluation.metrics.control import Control
from model.evaluation.metrics.drift import Drift
from model.evaluation.metrics.fidelity import Fidelity
from model.evaluation.metrics.memory import Memory
from model.evaluation.metrics.obedience import Obedience
from model.evaluation.metrics.physics import Physics
from model.evaluation.metrics.spoken import Spoken
from model.evaluation.metrics.subject import Subject
from model.evaluation.prompts import Prompt
from model.evaluation.statistics import interval
from model.evaluation.strips import strip

SUITES, APART = ("quick", "full"), ("sound", "voice", "rungs")  # APART: of one file of weights, without a world
METRICS = ("fidelity", "control", "prompts", "obedience", "memory", "drift", "physics", "subject", "spoken")
Summary = dict[str, Any]
Progress = Callable[[str], None]


class SuiteError(Exception):
    """This cannot be measured; the message is for people."""


@dataclass(frozen=True)
class Suite:
    """Which metrics, on how many cases."""

    name: str
    size: Size
    metrics: tuple[Metric, ...]


class Estimate:
    """How long what is left of a metric takes, by the frames that it plays and the time that those before took."""

    def __init__(self, frames: int, clock: Callable[[], float] = time.monotonic):
        self._left, self._played, self._clock, self._since_s = frames, 0, clock, clock()

    def after(self, frames: int) -> str:
        """That more frames were played: what is left, for people."""
        self._left, self._played = self._left - frames, self._played + frames
        seconds = (self._clock() - self._since_s) / self._played * self._left
        return f"about {math.ceil(seconds / 60)} min left"


class Measured(Protocol):
    """What was measured, by name."""

    @property
    def name(self) -> str:
        """As the command line calls it."""

    @property
    def metrics(self) -> Sequence[Family]:
        """With their figures."""


def suite_of(name: str, prompts: list[Prompt], minutes: float) -> Suite:
    """The suite or the single metric of that name; `minutes`: of drift, where it is long. Raises SuiteError."""
    if name not in SUITES + METRICS:
        raise SuiteError(f"expected a suite of {', '.join(SUITES + METRICS + APART)}; got {name!r}")
    full = Size(36, 16, 6, (10, 60, 300), len(prompts), len(prompts), 4, 4, round(60 * minutes), 16, 8, 16)
    size = QUICK if name in ("quick", "obedience") else full
    metrics: tuple[Metric, ...] = (
        Fidelity(),
        Control(),
        Memory(size.away_s),
        Adherence(prompts, by_language=size is full),
        Obedience(),
        Drift(),
        Physics(),
        Subject(),
    )
    wanted = ("prompts", "obedience") if name == "prompts" else (name,)
    chosen = metrics if name in SUITES else tuple(metric for metric in (*metrics, Spoken()) if metric.name in wanted)
    return Suite(name, size, chosen)


def play(suite: Suite, player: Player, court: Court, kept: Path, who: str, say: Progress) -> list[dict[str, Any]]:
    """Every case of the suite as a record {metric, case, values, over_time, strip}. What is done is kept, line by line,
    and not done again for the same player (`who`) and cases."""
    done = _done(kept, head := json.dumps({"who": who, "truth": TRUTH_VERSION, "size": asdict(suite.size)}))
    if not done:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(head + "\n", "utf-8")
    planned = [(metric, *one) for metric in suite.metrics for one in enumerate(metric.names(suite.size))]
    for metric in suite.metrics:
        left = [one[1:] for one in planned if one[0] is metric and (metric.name, one[2]) not in done]
        ends = Estimate(sum(metric.frames(number, suite.size) for number, _ in left))
        for number, name in left:
            record = _record(metric.name, name, metric.case(number, suite.size, player, court))
            done[metric.name, name] = record
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            soon = ends.after(metric.frames(number, suite.size))
            say(f"{who}: case {len(done)} of {len(planned)}, {metric.name}: {soon}")
    return [done[metric.name, name] for metric, _, name in planned]


def _record(metric: str, name: str, case: Case) -> dict[str, Any]:
    shown = strip(case.shown, case.true) if case.shown else ""
    return {"metric": metric, "case": name, "values": case.values, "over_time": case.over_time, "strip": shown}


def _done(kept: Path, head: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What a file of records holds, if it is of the same run; a line cut short ends it."""
    lines = kept.read_text("utf-8").splitlines() if kept.is_file() else []
    if not lines or lines[0] != head:
        return {}
    done = {}
    for line in lines[1:]:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            break
        done[record["metric"], record["case"]] = record
    return done


def summary(
    suite: Measured,
    judges: Judges | None,
    records: list[dict[str, Any]],
    ceiling: list[dict[str, Any]],
    floor: list[dict[str, Any]],
) -> Summary:
    """The figures by name, each {value, low, high, ceiling, floor, n, cases}, and `judges`. `cases`: what each case
    came to, of figures that are a number there, so that two results can be compared case by case."""
    out: Summary = {}
    for metric in suite.metrics:
        for figure in metric.figures:
            values = values_of(figure.name, records)
            low, high = interval(values, figure.of) if values else (math.nan, math.nan)
            bounds = {}
            for bound, references in (("ceiling", ceiling), ("floor", floor)):
                own = values_of(f"{figure.name}.{bound}", references)
                bounds[bound] = figure.of(own or values_of(figure.name, references))
            numbers = {"value": figure.of(values), "low": low, "high": high} | bounds
            cases = {str(r["case"]): r["values"].get(figure.name) for r in records if r["metric"] == metric.name}
            each = {name: rounded(v) for name, v in cases.items() if isinstance(v, float)}
            out[figure.name] = {k: rounded(v) for k, v in numbers.items()} | {"n": len(values), "cases": each}
    return out | {"judges": judged(suite, judges)}


def values_of(figure: str, records: Sequence[dict[str, Any]]) -> list[Any]:
    """A figure's value in every case that has one."""
    return [v for record in records if (v := record["values"].get(figure)) is not None]


def judged(suite: Measured, judges: Judges | None) -> dict[str, Any]:
    """How good the judges are on held-out truth: the worst of them as the figure, all of them, and what is unusable.
    Without judges, since nothing was judged: no figure of theirs."""
    if judges is None:
        nothing = dict.fromkeys(("value", "low", "high", "ceiling", "floor"))
        return {**nothing, "n": 0, "attributes": {}, "unusable": []}
    classes = {**ATTRIBUTES, **MOTIONS}
    attributes = {}
    for name, of in judges.accuracy.items():
        numbers = {k: rounded(of[k]) for k in ("value", "low", "high")}
        attributes[name] = numbers | {"ceiling": 1.0, "floor": rounded(1 / len(classes[name])), "n": int(of["n"])}
    worst = min(attributes.values(), key=lambda a: a["value"] or 0.0)
    figures = [figure for metric in suite.metrics for figure in metric.figures]
    return {**worst, "attributes": attributes, "unusable": [f.name for f in figures if not usable(f, judges)]}


def usable(figure: Figure, judges: Judges) -> bool:
    """A figure rests on those of its judgements that are good enough; without any it cannot be used."""
    return not figure.rests_on or any(judges.usable(name) for name in figure.rests_on)


def rounded(value: float) -> float | None:
    """Four decimals; None for what is no number, as JSON has none."""
    return round(float(value), 4) if math.isfinite(value) else None


def key_of(*facts: object) -> str:
    """A short name for what a file of records depends on."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
