"""What is shown when the program itself is at fault: the traceback, to be copied."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, button, button_row

EXPLANATION = (
    "The program made a mistake of its own. The films are not changed, and what was typed is kept as a draft. "
    "The lines below help to mend it; look through them for names of files before passing them on."
)


class CrashDialog(QDialog):
    """A traceback in plain text with a button that copies it."""

    def __init__(self, traceback_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Hilum: an unexpected error")
        self.resize(720, 460)
        title = PlainLabel("Something went wrong in Hilum")
        title.setFont(theme.title_font(16))
        self.traceback_view = QPlainTextEdit(traceback_text)
        self.traceback_view.setReadOnly(True)
        self.traceback_view.setTabChangesFocus(True)
        self.traceback_view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.traceback_view.setFont(_fixed_font())
        self.traceback_view.setAccessibleName("Traceback")
        self.copy_button = button("Copy", "copy")
        self.close_button = button("Close", role="primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(PlainLabel(EXPLANATION, "secondary"))
        column.addWidget(self.traceback_view, 1)
        column.addLayout(button_row([self.copy_button], [self.close_button]))
        self.copy_button.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.traceback_view.toPlainText())


def _fixed_font() -> QFont:
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(theme.SMALL_PX)
    return font
