"""What lies over a film on the canvas: overlays, display shutter and padding follow it, and can be taken away."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from viewer.desk.films import FilmsDesk
from viewer.imaging.image import Overlay, Shutter, Window
from viewer.imaging.overlays import GRAPHICS_COLOR
from viewer.imaging.picture_cache import DecodedPicture
from viewer.jobs import JobQueue
from viewer.session import Session
from viewer.settings import Settings
from viewer.widgets.main_window import MainWindow

GREY = [128, 128, 128]
BLACK = [0, 0, 0]
AMBER = list(GRAPHICS_COLOR)
SIDE = 300
"""A film of 300 by 300 pixels in a canvas of 400 by 300 points: one to one, from x = 50 on."""


def square(row, column, size=20):
    return Overlay(np.ones((size, size), bool), row, column)


@pytest.fixture
def film(canvas, picture):
    """Return a shower of an even grey film with an overlay at its top left; fields of Image as wished."""

    def show(**fields):
        image = picture(np.full((SIDE, SIDE), 100), **{"vois": (Window(100, 201),), "overlays": (square(10, 10),), **fields})
        canvas.show_image(image)
        return image

    return show


@pytest.fixture
def color(canvas, grabbed):
    """Return what is painted at a point of the film as it is seen, (x, y) from its top left."""
    return lambda x, y: grabbed(canvas)[y, x + 50].tolist()


def test_an_overlay_is_drawn_in_colour_and_can_be_hidden(canvas, film, color):
    film()
    assert (color(20, 20), color(40, 40)) == (AMBER, GREY)
    canvas.set_overlays_visible(False)
    assert color(20, 20) == GREY
    canvas.set_overlays_visible(True)
    assert color(20, 20) == AMBER


def test_hidden_overlays_stay_hidden_on_the_next_film(canvas, film, color):
    canvas.set_overlays_visible(False)
    film()
    assert color(20, 20) == GREY


TURNS = [
    (lambda canvas: canvas.flip(True), (279, 20)),
    (lambda canvas: canvas.flip(False), (20, 279)),
    (lambda canvas: canvas.rotate(90), (279, 20)),
    (lambda canvas: canvas.rotate(180), (279, 279)),
]


@pytest.mark.parametrize(("turn", "place"), TURNS)
def test_an_overlay_follows_the_film(canvas, film, color, turn, place):
    film()
    turn(canvas)
    assert color(*place) == AMBER
    assert color(20, 20) == GREY


def test_an_overlay_keeps_its_place_when_the_film_is_zoomed(canvas, film, grabbed):
    film()
    for factor in (0.4, 2.0, 9.0):
        canvas.fit()
        canvas.zoom_by(factor)
        at = canvas.transform.map(20.0, 20.0)
        if 0 <= at[0] < 400 and 0 <= at[1] < 300:
            assert grabbed(canvas)[int(at[1]), int(at[0])].tolist() == AMBER


def test_what_is_shuttered_is_drawn_in_one_grey_until_the_shutter_is_taken_away(canvas, film, color):
    covered = np.zeros((SIDE, SIDE), bool)
    covered[:, 150:] = True
    film(shutter=Shutter(covered, 64))
    assert (color(149, 200), color(150, 200)) == (GREY, [64, 64, 64])
    canvas.set_inverted(True)
    assert color(200, 200) == [64, 64, 64]
    canvas.set_inverted(False)
    canvas.set_shutter_visible(False)
    assert color(200, 200) == GREY


def test_values_under_the_shutter_are_still_told(canvas, film, qtbot):
    image = film(shutter=Shutter(np.ones((SIDE, SIDE), bool), 0))
    with qtbot.waitSignal(canvas.pixel_pointed) as pointed:
        QTest.mouseMove(canvas, QPointF(200, 150).toPoint())
    assert pointed.args[0] == (150, 150)
    assert image.pixels[pointed.args[0]] == 100


def test_padding_is_drawn_black_in_a_negative_too(canvas, film, color):
    padding = np.zeros((SIDE, SIDE), bool)
    padding[:100] = True
    film(padding=padding, overlays=())
    canvas.set_inverted(True)
    assert (color(50, 50), color(50, 150)) == (BLACK, [127, 127, 127])


def test_the_next_film_brings_its_own_layers(canvas, film, color):
    film(shutter=Shutter(np.ones((SIDE, SIDE), bool), 0), overlays=())
    assert color(20, 20) == BLACK
    film()
    assert (color(20, 20), color(200, 200)) == (AMBER, GREY)
    film(overlays=(square(190, 190),))
    assert (color(20, 20), color(200, 200)) == (GREY, AMBER)


@pytest.fixture
def films(qtbot):
    """Return the films desk of a window on screen."""
    made, queue = MainWindow(), JobQueue(1)
    qtbot.addWidget(made)
    desk = FilmsDesk(made, Session(), queue, Settings())
    made.show()
    qtbot.waitExposed(made)
    yield desk
    assert queue.shut_down()


def test_keys_of_the_window_hide_and_show_the_layers(films, picture, grabbed):
    covered = np.zeros((SIDE, SIDE), bool)
    covered[:, 150:] = True
    image = picture(np.full((SIDE, SIDE), 100), overlays=(square(10, 10),), shutter=Shutter(covered))
    films.cache.put(DecodedPicture(image, (image.pixels,)))
    films.show_instance(image.instance)
    window = films.parent()
    window.canvas.corner_texts_visible = False
    assert window.action("overlays").isChecked()
    assert window.action("shutter").isChecked()
    assert painted_at(window.canvas, grabbed) == [AMBER, BLACK]
    QTest.keyClick(window.canvas, Qt.Key.Key_O, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(window.canvas, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert AMBER not in painted_at(window.canvas, grabbed)
    assert BLACK not in painted_at(window.canvas, grabbed)


def painted_at(canvas, grabbed):
    """Return the colours over the film's overlay and under its shutter."""
    picture = grabbed(canvas)
    points = [canvas.transform.map(x, y) for x, y in ((20.0, 20.0), (200.0, 200.0))]
    return [picture[int(y), int(x)].tolist() for x, y in points]
