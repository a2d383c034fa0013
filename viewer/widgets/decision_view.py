"""The answer in words: what the film is compatible with, the decision at a named point, and what it means at a prevalence."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from viewer.reading import OperatingPoint, PredictiveValues, Reading
from viewer.widgets import theme
from viewer.widgets.controls import CalmComboBox, CalmSlider, PlainLabel, SmallPrint, plain_tool_tip

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90)
"""Prevalences of the slider: fine where findings are rare."""
NOTHING_STORED = "Changes nothing that is stored or reported."


class DecisionView(QWidget):
    """The conformal set, the decision with its counts, and the prevalence slider; signals are gestures of the user."""

    operating_point_chosen = Signal(str)
    """Name of the point."""
    prevalence_changed = Signal(float)
    """0 to 1; :meth:`show_predictive_values` is to follow."""

    def __init__(self) -> None:
        super().__init__()
        self._reading: Reading | None = None
        self._compatible = PlainLabel()
        self._compatible.setFont(theme.number_font(theme.BODY_PX + 1, QFont.Weight.DemiBold))
        self.point_selector = CalmComboBox()
        self._counts = QGridLayout()
        self.prevalence_slider = CalmSlider()
        self._prevalence = SmallPrint(wrap=False)
        self._positive, self._negative = PlainLabel(), PlainLabel()
        self._lay_out()
        self.point_selector.activated.connect(self._choose_point)
        self.prevalence_slider.valueChanged.connect(self._change_prevalence)

    def show_reading(self, reading: Reading, point_name: str = "") -> None:
        """Show an answer at the point of that name, the default one for ""; nothing is signalled."""
        self._reading = reading
        conformal = reading.conformal
        self._compatible.setVisible(conformal is not None)
        if conformal is not None:
            self._compatible.setText(f"{conformal.sentence[:1].upper()}{conformal.sentence[1:]}")
            self._compatible.setToolTip(plain_tool_tip(_coverage_in_words(reading)))
        points = [p for p in reading.operating_points if p.class_name == reading.positive]
        self.point_selector.clear()
        for row, point in enumerate(points):
            # What a point is called stands before the colon, what it is for behind it: there is no room for both.
            self.point_selector.addItem(point.title.partition(":")[0], point.name)
            self.point_selector.setItemData(row, plain_tool_tip(point.title), Qt.ItemDataRole.ToolTipRole)
        self.point_selector.setCurrentIndex(max(self.point_selector.findData(point_name), 0))
        self._decision_box.setVisible(bool(points))
        if points:
            self._show_point()

    def is_empty(self) -> bool:
        """Return whether the model's card holds nothing that could be shown here."""
        return self._reading is None or (self._reading.conformal is None and not self._reading.operating_points)

    def point(self) -> OperatingPoint | None:
        """Return the chosen operating point; None for a model without."""
        name = self.point_selector.currentData() or ""
        return self._reading.operating_point(name=name) if self._reading is not None else None

    def prevalence(self) -> float:
        """Return the prevalence of the slider, 0 to 1."""
        return STEPS[self.prevalence_slider.value()]

    def show_predictive_values(self, values: PredictiveValues | None) -> None:
        """Say what a call and its absence mean at the prevalence of the slider; None where that is not known."""
        point = self.point()
        self._positive.setVisible(values is not None)
        self._negative.setVisible(values is not None)
        if values is None or point is None:
            return
        shown, other = (self._positive, self._negative) if point.called else (self._negative, self._positive)
        shown.setProperty("tone", "")
        other.setProperty("tone", "secondary")
        for label in (shown, other):
            label.style().polish(label)
        self._positive.setText(f"If called: {values.positive.sentence}")
        self._negative.setText(f"If not called: {values.negative.sentence}")

    def _show_point(self) -> None:
        point = self.point()
        assert point is not None
        words = "Called" if point.called else "Not called"
        self._call.setText(f"{words} {point.class_title} (threshold {point.threshold:.2f})")
        self._call.setToolTip(plain_tool_tip(point.sentence))
        self.point_selector.setToolTip(plain_tool_tip(point.title))
        for label, share in ((self._sensitivity, point.sensitivity), (self._specificity, point.specificity)):
            label.setText(share.in_words())
        self._show_prevalence()

    def _show_prevalence(self) -> None:
        point, prevalence = self.point(), self.prevalence()
        title = point.class_title if point is not None else "the finding"
        percent = f"{100 * prevalence:.1f}" if prevalence < 0.01 else f"{100 * prevalence:.0f}"
        self._prevalence.setText(f"{title} in {percent} % of films like this")

    def _choose_point(self) -> None:
        self._show_point()
        self.operating_point_chosen.emit(self.point_selector.currentData())
        self.prevalence_changed.emit(self.prevalence())

    def _change_prevalence(self) -> None:
        self._show_prevalence()
        self.prevalence_changed.emit(self.prevalence())

    def _lay_out(self) -> None:
        self._call = PlainLabel()
        self._call.setFont(theme.number_font(theme.BODY_PX, QFont.Weight.DemiBold))
        self._sensitivity, self._specificity = SmallPrint(tone=""), SmallPrint(tone="")
        self._counts.setContentsMargins(0, 0, 0, 0)
        self._counts.setHorizontalSpacing(12)
        self._counts.setVerticalSpacing(2)
        self._counts.setColumnStretch(1, 1)
        for row, (name, label) in enumerate((("Sensitivity", self._sensitivity), ("Specificity", self._specificity))):
            self._counts.addWidget(SmallPrint(name, wrap=False), row, 0)
            self._counts.addWidget(label, row, 1)
        self.point_selector.setAccessibleName("Operating point")
        self.prevalence_slider.setAccessibleName("Prevalence of the finding")
        self.prevalence_slider.setRange(0, len(STEPS) - 1)
        self.prevalence_slider.setValue(STEPS.index(0.10))
        self.prevalence_slider.setToolTip(NOTHING_STORED)
        self._decision_box = QWidget()
        inner = QVBoxLayout(self._decision_box)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(self._call)
        inner.addWidget(self.point_selector)
        inner.addLayout(self._counts)
        inner.addLayout(self._prevalence_row())
        inner.addWidget(self._positive)
        inner.addWidget(self._negative)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self._compatible)
        column.addWidget(self._decision_box)

    def _prevalence_row(self) -> QVBoxLayout:
        slider = QHBoxLayout()
        slider.setSpacing(8)
        slider.addWidget(SmallPrint("Rare", wrap=False))
        slider.addWidget(self.prevalence_slider, 1)
        slider.addWidget(SmallPrint("Common", wrap=False))
        column = QVBoxLayout()
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._prevalence)
        column.addLayout(slider)
        return column


def _coverage_in_words(reading: Reading) -> str:
    assert reading.conformal is not None
    titles = {entry.name: entry.title for entry in reading.probabilities}
    held = [f"{titles.get(name, name)}: {share.in_words()}" for name, share in reading.conformal.coverage]
    level = f"Held-out films whose truth was in their set (meant: {100 * reading.conformal.level:.0f} of 100 in every class)"
    return "\n".join([level, *held])
