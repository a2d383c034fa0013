"""The confusion matrix of a model on a page, with the column of the present answer shaded."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QFont

from viewer.reading import ConfusionMatrix
from viewer.reporting.typesetting import (
    CENTER,
    LEFT,
    MUTED,
    TINT,
    Piece,
    Style,
    filled,
    lines,
    mm,
    row,
    rows,
    rule,
    space,
)

SMALL = Style(8)
LABEL = Style(7.5, color=MUTED)
SENTENCE = Style(9, QFont.Weight.DemiBold)
TRUTH_WIDTH = mm(27)


def answer_sentence(matrix: ConfusionMatrix, answer: str) -> str:
    """Return how often this answer was right on held-out films: "Of 61 films it called COVID-19, 52 were."."""
    column = matrix.names.index(answer)
    title = matrix.titles[column]
    called = sum(counts[column] for counts in matrix.counts)
    right = matrix.counts[column][column]
    if called == 0:
        return f"It called no held-out film {title}."
    return f"Of {called:,} {'film' if called == 1 else 'films'} it called {title}, {right:,} {_were(right)}."


def matrix_section(matrix: ConfusionMatrix, answer: str, width: float) -> list[Piece]:
    """Return the table, truth in rows and answers in columns, and the sentence about this answer under it."""
    lit = matrix.names.index(answer) if answer in matrix.names else None
    cell = (width - TRUTH_WIDTH) / len(matrix.names)
    pieces = lines("Held-out films: truth in rows, the model's answer in columns", SMALL, width, keep_with_next=True)
    pieces.append(space(mm(1)))
    pieces += [_shaded(piece, lit, cell) for piece in _titles(matrix, cell)]
    for index, title in enumerate(matrix.titles):
        pieces.append(_shaded(rule(width), None, cell))
        pieces += [_shaded(piece, lit, cell) for piece in _counts(title, matrix.counts[index], index, cell)]
    if lit is not None:
        pieces += [space(mm(1.5)), *lines(answer_sentence(matrix, answer), SENTENCE, width, LEFT)]
    return pieces + lines(matrix.provenance, LABEL, width, LEFT)


def _titles(matrix: ConfusionMatrix, cell: float) -> list[Piece]:
    return rows(
        [
            (_left(column, cell) + mm(0.5), lines(title, LABEL, cell - mm(1), CENTER, keep_with_next=True))
            for column, title in enumerate(matrix.titles)
        ]
    )


def _counts(title: str, counts: Sequence[int], diagonal: int, cell: float) -> list[Piece]:
    bold = Style(9, QFont.Weight.DemiBold)
    truth = lines(title, SMALL, TRUTH_WIDTH - mm(1), LEFT)
    numbers = [
        (_left(column, cell), lines(f"{count:,}", bold if column == diagonal else Style(9), cell, CENTER))
        for column, count in enumerate(counts)
    ]
    return rows([(0, truth), *numbers])


def _shaded(piece: Piece, lit: int | None, cell: float) -> Piece:
    if lit is None:
        return row(((0, piece),))
    return filled(piece, _left(lit, cell), cell, TINT)


def _left(column: int, cell: float) -> float:
    return TRUTH_WIDTH + column * cell


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
