"""What the user may choose once and for all, a row a setting; what each does is said beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QGridLayout, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from viewer.policy import SET_BY_SITE
from viewer.settings import DRAG_DOWN_BRIGHTER, FETCH_LIMIT_MB, LOCKABLE, MEMORY_MB, Option, Settings
from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, SmallPrint, button

SHOWN: tuple[tuple[Option[Any], str], ...] = (
    (MEMORY_MB, "Films that were decoded stay in memory up to this limit, so that scrolling back is immediate."),
    (DRAG_DOWN_BRIGHTER, "With the window / level tool; otherwise dragging up makes it brighter."),
    (FETCH_LIMIT_MB, "Applies to Reader > Fetch the example films."),
)
"""The settings on the page, in their order, each with a sentence about it."""
_FIELD_PX = 150


class Preferences(QDialog):
    """Shows settings, and stores them when they are accepted."""

    changed = Signal()
    """Settings have been stored."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(520)
        self._settings = settings
        self._fields: dict[str, QWidget] = {}
        self._reads: list[tuple[Option[Any], Callable[[], Any]]] = []
        self.save_button = button("Save", role="primary")
        self.cancel_button = button("Cancel")
        self._lay_out()
        self.save_button.clicked.connect(self._save)
        self.cancel_button.clicked.connect(self.reject)

    def field(self, option: Option[Any]) -> QWidget:
        """Return the control of a setting."""
        return self._fields[option.key]

    def _lay_out(self) -> None:
        title = PlainLabel("Preferences")
        title.setFont(theme.title_font(16))
        rows = QGridLayout()
        rows.setHorizontalSpacing(24)
        rows.setVerticalSpacing(4)
        rows.setColumnStretch(0, 1)
        for number, (option, explanation) in enumerate(SHOWN):
            self._add_row(rows, 3 * number, option, explanation)
        self._add_site_rows(rows, 3 * len(SHOWN))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
        column.addWidget(title)
        column.addLayout(rows)
        column.addStretch(1)
        column.addLayout(buttons)

    def _add_row(self, rows: QGridLayout, at: int, option: Option[Any], explanation: str) -> None:
        made = _check_box(self._settings.get(option)) if isinstance(option.default, bool) else self._number(option)
        control, read = made
        control.setAccessibleName(option.title)
        self._fields[option.key] = control
        if self._settings.is_locked(option):
            control.setEnabled(False)
            explanation = f"{explanation} {SET_BY_SITE}"
        else:
            self._reads.append((option, read))
        rows.addWidget(PlainLabel(option.title), at, 0)
        rows.addWidget(control, at, 1, Qt.AlignmentFlag.AlignRight)
        rows.addWidget(SmallPrint(explanation), at + 1, 0, 1, 2)
        rows.setRowMinimumHeight(at + 2, 12)

    def _add_site_rows(self, rows: QGridLayout, at: int) -> None:
        """Say what the site has chosen that is not chosen on this page."""
        shown = {option.key for option, _ in SHOWN}
        locked = [option for option in LOCKABLE if self._settings.is_locked(option) and option.key not in shown]
        for number, option in enumerate(locked):
            value = PlainLabel(str(self._settings.get(option)), "secondary", wrap=False)
            self._fields[option.key] = value
            rows.addWidget(PlainLabel(option.title), at + 3 * number, 0)
            rows.addWidget(value, at + 3 * number, 1, Qt.AlignmentFlag.AlignRight)
            rows.addWidget(SmallPrint(SET_BY_SITE), at + 3 * number + 1, 0, 1, 2)
            rows.setRowMinimumHeight(at + 3 * number + 2, 12)

    def _number(self, option: Option[Any]) -> tuple[QWidget, Callable[[], Any]]:
        made = QSpinBox()
        made.setRange(int(option.low or 0), int(option.high or 0))
        made.setSuffix(" MB")
        made.setGroupSeparatorShown(True)
        made.setFixedWidth(_FIELD_PX)
        if option.low == 0:
            made.setSpecialValueText("Automatic")
        made.setValue(self._settings.get(option))
        return made, made.value

    def _save(self) -> None:
        for option, read in self._reads:
            self._settings.set(option, read())
        self.accept()
        self.changed.emit()


def _check_box(is_on: bool) -> tuple[QWidget, Callable[[], Any]]:
    made = QCheckBox()
    made.setChecked(is_on)
    return made, made.isChecked
