"""The quiz: how many films, each at full size with nothing known of it, and at the end what came of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QProgressBar, QSpinBox, QStackedWidget, QVBoxLayout, QWidget

from viewer.imaging.grayscale import default_voi
from viewer.imaging.picture_cache import DecodedPicture
from viewer.quiz import LEAST_OF_EACH, USUAL_COUNT, QuizPool, QuizResult
from viewer.widgets import theme
from viewer.widgets.canvas import Canvas
from viewer.widgets.controls import Notice, PlainLabel, SmallPrint, button
from viewer.widgets.quiz_rating import RatingBar
from viewer.widgets.quiz_result import QuizResultPage, film_words

OPENING = "The film is being opened."
HINT = "1 to 5 or the slider, then Enter; Backspace goes back. Left drag: window. Right drag or wheel: zoom. I inverts, F fits."
ABOUT = (
    "Films that the model was judged on, drawn by chance: half of them {title}. You say of each how sure you are that it "
    "shows {title}; truth and the model's answer come at the end, with your curve beside the model's. Nothing is kept unless "
    "you export it."
)


class QuizWindow(QDialog):
    """Looks and gestures of the quiz; whoever leads it holds the truth, and gives it to the last page alone."""

    start_requested = Signal(int, int)
    """How many films, and the seed they are drawn by."""
    rated = Signal(int)
    next_requested = Signal()
    back_requested = Signal()
    film_chosen = Signal(int)
    """A film of the result is to be seen again; place in the list."""
    export_requested = Signal()
    again_requested = Signal()
    install_requested = Signal()
    fetch_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Quiz on held-out films")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize(1180, 820)
        self.setMinimumSize(900, 520)
        self.start = _StartPage()
        self.question = _QuestionPage()
        self.outcome = QuizResultPage()
        self.pages = QStackedWidget()
        for page in (self.start, self.question, self.outcome):
            self.pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pages)
        self._connect()

    def show_pool(self, pool: QuizPool | None, seed: int, problem: str = "") -> None:
        """Offer a quiz, or say why there is none; None while the films are still being looked for."""
        self.start.show_pool(pool, seed, problem)
        self.pages.setCurrentWidget(self.start)

    def show_question(self, number: int, total: int, title: str, rating: int | None) -> None:
        """Ask for one film, which is still to come by ``show_film``."""
        self.question.show_question(number, total, title, rating)
        self.pages.setCurrentWidget(self.question)
        self.question.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_film(self, picture: DecodedPicture) -> None:
        """Show the film that is asked for."""
        self.question.show_film(picture)

    def show_failure(self, sentence: str) -> None:
        """Say why a film cannot be seen."""
        self.question.canvas.clear(sentence)

    def show_result(self, result: QuizResult, pool: QuizPool) -> None:
        """Show what came of it."""
        self.outcome.show_result(result, pool)
        self.pages.setCurrentWidget(self.outcome)

    def show_again(self, index: int, result: QuizResult, pool: QuizPool) -> None:
        """Show a film of the result with all that is known of it; it is still to come by ``show_film``."""
        words = film_words(result.films[index], result.ratings[index], pool)
        self.question.show_known(index + 1, len(result.films), words)
        self.pages.setCurrentWidget(self.question)

    def _connect(self) -> None:
        self.start.start_button.clicked.connect(self._start)
        self.start.install_button.clicked.connect(self.install_requested)
        self.start.fetch_button.clicked.connect(self.fetch_requested)
        self.question.rating.rated.connect(self.rated)
        self.question.next_requested.connect(self.next_requested)
        self.question.back_requested.connect(self.back_requested)
        self.question.result_requested.connect(self._return_to_result)
        self.outcome.film_chosen.connect(self.film_chosen)
        self.outcome.export_requested.connect(self.export_requested)
        self.outcome.again_requested.connect(self.again_requested)

    def _start(self) -> None:
        self.start_requested.emit(self.start.count.value(), self.start.seed.value())

    def _return_to_result(self) -> None:
        self.pages.setCurrentWidget(self.outcome)
        self.outcome.table.setFocus(Qt.FocusReason.OtherFocusReason)


class _StartPage(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._title = PlainLabel("Quiz on held-out films")
        self._about = PlainLabel()
        self._problem = QVBoxLayout()
        self.count, self.seed = QSpinBox(), QSpinBox()
        self._most = SmallPrint(wrap=False)
        self.start_button = button("Begin", "quiz", "primary")
        self.install_button = button("Link a folder\N{HORIZONTAL ELLIPSIS}", "open-folder")
        self.fetch_button = button("Fetch\N{HORIZONTAL ELLIPSIS}", "download")
        self._lay_out()

    def show_pool(self, pool: QuizPool | None, seed: int, problem: str) -> None:
        """Offer a quiz from these films, or say why there is none."""
        problem = problem or ("" if pool is None else pool.why_not)
        while item := self._problem.takeAt(0):
            if notice := item.widget():
                notice.hide()
                notice.deleteLater()
        if problem:
            self._problem.addWidget(Notice("warning", problem))
        title = "the finding" if pool is None else pool.title(pool.positive)
        self._about.setText(ABOUT.format(title=title))
        can_start = pool is not None and not problem
        most = pool.most if pool is not None else 0
        self.count.setMaximum(max(most, 2 * LEAST_OF_EACH))
        self.count.setValue(USUAL_COUNT)
        self.seed.setValue(seed)
        self._most.setText(f"of {most:,} that can be drawn" if can_start else "Looking for the films" if not problem else "")
        for widget in (self.start_button, self.count, self.seed):
            widget.setEnabled(can_start)
        for widget in (self.install_button, self.fetch_button):
            widget.setVisible(bool(problem))

    def _lay_out(self) -> None:
        self._title.setFont(theme.title_font())
        self.count.setRange(2 * LEAST_OF_EACH, USUAL_COUNT)
        self.seed.setRange(0, 999_999)
        for field, name in ((self.count, "Films"), (self.seed, "Seed")):
            field.setAccessibleName(name)
            field.setFixedWidth(120)
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        fields.addWidget(PlainLabel("Films", wrap=False), 0, 0)
        fields.addWidget(self.count, 0, 1)
        fields.addWidget(self._most, 0, 2)
        fields.addWidget(PlainLabel("Seed", wrap=False), 1, 0)
        fields.addWidget(self.seed, 1, 1)
        fields.addWidget(SmallPrint("the same seed draws the same films again", wrap=False), 1, 2)
        fields.setColumnStretch(3, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for each in (self.start_button, self.install_button, self.fetch_button):
            buttons.addWidget(each)
        buttons.addStretch(1)
        inside = QWidget()
        inside.setMaximumWidth(640)
        column = QVBoxLayout(inside)
        column.setSpacing(16)
        column.addWidget(self._title)
        column.addWidget(self._about)
        column.addLayout(self._problem)
        column.addLayout(fields)
        column.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(32, 32, 32, 32)
        outer.addStretch(2)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inside, 8)
        row.addStretch(1)
        outer.addLayout(row)
        outer.addStretch(3)


class _QuestionPage(QWidget):
    """One film, with the question about it or, after the end, with all that is known of it."""

    next_requested = Signal()
    back_requested = Signal()
    result_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.canvas = Canvas()
        self.canvas.corner_texts_visible = False  # a file's name may tell the truth
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rating = RatingBar()
        self._place = PlainLabel(wrap=False)
        self._progress = QProgressBar()
        self._known = PlainLabel(selectable=True)
        self.back_button = button("Back", "chevron-left")
        self.next_button = button("Next (Enter)", "chevron-right", "primary")
        self.result_button = button("Back to the result (Esc)", "chevron-left")
        self._hint = SmallPrint(HINT)
        self._is_known = False
        self._lay_out()
        self._connect()

    def show_question(self, number: int, total: int, title: str, rating: int | None) -> None:
        """Ask for a film, counted from 1."""
        self._show_place(number, total, is_known=False)
        self.rating.ask(title)
        self.rating.show_rating(rating)
        self.back_button.setEnabled(number > 1)
        self.next_button.setEnabled(rating is not None)
        self.next_button.setText("Show the result (Enter)" if number == total else "Next (Enter)")

    def show_known(self, number: int, total: int, words: str) -> None:
        """Show a film of the result again."""
        self._show_place(number, total, is_known=True)
        self._known.setText(words)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_film(self, picture: DecodedPicture) -> None:
        """Show the film as it is first seen."""
        self.canvas.show_image(picture.image, picture.levels)

    def _show_place(self, number: int, total: int, is_known: bool) -> None:
        self._is_known = is_known
        self.canvas.clear(OPENING)
        self._place.setText(f"Film {number} of {total}")
        self._progress.setRange(0, total)
        self._progress.setValue(number)
        asking: tuple[QWidget, ...] = (self.rating, self.back_button, self.next_button, self._hint)
        known: tuple[QWidget, ...] = (self._known, self.result_button)
        for widget in (*asking, *known):
            widget.setVisible((widget in known) == is_known)

    def _rated(self) -> None:
        self.next_button.setEnabled(True)

    def _connect(self) -> None:
        self.rating.rated.connect(self._rated)
        self.next_button.clicked.connect(self.next_requested)
        self.back_button.clicked.connect(self.back_requested)
        self.result_button.clicked.connect(self.result_requested)
        self._shortcut(Qt.Key.Key_Return, self.next_button.click)
        self._shortcut(Qt.Key.Key_Enter, self.next_button.click)
        self._shortcut(Qt.Key.Key_Backspace, self.back_button.click)
        self._shortcut(Qt.Key.Key_I, self._invert)
        self._shortcut(Qt.Key.Key_F, self.canvas.fit)
        self._shortcut(Qt.Key.Key_0, self._default_window)

    def _shortcut(self, key: Qt.Key, slot: Callable[[], object]) -> None:
        QShortcut(QKeySequence(key), self, slot, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _invert(self) -> None:
        self.canvas.set_inverted(not self.canvas.inverted)

    def _default_window(self) -> None:
        if self.canvas.image is not None and not self.canvas.image.is_color:
            self.canvas.set_voi(default_voi(self.canvas.image))

    def _lay_out(self) -> None:
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(160)
        self._place.setFont(theme.number_font())
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._place)
        foot.addWidget(self._progress)
        foot.addWidget(self._hint, 1)
        foot.addWidget(self._known, 1)
        for each in (self.back_button, self.next_button, self.result_button):
            foot.addWidget(each)
        below = QVBoxLayout()
        below.setContentsMargins(16, 10, 16, 12)
        below.setSpacing(10)
        below.addWidget(self.rating)
        below.addLayout(foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addLayout(below)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_known and event.key() == Qt.Key.Key_Escape:
            self.result_requested.emit()
        elif self._is_known or not self.rating.press(event.key()):
            super().keyPressEvent(event)
