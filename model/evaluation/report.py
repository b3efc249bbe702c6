"""The result for people: a table for a terminal, and one HTML page that needs no other file.
Knows figures and records; measures nothing."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import Any

import numpy as np

from model.evaluation import plots
from model.evaluation.figures import Family, Figure
from model.evaluation.judges import GOOD_ENOUGH
from model.evaluation.suite import Measured, values_of

COLOURS = ("#c53030", "#d69e2e", "#2f855a")  # nearer the floor, between, nearer the ceiling
FAR, SAID = 0.8, 6  # of the way to the ceiling: what is less is named on top, so many at most
Records = list[dict[str, Any]]
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:1240px;margin:2rem auto;padding:0 1rem;color:#1a202c}
table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #e2e8f0}
th:first-child,td:first-child,td.says{text-align:left}
td{white-space:nowrap}td.says{white-space:normal}svg text{font:11px system-ui;fill:#4a5568}
figure{display:inline-block;margin:1rem 1rem 0 0;width:520px;vertical-align:top}
figure:has(table){width:auto;max-width:100%;overflow-x:auto}
figcaption{font-weight:600}.bar{width:140px;height:8px;background:#e2e8f0;
position:relative}.bar i{position:absolute;top:0;min-width:3px;height:8px}.strip img{max-width:100%}
.unusable{color:#a0aec0;text-decoration:line-through}
.confusion td{text-align:center;min-width:3rem}h2{margin-top:2.5rem}"""


def text(name: str, figures: dict[str, Any]) -> str:
    """A line a judge, then a line a figure."""
    unusable, lines = figures["judges"]["unusable"], [name]
    for judge, of in figures["judges"]["attributes"].items():
        lines.append(f"  judge of {judge:15} {_number(of['value']):>8} [{_number(of['low'])}, {_number(of['high'])}]")
    lines.append(f"{'':26} {'value':>8} {'95 % interval':>18} {'ceiling':>8} {'floor':>8} {'n':>4}")
    for figure, of in figures.items():
        between = f"[{_number(of['low'])}, {_number(of['high'])}]"
        row = f"{_number(of['value']):>8} {between:>18} {_number(of['ceiling']):>8} {_number(of['floor']):>8}"
        lines.append(
            f"{figure:26} {row} {of['n']:>4}{'  unusable: its judge is too weak' if figure in unusable else ''}"
        )
    return "\n".join(lines)


