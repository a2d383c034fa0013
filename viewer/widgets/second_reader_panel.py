"""The second reader's panel: refusal before numbers, then probability, heat map, matrix, examples, facts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from viewer.reading import Audit, ConfusionExample, ConfusionMatrix, ModelFacts, PredictiveValues, Reading
from viewer.second_reader.likeness import likeness_sentence
from viewer.widgets import theme
from viewer.widgets.audit_view import AuditView
from viewer.widgets.confusion_matrix import ConfusionMatrixView
from viewer.widgets.controls import (
    CalmComboBox,
    FoldingSection,
    Hairline,
    Notice,
    PlainLabel,
    SectionLabel,
    SmallPrint,
    plain_tool_tip,
)
from viewer.widgets.decision_view import DecisionView
from viewer.widgets.examples_strip import ExamplesStrip, counter_examples_to, films_of_cell
from viewer.widgets.heat_map_controls import HeatMapControls
from viewer.widgets.model_facts import ModelFactsView
from viewer.widgets.model_input_view import ModelInputView
from viewer.widgets.probability_bars import ProbabilityBars
from viewer.widgets.refusal_view import RefusalView, overridden_notice

MARGIN = 2 * theme.GRID
IDLE = "The second reader answers once a film is open."
FAILED = "The second reader could not answer"
NO_EXAMPLES_YET = "The films most like this one are being found."


class SecondReaderPanel(QWidget):
    """One film's answer at a time; every signal is a gesture of the user.

    ``thresholds`` maps class names to operating points (0 to 1) and is drawn from the next reading on.
    """

    model_chosen = Signal(str)
    heat_map_class_chosen = Signal(str)
    heat_map_opacity_changed = Signal(float)
    heat_map_color_map_chosen = Signal(str)
    heat_map_outline_toggled = Signal(bool)
    heat_map_cells_toggled = Signal(bool)
    heat_map_method_chosen = Signal(str)
    heat_map_pinned = Signal(bool)
    operating_point_chosen = Signal(str)
    prevalence_changed = Signal(float)
    """0 to 1; ``show_predictive_values`` is to follow."""
    override_requested = Signal(str)
    """The reason for reading the film in spite of its refusal."""
    audit_requested = Signal()
    frame_toggled = Signal(bool)
    """Whether the part of the film that the model saw is to be framed."""
    lungs_toggled = Signal(bool)
    cell_chosen = Signal(str, str)
    """Truth and answer, as class names."""
    example_opened = Signal(object)
    """ConfusionExample."""
    beside_wanted = Signal(object)
    """ConfusionExample that is to stand beside the film."""
    picture_wanted = Signal(object)
    """ConfusionExample with a path, whose thumbnail is to be given to ``set_picture``."""
    install_examples_requested = Signal()
    fetch_examples_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.thresholds: dict[str, float] = {}
        self.override_allowed = True
        """Whether a refused film may be read in spite of that."""
        self._reading: Reading | None = None
        self._cell = ("", "")
        self._weights = ""
        self.model_selector = CalmComboBox()
        self._device = SmallPrint(wrap=False)
        self._progress_text = PlainLabel(tone="secondary")
        self._progress_bar = QProgressBar()
        self._progress = _column(self._progress_text, self._progress_bar)
        self._idle = PlainLabel(IDLE, "secondary")
        self._notices = QVBoxLayout()
        self.bars = ProbabilityBars()
        self._interval_meaning = SmallPrint()
        self.decision = DecisionView()
        self._point = ""
        self.heat_map = HeatMapControls()
        self._matrix_sentence = PlainLabel()
        self.matrix = ConfusionMatrixView()
        self._provenance = SmallPrint()
        self._likeness = PlainLabel()
        self._examples_sentence = PlainLabel(tone="secondary")
        self.examples = ExamplesStrip()
        self.model_input = ModelInputView()
        self.audit = AuditView()
        self._facts = ModelFactsView()
        self._lay_out()
        self._connect()
        self.show_idle()

    def set_models(self, models: Sequence[tuple[str, str]], current: str) -> None:
        """Offer models by name and title; nothing is signalled."""
        self.model_selector.clear()
        for name, title in models:
            self.model_selector.addItem(title, name)
        self.set_current_model(current)

    def lock_model(self, explanation: str) -> None:
        """Let nobody choose another model, and say why."""
        self.model_selector.setEnabled(False)
        self.model_selector.setToolTip(plain_tool_tip(explanation))

    def show_no_model(self) -> None:
        """Show none of the models as the one that answers."""
        self.model_selector.setCurrentIndex(-1)

    def set_current_model(self, name: str) -> None:
        """Show which model it is that answers; nothing is signalled."""
        self.model_selector.setCurrentIndex(max(self.model_selector.findData(name), 0))

    def choose_model(self, name: str) -> None:
        """Choose a model as a hand does, if it is offered."""
        index = self.model_selector.findData(name)
        if index >= 0:
            self.model_selector.setCurrentIndex(index)
            self._choose_model(index)

    def show_idle(self) -> None:
        """Say that no film is open."""
        self._show_nothing()
        self._idle.show()

    def show_waiting(self, text: str, fraction: float | None) -> None:
        """Take the last answer away and say what is being done; None for a step of unknown length."""
        self._show_nothing()
        self.show_progress(text, fraction)

    def show_progress(self, text: str, fraction: float | None) -> None:
        """Say what is being done beside the answer so far, which stays."""
        self._idle.hide()
        self._progress.show()
        self._progress_text.setText(text)
        self._progress_bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self._progress_bar.setValue(round(1000 * fraction))

    def show_failure(self, sentence: str) -> None:
        """Take the last answer away and say why there is none."""
        self._show_nothing()
        self._notices.addWidget(Notice("refused", sentence, FAILED))

    def show_reading(self, reading: Reading) -> None:
        """Show an answer or a refusal; one that is not complete is shown as far as it goes."""
        is_same_film = self._reading is not None and _film(self._reading) == _film(reading)
        chosen_class, cell = self.heat_map.chosen_class(), self._cell
        self._show_nothing()
        self._forget_pictures_of_another_model(reading.model)
        self._reading = reading
        self._show_device(reading)
        if reading.status == "refused":
            refusal = RefusalView(reading, self.override_allowed)
            refusal.override_requested.connect(self.override_requested)
            self._notices.addWidget(refusal)
        elif reading.is_overridden:
            self._notices.addWidget(overridden_notice(reading))
        for warning in reading.warnings:
            self._notices.addWidget(Notice("warning", warning))
        self._facts.show_facts(reading.model)
        self._facts_box.show()
        if reading.status == "read":
            self._show_answer(reading, chosen_class if is_same_film else "")
            self._show_evidence(reading, cell if is_same_film else ("", ""))

    def show_audit(self, audit: Audit | None) -> None:
        """Show the audit of the film that is answered, as far as it goes; None offers one."""
        titles = {} if self._reading is None else {p.name: p.title for p in self._reading.probabilities}
        self.audit.show_audit(audit, titles.get(audit.shown, "") if audit is not None else "")

    def show_predictive_values(self, values: PredictiveValues | None) -> None:
        """Say what a call means at the prevalence of the slider."""
        self.decision.show_predictive_values(values)

    def set_picture(self, sha256: str, thumbnail: np.ndarray, heat: np.ndarray | None) -> None:
        """Draw the film of an example: uint8 grey or RGB, and its own heat map as uint8 RGBA."""
        self.examples.set_picture(sha256, thumbnail, heat)

    def set_heat_visible(self, is_visible: bool) -> None:
        """Blend the examples' own heat maps over them, or leave them out."""
        self.examples.set_heat_visible(is_visible)

    def heat_map_class(self) -> str:
        """Return the class whose map is chosen: of a new film, the answer's; "" while there is none."""
        return self.heat_map.chosen_class() if self._reading is not None else ""

    def sizeHint(self) -> QSize:
        return QSize(340, 640)

    def _show_nothing(self) -> None:
        self._reading = None
        self._cell = ("", "")
        self._device.setText("")
        for section in self._sections:
            section.hide()
        self._idle.hide()
        self._progress.hide()
        while item := self._notices.takeAt(0):
            if notice := item.widget():
                notice.hide()
                notice.deleteLater()

    def _show_device(self, reading: Reading) -> None:
        spent = reading.milliseconds
        total = f"{spent.get('preprocess', 0) + spent.get('forward', 0):,.0f} ms" if "forward" in spent else ""
        self._device.setText(", ".join(filter(None, (reading.device, total))))
        self._device.setToolTip(plain_tool_tip("\n".join(f"{step}: {took:,.0f} ms" for step, took in spent.items())))

    def _show_answer(self, reading: Reading, chosen_class: str) -> None:
        self.decision.show_reading(reading, self._point)
        self._show_bars(reading)
        self.heat_map.show_reading(reading, chosen_class or reading.predicted)
        self.model_input.show_reading(reading)
        self.show_audit(reading.audit)
        self._bars_section.show()
        self._decision_section.setVisible(not self.decision.is_empty())
        self._heat_section.show()
        self._input_box.setVisible(reading.model_input is not None)
        self._audit_box.setVisible(reading.model_input is not None)

    def _show_bars(self, reading: Reading) -> None:
        point = self.decision.point()
        marks = self.thresholds if point is None else {point.class_name: point.threshold}
        self.bars.show_probabilities(reading.probabilities, reading.predicted, marks)
        self._interval_meaning.setText(reading.interval_meaning)
        self._interval_meaning.setVisible(bool(reading.interval_meaning))

    def _choose_point(self, name: str) -> None:
        self._point = name
        if self._reading is not None:
            self._show_bars(self._reading)
        self.operating_point_chosen.emit(name)

    def _show_evidence(self, reading: Reading, cell: tuple[str, str]) -> None:
        if reading.matrix is None:
            return
        self.matrix.show_matrix(reading.matrix, reading.predicted)
        self._matrix_sentence.setText(answer_sentence(reading.matrix, reading.predicted))
        self._provenance.setText(reading.matrix.provenance)
        self._provenance.setVisible(bool(reading.matrix.provenance))
        self._matrix_section.show()
        self._examples_section.show()
        self._counter_footer.setVisible(bool(reading.examples))
        truth, answer = cell if all(cell) else (reading.predicted, reading.predicted)
        self.matrix.set_chosen(truth, answer)
        self._show_cell(truth, answer)

    def _show_cell(self, truth: str, answer: str) -> None:
        assert self._reading is not None and self._reading.matrix is not None
        self._cell = (truth, answer)
        matrix = self._reading.matrix
        titles = dict(zip(matrix.names, matrix.titles, strict=True))
        films = films_of_cell(self._reading.examples, truth, answer)
        is_waiting = not self._reading.examples and not self._reading.complete
        right = self._reading.nearest_right
        self._likeness.setText(likeness_sentence(right) if right is not None else "")
        self._likeness.setVisible(right is not None)
        self._examples_sentence.setText(f"Truth {titles[truth]}, called {titles[answer]}; nearest first.")
        self.examples.show_examples(films, titles, NO_EXAMPLES_YET if is_waiting else "", *self._counter_examples(titles))

    def _counter_examples(self, titles: dict[str, str]) -> tuple[list[ConfusionExample], str]:
        """Return what speaks against this film's answer, whichever cell is chosen."""
        assert self._reading is not None
        if not self._reading.examples:
            return [], ""
        return counter_examples_to(self._reading.examples, self._reading.predicted, titles[self._reading.predicted])

    def _focus_matrix(self) -> None:
        self.matrix.setFocus(Qt.FocusReason.OtherFocusReason)
        self.scroll_area.ensureWidgetVisible(self.matrix)

    def _choose_cell(self, truth: str, answer: str) -> None:
        self._show_cell(truth, answer)
        self.cell_chosen.emit(truth, answer)

    def _choose_model(self, index: int) -> None:
        self.model_chosen.emit(self.model_selector.itemData(index))

    def _forget_pictures_of_another_model(self, model: ModelFacts) -> None:
        if self._weights != model.weights_sha256:
            self._weights = model.weights_sha256
            self.examples.clear_pictures()

    def _connect(self) -> None:
        self.model_selector.activated.connect(self._choose_model)
        self.heat_map.class_chosen.connect(self.heat_map_class_chosen)
        self.heat_map.opacity_changed.connect(self.heat_map_opacity_changed)
        self.heat_map.color_map_chosen.connect(self.heat_map_color_map_chosen)
        self.heat_map.outline_toggled.connect(self.heat_map_outline_toggled)
        self.heat_map.cells_toggled.connect(self.heat_map_cells_toggled)
        self.heat_map.method_chosen.connect(self.heat_map_method_chosen)
        self.heat_map.pinned.connect(self.heat_map_pinned)
        self.decision.operating_point_chosen.connect(self._choose_point)
        self.decision.prevalence_changed.connect(self.prevalence_changed)
        self.model_input.frame_toggled.connect(self.frame_toggled)
        self.audit.audit_requested.connect(self.audit_requested)
        self.audit.lungs_toggled.connect(self.lungs_toggled)
        self.matrix.cell_chosen.connect(self._choose_cell)
        self.matrix.films_wanted.connect(self.examples.focus_first)
        self.examples.left_upwards.connect(self._focus_matrix)
        self.examples.example_opened.connect(self.example_opened)
        self.examples.beside_wanted.connect(self.beside_wanted)
        self.examples.picture_wanted.connect(self.picture_wanted)
        self.examples.install_examples_requested.connect(self.install_examples_requested)
        self.examples.fetch_examples_requested.connect(self.fetch_examples_requested)

    def _lay_out(self) -> None:
        self._bars_section = _section("Probability", self.bars, self._interval_meaning)
        self._decision_section = _section("Decision", self.decision)
        self._heat_section = _section("Heat map", self.heat_map)
        self._matrix_section = _section("On held-out films", self._matrix_sentence, self.matrix, self._provenance)
        self._examples_section = _section("Most like this one", self._likeness, self._examples_sentence, self.examples)
        self.input_section = FoldingSection("What the model saw", self.model_input)
        self._input_box = _column(Hairline(), self.input_section)
        self.audit_section = FoldingSection("Shortcut audit", self.audit)
        self._audit_box = _column(Hairline(), self.audit_section)
        self.facts_section = FoldingSection("Model facts", self._facts)
        self._facts_box = _column(Hairline(), self.facts_section)
        self._counter_footer = self._footer()
        self._sections = (
            self._bars_section,
            self._decision_section,
            self._heat_section,
            self._matrix_section,
            self._examples_section,
            self._input_box,
            self._audit_box,
            self._facts_box,
            self._counter_footer,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header())
        column.addWidget(Hairline())
        column.addWidget(self._body(), 1)
        column.addWidget(self._counter_footer)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "panel")
        self.setMinimumWidth(300)
        self.setMaximumWidth(420)

    def _header(self) -> QWidget:
        self.model_selector.setAccessibleName("Model of the second reader")
        title = QHBoxLayout()
        title.addWidget(SectionLabel("Second reader"))
        title.addStretch(1)
        title.addWidget(self._device)
        header = QWidget()
        column = QVBoxLayout(header)
        column.setContentsMargins(MARGIN, 12, MARGIN, 12)
        column.setSpacing(8)
        column.addLayout(title)
        column.addWidget(self.model_selector)
        return header

    def _footer(self) -> QWidget:
        """Return the place of the counter-examples, outside of what scrolls: they are in sight however short the window."""
        inside = QWidget()
        margins = QVBoxLayout(inside)
        margins.setContentsMargins(MARGIN, 6, MARGIN, 10)
        self.examples.counter_box.setParent(inside)
        margins.addWidget(self.examples.counter_box)
        footer = QWidget()
        column = QVBoxLayout(footer)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Hairline())
        column.addWidget(inside)
        return footer

    def _body(self) -> QScrollArea:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(MARGIN, 12, MARGIN, MARGIN)
        column.setSpacing(12)
        self._notices.setSpacing(8)
        self._progress_bar.setTextVisible(False)
        column.addWidget(self._idle)
        column.addWidget(self._progress)
        column.addLayout(self._notices)
        for section in self._sections:
            if section is not self._counter_footer:
                column.addWidget(section)
        column.addStretch(1)
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.setWidget(body)
        self._body_column = column
        self.scroll_area.verticalScrollBar().rangeChanged.connect(self._make_room_for_scroll_bar)
        return self.scroll_area

    def _make_room_for_scroll_bar(self, first: int, last: int) -> None:
        """Take the bar's width out of the margin, so that the text keeps its place and its line breaks."""
        taken = self.scroll_area.verticalScrollBar().sizeHint().width() if last > first else 0
        self._body_column.setContentsMargins(MARGIN, 12, MARGIN - taken, MARGIN)


def answer_sentence(matrix: ConfusionMatrix, answer: str) -> str:
    """Return how often an answer was the truth: "It said COVID-19 61 times on held-out films: 52 were."."""
    if answer not in matrix.names:
        return ""
    column = matrix.names.index(answer)
    title = matrix.titles[column]
    said = sum(row[column] for row in matrix.counts)
    right = matrix.counts[column][column]
    if said == 0:
        return f"It never said {title} on held-out films."
    if said == 1:
        return f"It said {title} once on held-out films: it {'was' if right else 'was not'}."
    return f"It said {title} {said:,} times on held-out films: {right:,} {'was' if right == 1 else 'were'}."


def _film(reading: Reading) -> tuple[str, int, str]:
    return reading.sha256, reading.frame, reading.model.weights_sha256


def _column(*widgets: QWidget) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    for widget in widgets:
        column.addWidget(widget)
    return box


def _section(title: str, *widgets: QWidget) -> QWidget:
    return _column(Hairline(), SectionLabel(title), *widgets)
