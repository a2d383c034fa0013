"""The pages of a PDF below one another; each is asked for when it comes into sight, at the sharpness of the screen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame

from viewer.widgets import raster, theme

MARGIN_PX = 16
GAP_PX = 12
ZOOM_STEP = 1.25
SMALLEST_SCALE, LARGEST_SCALE = 0.1, 10.0
PIXELS_PER_POINT = 96 / 72
"""Of a page at 100 %."""

_PAUSE_MS = 60
_KEPT_AROUND = 2


class PdfView(QAbstractScrollArea):
    """Pages on a dark ground, as wide as the view until the reader zooms (Ctrl and the wheel, Ctrl and + or -)."""

    page_wanted = Signal(int, float)
    """A page, counted from 0, and the physical pixels to a point it is wanted at; answer with ``show_page``."""
    position_changed = Signal()
    """Another page stands in the view, or the zoom is another."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: tuple[tuple[float, float], ...] = ()
        self._scale: float | None = None
        self._rects: list[QRectF] = []
        self._pages: dict[int, tuple[float, QPixmap]] = {}
        self._problems: dict[int, str] = {}
        self._asked: dict[int, float] = {}
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalScrollBar().valueChanged.connect(self._moved)
        self.horizontalScrollBar().valueChanged.connect(self._moved)

    def show_pages(self, sizes_pt: Sequence[tuple[float, float]]) -> None:
        """Show a document by the sizes of its pages in points, from its first page and as wide as the view."""
        self._sizes = tuple((max(width, 1.0), max(height, 1.0)) for width, height in sizes_pt)
        self._scale = None
        self._forget()
        self.setAccessibleName("PDF, 1 page" if len(self._sizes) == 1 else f"PDF, {len(self._sizes):,} pages")
        self._lay_out()
        self.verticalScrollBar().setValue(0)

    def show_page(self, page: int, scale: float, pixels: np.ndarray) -> None:
        """Show a page that was asked for at that scale: uint8 (rows, columns, 3) RGB."""
        if self._asked.get(page) == scale:
            del self._asked[page]
        if 0 <= page < len(self._sizes):
            self._pages[page] = (scale, QPixmap.fromImage(raster.to_image(pixels)))
            self.viewport().update()

    def show_page_problem(self, page: int, sentence: str) -> None:
        """Say in the place of a page why it cannot be drawn; it is not asked for again."""
        self._asked.pop(page, None)
        self._problems[page] = sentence
        self.viewport().update()

    def current_page(self) -> int:
        """Return the page, counted from 0, in the middle of the view."""
        middle = self.verticalScrollBar().value() + self.viewport().height() / 2
        return next((i for i, rect in enumerate(self._rects) if middle <= rect.bottom() + GAP_PX), max(len(self._rects) - 1, 0))

    def page_count(self) -> int:
        """Return how many pages are shown."""
        return len(self._sizes)

    def scale(self) -> float:
        """Return the logical pixels to a point, as zoomed or as fits."""
        return self._scale or self._fitting_scale()

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom by a factor; the point under ``around`` (of the viewport, its middle where not given) stays there."""
        fixed = around or QPointF(self.viewport().rect().center())
        old = self.scale()
        new = min(max(old * factor, SMALLEST_SCALE), LARGEST_SCALE)
        bars = (self.horizontalScrollBar(), self.verticalScrollBar())
        place = [(bar.value() + at) / old for bar, at in zip(bars, (fixed.x(), fixed.y()), strict=True)]
        self._scale = new
        self._lay_out()
        for bar, at, offset in zip(bars, place, (fixed.x(), fixed.y()), strict=True):
            bar.setValue(round(at * new - offset))

    def fit_width(self) -> None:
        """Show the widest page as wide as the view, now and whenever the view is resized."""
        self._scale = None
        self._lay_out()

    # ------------------------------------------------------------------------------------------------------- layout

    def _fitting_scale(self) -> float:
        widest = max((width for width, _ in self._sizes), default=612.0)
        return min(max((self.viewport().width() - 2 * MARGIN_PX) / widest, SMALLEST_SCALE), LARGEST_SCALE)

    def _lay_out(self) -> None:
        scale, y = self.scale(), float(MARGIN_PX)
        sizes = [QSize(round(width * scale), round(height * scale)) for width, height in self._sizes]
        across = max([self.viewport().width(), *(size.width() + 2 * MARGIN_PX for size in sizes)])
        self._rects = []
        for size in sizes:
            self._rects.append(QRectF((across - size.width()) // 2, y, size.width(), size.height()))
            y += size.height() + GAP_PX
        self._set_ranges(across, round(y - GAP_PX + MARGIN_PX))
        self._moved()

    def _set_ranges(self, width: int, height: int) -> None:
        view = self.viewport().size()
        for bar, whole, seen in (
            (self.horizontalScrollBar(), width, view.width()),
            (self.verticalScrollBar(), height, view.height()),
        ):
            bar.setPageStep(seen)
            bar.setSingleStep(40)
            bar.setRange(0, max(0, whole - seen))

    def _moved(self) -> None:
        self._pause.start()
        self.viewport().update()
        self.position_changed.emit()

    def _origin(self) -> QPoint:
        return QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())

    def _in_sight(self) -> range:
        view = QRectF(self._origin(), self.viewport().size())
        seen = [i for i, rect in enumerate(self._rects) if rect.intersects(view)]
        return range(seen[0], seen[-1] + 1) if seen else range(0)

    # ------------------------------------------------------------------------------------------------------ requests

    def _ask(self) -> None:
        """Ask for what is in sight and not there at this scale, and let go of what is far away."""
        if not self.isVisible():
            return
        scale, seen = self.scale() * self.devicePixelRatioF(), self._in_sight()
        kept = range(seen.start - _KEPT_AROUND, seen.stop + _KEPT_AROUND)
        self._pages = {page: drawn for page, drawn in self._pages.items() if page in kept}
        for page in seen:
            is_there = page in self._pages and self._pages[page][0] == scale
            if not is_there and page not in self._problems and self._asked.get(page) != scale:
                self._asked[page] = scale
                self.page_wanted.emit(page, scale)

    def _forget(self) -> None:
        self._pages, self._problems, self._asked = {}, {}, {}

    # ------------------------------------------------------------------------------------------------------------ Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), theme.color("window"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        origin = self._origin()
        for page in self._in_sight():
            self._paint_page(painter, page, self._rects[page].translated(-QPointF(origin)))

    def _paint_page(self, painter: QPainter, page: int, rect: QRectF) -> None:
        drawn = self._pages.get(page)
        if drawn is None:
            painter.fillRect(rect, theme.color("raised"))
            painter.setPen(theme.color("text_secondary"))
            words = self._problems.get(page, f"Page {page + 1}")
            painter.drawText(
                rect.adjusted(24, 24, -24, -24), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), words
            )
            return
        scale, pixmap = drawn
        ratio = self.devicePixelRatioF()
        size = pixmap.size() / ratio
        # Of the right scale it is drawn pixel by pixel, which is sharper than the same fitted to a rounded rectangle.
        is_exact = scale == self.scale() * ratio and abs(size.width() - rect.width()) <= 1
        painter.drawPixmap(QRectF(rect.topLeft(), size) if is_exact else rect, pixmap, QRectF(pixmap.rect()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        page, bar = self.current_page(), self.verticalScrollBar()
        old = self._rects[page] if self._rects else QRectF()
        offset = bar.value() - old.top()
        self._lay_out()
        if self._rects and self._scale is None:
            new = self._rects[page]
            # What lies above a page, its margin, does not grow with it.
            bar.setValue(round(new.top() + offset * (new.height() / old.height() if offset > 0 else 1)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        bar = self.verticalScrollBar()
        if is_control and event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_STEP)
        elif is_control and event.key() == Qt.Key.Key_Minus:
            self.zoom(1 / ZOOM_STEP)
        elif is_control and event.key() == Qt.Key.Key_0:
            self.fit_width()
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            bar.setValue(bar.minimum() if event.key() == Qt.Key.Key_Home else bar.maximum())
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: object) -> None:
        self._pause.start()
