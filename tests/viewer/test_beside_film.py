"""A held-out film beside the film on screen."""

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel

from viewer.desk.beside import BesideDesk
from viewer.desk.examples import ExamplesDesk
from viewer.desk.films import FilmsDesk
from viewer.desk.reading import ReadingDesk
from viewer.imaging.image import Window
from viewer.imaging.phantom import write_film
from viewer.jobs import JobQueue
from viewer.reading import ClassProbability, ConfusionExample, ConfusionMatrix
from viewer.second_reader.reader import ExamplePicture, SecondReader
from viewer.session import Session
from viewer.settings import Settings
from viewer.widgets.controls import ElidedLabel
from viewer.widgets.main_window import MainWindow

TITLES = {"covid": "COVID-19", "normal": "no finding"}
SHA = "e" * 64


class Place:
    """A window with the desks that a film and the one beside it need; no model."""

    def __init__(self):
        self.window, self.session, self.settings = MainWindow(), Session(), Settings()
        self.loading, self.reading = JobQueue(2), JobQueue(1)
        self.films = FilmsDesk(self.window, self.session, self.loading, self.settings)
        reader = SecondReader("cpu")
        self.readings = ReadingDesk(self.window, self.session, self.reading, self.settings, reader, [])
        queues = (self.reading, self.loading)
        self.examples = ExamplesDesk(self.window, self.session, *queues, self.settings, self.readings, reader)
        self.desk = BesideDesk(self.window, self.session, self.loading, self.examples)
        self.films.film_left.connect(self.desk.close)
        self.beside = self.window.beside

    def words(self):
        labels = [*self.beside.findChildren(QLabel), *self.beside.findChildren(ElidedLabel)]
        return "\n".join(label.text() for label in labels)


@pytest.fixture
def held_out(tmp_path):
    path = tmp_path / "held-out.png"
    PIL.Image.fromarray(np.tile(np.arange(250, dtype=np.uint8), (200, 1))).save(path)
    return ConfusionExample(SHA, "normal", "covid", (0.8, 0.2), "2", 0.1, source="cohen", view="PA", path=path)


@pytest.fixture
def place(qtbot, tmp_path, held_out, reading):
    """Return a place with a film that has been read, and one example that got its answer wrongly."""
    made = Place()
    qtbot.addWidget(made.window)
    made.window.resize(1400, 800)
    made.window.show()
    made.window.activateWindow()
    write_film(tmp_path / "film.dcm", rows=600, columns=500)
    made.films.open([tmp_path / "film.dcm"])
    qtbot.waitUntil(lambda: made.window.canvas.image is not None, timeout=20_000)
    chances = tuple(ClassProbability(n, t, p) for (n, t), p in zip(TITLES.items(), (0.9, 0.1), strict=True))
    matrix = ConfusionMatrix(tuple(TITLES), tuple(TITLES.values()), ((5, 1), (1, 5)))
    answer = reading(probabilities=chances, predicted="covid", matrix=matrix, examples=(held_out,))
    made.session.reading = answer
    made.window.panel.show_reading(answer)
    yield made
    assert made.loading.shut_down() and made.reading.shut_down()
    QApplication.processEvents()


def open_with_b(place, qtbot):
    card = place.window.panel.examples.cards()[0]
    card.setFocus()
    qtbot.keyClick(card, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: place.beside.canvas.image is not None, timeout=20_000)


def test_b_opens_the_example_beside_the_film_with_truth_and_answer(place, qtbot):
    open_with_b(place, qtbot)
    assert place.beside.isVisible() and place.window.canvas.isVisible()
    assert place.beside.canvas.image.columns == 250
    assert "Truth no finding; the model said COVID-19 (0.80), wrong" in place.words()
    assert "Another patient, cohen, PA" in place.words()


def test_the_enlarged_film_goes_beside_by_its_button(place, qtbot):
    card = place.window.panel.examples.cards()[0]
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(place.examples.enlarged.beside_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: place.beside.canvas.image is not None, timeout=20_000)
    assert not place.examples.enlarged.isVisible()


def test_it_has_the_window_of_the_film_and_follows_it(place, qtbot):
    open_with_b(place, qtbot)
    film = place.window.canvas.image
    low, high = int(film.pixels.min()), int(film.pixels.max())
    place.window.canvas.set_voi(Window((low + high) / 2, high - low))
    assert place.beside.canvas.voi == Window(124.5, 249.0)
    place.window.action("invert").trigger()
    assert place.beside.canvas.inverted


def test_dragging_it_moves_it_and_leaves_both_windows(place, qtbot):
    open_with_b(place, qtbot)
    canvas, before = place.beside.canvas, (place.beside.canvas.voi, place.window.canvas.geometry_of_view)
    where = canvas.geometry_of_view
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(canvas, QPoint(160, 140))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(160, 140))
    assert canvas.geometry_of_view != where
    assert (canvas.voi, place.window.canvas.geometry_of_view) == before


def test_escape_takes_it_away_and_only_then_resets_the_view(place, qtbot):
    open_with_b(place, qtbot)
    place.window.canvas.zoom_by(2)
    zoomed = place.window.canvas.geometry_of_view.zoom
    place.window.canvas.setFocus()
    qtbot.keyClick(place.window.canvas, Qt.Key.Key_Escape)
    assert place.beside.isHidden() and place.desk.example is None
    qtbot.keyClick(place.window.canvas, Qt.Key.Key_Escape)
    assert place.window.canvas.geometry_of_view.zoom < zoomed


def test_the_close_button_takes_it_away(place, qtbot):
    open_with_b(place, qtbot)
    qtbot.mouseClick(place.beside.close_button, Qt.MouseButton.LeftButton)
    assert place.beside.isHidden()


def test_it_goes_with_the_film(place, qtbot):
    open_with_b(place, qtbot)
    place.films.close_all()
    assert place.beside.isHidden() and place.beside.canvas.image is None


def test_m_shows_its_own_map_as_long_as_it_is_held(place, qtbot, one_hot_cell):
    open_with_b(place, qtbot)
    heat_map = one_hot_cell((4, 5), (1, 2), 50.0)
    grey = np.zeros((20, 25), np.uint8)
    place.examples.picture_made.emit(ExamplePicture("f" * 64, grey, None, heat_map))
    assert place.beside.canvas.heat_map is None
    place.examples.picture_made.emit(ExamplePicture(SHA, grey, None, heat_map))
    assert place.beside.canvas.heat_map is heat_map
    qtbot.keyPress(place.window.canvas, Qt.Key.Key_M)
    assert place.beside.canvas.heat_map_visible
    qtbot.keyRelease(place.window.canvas, Qt.Key.Key_M)
    assert not place.beside.canvas.heat_map_visible


def test_a_film_that_is_gone_is_named(place, qtbot, held_out):
    held_out.path.unlink()
    card = place.window.panel.examples.cards()[0]
    qtbot.keyClick(card, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: "held-out.png" in place.beside.canvas.message, timeout=20_000)


def test_the_film_of_an_example_is_shown_before_its_map_is_made(place, qtbot, held_out, shipped_model, monkeypatch):
    monkeypatch.setattr(ReadingDesk, "model_folder", shipped_model)
    monkeypatch.setattr(place.reading, "start", lambda job: None)
    card = place.window.panel.examples.cards()[0]
    place.examples.want(held_out)
    qtbot.waitUntil(lambda: card.has_picture, timeout=20_000)
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert place.examples.enlarged.heat_button.text() == "The heat map is being made"
    place.examples.stop()
