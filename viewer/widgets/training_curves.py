"""The curves of a training: loss and accuracy by epoch, of the films learned from and of those held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from viewer.training import EpochPoint
from viewer.widgets import theme

HEADER_PX = 22
BELOW_PX = 20
BESIDE_PX = 44
RIGHT_PX = 8
DOT_PX = 3.0
TICK_GAP_PX = 44
"""Least distance between two numbers below the chart."""
NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
LEARNED = "training"
HELD_OUT = "held out"
NOTHING_YET = "The curve begins after the first epoch."

Points = Sequence[tuple[int, float]]
"""Epoch and value."""


@dataclass(frozen=True)
class CurveScale:
    """What a chart shows: its title, how a value is written, and where the values end (None: at the largest there is)."""

    title: str
    written: Callable[[float], str]
    top: float | None = None


LOSS = CurveScale("Loss", lambda value: f"{value:.3g}")
ACCURACY = CurveScale("Accuracy", lambda value: f"{100 * value:.0f} %", 1.0)


class TrainingCurves(QWidget):
    """Both charts of the network that is being trained now; another network begins with empty ones."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = CurveChart(LOSS)
        self.accuracy = CurveChart(ACCURACY)
        self._points: dict[int, EpochPoint] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.loss, 1)
        column.addWidget(self.accuracy, 1)

    def clear(self, epochs: int) -> None:
        """Begin a network of so many epochs."""
        self._points = {}
        self._show(epochs)

    def is_empty(self) -> bool:
        """Return whether no epoch has been drawn."""
        return not self._points

    def add(self, point: EpochPoint, epochs: int) -> None:
        """Draw one more epoch; one that was drawn before is drawn anew."""
        self._points[point.epoch] = point
        self._show(epochs)

    def _show(self, epochs: int) -> None:
        points = [self._points[epoch] for epoch in sorted(self._points)]
        loss = [(p.epoch, p.held_out_loss) for p in points if p.held_out_loss is not None]
        accuracy = [(p.epoch, p.held_out_accuracy) for p in points if p.held_out_accuracy is not None]
        self.loss.show_curves([(p.epoch, p.loss) for p in points], loss, epochs)
        self.accuracy.show_curves([(p.epoch, p.accuracy) for p in points], accuracy, epochs)


