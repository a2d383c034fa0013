"""The self-test in a window: a row for each check as it is done, how far it is, and what came of all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QProgressBar,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.self_test.rows import Row, Step, all_passed, line_of, verdict
from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, SmallPrint, button, button_row

EXPLANATION = (
    "Hilum decodes a small film of each kind, reads its sample film, draws a heat map and writes a report, and compares what "
    "comes of it with what it should be. Films that are open are not touched; a film opened meanwhile is read afterwards."
)
STOPPED = "The self-test was stopped."

_TITLES = ("Check", "Result", "ms", "Detail")
_WIDTHS = (250, 64, 64)
_INKS = ("text", "right", "text_secondary", "text_secondary")
"""Of the columns of a check that has passed."""
_RESULT, _DETAIL = 1, 3
_PADDING_PX, _ROW_GAP_PX = 8, 8


class SelfTestTable(QTableWidget):
    """The checks that are done, one below the other."""

    def __init__(self) -> None:
        super().__init__(0, len(_TITLES))
        self.setHorizontalHeaderLabels(_TITLES)
        self.setAccessibleName("Checks")
        self.setFont(theme.number_font())
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        # Hidden, it would still hold each row to the height of a title.
        self.verticalHeader().setStyleSheet("QHeaderView::section { padding: 0; }")
        self.setItemDelegate(_Cells(self))
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(_WIDTHS):
            header.resizeSection(column, width)
        header.setSectionResizeMode(_DETAIL, QHeaderView.ResizeMode.Stretch)

    def add(self, row: Row) -> None:
        """Add a check that is done, and show it."""
        at = self.rowCount()
        self.insertRow(at)
        texts = (row.check, row.result, f"{row.milliseconds:,.0f}", row.detail)
        for column, (text, ink) in enumerate(zip(texts, _INKS if row.passed else ("refused",) * len(_INKS), strict=True)):
            item = QTableWidgetItem(text)
            item.setForeground(theme.color(ink))
            item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            self.setItem(at, column, item)
        self.scrollToBottom()

    def show_first_failure(self) -> None:
        """Bring the first check that failed into sight; the first of all where none did."""
        results = [self.model().index(at, _RESULT) for at in range(self.rowCount())]
        failed = (index for index in results if index.data() == "FAILED")
        first = next(failed, self.model().index(0, _RESULT))
        self.scrollTo(first, QAbstractItemView.ScrollHint.PositionAtTop)


class _Cells(QStyledItemDelegate):
    """Cells as high as their text needs once the padding of the style sheet has made them narrower."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        narrower = QStyleOptionViewItem(option)
        narrower.rect = option.rect.adjusted(0, 0, -2 * _PADDING_PX, 0)
        return super().sizeHint(narrower, index) + QSize(0, _ROW_GAP_PX)


class SelfTestWindow(QDialog):
    """Shows a self-test while it goes on, and its end; stays open beside the work."""

    start_requested = Signal()
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Self-test")
        self.resize(900, 720)
        self._rows: list[Row] = []
        self._title = PlainLabel("Self-test")
        self._title.setFont(theme.title_font(16))
        self.table = SelfTestTable()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.said = PlainLabel("", selectable=True)
        self.copy_button = button("Copy table", "copy")
        self.again_button = button("Run again")
        self.stop_button = button("Stop")
        self.close_button = button("Close", role="primary")
        self._lay_out()
        self.copy_button.clicked.connect(self._copy)
        self.again_button.clicked.connect(self.start_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.close_button.clicked.connect(self.close)
        self._set_running(False)

    def show_started(self) -> None:
        """Begin with an empty table."""
        self._rows = []
        self.table.setRowCount(0)
        self.progress.setRange(0, 0)
        self._say("Waiting for its turn", "secondary")
        self._set_running(True)

    def show_step(self, step: Step) -> None:
        """Say which check is at work, and how far all are."""
        self.progress.setRange(0, step.total)
        self.progress.setValue(step.done)
        self._say(f"{step.done + 1} of {step.total}: {step.check}", "secondary")

    def add_row(self, row: Row) -> None:
        """Show a check that is done."""
        self._rows.append(row)
        self.table.add(row)

    def show_end(self, rows: Sequence[Row]) -> None:
        """Say what came of all checks."""
        self._say(verdict(rows), "" if all_passed(rows) else "refused")
        self._set_running(False)
        self.table.show_first_failure()

    def show_stopped(self, sentence: str = STOPPED) -> None:
        """Say that the self-test did not come to its end."""
        self._say(sentence, "warning")
        self._set_running(False)

    def text(self) -> str:
        """Return the table as it is copied."""
        return "\n".join([*map(line_of, self._rows), self.said.text()])

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def _say(self, sentence: str, tone: str) -> None:
        if self.said.property("tone") != tone:
            self.said.setProperty("tone", tone)
            self.said.style().polish(self.said)
        self.said.setText(sentence)

    def _set_running(self, is_running: bool) -> None:
        self.progress.setVisible(is_running)
        self.stop_button.setVisible(is_running)
        self.again_button.setVisible(not is_running)
        self.copy_button.setEnabled(not is_running)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(self._title)
        column.addWidget(SmallPrint(EXPLANATION))
        column.addWidget(self.table, 1)
        column.addWidget(self.progress)
        column.addWidget(self.said)
        column.addLayout(button_row([self.copy_button, self.again_button, self.stop_button], [self.close_button]))

    def reject(self) -> None:
        """Close, by the button, Esc or the frame: nobody waits for a self-test whose window is closed."""
        self.stop_requested.emit()
        super().reject()
