"""The window of a file's header: a tree searched as one types, copied row by row, exported as text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import islice

from PySide6.QtCore import QModelIndex, QPoint, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCursor, QGuiApplication, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from viewer.imaging.header import clean
from viewer.imaging.tags import Branch, Header, Row, search
from viewer.widgets import icons, theme
from viewer.widgets.controls import PlainLabel, SmallPrint, button
from viewer.widgets.tag_model import Index, Place, TagModel, line_of

NO_MATCH = "No element matches the search."
ROWS_AT_A_TIME = 200
"""A search looks at so many rows between two looks at the user's hands."""
MOST_UNFOLDED = 500

_COLUMN_WIDTHS = (184, 310, 48, 56)
_ROW_PX = 22
_CELL_INDENT_PX = 5
"""As much as the style sheet moves the titles of columns to the right."""
_Searching = Generator[None, None, tuple[Branch, ...]]


class TagTree(QTreeView):
    """Rows of one line; whole rows are chosen, and copied with Ctrl+C or from the menu of a right click."""

    def __init__(self, model: TagModel) -> None:
        super().__init__()
        self._rows = model
        self.setModel(model)
        self.setAccessibleName("Header")
        self.setItemDelegate(_Cells(self))
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFont(theme.number_font())
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.header().setSectionsMovable(False)
        self.header().setFont(theme.small_font())
        for column, width in enumerate(_COLUMN_WIDTHS):
            self.header().resizeSection(column, width)
        self.header().setSectionResizeMode(len(_COLUMN_WIDTHS), QHeaderView.ResizeMode.Stretch)
        self.nothing_here = ""
        self.copy_rows_action = self._action("Copy rows", "Ctrl+C", self._copy_rows)
        self.copy_values_action = self._action("Copy values", "Ctrl+Shift+C", self._copy_values)
        self.customContextMenuRequested.connect(self._open_menu)

    def chosen(self) -> list[Row]:
        """Return the selected rows from the top down."""
        indexes = sorted(self.selectionModel().selectedRows(), key=self._rows.order_of)
        return [self._rows.row_at(index) for index in indexes]

    def _action(self, title: str, keys: str, slot: Callable[[], None]) -> QAction:
        action = QAction(title, self)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _copy_rows(self) -> None:
        _copy(line_of(row) for row in self.chosen())

    def _copy_values(self) -> None:
        _copy(row.value for row in self.chosen())

    def _open_menu(self, at: QPoint) -> None:
        if self.selectionModel().hasSelection():
            menu = self.context_menu()
            menu.popup(self.viewport().mapToGlobal(at))

    def context_menu(self) -> QMenu:
        """Return the menu of a right click on a row."""
        menu = QMenu(self)
        menu.addActions([self.copy_values_action, self.copy_rows_action])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        is_chosen = self.selectionModel().isSelected(index)
        pointed = self.indexAt(self.viewport().mapFromGlobal(QCursor.pos())) if self.underMouse() else QModelIndex()
        if is_chosen or pointed.siblingAtColumn(0) == index:
            box = QRectF(option.rect.adjusted(2, 0, -2, 0)).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.color("accent") if self.hasFocus() and index == self.currentIndex() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_surface" if is_chosen else "raised"))
            painter.drawRoundedRect(box, 4, 4)
        super().drawRow(painter, option, index)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._rows.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(theme.color("text_secondary"))
            painter.drawText(self.viewport().rect().adjusted(16, 16, -16, -16), Qt.TextFlag.TextWordWrap, self.nothing_here)


