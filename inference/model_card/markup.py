"""Plain HTML from plain texts: headings, tables with grey rows, lists. Every word is escaped here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.evaluate import Proportion

FEW = 30
"""Films below which a row is grey: too few for a number to be taken at its word."""
NOT_MEASURED = "not measured"
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Row:
    """A row of plain texts, the first its heading; a muted one is grey."""

    cells: tuple[str, ...]
    muted: bool = False


class Markup(str):
    """A text that is markup already, made here: it is not escaped again."""


def escape(text: object) -> str:
    """Return a text as markup that shows it as it is; letters that no page may hold become a blank."""
    if isinstance(text, Markup):
        return str(text)
    return html.escape("".join(c if c.isprintable() else " " for c in str(text)))


def section(anchor: str, heading: str, *parts: str) -> str:
    """Return a headed section; empty parts are left out, and a section of empty parts is empty."""
    kept = [part for part in parts if part]
    return "\n".join((f'<div id="{anchor}"><h2>{escape(heading)}</h2>', *kept, "</div>")) if kept else ""


def subheading(text: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph, of the class ``kind`` if one is named ("note", "warning" ...)."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """Return a paragraph in small print."""
    return paragraph(text, "note")


def table(head: Sequence[str], rows: Iterable[Row | Sequence[str]]) -> str:
    """Return a table; without ``head`` no line of headings, without rows nothing."""
    lines = [_line(row if isinstance(row, Row) else Row(tuple(row))) for row in rows]
    if not lines:
        return ""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return "\n".join(("<table>", *([f"<thead><tr>{top}</tr></thead>"] if head else []), *lines, "</table>"))


def _line(row: Row) -> str:
    first, *others = row.cells
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
    return f'<tr{" class=" + chr(34) + "muted" + chr(34) if row.muted else ""}><th scope="row">{escape(first)}</th>{cells}</tr>'


def listed(texts: Iterable[str]) -> str:
    """Return a list of texts; nothing for none."""
    lines = [f"<li>{escape(text)}</li>" for text in texts]
    return "\n".join(("<ul>", *lines, "</ul>")) if lines else ""


def figure(svg: str, caption: str) -> str:
    """Return a drawing with its caption."""
    return f"<figure>\n{svg}\n<figcaption>{escape(caption)}</figcaption></figure>"


# Numbers


def share(found: Proportion | Mapping[str, Any] | None) -> str:
    """Return "254 of 317: 80.1 % (75.4 to 84.1)", of a proportion or its record."""
    record = found.record() if isinstance(found, Proportion) else found
    if record is None:
        return NOT_RECORDED
    if not record["total"]:
        return "no films"
    low, high = 100 * float(record["low"] or 0), 100 * float(record["high"] or 0)
    return f"{record['count']:,} of {record['total']:,}: {100 * float(record['value'] or 0):.1f} % ({low:.1f} to {high:.1f})"


def number(found: Mapping[str, Any] | None, digits: int = 3) -> str:
    """Return "0.981 (0.962 to 0.993)" of a record with value and, where they are known, low and high."""
    if found is None or found.get("value") is None:
        return "not defined"
    if found.get("low") is None:
        return f"{found['value']:.{digits}f}"
    return f"{found['value']:.{digits}f} ({found['low']:.{digits}f} to {found['high']:.{digits}f})"


def interval(value: float | None, bounds: Sequence[float | None] | None) -> dict[str, Any]:
    """Return a record for :func:`number` of a value and two bounds, either of which may be unknown."""
    low, high = bounds if bounds is not None and len(bounds) == 2 else (None, None)
    return {"value": value, "low": low, "high": high} if high is not None else {"value": value, "low": None, "high": None}


def films(count: int) -> str:
    """Return "1 film" or "1,344 films"."""
    return "1 film" if count == 1 else f"{count:,} films"
