"""The probability of each class as a number, its interval and a bar with the operating point marked."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.reading import ClassProbability
from viewer.widgets import theme

ROW_PX = 42
TEXT_PX = 20
BAR_PX = 8
KEY_PX = 22


class ProbabilityBars(QWidget):
    """One row a class, the answer named as such; below them the key to the marks that are in use."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ClassProbability, ...] = ()
        self._predicted = ""
        self._thresholds: dict[str, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_probabilities(
        self,
        rows: tuple[ClassProbability, ...],
        predicted: str,
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        """Show these classes in their order; ``thresholds`` are operating points by class name, 0 to 1."""
        self._rows = rows
        self._predicted = predicted
        names = {row.name for row in rows}
        self._thresholds = {name: value for name, value in (thresholds or {}).items() if name in names}
        self.setAccessibleName("Probabilities")
        self.setAccessibleDescription("; ".join(map(self.sentence, rows)))
        self.updateGeometry()
        self.update()

    def sentence(self, row: ClassProbability) -> str:
        """Return one row in words."""
        words = f"{row.title} {number(row.probability)}"
        words += f", interval {number(row.low)} to {number(row.high)}" if has_interval(row) else ""
        words += f", operating point {number(self._thresholds[row.name])}" if row.name in self._thresholds else ""
        return words + (", the answer" if row.name == self._predicted else "")

    def _draw_row(self, painter: QPainter, row: ClassProbability, top: int) -> None:
        is_answer = row.name == self._predicted
        self._draw_words(painter, row, QRect(0, top, self.width(), TEXT_PX), is_answer)
        bar = QRectF(0, top + TEXT_PX + 4, self.width(), BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("control"))
        painter.drawRoundedRect(bar, 2, 2)
        filled = QRectF(bar.x(), bar.y(), bar.width() * row.probability, bar.height())
        painter.setBrush(theme.color("accent" if is_answer else "neutral"))
        painter.drawRoundedRect(filled, 2, 2)
        if row.low is not None and row.high is not None:
            _draw_interval(painter, bar, row.low, row.high)
        if row.name in self._thresholds:
            _draw_operating_point(painter, bar.x() + bar.width() * self._thresholds[row.name], bar)

    def _draw_words(self, painter: QPainter, row: ClassProbability, line: QRect, is_answer: bool) -> None:
        weight = QFont.Weight.DemiBold if is_answer else QFont.Weight.Normal
        right = line
        if any(map(has_interval, self._rows)):
            painter.setFont(theme.small_font())
            painter.setPen(theme.color("text_secondary"))
            width = painter.fontMetrics().horizontalAdvance("(>0.99\N{EN DASH}>0.99)") + 4
            if has_interval(row):
                interval = f"({number(row.low)}\N{EN DASH}{number(row.high)})"
                painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, interval)
            right = line.adjusted(0, 0, -width, 0)
        painter.setFont(theme.number_font(theme.BODY_PX + 1, weight))
        painter.setPen(theme.color("text"))
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number(row.probability))
        room = right.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(">0.99") - 8, 0)
        self._draw_title(painter, row.title, room, is_answer)

    def _draw_title(self, painter: QPainter, title: str, room: QRect, is_answer: bool) -> None:
        tag_font = theme.section_font()
        painter.setFont(tag_font)
        tag_width = painter.fontMetrics().horizontalAdvance("ANSWER") + 10 if is_answer else 0
        painter.setFont(theme.number_font(theme.BODY_PX, QFont.Weight.DemiBold if is_answer else QFont.Weight.Normal))
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room.width() - tag_width)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        if is_answer:
            painter.setFont(tag_font)
            painter.setPen(theme.color("accent"))
            tag = room.adjusted(metrics.horizontalAdvance(shown) + 10, 1, 0, 1)
            painter.drawText(tag, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "Answer")

    def _draw_key(self, painter: QPainter, top: int) -> None:
        painter.setFont(theme.small_font())
        x = 0.0
        middle = top + KEY_PX / 2
        if any(map(has_interval, self._rows)):
            bar = QRectF(x, middle - BAR_PX / 2, 16, BAR_PX)
            _draw_interval(painter, bar, 0.1, 0.9)
            x = self._draw_key_text(painter, "interval", x + 22, top)
        if self._thresholds:
            _draw_operating_point(painter, x + 5, QRectF(x, middle - 2, 10, 6))
            self._draw_key_text(painter, "operating point", x + 16, top)

    def _draw_key_text(self, painter: QPainter, text: str, x: float, top: int) -> float:
        painter.setPen(theme.color("text_secondary"))
        box = QRectF(x, top, self.width() - x, KEY_PX)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        return x + painter.fontMetrics().horizontalAdvance(text) + 16

    def _has_key(self) -> bool:
        return bool(self._thresholds) or any(map(has_interval, self._rows))

    def sizeHint(self) -> QSize:
        return QSize(300, len(self._rows) * ROW_PX + (KEY_PX if self._has_key() else 0))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, row in enumerate(self._rows):
            self._draw_row(painter, row, index * ROW_PX)
        if self._has_key():
            self._draw_key(painter, len(self._rows) * ROW_PX)


def number(probability: float | None) -> str:
    """Return a probability with two decimals that never claims certainty it does not have."""
    if probability is None:
        return ""
    if 0.995 <= probability < 1:
        return ">0.99"
    if 0 < probability < 0.005:
        return "<0.01"
    return f"{probability:.2f}"


def has_interval(row: ClassProbability) -> bool:
    """Return whether a class states its interval."""
    return row.low is not None and row.high is not None


def _draw_interval(painter: QPainter, bar: QRectF, low: float, high: float) -> None:
    left, right = bar.x() + bar.width() * low, bar.x() + bar.width() * high
    painter.fillRect(QRectF(left, bar.top(), right - left, bar.height()), theme.color("text", 70))
    painter.setPen(QPen(theme.color("text"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    for x in (left, right):
        painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))


def _draw_operating_point(painter: QPainter, x: float, bar: QRectF) -> None:
    painter.setPen(QPen(theme.color("warning"), 1.5))
    painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 2))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("warning"))
    tip = [QPointF(x - 4, bar.top() - 5), QPointF(x + 4, bar.top() - 5), QPointF(x, bar.top())]
    painter.drawPolygon(QPolygonF(tip))
