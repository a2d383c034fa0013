"""Where the film lies in the canvas."""

import itertools

import pytest
from PySide6.QtCore import QPointF, QSizeF

from viewer.widgets.view_geometry import LARGEST_ZOOM, ViewGeometry

SIZE = QSizeF(800, 600)
FILM = ViewGeometry(rows=300, columns=200, aspect_ratio=1.25, zoom=1.7, pan=(35.0, -20.0))
TURNS = [
    ViewGeometry(300, 200, 1.25, 1.7, (35.0, -20.0), rotation, mirrored)
    for rotation, mirrored in itertools.product((0, 90, 180, 270), (False, True))
]
CORNERS = [QPointF(x, y) for x, y in ((0, 0), (200, 0), (200, 300), (0, 300), (31, 77))]

every_turn = pytest.mark.parametrize("view", TURNS, ids=lambda v: f"{v.rotation}{'-mirrored' if v.mirrored else ''}")


def mapped(view, x, y):
    at = view.to_canvas(SIZE).map(QPointF(x, y))
    return pytest.approx((at.x(), at.y()))


def on_canvas(view):
    points = [view.to_canvas(SIZE).map(corner) for corner in CORNERS]
    return [(p.x(), p.y()) for p in points]


def same(points):
    return [pytest.approx(point) for point in points]


def test_the_middle_of_the_film_lies_in_the_middle_of_the_canvas():
    assert mapped(ViewGeometry(300, 200), 100, 150) == (400, 300)


def test_zoom_pan_and_the_shape_of_the_pixels_place_the_corners():
    assert mapped(FILM, 0, 0) == (400 + 35 - 170, 300 - 20 - 1.7 * 1.25 * 150)
    assert mapped(FILM, 200, 300) == (400 + 35 + 170, 300 - 20 + 1.7 * 1.25 * 150)


@pytest.mark.parametrize(
    ("rotation", "mirrored", "place"),
    [(0, False, (300, 150)), (90, False, (550, 200)), (180, False, (500, 450)), (270, False, (250, 400)),
     (0, True, (500, 150)), (90, True, (550, 400)), (180, True, (300, 450)), (270, True, (250, 200))],
)  # fmt: skip
def test_the_upper_left_corner_goes_where_the_film_is_turned(rotation, mirrored, place):
    assert mapped(ViewGeometry(300, 200, rotation=rotation, mirrored=mirrored), 0, 0) == place


@every_turn
def test_film_to_canvas_and_back_is_the_same_point(view):
    there = view.to_canvas(SIZE)
    back, invertible = there.inverted()
    assert invertible
    for corner in CORNERS:
        again = back.map(there.map(corner))
        assert (again.x(), again.y()) == pytest.approx((corner.x(), corner.y()))


@pytest.mark.parametrize(
    ("film", "zoom"),
    [(ViewGeometry(300, 200), 2.0), (ViewGeometry(100, 400), 2.0), (ViewGeometry(300, 200, 2.0), 1.0),
     (ViewGeometry(300, 200, rotation=90), 8 / 3), (ViewGeometry(300, 200, 2.0, rotation=270), 4 / 3)],
)  # fmt: skip
def test_a_fitted_film_just_fits(film, zoom):
    assert film.fit_zoom(SIZE) == pytest.approx(zoom)


@every_turn
def test_fitting_centres_the_film_and_keeps_turns_and_flips(view):
    fitted = view.fitted(SIZE)
    assert mapped(fitted, 100, 150) == (400, 300)
    assert (fitted.rotation, fitted.mirrored) == (view.rotation, view.mirrored)
    assert all(-1e-6 <= x <= 800 + 1e-6 and -1e-6 <= y <= 600 + 1e-6 for x, y in on_canvas(fitted))


@every_turn
@pytest.mark.parametrize("factor", [0.6, 1.0, 3.5])
def test_zooming_keeps_the_film_point_under_the_cursor(view, factor):
    cursor = QPointF(610, 95)
    before = view.to_canvas(SIZE).inverted()[0].map(cursor)
    zoomed = view.zoomed(factor, cursor, SIZE)
    assert zoomed.zoom == pytest.approx(1.7 * factor)
    assert mapped(zoomed, before.x(), before.y()) == (610, 95)


def test_zoom_ends_at_forty_and_at_a_quarter_of_the_fitted_film():
    cursor = QPointF(400, 300)
    assert FILM.zoomed(1e6, cursor, SIZE).zoom == LARGEST_ZOOM
    assert ViewGeometry(3000, 2000).zoomed(1e-6, cursor, SIZE).zoom == pytest.approx(0.05)
    assert ViewGeometry(30, 20).zoomed(1e-6, cursor, SIZE).zoom == 0.25


@every_turn
def test_four_quarter_turns_change_nothing(view):
    assert view.rotated(90).rotated(90).rotated(90).rotated(90) == view
    assert view.rotated(-90) == view.rotated(90).rotated(180)


@every_turn
def test_a_quarter_turn_carries_every_point_clockwise_about_the_middle_of_the_canvas(view):
    turned = [(400 - (y - 300), 300 + (x - 400)) for x, y in on_canvas(view)]
    assert on_canvas(view.rotated(90)) == same(turned)


@every_turn
def test_a_flip_left_to_right_mirrors_what_is_seen(view):
    assert on_canvas(view.flipped_horizontally()) == same([(800 - x, y) for x, y in on_canvas(view)])


@every_turn
def test_a_flip_top_to_bottom_mirrors_what_is_seen(view):
    assert on_canvas(view.flipped_vertically()) == same([(x, 600 - y) for x, y in on_canvas(view)])


@every_turn
def test_flipping_twice_changes_nothing(view):
    assert view.flipped_horizontally().flipped_horizontally() == view
    assert view.flipped_vertically().flipped_vertically() == view


@every_turn
def test_panning_moves_every_point_as_far(view):
    assert on_canvas(view.panned(12, -7, SIZE)) == same([(x + 12, y - 7) for x, y in on_canvas(view)])


@every_turn
@pytest.mark.parametrize(("dx", "dy"), [(1e6, 0), (-1e6, 0), (0, 1e6), (0, -1e6)])
def test_panning_leaves_forty_points_of_the_film_on_the_canvas(view, dx, dy):
    points = on_canvas(view.panned(dx, dy, SIZE))
    across, down = zip(*points, strict=True)
    seen = {1e6: (800 - min(across), 600 - min(down)), -1e6: (max(across), max(down))}
    assert seen[dx or dy][dx == 0] == pytest.approx(40)