def table(results: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row a figure, a column a subject; what rests on judges that are too weak stands in brackets."""
    columns = list(results)
    lines = ["| figure | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for figure in results[columns[0]]:
        if figure == "judges":
            continue
        cells = []
        for of in results.values():
            own = of[figure]
            cell = f"{_number(own['value'])} ({_number(own['low'])} to {_number(own['high'])})"
            cells.append(f"[{cell}]" if figure in of["judges"]["unusable"] else cell)
        lines.append(f"| `{figure}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def html(name: str, suite: Measured, figures: dict[str, Any], records: Records) -> str:
    """The whole page: judges, figures, plots, and the best, median and worst case of each metric."""
    parts = [f"<h1>{escape(name)}: {escape(suite.name)}</h1>", _judges(figures["judges"])]
    parts += ["<h2>The figures</h2>", _shortest(figures), _table(suite, figures)]
    for heading, drawn in (("Over time", _curves(records)), ("Asked for, and seen", _confusions(records))):
        parts += [f"<h2>{heading}</h2>", drawn] if drawn else []
    for metric in suite.metrics:
        parts.append(f"<h2>{escape(metric.name)}</h2><p>Upper row: what was shown. Lower row: the truth.</p>")
        shown: set[str] = set()
        parts += [_strips(figure, metric, records, shown) for figure in metric.figures]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title><style>{STYLE}</style>'
    return head + "\n".join(parts) + "</html>\n"


def _table(suite: Measured, figures: dict[str, Any]) -> str:
    unusable, rows = figures["judges"]["unusable"], []
    for metric in suite.metrics:
        for figure in metric.figures:
            of = figures[figure.name]
            mark = ' class="unusable" title="its judge is too weak"' if figure.name in unusable else ""
            cells = [f"{_number(of['value'])} {escape(figure.unit)}", f"{_number(of['low'])} to {_number(of['high'])}"]
            cells += [_number(of["floor"]), _bar(of), _number(of["ceiling"]), str(of["n"])]
            label = f"<td{mark}>{escape(figure.name)}</td><td class='says'>{escape(figure.says)}</td>"
            rows.append(f"<tr>{label}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = ("figure", "", "value", "95 % interval", "floor", "", "ceiling", "n")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _shortest(figures: dict[str, Any]) -> str:
    """One sentence: which usable figures lie farthest from their ceilings."""
    unusable = figures["judges"]["unusable"]
    shares = {name: share for name, of in figures.items() if name != "judges" and (share := _share(of)) is not None}
    worst = sorted((share, name) for name, share in shares.items() if name not in unusable and share < FAR)[:SAID]
    if not worst:
        return "<p>Nothing falls far short of its ceiling.</p>"
    named = ", ".join(f"{escape(name)} ({100 * share:.0f} %)" for share, name in worst)
    return f"<p>Farthest from the ceiling, by the way made from the floor: <b>{named}</b>.</p>"


def _share(of: dict[str, Any]) -> float | None:
    """How far from the floor to the ceiling a figure lies, 0 to 1; None where one of them is missing."""
    if None in (of["value"], of["floor"], of["ceiling"]) or of["floor"] == of["ceiling"]:
        return None
    return float(np.clip((of["value"] - of["floor"]) / (of["ceiling"] - of["floor"]), 0, 1))


def _bar(of: dict[str, Any]) -> str:
    share = _share(of)
    if share is None:
        return ""
    colour = COLOURS[min(int(3 * share), 2)]
    return f'<div class="bar"><i style="left:0;width:{100 * share:.0f}%;background:{colour}"></i></div>'


def _judges(judges: dict[str, Any]) -> str:
    weak = ' class="unusable" title="too weak to be relied on"'
    rows = "".join(
        f"<tr><td{weak if (of['value'] or 0) < GOOD_ENOUGH else ''}>{escape(name)}</td><td>{_number(of['value'])}</td>"
        f"<td>{_number(of['low'])} to {_number(of['high'])}</td><td>{of['n']}</td></tr>"
        for name, of in judges["attributes"].items()
    )
    if not judges["attributes"]:
        return ""
    heads = "<tr><th>judge</th><th>balanced accuracy</th><th>95 % interval</th><th>n</th></tr>"
    return f"<h2>The judges, on held-out truth</h2><table>{heads}{rows}</table>"


def _curves(records: Records) -> str:
    gathered: dict[str, dict[str, plots.Line]] = defaultdict(dict)
    for record in records:
        for title, curve in record["over_time"].items():
            gathered[title][record["case"]] = curve
    drawn = []
    for title, curves in gathered.items():
        by_x: dict[float, list[float]] = defaultdict(list)
        for curve in curves.values():
            for x, y in curve:
                by_x[x].append(y)
        mean = [[x, float(np.mean(ys))] for x, ys in sorted(by_x.items())]
        few = len(curves) <= 8
        how = "by case" if few else f"the mean of {len(curves)}"
        drawn.append(plots.lines(title, curves if few else {"mean": mean}, "seconds", how))
    return "".join(drawn)


def _confusions(records: Records) -> str:
    drawn = []
    for figure in ("obeyed_seen", "prompt_adherence", "action_recovery_keys", "action_recovery_camera"):
        rows = [row for value in values_of(figure, records) for row in value]
        drawn.append(plots.confusion(f"{figure}: asked for, and seen", rows))
    return "".join(drawn)


def _strips(figure: Figure, metric: Family, records: Records, shown: set[str]) -> str:
    """The worst, the median and the best case of a figure; a strip that was `shown` already is only named."""
    own = [r for r in records if r["metric"] == metric.name and r["values"].get(figure.name) is not None and r["strip"]]
    if not own:
        return ""
    ranked = sorted(own, key=lambda r: figure.of([r["values"][figure.name]]), reverse=not figure.higher_is_better)
    out = [f"<h3>{escape(figure.name)}</h3>"]
    for label, record in zip(
        ("worst", "median", "best"), (ranked[0], ranked[len(ranked) // 2], ranked[-1]), strict=True
    ):
        name, value = escape(record["case"]), _number(figure.of([record["values"][figure.name]]))
        caption, place = f"{label}: {value} {escape(figure.unit)}", f"{metric.name} {name}"
        if record["case"] in shown:
            out.append(f'<p>{caption} (<a href="#{place}">{name}</a>)</p>')
        else:
            picture = f'<img alt="{name}" src="{record["strip"]}">'
            out.append(f'<div class="strip" id="{place}">{caption} ({name})<br>{picture}</div>')
        shown.add(record["case"])
    return "".join(out)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
