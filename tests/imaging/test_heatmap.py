"""Heat maps: exact in place, one fixed scale, closed outlines."""

import numpy as np
import pytest

from viewer.imaging.heatmap import blend, heat_field, legend, outline, overlay_rgba
from viewer.reading import HeatMap

CELLS = np.array([[0, 1, 2], [3, 8, 5]], np.float32)


def make_map(cells=CELLS, first=(20.0, 10.0), step=(40.0, 20.0), bounds=(0, 0, 80, 60)):
    return HeatMap("covid", np.asarray(cells, np.float32), first, step, bounds, float(np.max(cells)), 10.0, 1.0)


def test_a_field_has_the_value_of_a_cell_at_its_centre():
    field = heat_field(make_map(), 80, 60)
    # Film pixels 19 and 20 meet at 20.0, the centre of the first row of cells.
    assert field[19:21, 29:31].mean() == pytest.approx(1.0, abs=0.1)
    exact = heat_field(make_map(), 1, 1, top=59.5, left=29.5, height=1, width=1)
    assert exact.tolist() == [[8.0]]


def test_between_centres_a_field_is_bilinear():
    assert heat_field(make_map(), 1, 1, top=39.5, left=19.5, height=1, width=1).tolist() == [[3.0]]


def test_beyond_the_outer_centres_a_field_is_constant_and_outside_the_bounds_nothing():
    field = heat_field(make_map(), 1, 4, top=79, left=57.5, height=1, width=4)
    assert field.tolist() == [[5.0, 5.0, 5.0, 0.0]] or field.tolist() == [[5.0, 5.0, 0.0, 0.0]]
    assert heat_field(make_map(), 2, 1, top=79.5, left=30, height=2, width=1)[:, 0].tolist() == [0.0, 0.0]


def test_a_field_does_not_depend_on_the_zoom():
    whole = heat_field(make_map(), 80, 60)
    part = heat_field(make_map(), 20, 15, top=30, left=20, height=20, width=15)
    assert np.allclose(whole[30:50, 20:35], part, atol=1e-5)


def test_a_map_of_one_cell_is_flat():
    field = heat_field(make_map([[7]], first=(40, 30), step=(80, 60)), 8, 6, height=80, width=60)
    assert np.all(field == 7)


def test_nothing_is_painted_at_the_floor_and_all_at_full_scale():
    rgba = overlay_rgba(np.array([[0.0, 1.0, 10.0, 99.0]]), full_scale=10, floor=1, opacity=0.5)
    assert rgba[0, :, 3].tolist() == [0, 0, 128, 128]
    assert rgba[0, 2].tolist() == rgba[0, 3].tolist()


def test_a_value_at_a_third_of_the_scale_is_already_plainly_seen():
    rgba = overlay_rgba(np.array([[1.5, 4.0, 10.0]]), full_scale=10, floor=1, opacity=0.5)
    assert rgba[0, 1, 3] == rgba[0, 2, 3] == 128
    assert 0 < rgba[0, 0, 3] < 128


def test_colours_stand_for_values_and_never_for_a_maps_own_peak():
    weak = overlay_rgba(np.array([[2.0, 4.0]]), full_scale=10, floor=0)
    alone = overlay_rgba(np.array([[2.0]]), full_scale=10, floor=0)
    assert weak[0, 0].tolist() == alone[0, 0].tolist()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("inferno", [0, 0, 4], [252, 255, 164]), ("viridis", [68, 1, 84], [253, 231, 37])],
)
def test_a_legend_has_full_scale_on_top(name, first, last):
    strip = legend(name, 100, 8)
    assert strip.shape == (100, 8, 3)
    assert np.abs(strip[-1, 0].astype(int) - first).max() <= 1
    assert np.abs(strip[0, 0].astype(int) - last).max() <= 1


def test_a_blend_is_a_weighted_mean():
    rgba = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [200, 100, 0, 51]]], np.uint8)
    assert blend(np.full((1, 3), 100, np.uint8), rgba).tolist() == [[[100, 100, 100], [255, 0, 0], [120, 100, 80]]]


def test_an_outline_runs_where_the_field_crosses_its_level():
    y, x = np.mgrid[0:60, 0:80] + 0.5
    field = 10 - np.hypot(y - 30, x - 40)
    (line,) = outline(field, 5)
    assert np.array_equal(line[0], line[-1])
    assert np.allclose(np.hypot(line[:, 0] - 30, line[:, 1] - 40), 5, atol=0.05)


def test_every_outline_is_closed_even_at_the_edge_of_the_view():
    field = np.random.default_rng(3).random((40, 50))
    lines = outline(field, 0.6)
    assert len(lines) > 20
    assert all(np.array_equal(line[0], line[-1]) for line in lines)
    assert outline(field, 2.0) == []
