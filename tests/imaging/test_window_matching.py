"""The window of one film on another."""

import numpy as np
import pytest

from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Identity, Image, Instance, LookupTable, Window
from viewer.imaging.window_matching import matched_voi


def film(low, high, dtype="uint16", is_dicom=True, photometric="MONOCHROME2", unit=""):
    """Return a film whose values run evenly from ``low`` to ``high`` in five columns."""
    from_to = np.linspace(low, high, 5).astype(dtype)[None]
    record = Instance("film", 0, 1, 1, 5, Identity(), is_dicom)
    return Image(record, from_to, "a" * 64, photometric, unit=unit)


def test_two_pictures_of_one_depth_have_the_very_same_window():
    first, second = film(0, 255, "uint8", False), film(30, 200, "uint8", False)
    assert matched_voi(Window(90, 100), first, second) == Window(90, 100)


def test_hounsfield_units_mean_the_same_everywhere():
    first, second = film(-1000, 1000, "int16", unit="HU"), film(-900, 3000, "int16", unit="HU")
    assert matched_voi(Window(-600, 1500), first, second) == Window(-600, 1500)


def test_beside_a_dicom_film_a_picture_has_the_window_by_fractions_of_its_range():
    assert matched_voi(Window(1000, 2000), film(0, 4000), film(50, 250, "uint8", False)) == Window(100, 100)


def test_where_one_film_is_stored_inverse_the_place_is_counted_from_the_other_end():
    first = film(0, 4000, photometric="MONOCHROME1")
    assert matched_voi(Window(1000, 2000), first, film(0, 200, "uint8", False)) == Window(150, 100)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_greys_on_screen_are_the_same(photometric):
    first, second = film(0, 4000, photometric="MONOCHROME2"), film(0, 40000, photometric=photometric)
    shown = to_display(second, matched_voi(Window(2000, 3000), first, second))
    expected = to_display(first, Window(2000, 3000))
    assert np.abs(shown[:, :: -1 if photometric == "MONOCHROME1" else 1].astype(int) - expected).max() <= 1


def test_of_a_lookup_table_the_range_of_its_input_is_taken():
    table = LookupTable(np.arange(1000, dtype=np.uint16), 500, 16)
    assert matched_voi(table, film(0, 4000), film(0, 40000)) == Window(10000, 10000)


def test_a_picture_of_one_value_has_no_range_and_its_window_is_still_allowed():
    assert matched_voi(Window(1000, 2000), film(0, 4000), film(7, 7, "uint8", False)).width == 1.0


def test_values_that_are_no_whole_numbers_may_have_a_narrow_window():
    assert matched_voi(Window(1000, 2000), film(0, 4000), film(0, 1, "float32")) == Window(0.25, 0.5, "LINEAR_EXACT")
