"""The quiz through the reader's hands: no truth before the end, both curves after it, and a table on request."""

import csv

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QWidget

from viewer.desk.quiz import QuizDesk
from viewer.desk.reading import ReadingDesk
from viewer.jobs import JobQueue
from viewer.quiz import QuizFilm, QuizPool
from viewer.second_reader.reader import SecondReader
from viewer.session import Session
from viewer.settings import Settings
from viewer.widgets.main_window import MainWindow
from viewer.widgets.quiz_rating import RatingBar

TITLES = (("covid", "COVID-19"), ("normal", "no finding"))


class Place:
    """A window with the desk of the quiz; films are offered in the place of a model's."""

    def __init__(self, pool):
        self.window, self.settings = MainWindow(), Settings()
        self.loading, self.reading = JobQueue(2), JobQueue(1)
        reader = SecondReader("cpu")
        readings = ReadingDesk(self.window, Session(), self.reading, self.settings, reader, [])
        self.desk = QuizDesk(self.window, self.loading, readings)
        self.dialog, self.page = self.desk.dialog, self.desk.dialog.question
        self.pool = pool

    def offer(self):
        self.window.action("quiz").trigger()
        self.desk.take_pool(self.pool)

    def words(self):
        """Return every text that can be seen or read out."""
        QApplication.processEvents()
        shown = [label.text() for label in self.dialog.findChildren(QLabel) if label.isVisible()]
        named = [each for each in self.dialog.findChildren(QWidget) if each.isVisible()]
        said = [f"{each.accessibleName()} {each.accessibleDescription()} {each.toolTip()}" for each in named]
        return "\n".join([self.dialog.windowTitle(), *shown, *said])


def quiz_film(folder, index, is_positive):
    """Write a film whose name tells the truth, and whose grey tells which it is."""
    truth = "covid" if is_positive else "normal"
    path = folder / f"{truth}-{index}.png"
    pixels = np.tile(np.arange(0, 250, 5, dtype=np.uint8), (60, 1))
    pixels[:5] = 40 + 20 * index
    PIL.Image.fromarray(pixels).save(path)
    return QuizFilm(f"{index:064x}", path, truth, "covid", 0.9 if is_positive else 0.6, is_positive)


@pytest.fixture
def pool(tmp_path):
    films = tuple(quiz_film(tmp_path, index, index < 3) for index in range(6))
    return QuizPool("Chest", "ab" * 32, "covid", TITLES, films, missing=4)


@pytest.fixture
def place(qtbot, pool):
    made = Place(pool)
    qtbot.addWidget(made.window)
    made.offer()
    yield made
    made.dialog.close()
    assert made.loading.shut_down() and made.reading.shut_down()
    QApplication.processEvents()


def begin(place, qtbot, count=4):
    place.dialog.start.count.setValue(count)
    qtbot.mouseClick(place.dialog.start.start_button, Qt.MouseButton.LeftButton)
    seen(place, qtbot)


def seen(place, qtbot):
    qtbot.waitUntil(lambda: place.page.canvas.image is not None, timeout=20_000)


def answer(place, qtbot, key):
    seen(place, qtbot)
    qtbot.keyClick(place.page, key)
    qtbot.keyClick(place.page, Qt.Key.Key_Return)


def truth_on_screen(place):
    """Return whether the film that is seen is positive: what the reader of this test knows."""
    return place.page.canvas.image.pixels[0, 0] < 100


def do_all_rightly(place, qtbot, count=4):
    begin(place, qtbot, count)
    for _ in range(count):
        seen(place, qtbot)
        answer(place, qtbot, Qt.Key.Key_5 if truth_on_screen(place) else Qt.Key.Key_1)


# -------------------------------------------------------------------------------------------------------------- start


def test_without_enough_films_it_says_what_to_do_and_offers_both_ways(place, qtbot):
    place.desk.take_pool(QuizPool("Chest", "", "covid", TITLES, place.pool.films[:3], missing=1341))
    assert "1,341 are missing. Link the folder" in place.words()
    assert not place.dialog.start.start_button.isEnabled()
    ways = [place.window.action(name).triggered for name in ("install-examples", "fetch-examples")]
    with qtbot.waitSignals(ways):
        qtbot.mouseClick(place.dialog.start.install_button, Qt.MouseButton.LeftButton)
        qtbot.mouseClick(place.dialog.start.fetch_button, Qt.MouseButton.LeftButton)