class CurveChart(QWidget):
    """One value by epoch: training films as a thin line, held-out films as a dashed one with dots in the accent."""

    def __init__(self, scale: CurveScale) -> None:
        super().__init__()
        self._scale = scale
        self._learned: Points = ()
        self._held_out: Points = ()
        self._epochs = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_curves((), (), 1)

    def show_curves(self, learned: Points, held_out: Points, epochs: int) -> None:
        """Draw these values by epoch, on an axis of so many epochs; what is not finite is left out."""
        self._learned = [(epoch, value) for epoch, value in learned if math.isfinite(value)]
        self._held_out = [(epoch, value) for epoch, value in held_out if math.isfinite(value)]
        self._epochs = max(epochs, 1)
        self.setAccessibleName(f"{self._scale.title} by epoch")
        self.setAccessibleDescription("; ".join(words for words, _ in self._keys()))
        self.update()

    def _keys(self) -> list[tuple[str, bool]]:
        """Return what stands in the key, the last value with it, and whether it is of the held-out films."""
        curves = ((LEARNED, self._learned, False), (HELD_OUT, self._held_out, True))
        return [(f"{name} {self._scale.written(points[-1][1])}", kind) for name, points, kind in curves if points]

    def _top(self) -> float:
        largest = max((value for _, value in (*self._learned, *self._held_out)), default=0.0)
        return self._scale.top or nice_above(largest) or 1.0

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(BESIDE_PX, HEADER_PX + 6, -RIGHT_PX, -BELOW_PX)

    def _place(self, epoch: float, value: float) -> QPointF:
        plot, last = self._plot(), max(self._epochs, 2)
        x = plot.left() + plot.width() * (epoch - 1) / (last - 1)
        return QPointF(x, plot.bottom() - plot.height() * min(max(value / self._top(), 0.0), 1.0))

    # Drawing

    def _draw_header(self, painter: QPainter) -> None:
        painter.setFont(theme.section_font())
        painter.setPen(theme.color("text_secondary"))
        line = QRectF(0, 0, self.width(), HEADER_PX)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._scale.title)
        painter.setFont(theme.small_font())
        right = float(self.width() - RIGHT_PX)
        for words, is_held_out in reversed(self._keys()):
            width = painter.fontMetrics().horizontalAdvance(words)
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(right - width, 0, width, HEADER_PX), Qt.AlignmentFlag.AlignVCenter, words)
            self._draw_sample(painter, right - width - 24, is_held_out)
            right -= width + 40

    def _draw_sample(self, painter: QPainter, left: float, is_held_out: bool) -> None:
        painter.setPen(curve_pen(is_held_out))
        painter.drawLine(QPointF(left, HEADER_PX / 2), QPointF(left + 18, HEADER_PX / 2))

    def _draw_axes(self, painter: QPainter) -> None:
        painter.setFont(theme.number_font(theme.SECTION_PX))
        plot, top = self._plot(), self._top()
        for value in ticks(top, 4 if plot.height() > 90 else 2):
            y = round(self._place(1, value).y()) + 0.5
            painter.setPen(QPen(theme.color("outline" if value == 0 else "hairline"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(theme.color("text_secondary"))
            box = QRectF(0, y - 8, BESIDE_PX - 8, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._scale.written(value))
        most = max(int(plot.width() / TICK_GAP_PX), 1)
        for epoch in epoch_ticks(self._epochs, most):
            self._draw_epoch(painter, epoch)

    def _draw_epoch(self, painter: QPainter, epoch: int) -> None:
        at = self._place(epoch, 0)
        x = round(at.x()) + 0.5
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawLine(QPointF(x, at.y()), QPointF(x, at.y() + 4))
        painter.setPen(theme.color("text_secondary"))
        words = f"epoch {epoch}" if epoch == 1 else f"{epoch}"
        width = painter.fontMetrics().horizontalAdvance(words)
        left = min(max(x - width / 2, BESIDE_PX - 8), self.width() - width)
        painter.drawText(QRectF(left, at.y() + 4, width + 1, BELOW_PX - 4), Qt.AlignmentFlag.AlignCenter, words)

    def _draw_curve(self, painter: QPainter, points: Points, is_held_out: bool) -> None:
        places = [self._place(epoch, value) for epoch, value in points]
        painter.setPen(curve_pen(is_held_out))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(curve_pen(is_held_out).color())
        for place in places if len(places) == 1 else places[-1:]:
            painter.drawEllipse(place, DOT_PX, DOT_PX)

    def sizeHint(self) -> QSize:
        return QSize(480, 190)

    def minimumSizeHint(self) -> QSize:
        return QSize(280, 110)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_header(painter)
        self._draw_axes(painter)
        if not self._learned:
            painter.setFont(theme.small_font())
            painter.setPen(theme.color("text_secondary"))
            between_lines = self._plot().translated(0, -self._plot().height() / 8)
            painter.drawText(between_lines, Qt.AlignmentFlag.AlignCenter, NOTHING_YET)
        self._draw_curve(painter, self._learned, is_held_out=False)
        self._draw_curve(painter, self._held_out, is_held_out=True)


def curve_pen(is_held_out: bool) -> QPen:
    """Return the pen of a curve: colour and dash both tell them apart."""
    pen = QPen(theme.color("accent" if is_held_out else "text_secondary"), 2.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if is_held_out:
        pen.setDashPattern([4.0, 2.0])
    return pen


def nice_above(value: float) -> float:
    """Return the next round number at or above a value; 0 for 0."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in NICE if step * power >= value * (1 - 1e-9))


def ticks(top: float, count: int) -> list[float]:
    """Return about ``count`` round values from 0 up to ``top``."""
    step = nice_above(top / count)
    return [step * index for index in range(int(top / step + 1e-9) + 1)]


def epoch_ticks(epochs: int, most: int) -> list[int]:
    """Return the first epoch and the multiples of a round number after it, at most about ``most`` of them."""
    step = max(1, round(nice_above(epochs / max(most, 1))))
    return [1, *(epoch for epoch in range(step, epochs + 1, step) if epoch - 1 >= max(step / 2, 1))]
