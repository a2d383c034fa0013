"""What this program is: its build, what it runs on, and the licences of all that it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.licences import Notice
from viewer.widgets import icons, theme
from viewer.widgets.controls import PlainLabel, SectionLabel, SmallPrint, button, button_row

PURPOSE = "A reading station for chest films with a second reader that shows its evidence."
MARK_PX = 48
LIST_PX = 250


class LicencesView(QWidget):
    """The parts of the program on the left, the licence of the chosen one on the right, as plain text."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[Notice, ...] = ()
        self.list = QListWidget()
        self.list.setAccessibleName("Parts of the program")
        self.list.setFixedWidth(LIST_PX)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Licence")
        self.text.setFont(_fixed_font())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.list)
        row.addWidget(self.text, 1)
        self.list.currentRowChanged.connect(self._choose)

    def show_parts(self, parts: Sequence[Notice]) -> None:
        """List these parts, and show the licence of the first."""
        self._parts = tuple(parts)
        self.list.clear()
        self.list.addItems([part.title for part in parts])
        self.list.setCurrentRow(0)

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence in the place of the licences."""
        self._parts = ()
        self.list.clear()
        self.text.setPlainText(sentence)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._parts):
            part = self._parts[row]
            self.text.setPlainText(f"{part.title}\nLicence: {part.licence}\n\n{part.text}")


class AboutWindow(QDialog):
    """Facts at the top, to be copied into a letter to who looks after the program, and the licences below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Hilum")
        self.resize(860, 760)
        self._facts: dict[str, str] = {}
        self._grid = QGridLayout()
        self.licences = LicencesView()
        self.copy_button = button("Copy facts", "copy")
        self.close_button = button("Close", role="primary")
        self._lay_out()
        self.copy_button.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.close)

    def show_fact(self, name: str, value: str) -> None:
        """Show a fact, or its new value where it is shown already."""
        if name not in self._facts:
            at = len(self._facts)
            label = PlainLabel(name, "secondary", wrap=False)
            shown = PlainLabel(selectable=True)
            shown.setObjectName(name)
            shown.setAccessibleName(name)
            self._grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(shown, at, 1)
        self._facts[name] = value
        self._value_of(name).setText(value)

    def facts(self) -> dict[str, str]:
        """Return the facts that are shown."""
        return dict(self._facts)

    def text(self) -> str:
        """Return the facts as they are copied."""
        return "\n".join(f"{name}: {value}" for name, value in self._facts.items())

    def _value_of(self, name: str) -> QLabel:
        return next(label for label in self.findChildren(QLabel) if label.objectName() == name)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def _lay_out(self) -> None:
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
        column.addLayout(_head())
        column.addLayout(self._grid)
        column.addWidget(SectionLabel("Licences"))
        column.addWidget(self.licences, 1)
        column.addLayout(button_row([self.copy_button], [self.close_button]))


def _head() -> QHBoxLayout:
    mark = QLabel()
    mark.setPixmap(icons.pixmap("hilum", MARK_PX, mark.devicePixelRatioF(), theme.DARK.accent))
    name = PlainLabel("Hilum")
    name.setFont(theme.title_font())
    words = QVBoxLayout()
    words.setSpacing(2)
    for line in (name, PlainLabel(PURPOSE), SmallPrint(RESEARCH_NOTICE)):
        words.addWidget(line)
    row = QHBoxLayout()
    row.setSpacing(16)
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(words, 1)
    return row


def _fixed_font() -> QFont:
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(theme.SMALL_PX)
    return font