def test_without_a_model_it_says_so(place):
    place.desk.look()
    assert "No model is installed" in place.words()


def test_no_more_films_are_offered_than_can_be_drawn_evenly(place):
    assert place.dialog.start.count.maximum() == 6
    assert "of 6 that can be drawn" in place.words()


# ------------------------------------------------------------------------------------------------------------- asking


def test_neither_truth_nor_answer_nor_the_files_name_is_told_before_the_end(place, qtbot):
    begin(place, qtbot)
    for _ in range(3):
        answer(place, qtbot, Qt.Key.Key_3)
    seen(place, qtbot)
    told = place.words()
    assert "How sure are you that this film shows COVID-19?" in told
    assert not any(word in told for word in ("no finding", "covid-", "normal-", ".png", "0.9", "0.6", "Truth"))
    assert not place.page.canvas.corner_texts_visible


def test_nothing_is_said_of_a_film_until_a_hand_says_it(place, qtbot):
    begin(place, qtbot)
    assert "not said yet" in place.words()
    assert not place.page.next_button.isEnabled()
    qtbot.keyClick(place.page, Qt.Key.Key_Return)
    assert "Film 1 of 4" in place.words()


@pytest.mark.parametrize(("key", "per_cent"), [("1", 0), ("2", 25), ("3", 50), ("4", 75), ("5", 100)])
def test_keys_say_how_sure_the_reader_is(place, qtbot, key, per_cent):
    begin(place, qtbot)
    qtbot.keyClick(place.page, key)
    assert (place.page.rating.slider.value(), place.page.next_button.isEnabled()) == (per_cent, True)
    assert f"{per_cent} %" in place.words()


def test_the_slider_says_what_lies_between_and_a_press_on_it_says_fifty(qtbot):
    bar = RatingBar()
    qtbot.addWidget(bar)
    bar.resize(500, 120)
    bar.show()
    bar.show_rating(None)
    said = []
    bar.rated.connect(said.append)
    qtbot.mousePress(bar.slider, Qt.MouseButton.LeftButton, pos=bar.slider.rect().center())
    qtbot.mouseRelease(bar.slider, Qt.MouseButton.LeftButton, pos=bar.slider.rect().center())
    qtbot.keyClick(bar.slider, Qt.Key.Key_Right)
    qtbot.mouseClick(bar.buttons[3], Qt.MouseButton.LeftButton)
    assert said == [50, 51, 75]


def test_a_word_that_is_clicked_twice_stays_said(qtbot):
    bar = RatingBar()
    qtbot.addWidget(bar)
    bar.show()
    for _ in range(2):
        qtbot.mouseClick(bar.buttons[1], Qt.MouseButton.LeftButton)
    assert [each.isChecked() for each in bar.buttons] == [False, True, False, False, False]


def test_going_back_shows_what_was_said_and_takes_another_word(place, qtbot):
    begin(place, qtbot)
    answer(place, qtbot, Qt.Key.Key_4)
    assert "Film 2 of 4" in place.words()
    qtbot.keyClick(place.page, Qt.Key.Key_Backspace)
    assert "Film 1 of 4" in place.words() and "75 %" in place.words()
    qtbot.keyClick(place.page, Qt.Key.Key_1)
    qtbot.keyClick(place.page, Qt.Key.Key_Return)
    qtbot.keyClick(place.page, Qt.Key.Key_Backspace)
    assert place.page.rating.slider.value() == 0


def test_window_and_zoom_are_the_readers_while_keys_still_answer(place, qtbot):
    begin(place, qtbot)
    canvas = place.page.canvas
    width = canvas.voi.width
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(canvas, QPoint(40, 100))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(40, 100))
    assert canvas.voi.width < width
    qtbot.keyClick(QApplication.focusWidget() or canvas, Qt.Key.Key_2)
    assert place.page.rating.slider.value() == 25


def test_a_window_that_is_closed_is_found_again_as_it_was_left(place, qtbot):
    begin(place, qtbot)
    answer(place, qtbot, Qt.Key.Key_4)
    place.dialog.close()
    place.window.action("quiz").trigger()
    assert "Film 2 of 4" in place.words()


