"""What came of a quiz: both curves, the areas, the counts at 50 %, and the films with truth and answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.quiz import CALLED_FROM, QuizFilm, QuizPool, QuizResult
from viewer.widgets import theme
from viewer.widgets.controls import PlainLabel, SmallPrint, button
from viewer.widgets.probability_bars import number
from viewer.widgets.roc_chart import RocChart

COLUMNS = ("Film", "Truth", "You", "Model", "It said")
INTERVALS = "In brackets 95 % intervals: of areas by drawing the films again 1,000 times, of shares Wilson's."
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
        self._scores = QGridLayout()
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
        self._show_scores(score_rows(result))
        said = f"You {result.own.area.in_words()}, the model {result.model.area.in_words()}"
        self.chart.show_curves(result.own.points, result.model.points, said)
        self._note.setText(" ".join(_notes(result, pool)))
        self.table.show_films(result, pool)

    def _show_scores(self, rows: Sequence[tuple[str, str, str]]) -> None:
        while item := self._scores.takeAt(0):
            if label := item.widget():
                label.hide()
                label.deleteLater()
        for row, (name, own, model) in enumerate(rows):
            self._scores.addWidget(SmallPrint(name, wrap=False), row, 0)
            for column, text in ((1, own), (2, model)):
                self._scores.addWidget(PlainLabel(text, selectable=True), row, column)

    def _lay_out(self) -> None:
        self._title.setFont(theme.title_font(16))
        self._scores.setHorizontalSpacing(16)
        self._scores.setVerticalSpacing(6)
        for column in (1, 2):
            self._scores.setColumnStretch(column, 1)
        numbers = QVBoxLayout()
        numbers.setSpacing(12)
        numbers.addWidget(self.chart, 1)
        numbers.addLayout(self._scores)
        numbers.addWidget(self._note)
        films = QVBoxLayout()
        films.setSpacing(10)
        films.addWidget(self._title)
        films.addWidget(self.table, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.export_button)
        buttons.addStretch(1)
        buttons.addWidget(self.again_button)
        films.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 16, 16, 16)
        row.setSpacing(24)
        row.addLayout(numbers, 6)
        row.addLayout(films, 7)


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
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
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


def score_rows(result: QuizResult) -> list[tuple[str, str, str]]:
    """Return the rows of the table of scores: what it is, the reader's, the model's."""
    own, model = result.own, result.model
    called = f"at {CALLED_FROM} %"
    return [
        ("", "You", "Model"),
        ("Area under the curve", own.area.in_words(), model.area.in_words()),
        (f"Sensitivity {called}", own.sensitivity.in_words(), model.sensitivity.in_words()),
        (f"Specificity {called}", own.specificity.in_words(), model.specificity.in_words()),
        ("Area, you minus model", result.difference.in_words(), ""),
    ]


def film_words(film: QuizFilm, rating: int, pool: QuizPool) -> str:
    """Return truth and both answers of one film."""
    title = pool.title(pool.positive)
    return (
        f"Truth {pool.title(film.truth)}. You: {title} {rating} %. "
        f"The model said {pool.title(film.answer)} ({title} {number(film.probability)})."
    )


def _notes(result: QuizResult, pool: QuizPool) -> list[str]:
    called = f"A film counts as called {pool.title(pool.positive)} at {CALLED_FROM} % or more."
    notes = [f"Model: {pool.model}; each film was answered by the network that never saw its patient.", called]
    notes += [INTERVALS, f"Seed {result.seed}."]
    if any(area.low == area.high and area.low is not None for area in (result.own.area, result.model.area)):
        notes.append(NO_WIDTH)
    if result.left_out:
        films = "1 film" if result.left_out == 1 else f"{result.left_out} films"
        notes.append(f"{films} could not be opened and {'was' if result.left_out == 1 else 'were'} left out.")
    return notes
