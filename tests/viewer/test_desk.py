"""Opening, showing and writing at the desk, without a model."""

import sqlite3

import numpy as np
import PIL.Image
import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from viewer.desk.films import FilmsDesk
from viewer.desk.report import ReportDesk
from viewer.jobs import JobQueue
from viewer.paths import drafts_database
from viewer.session import Session
from viewer.settings import RECENT, Settings
from viewer.widgets.main_window import MainWindow

MANY = 80


class Place:
    """A window with its session, its queue and the desks under test."""

    def __init__(self):
        self.window, self.session, self.queue, self.settings = MainWindow(), Session(), JobQueue(2), Settings()
        self.films = FilmsDesk(self.window, self.session, self.queue, self.settings)
        self.report = ReportDesk(self.window, self.session, self.queue, self.settings)

    @property
    def said(self):
        return self.window.doing.text()


@pytest.fixture
def place(qtbot):
    made = Place()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    assert made.queue.shut_down()
    made.report.close()
    QApplication.processEvents()


def ramp(path):
    PIL.Image.fromarray(np.arange(10_000, dtype=np.uint16).reshape(100, 100)).save(path)
    return path


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MANY):
        ramp(folder / f"{number}.png")
    return folder


def test_the_first_film_of_a_folder_is_shown_and_all_are_listed(place, many, qtbot):
    place.films.open([many])
    qtbot.waitUntil(lambda: len(place.session.studies) == MANY and place.said == "", timeout=8000)
    qtbot.waitUntil(lambda: place.window.canvas.image is not None)
    assert place.window.canvas.image.instance.path == many / "0.png"
    assert place.settings.get(RECENT) == [str(many)]


def test_a_second_opening_can_be_cancelled_after_it_has_replaced_the_first(place, many, tmp_path, qtbot):
    place.films.open([ramp(tmp_path / "alone.png")])
    place.films.open([many])
    qtbot.waitUntil(lambda: len(place.session.studies) >= 3, timeout=8000)
    place.window.cancel_button.click()
    qtbot.waitUntil(lambda: place.said == "", timeout=8000)
    qtbot.wait(100)
    assert 3 <= len(place.session.studies) < MANY


def test_a_film_that_is_replaced_before_it_is_decoded_is_never_shown(place, tmp_path, qtbot):
    paths = [ramp(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    place.films.open([tmp_path])
    qtbot.waitUntil(lambda: len(place.session.studies) == 3 and place.window.canvas.image is not None, timeout=8000)
    shown = []
    place.films.film_shown.connect(lambda image: shown.append(image.instance.path))
    _, first, second = sorted((o.instance for p in place.session.studies.patients() for s in p.studies for x in s.series
                            for o in x.opened), key=lambda i: i.path)  # fmt: skip
    for chosen in (first, second, first, second):
        place.films.show_instance(chosen)
    qtbot.waitUntil(lambda: place.window.canvas.image.instance == second, timeout=8000)
    qtbot.wait(100)
    assert shown == [paths[2]]


def test_a_film_that_cannot_be_decoded_leaves_a_sentence_in_its_place(place, tmp_path, qtbot):
    path = ramp(tmp_path / "b.png")
    place.films.open([ramp(tmp_path / "a.png"), path])
    qtbot.waitUntil(lambda: len(place.session.studies) == 2 and place.window.canvas.image is not None, timeout=8000)
    path.unlink()
    place.films.show_instance(place.session.studies.find(f"{path}#0").instance)
    qtbot.waitUntil(lambda: place.window.canvas.image is None, timeout=8000)
    assert place.window.canvas.message == "b.png could not be opened: there is no such file."
    assert not place.window.action("fit").isEnabled()


def test_a_draft_that_cannot_be_read_is_said_and_the_film_is_still_shown(place, picture):
    with sqlite3.connect(drafts_database()) as other:
        other.execute("DROP TABLE draft")
    other.close()
    place.report.take_film(picture(np.arange(100).reshape(10, 10)))
    (box,) = place.window.findChildren(QMessageBox)
    assert box.text().startswith("The report drafts in drafts.sqlite3 could not be read")
    assert place.window.report_editor.impression.isEnabled()
    box.close()
