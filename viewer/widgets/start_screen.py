"""What is seen before a film is open."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.widgets import icons, theme
from viewer.widgets.controls import ElidedLabel, Hairline, PlainLabel, SectionLabel, SmallPrint, button, plain_tool_tip

MARK_PX = 64
COLUMN_PX = 480
NAME_PX = 240
RECENT_SHOWN = 8
DROP_HINT = "Drop chest films here: DICOM, PNG, JPEG or TIFF, single files or whole folders."


class StartScreen(QScrollArea):
    """The mark, what can be dropped, three ways to begin, and what was open lately."""

    open_requested = Signal()
    open_folder_requested = Signal()
    sample_requested = Signal()
    recent_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_box = QWidget()
        self._column = QWidget()
        self._lay_out()
        self.set_recent([])

    def set_recent(self, entries: list[str]) -> None:
        """List files or folders that were open lately, the last one first."""
        while item := self._recent.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for entry in entries[:RECENT_SHOWN]:
            row = _RecentRow(entry)
            row.chosen.connect(self.recent_chosen)
            self._recent.addWidget(row)
        self._recent_box.setVisible(bool(entries))

    def _lay_out(self) -> None:
        mark = QLabel()
        mark.setPixmap(icons.pixmap("hilum", MARK_PX, self.devicePixelRatioF(), theme.DARK.accent))
        name = PlainLabel("Hilum", wrap=False)
        name.setFont(theme.title_font(28))
        inner = QVBoxLayout(self._column)
        inner.setContentsMargins(24, 32, 24, 24)
        inner.setSpacing(0)
        inner.addStretch(2)
        inner.addWidget(mark, 0, Qt.AlignmentFlag.AlignLeft)
        inner.addSpacing(12)
        inner.addWidget(name)
        inner.addSpacing(4)
        inner.addWidget(PlainLabel(DROP_HINT, "secondary"))
        inner.addSpacing(24)
        inner.addLayout(self._buttons())
        inner.addSpacing(32)
        inner.addWidget(self._recent_list())
        inner.addStretch(3)
        inner.addWidget(SmallPrint(RESEARCH_NOTICE))
        outer = QWidget()
        row = QHBoxLayout(outer)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self._column)
        row.addStretch(1)
        self.setWidget(outer)

    def _buttons(self) -> QHBoxLayout:
        self.open_button = button("Open\N{HORIZONTAL ELLIPSIS}", "open", "primary")
        self.open_folder_button = button("Open folder\N{HORIZONTAL ELLIPSIS}", "open-folder")
        self.sample_button = button("Sample film", "sample")
        self.sample_button.setToolTip("A synthetic chest film that the program draws itself")
        self.open_button.clicked.connect(self.open_requested)
        self.open_folder_button.clicked.connect(self.open_folder_requested)
        self.sample_button.clicked.connect(self.sample_requested)
        row = QHBoxLayout()
        row.setSpacing(8)
        for each in (self.open_button, self.open_folder_button, self.sample_button):
            each.setMinimumHeight(32)
            row.addWidget(each)
        row.addStretch(1)
        return row

    def _recent_list(self) -> QWidget:
        column = QVBoxLayout(self._recent_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(SectionLabel("Recent"))
        column.addWidget(Hairline())
        column.addLayout(self._recent)
        return self._recent_box

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._column.setFixedWidth(min(COLUMN_PX, self.viewport().width()))
        super().resizeEvent(event)


class _RecentRow(QPushButton):
    """One entry: the name, then the folder it lies in."""

    chosen = Signal(str)

    def __init__(self, entry: str) -> None:
        super().__init__()
        self._entry = entry
        self.setProperty("role", "quiet")
        self.setAutoDefault(False)
        path = PurePath(entry)
        folder = "" if str(path.parent) == "." else str(path.parent)
        words = QHBoxLayout(self)
        words.setContentsMargins(8, 4, 8, 4)
        words.setSpacing(12)
        mark = QLabel()
        mark.setPixmap(icons.pixmap("recent", 16, self.devicePixelRatioF(), theme.DARK.text_secondary))
        name, place = ElidedLabel(path.name or entry), ElidedLabel(folder, small=True)
        name.setMinimumWidth(min(name.sizeHint().width(), NAME_PX))
        for label in (mark, name, place):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            words.addWidget(label)
        words.addStretch(1)
        self.setMinimumHeight(32)
        self.setAccessibleName(f"Open {path.name}")
        self.setToolTip(plain_tool_tip(entry))
        self.clicked.connect(self._choose)

    def _choose(self) -> None:
        self.chosen.emit(self._entry)
