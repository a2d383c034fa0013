"""The texts in the four corners of the film and the orientation letters on its sides."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

TEXT = QColor(226, 224, 214)
WARNING = QColor(255, 110, 96)
NOTICE = QColor(240, 190, 90)
SHADOW = QColor(0, 0, 0, 210)
MARGIN = 12
SMALLEST_WIDTH = 420
"""Below this width in points only the first line of each corner is drawn: text yields to the film."""


@dataclass(frozen=True)
class CornerTexts:
    """Lines for each corner, plain text; ``lossy`` is drawn in red under the bottom left ones.

    ``notices``, in yellow above those, say what makes the film or its series look other than expected.
    """

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()
    lossy: str = ""
    notices: tuple[str, ...] = ()
    letters: tuple[str, str, str, str] = ("", "", "", "")
    """Left, right, top, bottom."""


def paint_corner_texts(painter: QPainter, area: QRect, texts: CornerTexts) -> None:
    """Draw the texts inside ``area``, each line with a dark edge so that it reads over white bone."""
    font = QFont(painter.font())
    font.setPointSizeF(9.5)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    limit = None if area.width() >= SMALLEST_WIDTH else 1
    room = area.width() / 2 - 2 * MARGIN
    corners = (
        (texts.top_left, False, False),
        (texts.top_right, True, False),
        (texts.notices + texts.bottom_left + ((texts.lossy,) if texts.lossy else ()), False, True),
        (texts.bottom_right, True, True),
    )
    for lines, right, bottom in corners:
        shown = [line for line in lines if line][:limit]
        for index, line in enumerate(shown):
            text = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
            x = area.right() - MARGIN - metrics.horizontalAdvance(text) if right else area.left() + MARGIN
            row = len(shown) - 1 - index if bottom else index
            y = (
                area.bottom() - MARGIN - row * metrics.lineSpacing() - metrics.descent()
                if bottom
                else area.top() + MARGIN + metrics.ascent() + row * metrics.lineSpacing()
            )
            paint_line(painter, QPointF(x, y), text, _ink(line, texts))
    _paint_letters(painter, area, texts.letters)


def _ink(line: str, texts: CornerTexts) -> QColor:
    return WARNING if line == texts.lossy else NOTICE if line in texts.notices else TEXT


def _paint_letters(painter: QPainter, area: QRect, letters: tuple[str, str, str, str]) -> None:
    font = QFont(painter.font())
    font.setPointSizeF(12)
    font.setBold(True)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    left, right, top, bottom = letters
    middle_x, middle_y = area.center().x(), area.center().y() + metrics.ascent() / 2
    for text, x, y in (
        (left, area.left() + MARGIN, middle_y),
        (right, area.right() - MARGIN - metrics.horizontalAdvance(right), middle_y),
        (top, middle_x - metrics.horizontalAdvance(top) / 2, area.top() + MARGIN + 22 + metrics.ascent()),
        (bottom, middle_x - metrics.horizontalAdvance(bottom) / 2, area.bottom() - MARGIN - metrics.descent()),
    ):
        paint_line(painter, QPointF(x, y), text, TEXT)


def paint_line(painter: QPainter, at: QPointF, text: str, color: QColor = TEXT) -> None:
    """Draw one line of text, its baseline beginning at ``at``, with a dark edge."""
    painter.setPen(SHADOW)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(at + QPointF(dx, dy), text)
    painter.setPen(color)
    painter.drawText(at, text)
