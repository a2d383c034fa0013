"""What is said about the model: what it learned from, what it was never tested on, what it is not for."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.reading import ModelFacts
from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, SmallPrint


class ModelFactsView(QWidget):
    """The model's card as headed paragraphs, with the research notice last."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)

    def show_facts(self, facts: ModelFacts) -> None:
        """Show another model's card."""
        while item := self._column.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self._add("Model", f"{facts.title}, version {facts.version}\n{facts.summary}".strip())
        self._add("Trained on", facts.trained_on)
        self._add("Never tested on", facts.never_tested_on)
        self._add("Not for", facts.not_for)
        if facts.metrics:
            self._column.addWidget(_heading("Measured on held-out films"))
            self._column.addWidget(_metrics(facts.metrics))
        self._add("Departures from the article", "\n".join(f"\N{BULLET} {each}" for each in facts.departures))
        self._add("Weights, SHA-256", facts.weights_sha256[:32])
        self._add("Notice", RESEARCH_NOTICE)

    def _add(self, heading: str, text: str) -> None:
        if text:
            self._column.addWidget(_heading(heading))
            self._column.addWidget(PlainLabel(text, selectable=True))


def _heading(text: str) -> SmallPrint:
    label = SmallPrint(text)
    label.setContentsMargins(0, 8, 0, 0)
    return label


def _metrics(metrics: tuple[tuple[str, str], ...]) -> QWidget:
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(2)
    grid.setColumnStretch(0, 1)
    for row, (name, value) in enumerate(metrics):
        number = PlainLabel(value, wrap=False, selectable=True)
        number.setFont(theme.number_font())
        grid.addWidget(PlainLabel(name), row, 0)
        grid.addWidget(number, row, 1)
    return table
