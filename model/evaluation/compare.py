"""Two results side by side: which differences are beyond noise. Knows the figures' JSON alone; a figure is better the
nearer it is to its ceiling, wherever that lies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.evaluation.statistics import beyond_noise, beyond_noise_in_pairs

PAIRS = 8  # cases that both must have measured, to be compared one by one
NUMBERS = ("value", "low", "high", "ceiling", "floor", "n")


class ResultError(Exception):
    """A file is no result of `mundo eval`; says which and why."""


@dataclass(frozen=True)
class Difference:
    """One figure of both: `verdict` of the second is better, worse, the same within noise, or unusable."""

    name: str
    first: dict[str, Any]
    second: dict[str, Any]
    verdict: str


def read(path: Path) -> dict[str, Any]:
    """The figures of a --json file. Raises ResultError."""
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ResultError(f"{path}: cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise ResultError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(result, dict) or "judges" not in result:
        raise ResultError(f"{path}: expected the figures of `mundo eval --json`, got something else")
    for name, figure in result.items():
        if not isinstance(figure, dict) or not set(NUMBERS) <= set(figure):
            raise ResultError(f"{path}: expected {name} to have {', '.join(NUMBERS)}")
    return result


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    """What both have measured, the judges apart: they say nothing of the world."""
    unusable = {*first["judges"].get("unusable", ()), *second["judges"].get("unusable", ())}
    out = []
    for name in first:
        if name == "judges" or name not in second:
            continue
        a, b = first[name], second[name]
        out.append(Difference(name, a, b, _verdict(a, b) if name not in unusable else "unusable"))
    return out


def _verdict(a: dict[str, Any], b: dict[str, Any]) -> str:
    numbers = [x[k] for x in (a, b) for k in ("value", "low", "high")]
    if None in numbers:
        return "not measured"
    both = sorted(set(a.get("cases", {})) & set(b.get("cases", {})))
    if len(both) >= PAIRS:
        differs = beyond_noise_in_pairs([a["cases"][c] for c in both], [b["cases"][c] for c in both])
    else:
        differs = beyond_noise((a["value"], a["low"], a["high"]), (b["value"], b["low"], b["high"]))
    if not differs:
        return "same"
    upward = (a["ceiling"] or 0.0) >= (a["floor"] or 0.0)
    return "better" if (b["value"] > a["value"]) == upward else "worse"


def table(found: list[Difference]) -> str:
    """A line a figure, and the verdict over all of them."""
    lines = [f"{'':24} {'A':>22} {'B':>22}"]
    for d in found:
        a, b = (_cell(figure) for figure in (d.first, d.second))
        lines.append(f"{d.name:24} {a:>22} {b:>22}  {d.verdict}")
    better, worse = ([d.name for d in found if d.verdict == verdict] for verdict in ("better", "worse"))
    if worse:
        lines.append(
            f"B is worse beyond noise in {', '.join(worse)}" + (f", better in {', '.join(better)}" * bool(better))
        )
    else:
        lines.append(
            f"B is better beyond noise in {', '.join(better)}, worse in nothing"
            if better
            else "no difference beyond noise"
        )
    return "\n".join(lines)


def _cell(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.3g} [{figure['low']:.3g}, {figure['high']:.3g}]"
