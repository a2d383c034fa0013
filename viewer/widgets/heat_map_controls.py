"""Which heat map is laid over the film and how, with its legend and what has to be said of it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from viewer.imaging.color_maps import COLOR_MAPS
from viewer.reading import HeatMap, Reading
from viewer.widgets.controls import CalmComboBox, CalmSlider, SmallPrint, button
from viewer.widgets.heat_map_legend import HeatMapLegend, scale_number

BEING_MADE = "The map is being made."
NOT_MADE = "No map was made for this class."


class HeatMapControls(QWidget):
    """Class, opacity, colours and outline of the map; signals are gestures of the user alone."""

    class_chosen = Signal(str)
    opacity_changed = Signal(float)
    color_map_chosen = Signal(str)
    outline_toggled = Signal(bool)
    pinned = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._reading: Reading | None = None
        self.class_selector = CalmComboBox()
        self.show_button = button("Show", "heat-map")
        self.opacity_slider = CalmSlider()
        self._opacity_number = SmallPrint(wrap=False)
        self.color_map_selector = CalmComboBox()
        self.outline_box = QCheckBox("Outline")
        self.legend = HeatMapLegend()
        self._scale = SmallPrint("Raw Grad-CAM units, same scale for every film")
        self._note = SmallPrint(tone="")
        self._lay_out()
        self._connect()

    def set_appearance(self, opacity: float, color_map: str, is_outlined: bool) -> None:
        """Set what the controls show, opacity from 0 to 1, without a signal."""
        for control in (self.opacity_slider, self.outline_box):
            control.blockSignals(True)
        self.opacity_slider.setValue(round(100 * opacity))
        self.outline_box.setChecked(is_outlined)
        for control in (self.opacity_slider, self.outline_box):
            control.blockSignals(False)
        self.color_map_selector.setCurrentIndex(max(self.color_map_selector.findData(color_map), 0))
        self._show_opacity(self.opacity_slider.value())
        self._show_colors()

    def set_pinned(self, is_pinned: bool) -> None:
        """Set whether the map is pinned, without a signal."""
        self.show_button.blockSignals(True)
        self.show_button.setChecked(is_pinned)
        self.show_button.blockSignals(False)

    def chosen_class(self) -> str:
        """Return the name of the class whose map is chosen; "" while there is none."""
        return self.class_selector.currentData() or ""

    def show_reading(self, reading: Reading, class_name: str) -> None:
        """Offer the classes of a reading and show the map of one of them."""
        self._reading = reading
        self.class_selector.clear()
        for entry in reading.probabilities:
            self.class_selector.addItem(entry.title, entry.name)
        self.class_selector.setCurrentIndex(max(self.class_selector.findData(class_name), 0))
        self._show_map()

    def note(self) -> str:
        """Return what is said of the map that is chosen."""
        return self._note.text()

    def _lay_out(self) -> None:
        self.show_button.setCheckable(True)
        self.show_button.setToolTip("Keep the heat map over the film (Shift+M); hold M to look for a moment")
        self.opacity_slider.setRange(0, 100)
        self.opacity_slider.setValue(50)
        self._show_opacity(50)
        for name in COLOR_MAPS:
            self.color_map_selector.addItem(name.capitalize(), name)
        self._show_colors()
        self._opacity_number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.outline_box.setToolTip("A line where the map reaches half of its own peak")
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        _add_row(grid, 0, "Map of", self.class_selector, self.show_button)
        _add_row(grid, 1, "Opacity", self.opacity_slider, self._opacity_number)
        _add_row(grid, 2, "Colours", self.color_map_selector, self.outline_box)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(grid)
        column.addWidget(self.legend)
        column.addWidget(self._scale)
        column.addWidget(self._note)

    def _connect(self) -> None:
        self.class_selector.activated.connect(self._choose_class)
        self.show_button.toggled.connect(self.pinned)
        self.opacity_slider.valueChanged.connect(self._change_opacity)
        self.color_map_selector.activated.connect(self._choose_color_map)
        self.outline_box.toggled.connect(self.outline_toggled)

    def _choose_class(self) -> None:
        self._show_map()
        self.class_chosen.emit(self.chosen_class())

    def _change_opacity(self, percent: int) -> None:
        self._show_opacity(percent)
        self.opacity_changed.emit(percent / 100)

    def _choose_color_map(self) -> None:
        self._show_colors()
        self.color_map_chosen.emit(self.color_map_selector.currentData())

    def _show_opacity(self, percent: int) -> None:
        self._opacity_number.setText(f"{percent} %")

    def _show_colors(self) -> None:
        self.legend.set_colors(COLOR_MAPS[self.color_map_selector.currentData()])

    def _show_map(self) -> None:
        assert self._reading is not None
        heat_map = self._reading.heat_map(self.chosen_class())
        is_painted = heat_map is not None and not is_withheld(heat_map)
        for control in (self.show_button, self.opacity_slider, self.color_map_selector, self.outline_box):
            control.setEnabled(is_painted)
        self.legend.setVisible(heat_map is not None)
        self._scale.setVisible(heat_map is not None)
        self.legend.show_map(heat_map)
        if heat_map is not None:
            self._scale.setText(f"Raw {heat_map.method} units, same scale for every film")
            self._note.setText(map_sentence(heat_map))
        else:
            self._note.setText(NOT_MADE if self._reading.complete else BEING_MADE)


def is_withheld(heat_map: HeatMap) -> bool:
    """Return whether a map is not painted because nothing in it reaches the floor."""
    return heat_map.peak < heat_map.floor


def map_sentence(heat_map: HeatMap) -> str:
    """Return what has to be said of a map: its peak, or why it is withheld."""
    peak, floor = scale_number(heat_map.peak), scale_number(heat_map.floor)
    if is_withheld(heat_map):
        return f"Withheld: nothing on this film rises above the floor (peak {peak}, floor {floor})."
    return f"Peak {peak} of {scale_number(heat_map.full_scale)}. Hold M to look, Shift+M to pin."


def _add_row(grid: QGridLayout, row: int, title: str, control: QWidget, last: QWidget) -> None:
    label = SmallPrint(title, wrap=False)
    label.setBuddy(control)
    control.setAccessibleName(f"Heat map: {title.lower()}")
    grid.addWidget(label, row, 0)
    grid.addWidget(control, row, 1)
    grid.addWidget(last, row, 2)
