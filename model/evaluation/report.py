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
FAR, SAID, PICTURED = 0.8, 6, 3  # of the way to the ceiling: what is less is named on top; so many, and in pictures
TITLES = {
    "fidelity": "How true pictures are",
    "control": "Whether hands are obeyed",
    "prompts": "Whether words are obeyed",
    "obedience": "Whether plain wishes are obeyed to their end",
    "memory": "Whether places are as they were left",
    "drift": "Whether a world stays itself on a long walk",
    "physics": "Whether bodies move as they should",
    "subject": "Whether a subject stays the same subject",
}
CONFUSED = {  # rows of [asked for, seen]
    "obeyed_seen": "Plain wishes",
    "prompt_adherence": "Prompts",
    "action_recovery_keys": "Steps",
    "action_recovery_camera": "Turns of the head",
}
ROWS = "Upper row: what was shown. Lower row: the truth. The numbers are frames."
HOW_TO_READ = (
    "A figure lies between its floor (what the first frame, copied for ever, comes to) and its ceiling (what the truth "
    "comes to once it went through the tokenizer, or truth beside truth). The bar is how much of the way from floor to "
    "ceiling was made: red in its first third, green in its last. Intervals are of 95 %, over cases."
)
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


def html(name: str, suite: Measured, figures: dict[str, Any], records: Records, ceiling: Records) -> str:
    """The whole page: where it fails, the figures, plots beside what the best could come to (`ceiling`), and the best,
    median and worst case of each metric."""
    shown: set[str] = set()
    parts = [f"<h1>{escape(name)}: {escape(suite.name)}</h1>", f"<p>{HOW_TO_READ}</p>"]
    parts += ["<h2>Where it falls short</h2>", _shortest(suite, figures, records, shown)]
    parts += [_judges(figures["judges"]), "<h2>The figures</h2>", _table(suite, figures)]
    for heading, drawn in (("Over time", _curves(records, ceiling)), ("Asked for, and seen", _confusions(records))):
        parts += [f"<h2>{heading}</h2>", drawn] if drawn else []
    for metric in suite.metrics:
        strips = "".join(_strips(figure, metric, records, shown) for figure in metric.figures)
        parts += (
            [f"<h2>{_title(metric)}: the worst, the median and the best case</h2><p>{ROWS}</p>", strips]
            if strips
            else []
        )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title><style>{STYLE}</style>'
    return head + "\n".join(parts) + "</html>\n"


def _title(metric: Family) -> str:
    return escape(TITLES.get(metric.name, metric.name))


