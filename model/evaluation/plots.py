"""Plots as SVG text: lines over seconds, and who was taken for whom. Knows numbers and names; no files."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 520, 240, 58, 34, 14
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#4a5568", "#975a16", "#2c7a7b")
Line = Sequence[Sequence[float]]  # [x, y] ...


def lines(title: str, curves: dict[str, Line], across: str, up: str, ceiling: Line = ()) -> str:
    """Curves over a common axis, with a legend where there are few; dashed, what the best could come to."""
    if not any(curves.values()):
        return ""
    points = [point for curve in (*curves.values(), ceiling) for point in curve]
    x_low, x_high = min(p[0] for p in points), max(p[0] for p in points)
    y_low, y_high = min(p[1] for p in points), max(p[1] for p in points)
    room = 0.08 * (y_high - y_low) or 1.0
    y_low, y_high = y_low - room, y_high + room

    def at(x: float, y: float) -> str:
        right = LEFT + (x - x_low) / ((x_high - x_low) or 1) * (WIDTH - LEFT - 12)
        return f"{right:.1f},{HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - BOTTOM - TOP):.1f}"

    def line(curve: Line, colour: str, more: str = "") -> str:
        path = " ".join(at(x, y) for x, y in curve)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{more}/>'

    drawn = []
    for y in ticks(y_low, y_high):
        (x0, y0), (x1, _) = (at(x, y).split(",") for x in (x_low, x_high))
        drawn.append(f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y0}" stroke="#e2e8f0"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{float(y0) + 4:.1f}" text-anchor="end">{y:.6g}</text>')
    for x in ticks(x_low, x_high):
        drawn.append(
            f'<text x="{at(x, y_low).split(",")[0]}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{x:.6g}</text>'
        )
    for i, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        drawn.append(line(curve, colour))
        if len(curves) <= len(COLOURS):
            drawn.append(
                f'<text x="{WIDTH - 12}" y="{TOP + 12 + 13 * i}" style="fill:{colour}" text-anchor="end">'
                f"{escape(name)}</text>"
            )
    if ceiling:
        drawn.append(line(ceiling, "#718096", ' stroke-dasharray="4 4"'))
        up += "; dashed: the ceiling"
    label = f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(across)}</text>'
    caption = f"<figcaption>{escape(title)}, {escape(up)}</figcaption>"
    return f'<figure>{caption}<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(drawn)}{label}</svg></figure>'


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two others, about five: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5 or 1.0
    power = 10 ** floor(log10(rough))
    step = next(power * by for by in (1, 2, 5, 10) if power * by >= rough * 0.999)
    return [step * i for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def confusion(title: str, rows: Sequence[Sequence[str]]) -> str:
    """A table of [true, claimed] names: rows are what was asked for, shades how often each was seen."""
    truths, claims = ([*dict.fromkeys(sorted(row[i] for row in rows))] for i in (0, 1))
    if not truths:
        return ""
    out = ["<tr><th></th>" + "".join(f"<th>{escape(claim)}</th>" for claim in claims) + "</tr>"]
    for truth in truths:
        own = [row[1] for row in rows if row[0] == truth]
        cells = []
        for claim in claims:
            share = own.count(claim) / len(own)
            colour = "47,133,90" if claim == truth else "192,86,33"
            cells.append(f'<td style="background:rgba({colour},{share:.2f})">{own.count(claim) or ""}</td>')
        out.append(f"<tr><th>{escape(truth)}</th>{''.join(cells)}</tr>")
    return f'<figure><figcaption>{escape(title)}</figcaption><table class="confusion">{"".join(out)}</table></figure>'
