"""Text, rules and pictures as pieces of known height, and their distribution over pages.

A :class:`Piece` never breaks; long text is one piece a line, so that it flows from page to page and no line of it is
clipped or lost. Lengths are device units, :data:`RESOLUTION` of them an inch, y downwards. Text is laid out by
QTextLayout, which knows no markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QTextLayout, QTextLine, QTextOption

from viewer.reporting.fonts import font

RESOLUTION = 1200
"""Device units an inch: fine enough that whole-unit font sizes are exact to 0.06 pt."""

INK = "#17242c"
MUTED = "#5c6b75"
HAIRLINE = "#c8d1d7"
ACCENT = "#1c5877"
TINT = "#e4eef4"
AMBER = "#a8640a"

LEFT = Qt.AlignmentFlag.AlignLeft
RIGHT = Qt.AlignmentFlag.AlignRight
CENTER = Qt.AlignmentFlag.AlignHCenter

Draw = Callable[[QPainter, float, float], None]


def mm(length: float) -> float:
    """Return millimetres in device units."""
    return length * RESOLUTION / 25.4


@dataclass(frozen=True)
class Style:
    """How a run of text looks: size in points, weight, colour, and line height as a multiple of the size."""

    points: float
    weight: QFont.Weight = QFont.Weight.Normal
    color: str = INK
    leading: float = 1.42

    @property
    def font(self) -> QFont:
        """Return the font with its size in device units, whatever the screen's resolution."""
        result = font(self.points, self.weight)
        result.setPixelSize(round(self.points * RESOLUTION / 72))
        result.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        # One glyph for "fi" is read back from a PDF as one sign, and a search for "finding" misses it.
        result.setFeature(QFont.Tag("liga"), 0)
        return result

    @property
    def line_height(self) -> float:
        """Return the least distance between two baselines, in device units."""
        return self.points * self.leading * RESOLUTION / 72


@dataclass(frozen=True, eq=False)
class Piece:
    """Something of fixed height that stays in one place: a line, a row, a picture.

    ``draw`` is called with the painter and the left top corner; ``baseline`` is measured from the top.
    """

    height: float
    draw: Draw
    baseline: float = 0.0
    keep_with_next: bool = False
    is_space: bool = False


@dataclass(frozen=True, eq=False)
class Placed:
    """A piece and how far below the top of the page's content it stands."""

    y: float
    piece: Piece


def plain_lines(text: str) -> list[str]:
    """Split text at every kind of line end and replace what is no character (controls, half surrogates) by U+FFFD."""
    return ["".join(_printable(character) for character in line) for line in text.splitlines()]


def lines(
    text: str, style: Style, width: float, alignment: Qt.AlignmentFlag | None = None, keep_with_next: bool = False
) -> list[Piece]:
    """Return one piece a line of text wrapped to ``width``; a word longer than a line is broken anywhere.

    Without an alignment each paragraph begins on its own side: the right one for Arabic and Hebrew.
    """
    pieces: list[Piece] = []
    for paragraph in plain_lines(text):
        if paragraph.strip():
            pieces += _wrapped(paragraph, style, width, alignment, keep_with_next)
        else:
            pieces.append(space(style.line_height * 0.6))
    return pieces


def space(height: float) -> Piece:
    """Return white space, which is left out at the top of a page."""
    return Piece(height, _draw_nothing, is_space=True)


def rule(width: float, color: str = HAIRLINE, thickness_mm: float = 0.15) -> Piece:
    """Return a horizontal hairline."""
    thickness = mm(thickness_mm)

    def draw(painter: QPainter, x: float, y: float) -> None:
        painter.fillRect(QRectF(x, y, width, thickness), QColor(color))

    return Piece(thickness, draw)


def picture(image: QImage, width: float, height: float) -> Piece:
    """Return an image drawn ``width`` by ``height`` within a hairline frame."""

    def draw(painter: QPainter, x: float, y: float) -> None:
        frame = mm(0.1)
        painter.fillRect(QRectF(x - frame, y - frame, width + 2 * frame, height + 2 * frame), QColor(HAIRLINE))
        painter.drawImage(QRectF(x, y, width, height), image)

    return Piece(height, draw)


def filled(piece: Piece, x: float, width: float, color: str) -> Piece:
    """Return the piece over a rectangle of its own height, ``x`` to the right of its left edge."""

    def draw(painter: QPainter, left: float, top: float) -> None:
        # A hair more than its height, so that no white line shows between one row and the next.
        painter.fillRect(QRectF(left + x, top, width, piece.height + 1), QColor(color))
        piece.draw(painter, left, top)

    return Piece(piece.height, draw, piece.baseline, piece.keep_with_next)


