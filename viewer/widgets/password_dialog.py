"""Asks for the password of an archive whose files are encrypted; what is typed is handed on and kept nowhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QLineEdit, QVBoxLayout, QWidget

from viewer.widgets import theme
from viewer.widgets.controls import ElidedLabel, PlainLabel, SmallPrint, button, button_row, plain_tool_tip

EXPLANATION = "The files in it are encrypted. The password is kept in memory until the program ends, and never stored."
WRONG = "This password does not fit. Capital letters and the layout of the keyboard count."


class PasswordDialog(QDialog):
    """One question at a time, shown by :meth:`ask`; answered by one of the two signals."""

    password_given = Signal(object, str)
    """Path of the archive, and what was typed."""
    declined = Signal(object)
    """Path of the archive that stays shut."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Password")
        self.setModal(True)
        self.setMinimumWidth(440)
        self.setMaximumWidth(560)
        self._path = Path()
        self._title = PlainLabel("This archive needs a password")
        self._title.setFont(theme.title_font(16))
        self.name = ElidedLabel()
        self.wrong = PlainLabel(WRONG, "warning")
        self.field = QLineEdit()
        self.field.setAccessibleName("Password")
        # No word of it goes to the dictionary of an input method.
        self.field.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.show_letters = QCheckBox("Show what is typed")
        self.open_button = button("Open", role="primary")
        self.decline_button = button("Do not open")
        self._lay_out()
        self.field.textChanged.connect(self._enable_open)
        self.field.returnPressed.connect(self.open_button.click)
        self.show_letters.toggled.connect(self._show_letters)
        self.open_button.clicked.connect(self.accept)
        self.decline_button.clicked.connect(self.reject)

    def ask(self, path: Path, was_wrong: bool) -> None:
        """Ask for the password of an archive, and say so if the last one did not fit."""
        self._path = path
        self.name.setText(path.name)
        self.name.setToolTip(plain_tool_tip(str(path)))
        self.wrong.setVisible(was_wrong)
        self._forget()
        self.open()
        self.field.setFocus()

    def accept(self) -> None:
        """Hand on what was typed."""
        text = self.field.text()
        self._forget()
        super().accept()
        self.password_given.emit(self._path, text)

    def reject(self) -> None:
        """Leave the archive shut."""
        self._forget()
        super().reject()
        self.declined.emit(self._path)

    def _forget(self) -> None:
        self.field.clear()
        self.show_letters.setChecked(False)
        self._show_letters(False)
        self._enable_open("")

    def _enable_open(self, text: str) -> None:
        self.open_button.setEnabled(bool(text))

    def _show_letters(self, shown: bool) -> None:
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(self._title)
        column.addWidget(self.name)
        column.addWidget(SmallPrint(EXPLANATION))
        column.addWidget(self.wrong)
        column.addWidget(self.field)
        column.addWidget(self.show_letters)
        column.addSpacing(4)
        column.addLayout(button_row([], [self.decline_button, self.open_button]))
