"""What came of a quiz: both curves, the areas, the counts at 50 %, and the films with truth and answers."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from viewer.quiz import CALLED_FROM, QuizFilm, QuizPool, QuizResult, Score
from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, SectionLabel, SmallPrint, button
from viewer.widgets.probability_bars import number
from viewer.widgets.roc_chart import RocChart

COLUMNS = ("Film", "Truth", "You", "Model", "Model said")
TOO_WIDE = "Intervals: 95 %, by drawing the films again 1,000 times; counts: Wilson's."
NO_WIDTH = "An interval without width says only that every film was ranked rightly, not that the next one will be."


class QuizResultPage(QWidget):
    """A film of the list is opened by click or Enter."""

    film_chosen = Signal(int)
    """Place in the list, from 0."""
    export_requested = Signal()
    again_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.chart = RocChart()
        self._title = PlainLabel()
        self._own, self._model = PlainLabel(), PlainLabel()
        self._difference = PlainLabel()
        self._note = SmallPrint()
        self.table = _Films()
        self.export_button = button("Export CSV\N{HORIZONTAL ELLIPSIS}", "download")
        self.again_button = button("New quiz", "quiz", "primary")
        self._lay_out()
        self.table.chosen.connect(self.film_chosen)
        self.export_button.clicked.connect(self.export_requested)
        self.again_button.clicked.connect(self.again_requested)

    def show_result(self, result: QuizResult, pool: QuizPool) -> None:
        """Show what came of a quiz."""
        title = pool.title(pool.positive)
        positives = sum(film.is_positive for film in result.films)
        self._title.setText(f"{len(result.films)} films: {positives} of {title}, {len(result.films) - positives} others")
        self._own.setText(score_words("You", result.own, title))
        self._model.setText(score_words(f"{pool.model}, by networks that never saw the patient", result.model, title))
        self._difference.setText(f"Your area minus the model's: {result.difference.in_words()}")
        said = f"You {result.own.area.in_words()}, the model {result.model.area.in_words()}"
        self.chart.show_curves(result.own.points, result.model.points, said)
        self._note.setText(" ".join(_notes(result)))
        self.table.show_films(result, pool)

    def _lay_out(self) -> None:
        self._title.setFont(theme.title_font(16))
        words = QVBoxLayout()
        words.setSpacing(10)
        for widget in (self._title, self._own, self._model, self._difference, self._note):
            words.addWidget(widget)
        words.addWidget(SectionLabel("Films, in the order of the quiz"))
        words.addWidget(self.table, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.export_button)
        buttons.addStretch(1)
        buttons.addWidget(self.again_button)
        words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 16, 16, 16)
        row.setSpacing(24)
        row.addWidget(self.chart, 5)
        row.addLayout(words, 6)


class _Films(QTableWidget):
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Films of the quiz")
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.cellClicked.connect(self._choose)

    def show_films(self, result: QuizResult, pool: QuizPool) -> None:
        """List the films; what was wrong is said in a word and in colour."""
        self.setRowCount(len(result.films))
        for row, (film, rating) in enumerate(zip(result.films, result.ratings, strict=True)):
            is_right = (rating >= CALLED_FROM) == film.is_positive
            self._write(row, 0, str(row + 1))
            self._write(row, 1, pool.title(film.truth))
            self._write(row, 2, f"{rating} %, {'right' if is_right else 'wrong'}", not is_right)
            self._write(row, 3, number(film.probability))
            said = f"{pool.title(film.answer)}, {'right' if film.answer == film.truth else 'wrong'}"
            self._write(row, 4, said, film.answer != film.truth)
        self.setCurrentCell(0, 0)

    def _write(self, row: int, column: int, text: str, is_wrong: bool = False) -> None:
        item = QTableWidgetItem(text)
        if is_wrong:
            item.setForeground(theme.color("refused"))
        self.setItem(row, column, item)

    def _choose(self, row: int, column: int) -> None:
        self.chosen.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.currentRow() >= 0:
            self.chosen.emit(self.currentRow())
        else:
            super().keyPressEvent(event)


def score_words(who: str, score: Score, title: str) -> str:
    """Return a reader's area and counts in words."""
    return (
        f"{who}: area under the curve {score.area.in_words()}\n"
        f"at {CALLED_FROM} % or more called {title}: found {score.sensitivity.in_words()}, "
        f"others left alone {score.specificity.in_words()}"
    )


def film_words(film: QuizFilm, rating: int, pool: QuizPool) -> str:
    """Return truth and both answers of one film."""
    title = pool.title(pool.positive)
    return (
        f"Truth {pool.title(film.truth)}. You: {title} {rating} %. "
        f"The model said {pool.title(film.answer)} ({title} {number(film.probability)})."
    )


def _notes(result: QuizResult) -> list[str]:
    notes = [f"Seed {result.seed}.", TOO_WIDE]
    if any(area.low == area.high and area.low is not None for area in (result.own.area, result.model.area)):
        notes.append(NO_WIDTH)
    if result.left_out:
        films = "1 film" if result.left_out == 1 else f"{result.left_out} films"
        notes.append(f"{films} could not be opened and {'was' if result.left_out == 1 else 'were'} left out.")
    return notes