def barred(pieces: Sequence[Piece], color: str, indent: float) -> list[Piece]:
    """Return the pieces moved right by ``indent``, beside a vertical bar that goes with them over page ends."""
    return [filled(row(((indent, piece),)), 0, mm(0.7), color) for piece in pieces]


def row(cells: Sequence[tuple[float, Piece]]) -> Piece:
    """Return pieces side by side as one, on a common baseline; each with its distance from the left edge."""
    baseline = max(piece.baseline for _, piece in cells)
    below = max(piece.height - piece.baseline for _, piece in cells)

    def draw(painter: QPainter, x: float, y: float) -> None:
        for offset, piece in cells:
            piece.draw(painter, x + offset, y + baseline - piece.baseline)

    return Piece(baseline + below, draw, baseline, any(piece.keep_with_next for _, piece in cells))


def rows(columns: Sequence[tuple[float, Sequence[Piece]]]) -> list[Piece]:
    """Return columns of lines as rows, first line beside first line, so that a long cell flows over pages."""
    result = []
    for cells in zip_longest(*(pieces for _, pieces in columns)):
        offsets = (offset for offset, _ in columns)
        result.append(row([(offset, piece) for offset, piece in zip(offsets, cells, strict=True) if piece is not None]))
    return result


def together(pieces: Sequence[Piece]) -> Piece:
    """Return pieces one under the other as one that never breaks; it must be lower than a page."""

    def draw(painter: QPainter, x: float, y: float) -> None:
        for piece in pieces:
            piece.draw(painter, x, y)
            y += piece.height

    return Piece(height_of(pieces), draw)


def unbroken(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces that go to one page, if a page holds them."""
    return [*(replace(piece, keep_with_next=True) for piece in pieces[:-1]), *pieces[-1:]]


def height_of(pieces: Sequence[Piece]) -> float:
    """Return the height of pieces one under the other."""
    return sum(piece.height for piece in pieces)


def paginate(pieces: Sequence[Piece], page_height: float) -> list[list[Placed]]:
    """Distribute pieces over pages of ``page_height``; what keeps with the next goes to its page."""
    pages: list[list[Placed]] = [[]]
    y = 0.0
    for group in _groups(pieces):
        # A group taller than a page breaks after all.
        if y > 0 and y + height_of(group) > page_height >= height_of(group):
            pages.append([])
            y = 0.0
        for piece in group:
            if y > 0 and y + piece.height > page_height:
                pages.append([])
                y = 0.0
            if piece.is_space and y == 0:
                continue
            pages[-1].append(Placed(y, piece))
            y += piece.height
    return pages if pages[-1] or len(pages) == 1 else pages[:-1]


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    groups: list[list[Piece]] = []
    joined = False
    for piece in pieces:
        if joined:
            groups[-1].append(piece)
        else:
            groups.append([piece])
        joined = piece.keep_with_next
    return groups


def _wrapped(
    paragraph: str, style: Style, width: float, alignment: Qt.AlignmentFlag | None, keep_with_next: bool
) -> list[Piece]:
    layout = QTextLayout(paragraph, style.font)
    option = QTextOption(alignment or (RIGHT if _is_right_to_left(paragraph) else LEFT))
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    option.setUseDesignMetrics(True)
    layout.setTextOption(option)
    layout.beginLayout()
    result = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        line.setPosition(QPointF(0, 0))
        result.append(_line_piece(layout, line, style, keep_with_next))
    layout.endLayout()
    return result


def _line_piece(layout: QTextLayout, line: QTextLine, style: Style, keep_with_next: bool) -> Piece:
    height = max(style.line_height, line.height())
    # Half of the leading above and half below; letters of a taller script push their own line apart.
    top = (height - line.height()) / 2

    def draw(painter: QPainter, x: float, y: float) -> None:
        # The line lives in its layout, which must outlast it.
        assert layout.lineCount() > 0
        painter.setPen(QColor(style.color))
        line.draw(painter, QPointF(x, y + top))

    return Piece(height, draw, top + line.ascent(), keep_with_next)


def _is_right_to_left(paragraph: str) -> bool:
    # The first strong letter decides, as in rules P2 and P3 of Unicode's bidirectional algorithm.
    directions = (unicodedata.bidirectional(character) for character in paragraph)
    return next((direction for direction in directions if direction in ("L", "R", "AL")), "L") != "L"


def _printable(character: str) -> str:
    if character == "\t":
        return "    "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character


def _draw_nothing(painter: QPainter, x: float, y: float) -> None:
    """Draw white space."""
