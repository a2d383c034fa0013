"""Where the radiologist writes: indication, findings, impression."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from viewer.reporting.report import ReportText
from viewer.widgets.controls import SectionLabel, SmallPrint, button

PAUSE_MS = 700
NO_FILM = "Open a film to write its report."


class ReportEditor(QWidget):
    """Three fields of plain text beside the film; what was typed is offered for keeping on every pause."""

    text_paused = Signal(object)
    """ReportText: 700 ms after the last keystroke, when a field is left, and on ``flush``."""
    export_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.indication = _Field("Why the film was taken")
        self.findings = _Field("What is seen")
        self.impression = _Field("What it means")
        self._fields = (self.indication, self.findings, self.impression)
        self._saved = SmallPrint(wrap=False)
        self.export_button = button("Export PDF", "pdf")
        self._is_changed = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.flush)
        self._lay_out()
        for field in self._fields:
            field.textChanged.connect(self._note_change)
            field.left.connect(self.flush)
        self.export_button.clicked.connect(self._ask_export)
        self.show_no_film()

    def set_text(self, text: ReportText) -> None:
        """Show a film's report and allow typing; nothing is signalled for it."""
        self._fill(text)
        self._saved.setText("")
        self._allow(True)

    def text(self) -> ReportText:
        """Return what stands in the fields."""
        return ReportText(*(field.toPlainText() for field in self._fields))

    def show_no_film(self) -> None:
        """Empty the fields and say that a film is needed."""
        self._fill(ReportText())
        self._saved.setText(NO_FILM)
        self._allow(False)

    def show_saved(self, sentence: str) -> None:
        """Say when the draft was kept, such as "Draft saved 14:05:12"."""
        self._saved.setText(sentence)

    def flush(self) -> None:
        """Offer what has been typed since the last offer, if anything has."""
        self._pause.stop()
        if self._is_changed:
            self._is_changed = False
            self.text_paused.emit(self.text())

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(SectionLabel("Report"))
        head.addStretch(1)
        head.addWidget(self._saved)
        head.addWidget(self.export_button)
        fields = QHBoxLayout()
        fields.setSpacing(12)
        titles = (("Indication", 2), ("Findings", 3), ("Impression", 3))
        for field, (title, stretch) in zip(self._fields, titles, strict=True):
            fields.addLayout(_titled(title, field), stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 12)
        column.setSpacing(6)
        column.addLayout(head)
        column.addLayout(fields, 1)

    def _fill(self, text: ReportText) -> None:
        for field, words in zip(self._fields, (text.indication, text.findings, text.impression), strict=True):
            field.setPlainText(words)
        self._pause.stop()
        self._is_changed = False

    def _allow(self, is_allowed: bool) -> None:
        for field in self._fields:
            field.setEnabled(is_allowed)
        self.export_button.setEnabled(is_allowed)

    def _note_change(self) -> None:
        self._is_changed = True
        self._pause.start()

    def _ask_export(self) -> None:
        self.flush()
        self.export_requested.emit()


class _Field(QPlainTextEdit):
    """A field that Tab leaves and that says so."""

    left = Signal()

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setPlaceholderText(placeholder)
        self.setMinimumHeight(56)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


def _titled(title: str, field: QPlainTextEdit) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(4)
    label = SmallPrint(title, wrap=False)
    label.setBuddy(field)
    field.setAccessibleName(title)
    column.addWidget(label)
    column.addWidget(field, 1)
    return column
