"""What the second reader's answer is worth, on the page: an override's mark, the decision, the audit."""

from __future__ import annotations

from PySide6.QtGui import QFont

from viewer.reading import AuditLine, Reading
from viewer.reporting.typesetting import (
    AMBER,
    LEFT,
    MUTED,
    RIGHT,
    Piece,
    Style,
    barred,
    lines,
    mm,
    rows,
    space,
    unbroken,
)

WIDTH = mm(174)
INDENT = mm(3.5)
VALUE = Style(9)
SMALL = Style(8)
LABEL = Style(7.5, color=MUTED)
STRONG = Style(9, QFont.Weight.DemiBold)


def overridden(reading: Reading) -> list[Piece]:
    """Return the mark of an answer that was asked for in spite of a refusal; nothing for any other."""
    if not reading.is_overridden:
        return []
    width = WIDTH - INDENT
    body = [
        *lines("Read in spite of a refusal; the answer may mean nothing.", STRONG, width),
        *lines(reading.reason, VALUE, width),
        *lines(f"Reason given: {reading.override_reason}", VALUE, width),
        *lines(f"Code: {', '.join(refusal.code for refusal in reading.refusals)}", LABEL, width),
    ]
    return [*barred(body, AMBER, INDENT), space(mm(2))]


def decision(reading: Reading) -> list[Piece]:
    """Return the answer in words, the decision at the operating point with its counts, and how alike films were answered."""
    said: list[Piece] = []
    if reading.conformal is not None:
        level = f"{100 * reading.conformal.level:.0f}"
        said += lines(f"{_capital(reading.conformal.sentence)}.", STRONG, WIDTH)
        said += lines(f"Made so that {level} of 100 films of every class have it in their set.", LABEL, WIDTH)
    point = reading.operating_point()
    if point is not None:
        said += lines(point.sentence, VALUE, WIDTH)
    right = reading.nearest_right
    if right is not None and right.total:
        interval = f"{100 * right.low:.0f} to {100 * right.high:.0f} %"
        alike = f"Of the {right.total:,} held-out films most like this one it was right in {right.count:,} ({interval})."
        said += lines(alike, VALUE, WIDTH)
    return [space(mm(2.5)), *unbroken(said)] if said else []


def audit(reading: Reading) -> list[Piece]:
    """Return the shortcut audit's lines and verdict; nothing where none was asked for."""
    found = reading.audit
    if found is None or not found.complete:
        return []
    title = next((p.title for p in reading.probabilities if p.name == found.shown), found.shown)
    said = lines(f"Shortcut audit: probability of {title} after a change of the film", SMALL, WIDTH, keep_with_next=True)
    for line in found.lines:
        said += _audit_line(line)
    return [space(mm(3)), *said, *lines(found.sentence, STRONG, WIDTH)]


def _audit_line(line: AuditLine) -> list[Piece]:
    numbers = f"{line.before:.2f} \N{RIGHTWARDS ARROW} {line.after:.2f}"
    return rows([(0, lines(line.title, VALUE, mm(90), LEFT)), (mm(92), lines(numbers, VALUE, mm(30), RIGHT))])


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
