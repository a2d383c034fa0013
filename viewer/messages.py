"""The one door to the user: errors, warnings and information, as plain text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def error(parent: QWidget, sentence: str) -> None:
    """Say what could not be done; the window stays usable meanwhile."""
    _show(parent, QMessageBox.Icon.Critical, sentence)


def warning(parent: QWidget, sentence: str) -> None:
    """Say what was done otherwise than expected."""
    _show(parent, QMessageBox.Icon.Warning, sentence)


def information(parent: QWidget, sentence: str) -> None:
    """Say what was done."""
    _show(parent, QMessageBox.Icon.Information, sentence)


def _show(parent: QWidget, icon: QMessageBox.Icon, sentence: str) -> None:
    box = QMessageBox(icon, "Hilum", sentence, QMessageBox.StandardButton.Ok, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.show()
