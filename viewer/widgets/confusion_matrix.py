"""The confusion matrix of held-out films: rows are the truth, columns what the model said."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from viewer.reading import ConfusionMatrix
from viewer.widgets import theme
from viewer.widgets.controls import plain_tool_tip

LEAST_TITLE_PX = 48
MOST_TITLE_SHARE = 0.34
HEADER_PX = 38
CELL_PX = 44
GAP = 2

Cell = tuple[int, int]
STEPS: dict[Qt.Key, Cell] = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class ConfusionMatrixView(QWidget):
    """Counts and row percentages; the column of the present answer is outlined; a cell is chosen by click or Enter."""

    cell_chosen = Signal(str, str)
    """Truth and answer of the chosen cell, as class names."""
    films_wanted = Signal()
    """The keyboard goes on to the films of the chosen cell."""

    def __init__(self) -> None:
        super().__init__()
        self._matrix: ConfusionMatrix | None = None
        self._lit = ""
        self._cursor: Cell = (0, 0)
        self._chosen: Cell | None = None
        self._hovered: Cell | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_matrix(self, matrix: ConfusionMatrix, lit_answer: str) -> None:
        """Show the counts with the column of ``lit_answer`` (a class name, or "" for none) outlined."""
        self._matrix = matrix
        self._lit = lit_answer
        self._hovered = None
        lit = matrix.names.index(lit_answer) if lit_answer in matrix.names else 0
        self._cursor = (lit, lit)
        self._chosen = None
        self._describe()
        self.updateGeometry()
        self.update()

    def set_chosen(self, truth: str, answer: str) -> None:
        """Mark a cell as the one whose films are shown, without a signal."""
        if self._matrix is not None:
            self._chosen = (self._matrix.names.index(truth), self._matrix.names.index(answer))
            self._cursor = self._chosen
            self._describe()
            self.update()

    def cell_rect(self, truth: str, answer: str) -> QRect:
        """Return where the cell of two class names lies in this widget."""
        if self._matrix is None:
            return QRect()
        return self._rect((self._matrix.names.index(truth), self._matrix.names.index(answer)))

    def sentence(self, truth: str, answer: str) -> str:
        """Return a cell in words: "21 films of no finding were called pneumonia"."""
        if self._matrix is None:
            return ""
        row, column = self._matrix.names.index(truth), self._matrix.names.index(answer)
        count = self._matrix.counts[row][column]
        films = "1 film" if count == 1 else f"{count:,} films"
        verb = "was" if count == 1 else "were"
        return f"{films} of {self._matrix.titles[row]} {verb} called {self._matrix.titles[column]}"

    def _size(self) -> int:
        return len(self._matrix.names) if self._matrix else 0

    def _title_width(self) -> int:
        """Return the width of the widest row title, within a third of the whole."""
        metrics = QFontMetrics(theme.small_font())
        titles = self._matrix.titles if self._matrix else ()
        widest = max((metrics.horizontalAdvance(title) + 12 for title in titles), default=0)
        return min(max(widest, LEAST_TITLE_PX), round(self.width() * MOST_TITLE_SHARE))

    def _rect(self, cell: Cell) -> QRect:
        beside = self._title_width()
        step = (self.width() - beside) / max(self._size(), 1)
        left = beside + round(cell[1] * step)
        right = beside + round((cell[1] + 1) * step)
        return QRect(left + GAP, HEADER_PX + cell[0] * CELL_PX + GAP, right - left - 2 * GAP, CELL_PX - 2 * GAP)

    def _cell_at(self, point: QPoint) -> Cell | None:
        cells = ((row, column) for row in range(self._size()) for column in range(self._size()))
        return next((cell for cell in cells if self._rect(cell).contains(point)), None)

    def _words(self, cell: Cell) -> str:
        assert self._matrix is not None
        return self.sentence(self._matrix.names[cell[0]], self._matrix.names[cell[1]])

    def _choose(self, cell: Cell) -> None:
        assert self._matrix is not None
        self._cursor = self._chosen = cell
        self._describe()
        self.update()
        self.cell_chosen.emit(self._matrix.names[cell[0]], self._matrix.names[cell[1]])

    def _describe(self) -> None:
        self.setAccessibleName("Confusion matrix of held-out films")
        self.setAccessibleDescription(self._words(self._cursor))

    def _shade(self, count: int) -> QColor:
        assert self._matrix is not None
        largest = max(max(row) for row in self._matrix.counts) or 1
        return theme.mixed("raised", "count", count / largest)

    def _draw_headers(self, painter: QPainter, matrix: ConfusionMatrix) -> None:
        beside_width = self._title_width()
        painter.setFont(theme.section_font())
        painter.setPen(theme.color("text_secondary"))
        painter.drawText(QRect(0, 18, beside_width, 18), Qt.AlignmentFlag.AlignVCenter, "Truth")
        over = QRect(beside_width + GAP, 0, self.width() - beside_width, 16)
        painter.drawText(over, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, "The model said")
        painter.setFont(theme.small_font())
        for index, title in enumerate(matrix.titles):
            cell = self._rect((index, index))
            is_lit = matrix.names[index] == self._lit
            painter.setPen(theme.color("accent" if is_lit else "text"))
            above = QRect(cell.x() + 2, 18, cell.width() - 4, 18)
            self._draw_elided(painter, above, title, Qt.AlignmentFlag.AlignHCenter)
            painter.setPen(theme.color("text"))
            beside = QRect(0, cell.y(), beside_width - 6, cell.height())
            self._draw_elided(painter, beside, title, Qt.AlignmentFlag.AlignLeft)

    def _draw_elided(self, painter: QPainter, box: QRect, text: str, side: Qt.AlignmentFlag) -> None:
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, shown)

    def _draw_cell(self, painter: QPainter, cell: Cell, count: int, row_total: int) -> None:
        box = self._rect(cell)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._shade(count))
        painter.drawRoundedRect(box, 3, 3)
        weight = QFont.Weight.DemiBold if cell[0] == cell[1] else QFont.Weight.Normal
        painter.setFont(theme.number_font(theme.BODY_PX + 1, weight))
        painter.setPen(theme.color("text"))
        painter.drawText(box.adjusted(0, 3, 0, -17), Qt.AlignmentFlag.AlignCenter, f"{count:,}")
        painter.setFont(theme.number_font(theme.SECTION_PX))
        painter.setPen(theme.mixed("text_secondary", "text", 0.6))
        percent = f"{100 * count / row_total:.0f} %" if row_total else "\N{EN DASH}"
        painter.drawText(box.adjusted(0, 20, 0, -2), Qt.AlignmentFlag.AlignCenter, percent)

    def _draw_marks(self, painter: QPainter, matrix: ConfusionMatrix) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._hovered is not None:
            painter.setPen(QPen(theme.color("text_secondary"), 1))
            painter.drawRoundedRect(QRectF(self._rect(self._hovered)).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if self._lit in matrix.names:
            column = matrix.names.index(self._lit)
            first, last = self._rect((0, column)), self._rect((self._size() - 1, column))
            around = QRectF(first.x() - 1, 17, first.width() + 2, last.bottom() - 17 + 2)
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawRoundedRect(around, 4, 4)
        if self._chosen is not None:
            box = self._rect(self._chosen)
            painter.fillRect(QRectF(box.x() + 12, box.bottom() - 2, box.width() - 24, 2), theme.color("text"))
        if self.hasFocus():
            painter.setPen(QPen(theme.color("text"), 1.5))
            painter.drawRoundedRect(QRectF(self._rect(self._cursor)).adjusted(2, 2, -2, -2), 3, 3)

    def sizeHint(self) -> QSize:
        return QSize(300, HEADER_PX + CELL_PX * self._size() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_TITLE_PX + 34 * self._size(), self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in STEPS:
            event.accept()  # Up and Down are shortcuts of the window
            return True
        if isinstance(event, QHelpEvent) and self._matrix is not None:
            cell = self._cell_at(event.pos())
            QToolTip.showText(event.globalPos(), plain_tool_tip(self._words(cell)) if cell else "", self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hovered = self._cell_at(event.position().toPoint())
        self.setCursor(Qt.CursorShape.PointingHandCursor if self._hovered else Qt.CursorShape.ArrowCursor)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._matrix is None:
            event.ignore()
        elif (key := Qt.Key(event.key())) in STEPS:
            step, last = STEPS[key], self._size() - 1
            self._cursor = (
                min(max(self._cursor[0] + step[0], 0), last),
                min(max(self._cursor[1] + step[1], 0), last),
            )
            self._describe()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self._cursor == self._chosen:
                self.films_wanted.emit()
            else:
                self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._matrix is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_headers(painter, self._matrix)
        for row, counts in enumerate(self._matrix.counts):
            for column, count in enumerate(counts):
                self._draw_cell(painter, (row, column), count, sum(counts))
        self._draw_marks(painter, self._matrix)
