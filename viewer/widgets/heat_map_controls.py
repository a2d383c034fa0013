"""Which heat map is laid over the film and how, with its legend and what has to be said of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from viewer.imaging.color_maps import COLOR_MAPS
from viewer.reading import HeatMap, Reading
from viewer.widgets.controls import CalmComboBox, CalmSlider, SmallPrint, button
from viewer.widgets.heat_map_legend import HeatMapLegend, peaks, scale_number

BEING_MADE = "The map is being made."
BEING_JUDGED = "Whether the map is faithful is being measured."
NOT_MADE = "No map was made for this class."


class HeatMapControls(QWidget):
    """Class, method, opacity, colours, outline and cells of the map; signals are gestures of the user alone."""

    class_chosen = Signal(str)
    opacity_changed = Signal(float)
    color_map_chosen = Signal(str)
    outline_toggled = Signal(bool)
    cells_toggled = Signal(bool)
    method_chosen = Signal(str)
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
        self.cells_box = QCheckBox("Cells")
        self.method_selector = CalmComboBox()
        self.legend = HeatMapLegend()
        self._scale = SmallPrint()
        self._note = SmallPrint(tone="")
        self._lay_out()
        self._connect()

    def set_methods(self, methods: Sequence[tuple[str, str]], current: str) -> None:
        """Offer kinds of map by name and title, without a signal."""
        self.method_selector.clear()
        for name, title in methods:
            self.method_selector.addItem(title, name)
        self.method_selector.setCurrentIndex(max(self.method_selector.findData(current), 0))
        self.method_selector.setEnabled(len(methods) > 1)

    def set_appearance(self, opacity: float, color_map: str, is_outlined: bool, has_cells: bool = False) -> None:
        """Set what the controls show, opacity from 0 to 1, without a signal."""
        silenced = (self.opacity_slider, self.outline_box, self.cells_box)
        for control in silenced:
            control.blockSignals(True)
        self.opacity_slider.setValue(round(100 * opacity))
        self.outline_box.setChecked(is_outlined)
        self.cells_box.setChecked(has_cells)
        for control in silenced:
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
        self.outline_box.setToolTip("A line where the map reaches half of its own peak; dotted: against the class")
        self.cells_box.setToolTip("The edges of the map's cells: it cannot say anything finer")
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        _add_row(grid, 0, "Map of", self.class_selector, self.show_button)
        _add_row(grid, 1, "Opacity", self.opacity_slider, self._opacity_number)
        _add_row(grid, 2, "Colours", self.color_map_selector, self.outline_box)
        _add_row(grid, 3, "Method", self.method_selector, self.cells_box)
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
        self.cells_box.toggled.connect(self.cells_toggled)
        self.method_selector.activated.connect(self._choose_method)

    def _choose_class(self) -> None:
        self._show_map()
        self.class_chosen.emit(self.chosen_class())

    def _choose_method(self) -> None:
        self.method_chosen.emit(self.method_selector.currentData())

    def _change_opacity(self, percent: int) -> None:
        self._show_opacity(percent)
        self.opacity_changed.emit(percent / 100)

    def _choose_color_map(self) -> None:
        self._show_colors()
        self.color_map_chosen.emit(self.color_map_selector.currentData())

    def _show_opacity(self, percent: int) -> None:
        self._opacity_number.setText(f"{percent} %")

    def _show_colors(self) -> None:
        self.legend.set_color_map(self.color_map_selector.currentData())

    def _show_map(self) -> None:
        assert self._reading is not None
        heat_map = self._reading.heat_map(self.chosen_class())
        is_painted = heat_map is not None and not heat_map.withheld
        controls = (self.show_button, self.opacity_slider, self.color_map_selector, self.outline_box, self.cells_box)
        for control in controls:
            control.setEnabled(is_painted)
        self.legend.setVisible(heat_map is not None)
        self._scale.setVisible(heat_map is not None)
        self.legend.show_map(heat_map)
        if heat_map is None:
            self._note.setText(NOT_MADE if self._reading.complete else BEING_MADE)
            return
        self._scale.setText(scale_sentence(heat_map))
        said = [map_sentence(heat_map), faithfulness_sentence(heat_map, self._reading)]
        self._note.setText("\n".join(filter(None, said)))


def scale_sentence(heat_map: HeatMap) -> str:
    """Return what the colours mean, and how much of the film one cell is."""
    if heat_map.is_two_sided:
        said = "Logits for the class (warm) and against it (cold); same scale for every film."
        if heat_map.logit is not None and heat_map.bias is not None:
            parts = (scale_number(value) for value in (heat_map.logit - heat_map.bias, heat_map.logit, heat_map.bias))
            said += " The cells add up to {}, the logit {} less its bias {}.".format(*parts)
    else:
        said = f"Raw {heat_map.method} units, same scale for every film."
    if heat_map.cell_mm is not None:
        said += " One cell is {:.0f} \N{MULTIPLICATION SIGN} {:.0f} mm of film.".format(*heat_map.cell_mm)
    return said


def map_sentence(heat_map: HeatMap) -> str:
    """Return what has to be said of a map: its peaks, or why it is withheld."""
    peak, floor, full = (scale_number(value) for value in (heat_map.peak, heat_map.floor, heat_map.full_scale))
    if heat_map.faithfulness is not None and heat_map.faithfulness.withheld:
        return heat_map.faithfulness.withheld
    if heat_map.withheld:
        return f"Withheld: nothing on this film rises above the floor (peak {peak}, floor {floor})."
    if heat_map.is_two_sided:
        low, high = (scale_number(value) for value in peaks(heat_map))
        return f"Strongest for {high}, against {low}, scale {full}. Hold M to look, Shift+M to pin."
    return f"Peak {peak} of {full}. Hold M to look, Shift+M to pin."


def faithfulness_sentence(heat_map: HeatMap, reading: Reading) -> str:
    """Return what deleting the hottest tenth of the map did to the answer; "" where that is not measured."""
    found = heat_map.faithfulness
    if found is not None:
        return f"Change of the answer with the hottest tenth deleted: {found.sentence}."
    judged = heat_map.class_name == reading.predicted and not reading.complete
    return BEING_JUDGED if judged else ""


def _add_row(grid: QGridLayout, row: int, title: str, control: QWidget, last: QWidget) -> None:
    label = SmallPrint(title, wrap=False)
    label.setBuddy(control)
    control.setAccessibleName(f"Heat map: {title.lower()}")
    grid.addWidget(label, row, 0)
    grid.addWidget(control, row, 1)
    grid.addWidget(last, row, 2)