def _table(suite: Measured, figures: dict[str, Any]) -> str:
    unusable, rows = figures["judges"]["unusable"], []
    for metric in suite.metrics:
        rows.append(f'<tr><th colspan="7">{_title(metric)}</th></tr>')
        for figure in metric.figures:
            of = figures[figure.name]
            mark = ' class="unusable" title="its judge is too weak"' if figure.name in unusable else ""
            cells = [f"{_number(of['value'])} {escape(figure.unit)}", f"{_number(of['low'])} to {_number(of['high'])}"]
            cells += [_number(of["floor"]), _bar(of), _number(of["ceiling"]), str(of["n"])]
            label = f"<td class='says'{mark}>{escape(figure.says)}<br><code>{escape(figure.name)}</code></td>"
            rows.append(f"<tr>{label}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = ("figure", "value", "95 % interval", "floor", "way made", "ceiling", "cases")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _shortest(suite: Measured, figures: dict[str, Any], records: Records, shown: set[str]) -> str:
    """Which usable figures lie farthest from their ceilings, and the worst cases of the first few of them."""
    unusable = figures["judges"]["unusable"]
    shares = {name: share for name, of in figures.items() if name != "judges" and (share := _share(of)) is not None}
    worst = sorted((share, name) for name, share in shares.items() if name not in unusable and share < FAR)[:SAID]
    if not worst:
        return "<p>Nothing falls far short of its ceiling.</p>"
    by_name = {figure.name: (figure, metric) for metric in suite.metrics for figure in metric.figures}
    lines: list[str] = []
    strips: list[str] = []
    for share, name in worst:
        figure, metric = by_name[name]
        of = figures[name]
        came = f"{_number(of['value'])} {escape(figure.unit)}".strip() + f", at best {_number(of['ceiling'])}"
        lines.append(f"<li><b>{name}</b> ({100 * share:.0f} %): {escape(figure.says)}: {came}</li>")
        ranked = _ranked(figure, metric, records)
        if ranked and ranked[0]["case"] not in shown and len(strips) < PICTURED:
            strips.append(_strip(f"{name}, worst: {_came_to(figure, ranked[0])}", metric, ranked[0]))
            shown.add(ranked[0]["case"])
    return f"<p>Farthest from the ceiling, by the way made from the floor:</p><ul>{''.join(lines)}</ul>" + (
        f"<p>{ROWS}</p>{''.join(strips)}" if strips else ""
    )


def _share(of: dict[str, Any]) -> float | None:
    """How far from the floor to the ceiling a figure lies, 0 to 1; None where one of them is missing."""
    if None in (of["value"], of["floor"], of["ceiling"]) or of["floor"] == of["ceiling"]:
        return None
    return max(0.0, min(1.0, (of["value"] - of["floor"]) / (of["ceiling"] - of["floor"])))


def _bar(of: dict[str, Any]) -> str:
    share = _share(of)
    if share is None:
        return ""
    colour = COLOURS[min(int(3 * share), 2)]
    return f'<div class="bar"><i style="left:0;width:{100 * share:.0f}%;background:{colour}"></i></div>'


def _judges(judges: dict[str, Any]) -> str:
    if not judges["attributes"]:
        return ""
    weak = [name for name, of in judges["attributes"].items() if (of["value"] or 0) < GOOD_ENOUGH]
    told = f"too weak, and what rests on them alone is struck out: {', '.join(weak)}" if weak else "all good enough"
    mark = ' class="unusable" title="too weak to be relied on"'
    rows = "".join(
        f"<tr><td{mark if name in weak else ''}>{escape(name)}</td><td>{_number(of['value'])}</td>"
        f"<td>{_number(of['low'])} to {_number(of['high'])}</td><td>{of['n']}</td></tr>"
        for name, of in judges["attributes"].items()
    )
    heads = "<tr><th>judge of</th><th>balanced accuracy</th><th>95 % interval</th><th>truths</th></tr>"
    says = (
        "<p>Small networks that see only pixels say what a picture shows. On truth that they never saw "
        f"({GOOD_ENOUGH} is asked): {escape(told)}.</p>"
    )
    return f"<h2>The judges</h2>{says}<table>{heads}{rows}</table>"


def _curves(records: Records, ceiling: Records) -> str:
    best, drawn = _gathered(ceiling), []
    for title, curves in _gathered(records).items():
        few = len(curves) <= 8
        how = "by case" if few else f"the mean of {len(curves)}"
        lines: dict[str, plots.Line] = curves if few else {"mean": _mean(curves)}
        drawn.append(plots.lines(title, lines, "seconds", how, _mean(best.get(title, {}))))
    return "".join(drawn)


def _gathered(records: Records) -> dict[str, dict[str, plots.Line]]:
    """Curves by title and case."""
    gathered: dict[str, dict[str, plots.Line]] = defaultdict(dict)
    for record in records:
        for title, curve in record["over_time"].items():
            gathered[title][record["case"]] = curve
    return gathered


def _mean(curves: dict[str, plots.Line]) -> list[list[float]]:
    by_x: dict[float, list[float]] = defaultdict(list)
    for curve in curves.values():
        for x, y in curve:
            by_x[x].append(y)
    return [[x, float(np.mean(ys))] for x, ys in sorted(by_x.items())]


def _confusions(records: Records) -> str:
    drawn = []
    for figure, says in CONFUSED.items():
        rows = [row for value in values_of(figure, records) for row in value]
        drawn.append(plots.confusion(f"{says}: a row is what was asked for, a column what was seen", rows))
    return "".join(drawn)


def _ranked(figure: Figure, metric: Family, records: Records) -> Records:
    """The cases of a figure that have a strip, from the worst on."""
    own = [r for r in records if r["metric"] == metric.name and r["values"].get(figure.name) is not None and r["strip"]]
    return sorted(own, key=lambda r: figure.of([r["values"][figure.name]]), reverse=not figure.higher_is_better)


def _came_to(figure: Figure, record: dict[str, Any]) -> str:
    return f"{_number(figure.of([record['values'][figure.name]]))} {escape(figure.unit)}".strip()


def _strip(caption: str, metric: Family, record: dict[str, Any]) -> str:
    name = escape(record["case"])
    picture = f'<img alt="{name}" src="{record["strip"]}">'
    return f'<div class="strip" id="{escape(metric.name)} {name}">{caption} ({name})<br>{picture}</div>'


def _strips(figure: Figure, metric: Family, records: Records, shown: set[str]) -> str:
    """The worst, the median and the best case of a figure; a strip that was `shown` already is only named."""
    ranked = _ranked(figure, metric, records)
    if not ranked:
        return ""
    out = [f"<h3>{escape(figure.says)} <code>{escape(figure.name)}</code></h3>"]
    named = []
    for label, record in zip(
        ("worst", "median", "best"), (ranked[0], ranked[len(ranked) // 2], ranked[-1]), strict=True
    ):
        name, caption = escape(record["case"]), f"{label}: {_came_to(figure, record)}"
        if record["case"] in shown:
            named.append(f'{caption} (<a href="#{escape(metric.name)} {name}">{name}</a>)')
        else:
            out.append(_strip(caption, metric, record))
        shown.add(record["case"])
    return "".join(out) + (f"<p>{', '.join(named)}</p>" if named else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
