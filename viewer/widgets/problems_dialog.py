"""The files that were dropped and are not shown, each with the sentence that says why."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from viewer.imaging.image import NotOpened
from viewer.widgets import theme
from viewer.widgets.controls import Hairline, PlainLabel, SmallPrint, button, button_row, plain_tool_tip


class ProblemsDialog(QDialog):
    """A list that stays open beside the work; it can be copied whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files that are not shown")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.resize(560, 420)
        self._problems: tuple[NotOpened, ...] = ()
        self._title = PlainLabel()
        self._title.setFont(theme.title_font(16))
        self._list = QVBoxLayout()
        self.copy_button = button("Copy list", "copy")
        self.close_button = button("Close")
        self._lay_out()
        self.copy_button.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.close)

    def show_problems(self, problems: Sequence[NotOpened]) -> None:
        """List these files instead of the last ones."""
        self._problems = tuple(problems)
        count = len(self._problems)
        self._title.setText("1 file is not shown" if count == 1 else f"{count:,} files are not shown")
        while item := self._list.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for problem in self._problems:
            self._list.addWidget(_entry(problem))
            self._list.addWidget(Hairline())
        self._list.addStretch(1)

    def text(self) -> str:
        """Return the list as it is copied: one line a file."""
        return "\n".join(f"{problem.path.name}\t{problem.reason}" for problem in self._problems)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def _lay_out(self) -> None:
        inside = QWidget()
        self._list.setSpacing(10)
        self._list.setContentsMargins(0, 0, 12, 0)
        inside.setLayout(self._list)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
        column.addWidget(self._title)
        column.addWidget(scroll, 1)
        column.addLayout(button_row([self.copy_button], [self.close_button]))


def _entry(problem: NotOpened) -> QWidget:
    name = PlainLabel(problem.path.name, selectable=True)
    name.setFont(theme.number_font(weight=name.font().Weight.DemiBold))
    name.setToolTip(plain_tool_tip(str(problem.path)))
    reason = SmallPrint(problem.reason, selectable=True)
    entry = QWidget()
    column = QVBoxLayout(entry)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(name)
    column.addWidget(reason)
    return entry
