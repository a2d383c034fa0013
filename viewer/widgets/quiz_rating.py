"""How sure the reader is: a slider from 0 to 100 %, and five words for it under the keys 1 to 5."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from viewer.widgets import theme
from viewer.widgets.controls import CalmSlider, PlainLabel, button

WORDS = ((0, "definitely not"), (25, "probably not"), (50, "undecided"), (75, "probably"), (100, "definitely"))
"""Per cent and its word, in the order of the keys."""
NOT_YET = "not said yet"


class RatingBar(QWidget):
    """Nothing is said until a hand says it: the slider's first place means nothing."""

    rated = Signal(int)
    """Per cent."""

    def __init__(self) -> None:
        super().__init__()
        self._question = PlainLabel()
        self._value = PlainLabel(wrap=False)
        self.slider = CalmSlider()
        self.buttons: list[QPushButton] = []
        self._lay_out()
        self.slider.valueChanged.connect(self._say)
        self.slider.sliderPressed.connect(self._say_slider)

    def ask(self, title: str) -> None:
        """Ask for the confidence that a film shows a class."""
        self._question.setText(f"How sure are you that this film shows {title}?")
        self.slider.setAccessibleName(f"Confidence that this film shows {title}, per cent")

    def show_rating(self, per_cent: int | None) -> None:
        """Show what was said of a film, or that nothing was, without a signal."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(50 if per_cent is None else per_cent)
        self.slider.blockSignals(blocked)
        self._value.setText(NOT_YET if per_cent is None else f"{per_cent} %")
        self._value.setProperty("tone", "secondary" if per_cent is None else "accent")
        self.slider.setProperty("unset", per_cent is None)
        for widget in (self._value, self.slider):
            widget.style().polish(widget)
        for (value, _), each in zip(WORDS, self.buttons, strict=True):
            each.setChecked(value == per_cent)

    def press(self, key: int) -> bool:
        """Take a key of the keyboard; return whether it was one of 1 to 5."""
        at = key - Qt.Key.Key_1.value
        if not 0 <= at < len(WORDS):
            return False
        self._say(WORDS[at][0])
        return True

    def _say_slider(self) -> None:
        self._say(self.slider.value())

    def _say_word(self) -> None:
        at = next(index for index, each in enumerate(self.buttons) if each is self.sender())
        self._say(WORDS[at][0])

    def _say(self, per_cent: int) -> None:
        self.show_rating(per_cent)
        self.rated.emit(per_cent)

    def _lay_out(self) -> None:
        self.slider.setRange(0, 100)
        self.slider.setSingleStep(1)
        self.slider.setPageStep(10)
        self._value.setFont(theme.number_font(theme.BODY_PX + 2, theme.number_font().Weight.DemiBold))
        self._value.setMinimumWidth(96)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        top = QHBoxLayout()
        top.addWidget(self._question, 1)
        top.addWidget(self._value)
        words = QHBoxLayout()
        words.setSpacing(8)
        for index, (_, word) in enumerate(WORDS, 1):
            made = button(f"{index}  {word}")
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.clicked.connect(self._say_word)
            self.buttons.append(made)
            words.addWidget(made, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.slider)
        column.addLayout(words)
