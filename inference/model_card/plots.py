"""Two drawings as SVG: ROC curves and a reliability diagram. Colours are classes, so that a page's style sheet fits them.

Dashes tell the curves apart as well; text is text. Nothing here is fetched, and nothing moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inference.calibration import ReliabilityBin
from inference.evaluate import Floats, Proportion
from inference.intervals import Booleans
from inference.model_card.markup import escape

SIDE, LEFT, TOP = 300.0, 46.0, 14.0
DASHES = ("", "7 3", "2 2", "9 3 2 3")
MOST_POINTS = 240
"""Corners of a curve that are drawn: more cannot be seen."""

SVG_STYLE = """\
.axis { stroke: $ink; fill: none; stroke-width: 1; }
.grid { stroke: $line; fill: none; stroke-width: 0.6; }
.chance { stroke: $quiet; fill: none; stroke-width: 1; stroke-dasharray: 2 3; }
.curve-0 { stroke: $first; fill: none; stroke-width: 2; }
.curve-1 { stroke: $second; fill: none; stroke-width: 1.6; }
.curve-2 { stroke: $third; fill: none; stroke-width: 1.6; }
.curve-3 { stroke: $quiet; fill: none; stroke-width: 1.6; }
.dot { fill: $first; stroke: none; }
.bar { fill: $first; fill-opacity: 0.35; stroke: none; }
.label { fill: $ink; stroke: none; font-size: 11px; }
"""
"""The drawings' classes; a page replaces the colours."""


@dataclass(frozen=True)
class Curve:
    """One ROC curve: its title, false alarms and hits from 0 to 1, and the points marked on it."""

    title: str
    false_alarms: Floats
    hits: Floats
    marks: tuple[tuple[float, float], ...] = ()


def roc_curve(title: str, positive: Booleans, score: Floats, marks: Iterable[tuple[float, float]] = ()) -> Curve | None:
    """Return the curve of a score; None where one side has no film."""
    if not 0 < int(positive.sum()) < len(positive):
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(score[order][1:] != score[order][:-1], True))  # films of one score are called together
    hits = np.concatenate([[0.0], np.cumsum(positive[order])[ends] / positive.sum()])
    false_alarms = np.concatenate([[0.0], np.cumsum(~positive[order])[ends] / (~positive).sum()])
    keep = np.unique(np.linspace(0, len(hits) - 1, min(len(hits), MOST_POINTS)).astype(int))
    return Curve(title, false_alarms[keep], hits[keep], tuple(marks))


def roc_svg(curves: Sequence[Curve], label: str) -> str:
    """Return the curves over one another, at most four, with the chance line and their names below."""
    parts = [*_frame("1 - specificity", "Sensitivity"), _line("chance", [(0, 0), (1, 1)])]
    for index, curve in enumerate(curves[:4]):
        dash = DASHES[index]
        points = list(zip(curve.false_alarms.tolist(), curve.hits.tolist(), strict=True))
        parts.append(_line(f"curve-{index}", points, dash))
        parts += [_dot(x, y) for x, y in curve.marks]
        parts.append(_legend(index, curve.title, dash))
    return _svg(parts, label, extra=18.0 * min(len(curves), 4))


def reliability_svg(bins: Sequence[ReliabilityBin], label: str) -> str:
    """Return the part that is right over the confidence, bars of Wilson's intervals, and how many films stand in each bin."""
    parts = [*_frame("Confidence of the answer", "Part that is right"), _line("chance", [(0, 0), (1, 1)])]
    most = max((b.films for b in bins), default=1)
    for found in bins:
        right = Proportion(found.right, found.films)
        low, high = right.interval
        parts.append(_bar(found.low, found.high, 0.16 * found.films / most))
        parts.append(_line("curve-0", [(found.confidence, low), (found.confidence, high)]))
        parts.append(_dot(found.confidence, right.value))
    return _svg(parts, label)


def _frame(x_label: str, y_label: str) -> list[str]:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [_line("grid", [(tick, 0), (tick, 1)]), _line("grid", [(0, tick), (1, tick)])]
        parts += [_text(*_at(tick, 0), f"{tick:g}", "middle", dy=16), _text(*_at(0, tick), f"{tick:g}", "end", dx=-6, dy=4)]
    parts += [_line("axis", [(0, 1), (0, 0), (1, 0)])]
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 34, x_label, "middle"))
    middle = TOP + SIDE / 2
    turned = f'transform="rotate(-90 12 {middle:.0f})"'
    parts.append(f'<text class="label" x="12" y="{middle:.0f}" text-anchor="middle" {turned}>{escape(y_label)}</text>')
    return parts


def _at(x: float, y: float) -> tuple[float, float]:
    return LEFT + SIDE * x, TOP + SIDE * (1 - y)


def _line(kind: str, points: Iterable[tuple[float, float]], dash: str = "") -> str:
    drawn = " ".join("{:.1f},{:.1f}".format(*_at(x, y)) for x, y in points)
    return f'<polyline class="{kind}" points="{drawn}"{f" stroke-dasharray={chr(34)}{dash}{chr(34)}" if dash else ""}/>'


def _dot(x: float, y: float) -> str:
    across, down = _at(x, y)
    return f'<circle class="dot" cx="{across:.1f}" cy="{down:.1f}" r="3.6"/>'


def _bar(low: float, high: float, height: float) -> str:
    (left, top), (right, bottom) = _at(low, height), _at(high, 0)
    return f'<rect class="bar" x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" height="{bottom - top:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", dx: float = 0, dy: float = 0) -> str:
    return f'<text class="label" x="{x + dx:.1f}" y="{y + dy:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(index: int, title: str, dash: str) -> str:
    y = TOP + SIDE + 56 + 18 * index
    stroke = f' stroke-dasharray="{dash}"' if dash else ""
    sample = f'<polyline class="curve-{index}" points="{LEFT:.0f},{y - 4:.0f} {LEFT + 34:.0f},{y - 4:.0f}"{stroke}/>'
    return sample + _text(LEFT + 42, y, title)


def _svg(parts: Iterable[str], label: str, extra: float = 0.0) -> str:
    size = f"0 0 {LEFT + SIDE + 60:.0f} {TOP + SIDE + 44 + extra:.0f}"
    return "\n".join((f'<svg viewBox="{size}" role="img" aria-label="{escape(label)}">', *parts, "</svg>"))
