"""Small building stones that several widgets share: labels in plain text, calm fields, folding sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from viewer.widgets import icons, theme

Tone = Literal["", "secondary", "warning", "refused", "accent"]
Role = Literal["", "primary", "quiet", "fold"]


class PlainLabel(QLabel):
    """Text that is never markup, wrapped to its width unless told otherwise, and selectable on request."""

    def __init__(self, text: str = "", tone: Tone = "", wrap: bool = True, selectable: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setProperty("tone", tone)
        if selectable:
            flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            self.setTextInteractionFlags(flags)
            self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setText(text)


class SmallPrint(PlainLabel):
    """Secondary text one size smaller."""

    def __init__(self, text: str = "", tone: Tone = "secondary", wrap: bool = True, selectable: bool = False) -> None:
        super().__init__(text, tone, wrap, selectable)
        self.setFont(theme.small_font())


class SectionLabel(PlainLabel):
    """The name of a section, in spaced capitals."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text, "secondary", wrap=False)
        self.setFont(theme.section_font())


class ElidedLabel(QWidget):
    """One line of plain text, as wide as it needs and shortened, in the middle unless said, where there is no room."""

    def __init__(self, text: str = "", small: bool = False, mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self._text, self._mode = "", mode
        self._token = "text_secondary" if small else "text"
        if small:
            self.setFont(theme.small_font())
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 2, self.fontMetrics().height() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.color(self._token))
        shown = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class Hairline(QFrame):
    """A horizontal line of one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "hairline")
        self.setFixedHeight(1)


class CalmComboBox(QComboBox):
    """A choice that the wheel does not change while the panel around it scrolls, and that shrinks before it clips."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(3)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width() - 4
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class CalmSlider(QSlider):
    """A horizontal slider that leaves the wheel to the panel around it."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Notice(QFrame):
    """A sentence on a tinted ground with its mark: a refusal, a warning or a remark."""

    def __init__(self, kind: Literal["refused", "warning", "quiet"], text: str, title: str = "") -> None:
        super().__init__()
        self.setProperty("surface", kind)
        name = {"refused": "refused", "warning": "warning", "quiet": "info"}[kind]
        ink = {"refused": theme.DARK.refused, "warning": theme.DARK.warning, "quiet": theme.DARK.text_secondary}[kind]
        mark = QLabel()
        mark.setPixmap(icons.pixmap(name, 18, self.devicePixelRatioF(), ink))
        words = QVBoxLayout()
        words.setSpacing(4)
        if title:
            heading = PlainLabel(title)
            heading.setFont(theme.number_font(theme.BODY_PX + 1, heading.font().Weight.DemiBold))
            words.addWidget(heading)
        self._text = PlainLabel(text, selectable=True)
        words.addWidget(self._text)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(8)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.setAccessibleName(f"{title}. {text}" if title else text)

    def text(self) -> str:
        """Return the sentence."""
        return self._text.text()

    def set_text(self, text: str) -> None:
        """Say another sentence."""
        self._text.setText(text)
        self.setAccessibleName(text)


class FoldingSection(QWidget):
    """A section whose label is a button that opens and folds it."""

    folded = Signal(bool)

    def __init__(self, title: str, body: QWidget, is_folded: bool = True) -> None:
        super().__init__()
        self._body = body
        self.button = button(title, role="fold")
        self.button.setFont(theme.section_font())
        self.button.clicked.connect(self._toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.button)
        column.addWidget(body)
        self.set_folded(is_folded)

    def is_folded(self) -> bool:
        """Return whether only the label is shown."""
        return self._body.isHidden()

    def set_folded(self, is_folded: bool) -> None:
        """Fold the section or open it."""
        self._body.setHidden(is_folded)
        name = "chevron-right" if is_folded else "chevron-down"
        self.button.setIcon(icons.icon(name, theme.DARK.text_secondary))
        self.folded.emit(is_folded)

    def _toggle(self) -> None:
        self.set_folded(not self.is_folded())


def button(text: str, icon: str = "", role: Role = "") -> QPushButton:
    """Return a push button of the program's height, with an icon and a role of the style sheet.

    An ampersand in ``text`` is shown as it is: texts may hold names.
    """
    made = QPushButton(text.replace("&", "&&"))
    made.setProperty("role", role)
    if icon:
        made.setIcon(icons.icon(icon, theme.DARK.on_accent if role == "primary" else None))
    made.setIconSize(QSize(22, 16))
    made.setAutoDefault(False)
    return made


def button_row(left: Sequence[QPushButton], right: Sequence[QPushButton]) -> QHBoxLayout:
    """Return the foot of a dialog: what is done with its content on the left, what ends it on the right."""
    row = QHBoxLayout()
    for each in left:
        row.addWidget(each)
    row.addStretch(1)
    for each in right:
        row.addWidget(each)
    return row


def plain_tool_tip(text: str) -> str:
    """Return a tool tip that Qt shows as plain text, whatever a name in it looks like.

    Qt takes a tool tip for markup when it looks like markup; escaped and wrapped, it is shown letter by letter.
    """
    if not text:
        return ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f"<span>{escaped}</span>"