class _Cells(QStyledItemDelegate):
    """Cells that stand under the titles of their columns."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.rect = option.rect.adjusted(_CELL_INDENT_PX, 0, 0, 0)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), _ROW_PX)


class TagBrowser(QDialog):
    """The header of one file; another takes its place while search, unfolded rows and the chosen one stay."""

    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize(980, 680)
        self._header: Header | None = None
        self._model = TagModel(self)
        self._unfolded: set[Place] = set()
        self._searching: _Searching | None = None
        self._shown: Header | None = None
        self._current: Place = ()
        self._shown_search = ""
        self._going_on = QTimer(self, singleShot=True, interval=0)
        self._going_on.timeout.connect(self._go_on)
        self.search_field = QLineEdit()
        self.tree = TagTree(self._model)
        self.sentence = PlainLabel(selectable=True)
        self._pages = QStackedWidget()
        self._doing = SmallPrint(wrap=False)
        self.export_button = button("Export as text...", "download")
        self.close_button = button("Close")
        self._lay_out()
        self._connect()
        self.show_sentence("", "No film is open.")

    @property
    def header(self) -> Header | None:
        """Return the header that is shown."""
        return self._header

    def show_header(self, header: Header) -> None:
        """Show the header of another file, or the same file's again."""
        self._header = header
        self.setWindowTitle(f"Header of {clean(header.path.name)}")
        self._pages.setCurrentWidget(self.tree)
        self.export_button.setEnabled(True)
        self._search()

    def show_sentence(self, name: str, sentence: str) -> None:
        """Say why there is no header to show."""
        self._header = None
        self._stop_searching()
        self._show(())
        self.setWindowTitle(f"Header of {clean(name)}" if name else "Header")
        self.sentence.setText(sentence)
        self._pages.setCurrentIndex(0)
        self.export_button.setEnabled(False)

    @property
    def said(self) -> str:
        """Return what is said in small print."""
        return self._doing.text()

    def say(self, text: str) -> None:
        """Say in small print what has been done."""
        self._doing.setText(text)

    # Building

    def _lay_out(self) -> None:
        self.search_field.setPlaceholderText("Search tag, name or value")
        self.search_field.setAccessibleName("Search the header")
        self.search_field.setClearButtonEnabled(True)
        mark = icons.icon("search", theme.DARK.text_secondary)
        self.search_field.addAction(mark, QLineEdit.ActionPosition.LeadingPosition)
        top = QHBoxLayout()
        top.setContentsMargins(16, 0, 16, 0)
        top.addWidget(self.search_field)
        self._pages.addWidget(_page(self.sentence))
        self._pages.addWidget(self.tree)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 16, 0)
        foot.setSpacing(theme.GRID)
        foot.addWidget(self._doing, 1)
        foot.addWidget(self.export_button)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 14, 0, 14)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self._pages, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.search_field.textChanged.connect(self._search)
        self.tree.expanded.connect(self._note_unfolded)
        self.tree.collapsed.connect(self._note_folded)
        self.tree.selectionModel().currentChanged.connect(self._note_current)
        self.export_button.clicked.connect(self.export_requested)
        self.close_button.clicked.connect(self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.search_field.setFocus)

    # Searching

    def _wanted(self) -> str:
        return self.search_field.text().strip()

    def _search(self) -> None:
        self._stop_searching()
        if self._header is None:
            return
        if not self._wanted():
            self._show(tuple(Branch(element) for element in self._header.elements))
            return
        self._searching = search(self._header.elements, self._wanted())
        self._go_on()

    def _stop_searching(self) -> None:
        self._going_on.stop()
        self._searching = None
        self.say("")

    def _go_on(self) -> None:
        """Look at some more rows, and come back after the user's hands have had their turn."""
        if self._searching is None:
            return
        found = _advance(self._searching)
        if found is not None:
            self._stop_searching()
            self._show(found)
            return
        self.say("Searching...")
        if self._shown is not self._header:
            # The rows of the last file do not stand under the name of this one.
            self._show(())
        self._going_on.start()

    # Showing

    def _show(self, branches: tuple[Branch, ...]) -> None:
        scrolled = self.tree.verticalScrollBar().value()
        self.tree.nothing_here = "" if self._searching else NO_MATCH
        self._model.show(branches)
        self._unfold()
        current = self._model.index_of(self._current)
        if current.isValid():
            self.tree.setCurrentIndex(current)
        self._scroll(current, scrolled if self._wanted() == self._shown_search else None)
        self._shown, self._shown_search = self._header, self._wanted()

    def _scroll(self, current: QModelIndex, scrolled: int | None) -> None:
        """Stay where the view was; where the search is another, go to the chosen row, or to the top."""
        if scrolled is not None:
            self.tree.verticalScrollBar().setValue(scrolled)
        elif current.isValid():
            self.tree.scrollTo(current, QAbstractItemView.ScrollHint.PositionAtCenter)
        else:
            self.tree.scrollToTop()

    def _unfold(self) -> None:
        if self._wanted():
            for index in islice(self._model.unfolded(), MOST_UNFOLDED):
                self.tree.setExpanded(index, True)
            return
        for place in sorted(self._unfolded):
            index = self._model.index_of(place)
            if index.isValid():
                self.tree.setExpanded(index, True)

    def _note_current(self, current: QModelIndex) -> None:
        if current.isValid():
            self._current = self._model.place_of(current)

    def _note_unfolded(self, index: QModelIndex) -> None:
        if not self._wanted():
            self._unfolded.add(self._model.place_of(index))

    def _note_folded(self, index: QModelIndex) -> None:
        if not self._wanted():
            self._unfolded.discard(self._model.place_of(index))

    def reject(self) -> None:
        """Clear the search at the first Esc, close at the second."""
        if self.search_field.text():
            self.search_field.clear()
        else:
            super().reject()


def _advance(searching: _Searching) -> tuple[Branch, ...] | None:
    """Look at some rows; return what was found once all have been looked at, or else None."""
    try:
        for _ in range(ROWS_AT_A_TIME):
            next(searching)
    except StopIteration as end:
        found: tuple[Branch, ...] = end.value
        return found
    return None


def _copy(lines: Iterable[str]) -> None:
    if text := "\n".join(lines):
        QGuiApplication.clipboard().setText(text)


def _page(label: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(16, 12, 16, 12)
    column.addWidget(label)
    column.addStretch(1)
    return page
