"""The confusion examples: held-out films most like this one, each with its truth and what the model said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from viewer.reading import ConfusionExample
from viewer.widgets.controls import PlainLabel, SectionLabel, SmallPrint, button
from viewer.widgets.example_card import ExampleCard, to_images

PAGE = 12
"""Cards that are made at a time; a cell may hold hundreds of films."""
COUNTER_EXAMPLES = 2
PICTURES_KEPT = 200
NOT_INSTALLED = "The films of these examples are not on this machine; their numbers are."


class ExamplesStrip(QWidget):
    """A row of cards, nearest first, with counter-examples under it that never scroll away with them.

    The arrows, Home and End lead from card to card, Up and Down to the counter-examples and back.
    """

    example_opened = Signal(object)
    """ConfusionExample."""
    beside_wanted = Signal(object)
    """ConfusionExample that is to stand beside the film."""
    left_upwards = Signal()
    """The keyboard goes back to what stands above the cards."""
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
        self.counter_box = QWidget()
        """The counter-examples: whoever shows the strip within something that scrolls gives them a place outside it."""
        self._counter_note = SmallPrint()
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
        counter_note: str = "",
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
            Films that speak against the answer, kept in sight under the others.
        counter_note
            What is to be said of them, or of there being none.
        """
        self._clear()
        self._examples = tuple(examples)
        self._titles = dict(titles)
        self._scroll.horizontalScrollBar().setValue(0)
        self._show_more()
        for example in counter_examples:
            self._counter_cards.append(self._add_card(example, 0, self._counter_row, is_counter=True))
        self._scroll.setVisible(bool(self._examples))
        self._empty.setVisible(not self._examples)
        self._empty.setText(note or "No held-out film stands in this cell.")
        self._counter_note.setText(counter_note)
        self._counter_note.setVisible(bool(counter_note))
        self.counter_box.setVisible(bool(counter_examples or counter_note))
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
        """Return every film of the row in reading order, those without a card yet included."""
        return list(self._examples)

    def counter_examples(self) -> list[ConfusionExample]:
        """Return the counter-examples that are in sight."""
        return [card.example for card in self._counter_cards]

    def focus_first(self) -> None:
        """Give the keyboard to the first card."""
        for card in self.cards()[:1]:
            self._focus(card)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._empty)
        column.addWidget(self._scrolling_row())
        counter = QVBoxLayout(self.counter_box)
        counter.setContentsMargins(0, 4, 0, 0)
        counter.setSpacing(6)
        counter.addWidget(SectionLabel("Counter-examples"))
        counter.addWidget(self._counter_note)
        counter.addLayout(self._counter_row)
        self._counter_row.setSpacing(6)
        column.addWidget(self.counter_box)
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
        card.beside_wanted.connect(self.beside_wanted)
        card.picture_wanted.connect(self.picture_wanted)
        card.key_wanted.connect(self._go)
        card.set_heat_visible(self._is_heat_visible)
        if example.sha256 in self._pictures:
            card.set_picture(*self._pictures[example.sha256])
        row.addWidget(card)
        return card

    def _go(self, key: int) -> None:
        """Give the keyboard to the card that a key leads to; a row ends where it ends."""
        row = self._counter_cards if any(card.hasFocus() for card in self._counter_cards) else self._cards
        at = next((index for index, card in enumerate(row) if card.hasFocus()), 0)
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._change_row(is_down=key == Qt.Key.Key_Down, is_counter=row is self._counter_cards)
            return
        if key == Qt.Key.Key_Right and row is self._cards and at == len(row) - 1 and len(row) < len(self._examples):
            self._show_more()
        to = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(row) - 1, Qt.Key.Key_Left: at - 1}.get(Qt.Key(key), at + 1)
        self._focus(row[min(max(to, 0), len(row) - 1)])

    def _change_row(self, is_down: bool, is_counter: bool) -> None:
        if is_down and not is_counter and self._counter_cards:
            self._focus(self._counter_cards[0])
        elif not is_down and is_counter and self._cards:
            self._focus(self._cards[0])
        elif not is_down:
            self.left_upwards.emit()

    def _focus(self, card: ExampleCard) -> None:
        card.show()  # one that was made just now is neither shown nor in its place yet
        card.setFocus(Qt.FocusReason.OtherFocusReason)
        if not card.is_counter:
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            self._scroll.ensureWidgetVisible(card, 8, 0)

    def _set_tab_stop(self) -> None:
        for card in (*self._cards[:1], *self._counter_cards[:1]):
            card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _clear(self) -> None:
        for row in (self._row, self._counter_row):
            while item := row.takeAt(0):
                if card := item.widget():
                    card.hide()
                    card.deleteLater()
        self._cards, self._counter_cards = [], []


def films_of_cell(examples: Sequence[ConfusionExample], truth: str, answer: str) -> list[ConfusionExample]:
    """Return the films of one cell, in the order they come in."""
    return [example for example in examples if (example.truth, example.answer) == (truth, answer)]


def counter_examples_to(examples: Sequence[ConfusionExample], answer: str, title: str) -> tuple[list[ConfusionExample], str]:
    """Return the two nearest films that speak against an answer, and what is to be said of them ("" for the plain case).

    Plain: films that got the same answer and were something else. Where there is none, films of the answer's class that
    got another one; and a sentence where there is neither.
    """
    wrong = [example for example in examples if example.answer == answer and example.truth != answer]
    missed = [example for example in examples if example.truth == answer and example.answer != answer]
    if wrong:
        return wrong[:COUNTER_EXAMPLES], ""
    if missed:
        return missed[:COUNTER_EXAMPLES], f"It never called another film {title}; these {title} films it missed."
    return [], f"No held-out film speaks against {title}: it was right in all of them."
