"""The heat map on the canvas: exactly in its place whatever the view, and nowhere else."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF

from viewer.imaging.image import Window
from viewer.widgets.heat_map_layer import HeatMapLook

STATES = list(itertools.product((0, 90, 180, 270), (None, True, False)))


@pytest.fixture
def black(canvas, picture):
    """Show a black film of 240 rows and 320 columns."""
    image = picture(np.zeros((240, 320)), vois=(Window(500, 1000),))
    canvas.show_image(image)
    canvas.set_heat_map_look(HeatMapLook(opacity=1.0, outline=False))
    return image


def lay(canvas, heat_map):
    canvas.set_heat_map(heat_map, "")
    canvas.set_heat_map_visible(True)


@pytest.fixture
def colored(grabbed):
    """Return a function that says how much is painted at each pixel, without the line that names the map."""

    def measure(canvas):
        amount = grabbed(canvas).sum(axis=2)
        amount[:40] = 0
        return amount

    return measure


def middle_of(amount):
    """Return the centre (x, y) of what is painted, weighted by how much."""
    rows, columns = np.indices(amount.shape) + 0.5
    return (columns * amount).sum() / amount.sum(), (rows * amount).sum() / amount.sum()


@pytest.mark.parametrize(("degrees", "flip"), STATES)
@pytest.mark.parametrize(("factor", "pan"), [(1.0, (0, 0)), (1.6, (33, 21)), (0.45, (-50, 35))])
def test_the_hot_cell_is_painted_exactly_over_its_place_on_the_film(
    canvas, black, one_hot_cell, degrees, flip, factor, pan, colored
):
    lay(canvas, one_hot_cell((12, 16), (6, 7), 20))
    canvas.rotate(degrees)
    if flip is not None:
        canvas.flip(flip)
    canvas.zoom_by(factor, QPointF(180, 170))
    canvas.geometry_of_view = canvas.geometry_of_view.panned(*pan, QSizeF(400, 300))
    expected = canvas.transform.map(QPointF(7.5 * 20, 6.5 * 20))
    assert middle_of(colored(canvas)) == pytest.approx((expected.x(), expected.y()), abs=1.5)


def test_a_map_of_a_part_of_the_film_lies_over_that_part_and_nothing_is_painted_outside(canvas, black, one_hot_cell, colored):
    part = {"bounds_row_column": (60.0, 40.0, 180.0, 160.0), "first_cell_row_column": (50.0, 30.0)}
    lay(canvas, one_hot_cell((8, 8), (1, 1), 20, **part))
    amount = colored(canvas)
    upper, lower = canvas.transform.map(QPointF(40, 60)), canvas.transform.map(QPointF(160, 180))
    inside = amount[int(upper.y()) : int(lower.y()) + 1, int(upper.x()) : int(lower.x()) + 1]
    assert inside.sum() > 0
    assert inside.sum() == amount.sum()
    hottest = np.unravel_index(amount.argmax(), amount.shape)
    expected = canvas.transform.map(QPointF(50, 70))
    assert (hottest[1], hottest[0]) == pytest.approx((expected.x(), expected.y()), abs=2)


def test_a_map_does_not_move_with_the_size_of_its_cells(canvas, black, one_hot_cell, colored):
    lay(canvas, one_hot_cell((3, 4), (1, 2), 80))
    expected = canvas.transform.map(QPointF(200, 120))
    assert middle_of(colored(canvas)) == pytest.approx((expected.x(), expected.y()), abs=1.5)


def test_the_map_is_painted_in_its_colour_at_its_opacity(canvas, black, one_hot_cell, grabbed):
    everywhere = one_hot_cell((1, 1), (0, 0), 400, bounds_row_column=(0, 0, 240, 320))
    canvas.set_heat_map_look(HeatMapLook(opacity=0.5, outline=False))
    lay(canvas, everywhere)
    assert grabbed(canvas)[150, 200] == pytest.approx([0xFC / 2, 0xFF / 2, 0xA4 / 2], abs=2)
    canvas.set_heat_map_look(HeatMapLook(opacity=1.0, color_map="viridis", outline=False))
    assert grabbed(canvas)[150, 200] == pytest.approx([0xFD, 0xE7, 0x25], abs=2)


def test_the_map_is_hidden_until_it_is_asked_for(canvas, black, one_hot_cell, colored, grabbed):
    canvas.set_heat_map(one_hot_cell((12, 16), (6, 7), 20), "COVID-19")
    assert grabbed(canvas).max() == 0
    canvas.set_heat_map_visible(True)
    assert colored(canvas).max() > 0
    canvas.set_heat_map_visible(False)
    assert grabbed(canvas).max() == 0


def test_a_map_that_stays_below_the_floor_is_withheld_and_named(canvas, black, one_hot_cell, colored, grabbed):
    lay(canvas, one_hot_cell((12, 16), (6, 7), 20, peak=0.04))
    assert colored(canvas).max() == 0
    assert grabbed(canvas)[:40].max() > 200


def test_where_the_map_is_below_the_floor_the_film_is_seen_as_it_is(canvas, picture, one_hot_cell, grabbed):
    canvas.show_image(picture(np.arange(60_000).reshape(200, 300) % 4096, vois=(Window(2000, 1000),)))
    canvas.one_to_one()
    before = grabbed(canvas)[50:250, 50:350]
    lay(canvas, one_hot_cell((10, 15), (7, 3), 20))
    after = grabbed(canvas)[50:250, 50:350]
    assert not np.array_equal(before[140:160, 60:80], after[140:160, 60:80])
    assert np.array_equal(before[:100], after[:100])


def test_the_name_of_the_class_stands_over_the_film_with_the_map(canvas, black, one_hot_cell, grabbed):
    canvas.set_heat_map(one_hot_cell((12, 16), (6, 7), 20), "COVID-19")
    canvas.set_heat_map_visible(True)
    assert grabbed(canvas)[:40].max() > 150


def test_the_outline_is_drawn_at_half_height_when_it_is_on(canvas, black, one_hot_cell, colored):
    lay(canvas, one_hot_cell((12, 16), (6, 7), 20))
    plain = colored(canvas)
    canvas.set_heat_map_look(HeatMapLook(opacity=1.0, outline=True))
    changed = np.argwhere(colored(canvas) != plain)
    center = canvas.transform.map(QPointF(150, 130))
    away = np.abs(changed + 0.5 - (center.y(), center.x())).max(axis=1)
    half_way = 10 * canvas.geometry_of_view.zoom
    assert len(changed) > 40
    assert away.max() == pytest.approx(half_way, abs=3)


def test_another_film_takes_the_map_of_the_last_one_away(canvas, black, one_hot_cell, picture, grabbed):
    lay(canvas, one_hot_cell((12, 16), (6, 7), 20))
    canvas.show_image(picture(np.zeros((240, 320)), vois=(Window(500, 1000),)))
    assert canvas.heat_map is None
    assert grabbed(canvas).max() == 0
