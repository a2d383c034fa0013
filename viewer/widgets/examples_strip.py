"""The confusion examples: held-out films most like this one, each with its truth and what the model said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from viewer.reading import ConfusionExample
from viewer.widgets.controls import PlainLabel, SectionLabel, SmallPrint, button
from viewer.widgets.example_card import ExampleCard, to_images

PAGE = 12
"""Cards that are made at a time; a cell may hold hundreds of films."""
COUNTER_EXAMPLES = 2
PICTURES_KEPT = 200
NOT_INSTALLED = "The films of these examples are not on this machine; their numbers are."


class ExamplesStrip(QWidget):
    """A row of cards, nearest first, with counter-examples under it and always in sight."""

    example_opened = Signal(object)
    """ConfusionExample."""
    picture_wanted = Signal(object)
    """ConfusionExample with a path, once its card is in sight."""
    install_examples_requested = Signal()
    fetch_examples_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._examples: tuple[ConfusionExample, ...] = ()
        self._titles: dict[str, str] = {}
        self._cards: list[ExampleCard] = []
        self._counter_cards: list[ExampleCard] = []
        self._pictures: dict[str, tuple[QImage, QImage | None]] = {}
        self._is_heat_visible = False
        self._row = QHBoxLayout()
        self._counter_row = QHBoxLayout()
        self._empty = PlainLabel(tone="secondary")
        self._counter_box = QWidget()
        self._note = SmallPrint()
        self._missing = QWidget()
        self.more_button = button("More")
        self.install_button = button("Install folder\N{HORIZONTAL ELLIPSIS}", "open-folder")
        self.fetch_button = button("Fetch\N{HORIZONTAL ELLIPSIS}", "download")
        self._lay_out()
        self.more_button.clicked.connect(self._show_more)
        self.install_button.clicked.connect(self.install_examples_requested)
        self.fetch_button.clicked.connect(self.fetch_examples_requested)

    def show_examples(
        self,
        examples: Sequence[ConfusionExample],
        titles: Mapping[str, str],
        note: str = "",
        counter_examples: Sequence[ConfusionExample] = (),
    ) -> None:
        """Show films in the order given.

        Parameters
        ----------
        examples
            Nearest first; twelve cards are made, more on request.
        titles
            Class names to titles, in the order of an example's probabilities.
        note
            What to say instead when there are none, or beside them.
        counter_examples
            Films of the same answer whose truth was another, kept in sight under the others.
        """
        self._clear()
        self._examples = tuple(examples)
        self._titles = dict(titles)
        self._scroll.horizontalScrollBar().setValue(0)
        self._show_more()
        for example in counter_examples:
            self._counter_cards.append(self._add_card(example, 0, self._counter_row, is_counter=True))
        self._counter_row.addStretch(1)
        self._scroll.setVisible(bool(self._examples))
        self._empty.setVisible(not self._examples)
        self._empty.setText(note or "No held-out film stands in this cell.")
        self._counter_box.setVisible(bool(counter_examples))
        self._show_note(note, (*self._examples, *counter_examples))
        self._set_tab_stop()

    def set_picture(self, sha256: str, thumbnail: np.ndarray, heat: np.ndarray | None) -> None:
        """Draw the film of an example.

        Parameters
        ----------
        thumbnail
            uint8 (rows, columns) or (rows, columns, 3).
        heat
            uint8 RGBA of the same aspect, or None where the film's map is withheld.
        """
        while len(self._pictures) >= PICTURES_KEPT:
            self._pictures.pop(next(iter(self._pictures)))
        self._pictures[sha256] = to_images(thumbnail, heat)
        for card in self.cards():
            if card.example.sha256 == sha256:
                card.set_picture(*self._pictures[sha256])

    def clear_pictures(self) -> None:
        """Forget every picture: another model draws other heat maps over them."""
        self._pictures.clear()

    def set_heat_visible(self, is_visible: bool) -> None:
        """Blend each film's own heat map over it, or leave it out."""
        self._is_heat_visible = is_visible
        for card in self.cards():
            card.set_heat_visible(is_visible)

    def cards(self) -> list[ExampleCard]:
        """Return the cards that are made, in reading order."""
        return [*self._cards, *self._counter_cards]

    def shown_examples(self) -> list[ConfusionExample]:
        """Return every film of the strip in reading order, those without a card yet included."""
        return [*self._examples, *(card.example for card in self._counter_cards)]

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._empty)
        column.addWidget(self._scrolling_row())
        counter = QVBoxLayout(self._counter_box)
        counter.setContentsMargins(0, 4, 0, 0)
        counter.setSpacing(8)
        counter.addWidget(SectionLabel("Counter-examples"))
        counter.addLayout(self._counter_row)
        self._counter_row.setSpacing(6)
        column.addWidget(self._counter_box)
        column.addWidget(self._missing_box())

    def _scrolling_row(self) -> QScrollArea:
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        across = QHBoxLayout(inside)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(6)
        across.addLayout(self._row)
        across.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignVCenter)
        across.addStretch(1)
        self._scroll.setWidget(inside)
        return self._scroll

    def _missing_box(self) -> QWidget:
        column = QVBoxLayout(self._missing)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._note)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.install_button)
        row.addWidget(self.fetch_button)
        row.addStretch(1)
        column.addLayout(row)
        return self._missing

    def _show_note(self, note: str, examples: Sequence[ConfusionExample]) -> None:
        are_missing = bool(examples) and all(example.path is None for example in examples)
        self._missing.setVisible(are_missing or bool(note and examples))
        self._note.setText(note or NOT_INSTALLED)
        self.install_button.setVisible(are_missing)
        self.fetch_button.setVisible(are_missing)

    def _show_more(self) -> None:
        start = len(self._cards)
        for index, example in enumerate(self._examples[start : start + PAGE], start=start):
            self._cards.append(self._add_card(example, index + 1, self._row, is_counter=False))
        left = len(self._examples) - len(self._cards)
        self.more_button.setText(f"{min(left, PAGE)} more\nof {left:,}")
        self.more_button.setVisible(left > 0)
        if self._cards:
            bar = self._scroll.horizontalScrollBar().sizeHint().height()
            self._scroll.setFixedHeight(self._cards[0].height() + bar + 2)

    def _add_card(self, example: ConfusionExample, rank: int, row: QHBoxLayout, is_counter: bool) -> ExampleCard:
        card = ExampleCard(example, self._titles, rank, is_counter)
        card.opened.connect(self.example_opened)
        card.picture_wanted.connect(self.picture_wanted)
        card.step_wanted.connect(self._step)
        card.set_heat_visible(self._is_heat_visible)
        if example.sha256 in self._pictures:
            card.set_picture(*self._pictures[example.sha256])
        row.addWidget(card)
        return card

    def _step(self, direction: int) -> None:
        cards = self.cards()
        focused = next((index for index, card in enumerate(cards) if card.hasFocus()), 0)
        target = cards[min(max(focused + direction, 0), len(cards) - 1)]
        target.setFocus(Qt.FocusReason.OtherFocusReason)
        if not target.is_counter:
            self._scroll.ensureWidgetVisible(target, 8, 0)

    def _set_tab_stop(self) -> None:
        for card in self.cards()[:1]:
            card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _clear(self) -> None:
        for row in (self._row, self._counter_row):
            while item := row.takeAt(0):
                if card := item.widget():
                    card.hide()
                    card.deleteLater()
        self._cards, self._counter_cards = [], []


def films_of_cell(
    examples: Sequence[ConfusionExample], truth: str, answer: str
) -> tuple[list[ConfusionExample], list[ConfusionExample]]:
    """Return the films of one cell, and counter-examples to them; both keep the order they come in.

    A cell on the diagonal shows where the model was right: its counter-examples are the first two films that got the
    same answer wrongly. Any other cell is made of errors and needs none.
    """
    films = [example for example in examples if (example.truth, example.answer) == (truth, answer)]
    if truth != answer:
        return films, []
    wrong = [example for example in examples if example.answer == answer and example.truth != answer]
    return films, wrong[:COUNTER_EXAMPLES]