def test_a_film_that_cannot_be_opened_is_left_out_and_that_is_told(place, qtbot):
    begin(place, qtbot)
    place.desk.run.films[1].path.unlink()
    answer(place, qtbot, Qt.Key.Key_5)
    qtbot.waitUntil(lambda: "of 3" in place.words())
    for _ in range(2):
        answer(place, qtbot, Qt.Key.Key_1)
    assert "1 film could not be opened and was left out." in place.words()


# ------------------------------------------------------------------------------------------------------------ the end


def test_at_the_end_the_readers_curve_stands_beside_the_models(place, qtbot):
    do_all_rightly(place, qtbot)
    told = place.words()
    assert "Area under the curve\n1.00 (1.00 to 1.00)\n1.00 (1.00 to 1.00)" in told
    assert "Sensitivity at 50 %\n2 of 2 (100 %; 34 to 100)\n2 of 2 (100 %; 34 to 100)" in told
    assert "Specificity at 50 %\n2 of 2 (100 %; 34 to 100)\n0 of 2 (0 %; 0 to 66)" in told
    assert "Area, you minus model\n0.00 (0.00 to 0.00)" in told
    assert "An interval without width says only" in told
    assert "You 1.00 (1.00 to 1.00), the model 1.00 (1.00 to 1.00)" in told


def test_the_curve_is_drawn_through_its_points(place, qtbot, grabbed):
    do_all_rightly(place, qtbot)
    chart = place.dialog.outcome.chart
    corner = chart.place((0.0, 1.0)).toPoint()
    red, green, blue = grabbed(chart)[corner.y(), corner.x()]
    assert (red, green, blue) == (0x63, 0xB8, 0xAD)


def test_the_list_tells_truth_and_both_answers(place, qtbot):
    do_all_rightly(place, qtbot)
    table = place.dialog.outcome.table
    rows = {tuple(table.item(row, column).text() for column in range(1, 5)) for row in range(4)}
    assert rows == {
        ("COVID-19", "100 %, right", "0.90", "COVID-19, right"), ("no finding", "0 %, right", "0.60", "COVID-19, wrong"),
    }  # fmt: skip


def test_a_click_in_the_list_shows_the_film_with_its_truth_and_escape_leads_back(place, qtbot):
    do_all_rightly(place, qtbot)
    table = place.dialog.outcome.table
    where = table.visualItemRect(table.item(2, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    seen(place, qtbot)
    truth = "COVID-19" if truth_on_screen(place) else "no finding"
    assert f"Truth {truth}. You: COVID-19 " in place.words()
    assert "Film 3 of 4" in place.words() and not place.page.rating.isVisible()
    qtbot.keyClick(place.page, Qt.Key.Key_Escape)
    assert place.dialog.pages.currentWidget() is place.dialog.outcome


def test_the_result_is_written_only_where_the_reader_says(place, qtbot, tmp_path, monkeypatch):
    before = sorted(tmp_path.iterdir())
    do_all_rightly(place, qtbot)
    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.csv"), ""))
    qtbot.mouseClick(place.dialog.outcome.export_button, Qt.MouseButton.LeftButton)
    rows = list(csv.DictReader((tmp_path / "mine.csv").read_text(encoding="utf-8").splitlines()))
    assert sorted((row["truth"], row["own_confidence_percent"]) for row in rows) == [
        ("covid", "100"), ("covid", "100"), ("normal", "0"), ("normal", "0"),
    ]  # fmt: skip


def test_a_place_that_cannot_be_written_to_is_told(place, qtbot, tmp_path, monkeypatch):
    do_all_rightly(place, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "none" / "mine.csv"), ""))
    said = []
    monkeypatch.setattr("viewer.desk.quiz.messages.error", lambda parent, sentence: said.append(sentence))
    qtbot.mouseClick(place.dialog.outcome.export_button, Qt.MouseButton.LeftButton)
    assert said == ["The result could not be written to mine.csv: No such file or directory."]


def test_a_new_quiz_begins_at_the_beginning(place, qtbot):
    do_all_rightly(place, qtbot)
    qtbot.mouseClick(place.dialog.outcome.again_button, Qt.MouseButton.LeftButton)
    assert place.dialog.pages.currentWidget() is place.dialog.start


def test_after_a_fault_of_the_program_the_quiz_says_so_and_goes_on(place, qtbot):
    told = []
    place.desk.crashed.connect(told.append)
    begin(place, qtbot)
    place.desk.take_crash("Traceback")
    assert told == ["Traceback"]
    qtbot.waitUntil(lambda: "Film 1 of 3" in place.words())
