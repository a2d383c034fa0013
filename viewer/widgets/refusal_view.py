"""Why there is no answer for a film, and the way to have it read in spite of that: with a reason that stays on the page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from viewer.policy import OVERRIDE_OFF
from viewer.reading import Reading, RefusalReason
from viewer.widgets.controls import Notice, SmallPrint, button

REFUSED = "No answer for this film"
OVERRIDDEN = "Read in spite of a refusal"
LONGEST_REASON = 200
WHAT_FOLLOWS = "The reason stands in the panel and in the report. The answer may mean nothing."


class RefusalView(QWidget):
    """A refusal with its codes; its button asks for a reason before anything is read."""

    override_requested = Signal(str)
    """The reason that was typed."""

    def __init__(self, reading: Reading, override_allowed: bool = True) -> None:
        super().__init__()
        self.setObjectName("refusalView")
        self.override_button = button("Read in spite of this\N{HORIZONTAL ELLIPSIS}", role="quiet")
        self.reason_edit = QLineEdit()
        self.confirm_button = button("Read", role="primary")
        self.cancel_button = button("Cancel")
        self._asking = QWidget()
        self._lay_out(reading.refusals, override_allowed)
        self._connect()

    def _lay_out(self, refusals: Sequence[RefusalReason], override_allowed: bool) -> None:
        self.reason_edit.setMaxLength(LONGEST_REASON)
        self.reason_edit.setPlaceholderText("Reason")
        self.reason_edit.setAccessibleName("Reason for reading this film in spite of the refusal")
        self.confirm_button.setEnabled(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.confirm_button)
        row.addWidget(self.cancel_button)
        row.addStretch(1)
        inner = QVBoxLayout(self._asking)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.reason_edit)
        inner.addWidget(SmallPrint(WHAT_FOLLOWS))
        inner.addLayout(row)
        self._asking.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        sentences = "\n".join(refusal.sentence for refusal in refusals)
        column.addWidget(Notice("refused", sentences, REFUSED))
        column.addWidget(SmallPrint(f"Code: {', '.join(refusal.code for refusal in refusals)}", selectable=True))
        column.addWidget(self.override_button if override_allowed else SmallPrint(OVERRIDE_OFF))
        column.addWidget(self._asking)

    def _connect(self) -> None:
        self.override_button.clicked.connect(self._ask)
        self.cancel_button.clicked.connect(self._leave)
        self.reason_edit.textChanged.connect(self._weigh)
        self.reason_edit.returnPressed.connect(self._confirm)
        self.confirm_button.clicked.connect(self._confirm)

    def _ask(self) -> None:
        self.override_button.hide()
        self._asking.show()
        self.reason_edit.setFocus()

    def _leave(self) -> None:
        self._asking.hide()
        self.override_button.show()

    def _weigh(self) -> None:
        self.confirm_button.setEnabled(bool(self.reason_edit.text().strip()))

    def _confirm(self) -> None:
        if reason := self.reason_edit.text().strip():
            self.override_requested.emit(reason)


def overridden_notice(reading: Reading) -> Notice:
    """Return the mark of an answer that was asked for in spite of a refusal."""
    return Notice("refused", f"{reading.reason}\nReason given: {reading.override_reason}", OVERRIDDEN)
