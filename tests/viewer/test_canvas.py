"""The canvas under the hands: what is painted, and what the mouse does."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from viewer.imaging.grayscale import to_display
from viewer.imaging.image import LookupTable, Window
from viewer.imaging.phantom import synthetic_film
from viewer.widgets.canvas import Tool

LEFT, MIDDLE, RIGHT, NONE = (
    Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton,
)  # fmt: skip
PLAIN, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip
RAMP = (np.arange(200 * 300).reshape(200, 300) * 7) % 4096
LUT = LookupTable(np.linspace(0, 255, 2000).astype(np.uint16), 500, 8, "NORMAL")


@pytest.fixture
def film(canvas, picture):
    """Show a ramp of 200 rows and 300 columns, 0 to 4095, W 1000 L 2000; return its Image."""
    image = picture(RAMP, vois=(Window(2000, 1000),))
    canvas.show_image(image)
    return image


def mouse(canvas, kind, at, button, buttons, modifiers=PLAIN):
    place = QPointF(*at)
    event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, buttons, modifiers)
    QApplication.sendEvent(canvas, event)


def press(canvas, at, button=LEFT):
    mouse(canvas, QEvent.Type.MouseButtonPress, at, button, button)


def move(canvas, at, button=LEFT, modifiers=PLAIN):
    mouse(canvas, QEvent.Type.MouseMove, at, NONE, button, modifiers)


def release(canvas, at, button=LEFT):
    mouse(canvas, QEvent.Type.MouseButtonRelease, at, button, NONE)


def drag(canvas, start, end, button=LEFT, modifiers=PLAIN):
    press(canvas, start, button)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    for at in (middle, end):
        move(canvas, at, button, modifiers)
    release(canvas, end, button)


def wheel(canvas, at, dy=120, dx=0, modifiers=PLAIN):
    place = QPointF(*at)
    event = QWheelEvent(
        place, canvas.mapToGlobal(place), QPoint(), QPoint(dx, dy), NONE, modifiers, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(canvas, event)


def under(canvas, at):
    """Return the film point (x, y) under a canvas point."""
    point = canvas.transform.inverted()[0].map(QPointF(*at))
    return pytest.approx((point.x(), point.y()), abs=1e-6)


def film_point(canvas, at):
    point = canvas.transform.inverted()[0].map(QPointF(*at))
    return point.x(), point.y()


# ---------------------------------------------------------------------------------------------------------- painting


def test_at_one_to_one_every_pixel_is_painted_as_the_display_says(canvas, film, grabbed):
    canvas.one_to_one()
    painted = grabbed(canvas)
    expected = np.zeros((300, 400, 3), np.int16)
    expected[50:250, 50:350] = to_display(film)[..., np.newaxis]
    assert np.array_equal(painted, expected)


def test_at_one_to_one_a_film_larger_than_the_canvas_shows_its_middle(canvas, picture, grabbed):
    image = picture(np.arange(600 * 800).reshape(600, 800) % 4096, vois=(Window(2000, 3000),))
    canvas.show_image(image)
    canvas.one_to_one()
    assert np.array_equal(grabbed(canvas)[..., 0], to_display(image)[150:450, 200:600])


@pytest.mark.parametrize(("photometric", "inverse"), [("MONOCHROME1", False), ("MONOCHROME2", True)])
def test_a_film_that_is_stored_inverted_is_painted_as_the_display_says(canvas, picture, photometric, inverse, grabbed):
    image = picture(RAMP, vois=(Window(2000, 1000),), photometric_interpretation=photometric, presentation_inverse=inverse)
    canvas.show_image(image)
    canvas.one_to_one()
    assert np.array_equal(grabbed(canvas)[50:250, 50:350, 0], to_display(image))


def test_a_voi_lut_of_the_file_is_painted(canvas, picture, grabbed):
    image = picture(RAMP, vois=(LUT,))
    canvas.show_image(image)
    canvas.one_to_one()
    assert np.array_equal(grabbed(canvas)[50:250, 50:350, 0], to_display(image, LUT))


@pytest.mark.parametrize("inverted", [False, True])
def test_colours_are_painted_as_they_are_after_a_grey_film_too(canvas, film, picture, inverted, grabbed):
    colors = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    image = picture(colors, "uint8")
    canvas.show_image(image)
    canvas.one_to_one()
    canvas.set_inverted(inverted)
    assert np.array_equal(grabbed(canvas)[50:250, 50:350], to_display(image, invert=inverted))


def test_inverting_turns_every_grey_over_and_back(canvas, film, grabbed):
    canvas.one_to_one()
    canvas.set_inverted(True)
    assert np.array_equal(grabbed(canvas)[50:250, 50:350, 0], 255 - to_display(film))
    canvas.set_inverted(False)
    assert np.array_equal(grabbed(canvas)[50:250, 50:350, 0], to_display(film))


@pytest.mark.parametrize(
    ("degrees", "horizontal", "expected"),
    [(90, None, lambda grey: np.rot90(grey, -1)), (180, None, lambda grey: grey[::-1, ::-1]),
     (270, None, np.rot90), (0, True, lambda grey: grey[:, ::-1]), (0, False, lambda grey: grey[::-1]),
     (90, True, lambda grey: np.rot90(grey, -1)[:, ::-1])],
    ids=["90", "180", "270", "left-right", "top-bottom", "90-left-right"],
)  # fmt: skip
def test_a_turned_or_flipped_film_is_painted_pixel_by_pixel(canvas, film, degrees, horizontal, expected, grabbed):
    canvas.one_to_one()
    canvas.rotate(degrees)
    if horizontal is not None:
        canvas.flip(horizontal)
    grey = expected(to_display(film))
    top, left = (300 - grey.shape[0]) // 2, (400 - grey.shape[1]) // 2
    assert np.array_equal(grabbed(canvas)[top : top + grey.shape[0], left : left + grey.shape[1], 0], grey)


def test_pixels_are_squares_where_they_are_large(canvas, picture, grabbed):
    image = picture([[0, 4000], [2000, 1000]], vois=(Window(2000, 4000),))
    canvas.resize(300, 300)
    canvas.show_image(image)
    assert np.array_equal(grabbed(canvas)[..., 0], np.kron(to_display(image), np.ones((150, 150), np.int16)))


def test_pixels_that_are_not_square_are_painted_in_true_proportion(canvas, picture, grabbed):
    canvas.show_image(picture(np.full((100, 100), 9), vois=(Window(0, 2),), aspect_ratio=0.5))
    rows, columns = (np.flatnonzero(grabbed(canvas)[..., 0].any(axis=axis)) for axis in (1, 0))
    assert (len(columns), len(rows)) == (400, 200)


def test_a_large_film_that_fits_is_painted_as_the_mean_of_its_pixels(canvas, picture, grabbed):
    film = synthetic_film(rows=3000, columns=2500)
    canvas.resize(500, 600)
    canvas.show_image(picture(film.pixels, vois=(Window(2050, 2500),)))
    display = to_display(canvas.image)
    mean = display.reshape(600, 5, 500, 5).mean(axis=(1, 3))
    difference = np.abs(grabbed(canvas)[..., 0] - mean)
    assert difference.mean() < 1.5
    assert np.abs(display[2::5, 2::5] - mean).mean() > 1.5


def test_lines_that_the_screen_can_show_are_not_lost_when_a_large_film_fits(canvas, picture, grabbed):
    pixels = np.zeros((3000, 2500))
    pixels[:, np.arange(2500) % 20 < 10] = 1000
    canvas.resize(500, 600)
    canvas.show_image(picture(pixels, vois=(Window(500, 1000),)))
    painted = grabbed(canvas)[300, 100:400, 0]
    assert painted.reshape(-1, 4).std(axis=1).min() > 85


def test_each_level_of_the_pyramid_lies_where_the_film_lies(canvas, picture, grabbed):
    canvas.resize(500, 600)
    canvas.show_image(picture(spot_on_black(3000, 2500, 1000, 400, 60), vois=(Window(500, 1000),)))
    for factor in (1.0, 0.6, 0.5, 2.0, 4.0):
        canvas.fit()
        canvas.zoom_by(factor, canvas.transform.map(QPointF(430, 1030)))
        expected = canvas.transform.map(QPointF(430, 1030))
        rows, columns = np.nonzero(grabbed(canvas)[..., 0] > 100)
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((expected.x(), expected.y()), abs=1.0)


def test_a_film_that_follows_one_never_painted_is_not_taken_for_the_film_before_it(canvas, picture, grabbed):
    films = [picture(np.full((200, 300), grey), vois=(Window(128, 256),)) for grey in (50, 100, 150)]
    for before, between, after in itertools.permutations(films):
        canvas.show_image(before, (before.pixels,))
        assert grabbed(canvas)[150, 200, 0] == before.pixels[0, 0]
        canvas.show_image(between, (between.pixels,))
        canvas.show_image(after, (after.pixels,))
        assert grabbed(canvas)[150, 200, 0] == after.pixels[0, 0]


def test_without_a_film_a_sentence_stands_in_its_place(canvas, film, grabbed):
    canvas.clear("film.dcm could not be opened: it is empty (0 bytes).")
    painted = grabbed(canvas)
    assert painted.max() > 100
    canvas.clear()
    assert grabbed(canvas).max() == 0


def spot_on_black(rows, columns, top, left, side):
    pixels = np.zeros((rows, columns), np.uint16)
    pixels[top : top + side, left : left + side] = 1000
    return pixels


# --------------------------------------------------------------------------------------------------- window and level


def test_the_press_itself_changes_nothing(canvas, film):
    heard = []
    canvas.voi_changed.connect(lambda: heard.append("voi"))
    canvas.view_changed.connect(lambda: heard.append("view"))
    press(canvas, (100, 100))
    move(canvas, (102, 101))
    release(canvas, (102, 101))
    assert (canvas.voi, heard) == (Window(2000, 1000), [])


@pytest.mark.parametrize(
    ("moved", "modifiers", "center", "width"),
    [((50, 0), PLAIN, 2000, 1200), ((-50, 0), PLAIN, 2000, 800), ((0, 50), PLAIN, 1800, 1000),
     ((0, -50), PLAIN, 2200, 1000), ((50, 0), SHIFT, 2000, 1040), ((50, 0), CTRL, 2000, 1800), ((0, 50), CTRL, 1200, 1000)],
)  # fmt: skip
def test_a_drag_changes_the_window_by_its_width_each_250_pixels(canvas, film, moved, modifiers, center, width):
    drag(canvas, (200, 150), (200 + moved[0], 150 + moved[1]), modifiers=modifiers)
    assert (canvas.voi.center, canvas.voi.width) == pytest.approx((center, width))


def test_dragging_down_makes_the_film_brighter(canvas, film, grabbed):
    before = grabbed(canvas).mean()
    drag(canvas, (200, 150), (200, 190))
    assert grabbed(canvas).mean() > before + 5


def test_the_preference_turns_the_direction(canvas, film):
    canvas.drag_down_brighter = False
    drag(canvas, (200, 150), (200, 200))
    assert canvas.voi == Window(2200, 1000)


def test_dragging_back_to_where_it_began_gives_the_window_back(canvas, film):
    press(canvas, (200, 150))
    for at in ((260, 170), (310, 40), (200, 150)):
        move(canvas, at)
    release(canvas, (200, 150))
    assert canvas.voi == Window(2000, 1000)


def test_a_second_drag_starts_from_the_window_the_first_one_left(canvas, film):
    for _ in range(2):
        drag(canvas, (200, 150), (250, 150))
    assert canvas.voi.width == pytest.approx(1440)


def test_the_window_stays_inside_the_range_of_the_film(canvas, film):
    drag(canvas, (200, 150), (200, 5000))
    assert canvas.voi.center == 0
    drag(canvas, (200, 150), (9000, 150))
    assert canvas.voi.width == 2 * 4095
    drag(canvas, (200, 150), (-9000, 150))
    assert canvas.voi.width == 1


def test_the_first_drag_leaves_the_voi_lut_for_a_window_over_its_input_range(canvas, picture):
    canvas.show_image(picture(RAMP, vois=(LUT,)))
    drag(canvas, (200, 150), (225, 150))
    assert canvas.voi == Window(1500, 2200, "LINEAR")


def test_a_drag_over_a_coloured_picture_changes_nothing(canvas, picture):
    canvas.show_image(picture(np.zeros((20, 30, 3)), "uint8"))
    drag(canvas, (200, 150), (260, 190))
    assert canvas.voi is None


def test_moving_without_a_button_changes_nothing(canvas, film):
    move(canvas, (100, 100), NONE)
    move(canvas, (300, 100), NONE)
    assert canvas.voi == Window(2000, 1000)


# ------------------------------------------------------------------------------------------------------ pan and zoom


def test_the_middle_button_pans(canvas, film):
    canvas.one_to_one()
    before = film_point(canvas, (200, 150))
    drag(canvas, (200, 150), (230, 110), MIDDLE)
    assert under(canvas, (230, 110)) == before
    assert canvas.voi == Window(2000, 1000)


def test_space_and_the_left_button_pan_until_space_is_let_go(canvas, film):
    canvas.one_to_one()
    before = film_point(canvas, (200, 150))
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, (200, 150), (230, 110))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert under(canvas, (230, 110)) == before
    assert canvas.voi == Window(2000, 1000)
    drag(canvas, (200, 150), (250, 150))
    assert canvas.voi.width == 1200


def test_space_does_not_stay_held_when_the_keyboard_goes_elsewhere(canvas, film):
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QApplication.sendEvent(canvas, QFocusEvent(QEvent.Type.FocusOut))
    drag(canvas, (200, 150), (250, 150))
    assert canvas.voi.width == 1200


def test_the_right_button_zooms_at_the_point_where_it_went_down(canvas, film):
    before = film_point(canvas, (260, 90))
    zoom = canvas.geometry_of_view.zoom
    drag(canvas, (260, 90), (260, 30), RIGHT)
    assert canvas.geometry_of_view.zoom == pytest.approx(zoom * np.exp(60 / 150))
    assert under(canvas, (260, 90)) == before


def test_a_right_drag_opens_no_menu_and_a_right_click_does(canvas, film, qtbot):
    with qtbot.assertNotEmitted(canvas.context_requested):
        drag(canvas, (260, 90), (260, 30), RIGHT)
    view = canvas.geometry_of_view
    with qtbot.waitSignal(canvas.context_requested) as asked:
        press(canvas, (260, 90), RIGHT)
        release(canvas, (261, 90), RIGHT)
    assert asked.args == [canvas.mapToGlobal(QPoint(261, 90))]
    assert canvas.geometry_of_view == view


@pytest.mark.parametrize(("tool", "changed"), [(Tool.WINDOW, "voi"), (Tool.PAN, "pan"), (Tool.ZOOM, "zoom")])
def test_the_left_button_does_what_the_tool_says(canvas, film, tool, changed):
    canvas.tool = tool
    before = {"voi": canvas.voi, "pan": canvas.geometry_of_view.pan, "zoom": canvas.geometry_of_view.zoom}
    drag(canvas, (200, 150), (200, 110))
    after = {"voi": canvas.voi, "pan": canvas.geometry_of_view.pan, "zoom": canvas.geometry_of_view.zoom}
    assert [name for name in before if before[name] != after[name]] == [changed]


def test_a_second_quick_press_of_the_middle_button_pans_too(canvas, film):
    canvas.one_to_one()
    before = film_point(canvas, (200, 150))
    mouse(canvas, QEvent.Type.MouseButtonDblClick, (200, 150), MIDDLE, MIDDLE)
    move(canvas, (230, 110), MIDDLE)
    release(canvas, (230, 110), MIDDLE)
    assert under(canvas, (230, 110)) == before


@pytest.mark.parametrize(("turns", "factor"), [(120, 1.15), (-120, 1 / 1.15), (360, 1.15**3)])
def test_the_wheel_zooms_a_single_film_at_the_cursor(canvas, film, turns, factor):
    before, zoom = film_point(canvas, (310, 60)), canvas.geometry_of_view.zoom
    wheel(canvas, (310, 60), turns)
    assert canvas.geometry_of_view.zoom == pytest.approx(zoom * factor)
    assert under(canvas, (310, 60)) == before


def steps(canvas):
    heard = []
    canvas.step_requested.connect(heard.append)
    canvas.wheel_steps = True
    return heard


def test_the_wheel_steps_through_a_series_and_zooms_with_ctrl(canvas, film):
    heard, zoom = steps(canvas), canvas.geometry_of_view.zoom
    wheel(canvas, (200, 150), 120)
    wheel(canvas, (200, 150), -120)
    assert (heard, canvas.geometry_of_view.zoom) == ([-1, 1], zoom)
    wheel(canvas, (200, 150), 120, modifiers=CTRL)
    assert heard == [-1, 1]
    assert canvas.geometry_of_view.zoom == pytest.approx(zoom * 1.15)


def test_the_small_moves_of_a_touchpad_add_up_to_one_step(canvas, film):
    heard = steps(canvas)
    for _ in range(7):
        wheel(canvas, (200, 150), -30)
    assert heard == [1]


def test_a_sideways_scroll_steps_nowhere(canvas, film):
    heard = steps(canvas)
    wheel(canvas, (200, 150), 0, dx=120)
    assert heard == []


def test_a_double_click_fits_the_film(canvas, film):
    canvas.zoom_by(3)
    QTest.mouseDClick(canvas, LEFT, PLAIN, QPoint(100, 100))
    assert canvas.geometry_of_view.zoom == pytest.approx(4 / 3)
    assert canvas.geometry_of_view.pan == (0, 0)


def test_a_fitted_film_stays_fitted_when_the_canvas_grows_and_a_zoomed_one_stays_zoomed(canvas, film):
    canvas.resize(600, 300)
    assert canvas.geometry_of_view.zoom == 1.5
    canvas.zoom_by(2)
    canvas.resize(900, 700)
    assert canvas.geometry_of_view.zoom == 3.0


def test_a_turned_film_that_was_fitted_is_fitted_again(canvas, film):
    canvas.rotate(90)
    assert canvas.geometry_of_view.zoom == 1.0


def test_reset_shows_the_film_as_it_was_first_shown(canvas, film, grabbed):
    before = grabbed(canvas)
    canvas.zoom_by(3, QPointF(10, 10))
    canvas.rotate(90)
    canvas.flip(True)
    canvas.set_inverted(True)
    drag(canvas, (200, 150), (250, 190))
    canvas.reset()
    assert np.array_equal(grabbed(canvas), before)
    assert (canvas.voi, canvas.inverted) == (Window(2000, 1000), False)


def test_the_next_film_begins_upright_fitted_and_in_its_own_window(canvas, film, picture):
    canvas.rotate(90)
    canvas.zoom_by(3)
    canvas.set_inverted(True)
    canvas.show_image(picture(RAMP[:100], vois=(Window(700, 50),)))
    view = canvas.geometry_of_view
    assert (view.rotation, view.pan, view.zoom) == (0, (0, 0), pytest.approx(4 / 3))
    assert (canvas.voi, canvas.inverted) == (Window(700, 50), False)


def test_the_next_image_of_a_series_keeps_window_view_and_inversion(canvas, film, picture):
    canvas.rotate(90)
    canvas.zoom_by(3)
    canvas.set_inverted(True)
    drag(canvas, (200, 150), (250, 150))
    view = canvas.geometry_of_view
    following = picture(RAMP[::-1], vois=(Window(700, 50),))
    canvas.show_image(following, keep_view=True)
    assert (canvas.geometry_of_view, canvas.voi, canvas.inverted) == (view, Window(2000, 1200), True)
    canvas.show_image(following)
    assert (canvas.geometry_of_view.rotation, canvas.voi, canvas.inverted) == (0, Window(700, 50), False)


# ------------------------------------------------------------------------------------------------------- the cursor


@pytest.mark.parametrize(
    ("at", "pixel"), [((50, 50), (0, 0)), ((349, 249), (199, 299)), ((200.5, 150.9), (100, 150)), ((49, 50), None),
                      ((350, 249), None), ((200, 250), None)]
)  # fmt: skip
def test_the_pixel_under_the_cursor_is_told(canvas, film, qtbot, at, pixel):
    canvas.one_to_one()
    with qtbot.waitSignal(canvas.pixel_pointed) as pointed:
        move(canvas, at, NONE)
    assert pointed.args == [pixel]


def test_the_cursor_that_leaves_points_at_nothing(canvas, film, qtbot):
    with qtbot.waitSignal(canvas.pixel_pointed) as pointed:
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert pointed.args == [None]


def test_without_a_film_no_gesture_does_harm(canvas, grabbed):
    for button in (LEFT, MIDDLE, RIGHT):
        drag(canvas, (100, 100), (200, 150), button)
    wheel(canvas, (100, 100))
    canvas.reset()
    canvas.set_voi(Window(1, 2))
    assert canvas.voi is None
    assert grabbed(canvas).max() == 0
