"""Two ROC curves in one square: the reader's and the model's, on the same films."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.quiz import Point
from viewer.widgets import theme

LEFT_PX, BELOW_PX, ABOVE_PX, RIGHT_PX = 48, 42, 28, 24
DOT_PX = 3.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
YOU, MODEL = "you", "model"


class RocChart(QWidget):
    """Sensitivity over 1 - specificity; the reader in the accent with dots, the model dashed, chance as a thin diagonal."""

    def __init__(self) -> None:
        super().__init__()
        self._own: Sequence[Point] = ()
        self._model: Sequence[Point] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_curves(self, own: Sequence[Point], model: Sequence[Point], words: str) -> None:
        """Draw both; ``words`` are what a screen reader says in their place."""
        self._own, self._model = own, model
        self.setAccessibleName("ROC curves of reader and model")
        self.setAccessibleDescription(words)
        self.update()

    def place(self, point: Point) -> QPointF:
        """Return where (1 - specificity, sensitivity) is drawn."""
        plot = self._plot()
        return QPointF(plot.left() + point[0] * plot.width(), plot.bottom() - point[1] * plot.height())

    def _plot(self) -> QRectF:
        side = max(min(self.width() - LEFT_PX - RIGHT_PX, self.height() - ABOVE_PX - BELOW_PX), 40)
        return QRectF(LEFT_PX, ABOVE_PX, side, side)

    def _draw_axes(self, painter: QPainter) -> None:
        plot = self._plot()
        painter.setFont(theme.number_font(theme.SECTION_PX))
        for tick in TICKS:
            x, y = round(self.place((tick, 0)).x()) + 0.5, round(self.place((0, tick)).y()) + 0.5
            painter.setPen(QPen(theme.color("outline" if tick == 0 else "hairline"), 1))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(theme.color("text_secondary"))
            beside = QRectF(0, y - 8, LEFT_PX - 8, 16)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{100 * tick:.0f} %")
            painter.drawText(QRectF(x - 24, plot.bottom() + 4, 48, 16), Qt.AlignmentFlag.AlignCenter, f"{100 * tick:.0f} %")
        below = QRectF(plot.left(), plot.bottom() + 20, plot.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "1 - specificity")
        painter.drawText(QRectF(0, 2, LEFT_PX + 60, 18), Qt.AlignmentFlag.AlignVCenter, "Sensitivity")
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawLine(self.place((0, 0)), self.place((1, 1)))

    def _draw_curve(self, painter: QPainter, points: Sequence[Point], is_own: bool) -> None:
        places = [self.place(point) for point in points]
        painter.setPen(roc_pen(is_own))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
        if is_own:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent"))
            for place in places:
                painter.drawEllipse(place, DOT_PX, DOT_PX)

    def _draw_legend(self, painter: QPainter) -> None:
        painter.setFont(theme.small_font())
        right = self._plot().right()
        for is_own, name in ((False, MODEL), (True, YOU)):
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(right - width, 2, width + 1, 18), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(roc_pen(is_own))
            painter.drawLine(QPointF(right - width - 28, 11), QPointF(right - width - 6, 11))
            right -= width + 44

    def sizeHint(self) -> QSize:
        return QSize(400, 410)

    def minimumSizeHint(self) -> QSize:
        return QSize(230, 230)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_axes(painter)
        self._draw_curve(painter, self._model, is_own=False)
        self._draw_curve(painter, self._own, is_own=True)
        self._draw_legend(painter)


def roc_pen(is_own: bool) -> QPen:
    """Return the pen of a curve: colour and dash both tell them apart."""
    pen = QPen(theme.color("accent" if is_own else "text"), 2.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if not is_own:
        pen.setDashPattern([4.0, 2.5])
    return pen
