"""The synthetic film is what its record says."""

import numpy as np
import pydicom
import pytest

from viewer.imaging.grayscale import to_display
from viewer.imaging.phantom import synthetic_film, write_film
from viewer.imaging.reader import read_file

SIZE = {"rows": 1200, "columns": 1000}


@pytest.fixture(scope="module")
def film():
    return synthetic_film(**SIZE)


def test_the_lungs_are_as_wide_as_the_thorax_is_said_to_be(film):
    columns = np.flatnonzero(film.lungs.any(axis=0))
    width_mm = (columns[-1] - columns[0] + 1) * film.spacing_mm[1]
    assert film.thorax_width_mm == 260.0
    assert width_mm == pytest.approx(260.0, abs=2.0)


def test_the_heart_is_as_wide_as_it_is_said_to_be(film):
    # The widest gap between the lungs above the diaphragm, on both sides of the midline.
    rows = film.lungs[650:800]
    middle = film.lungs.shape[1] // 2
    right_border = max(middle - np.flatnonzero(row[:middle])[-1] for row in rows)
    left_border = max(np.flatnonzero(row[middle:])[0] for row in rows)
    assert (right_border + left_border) * film.spacing_mm[1] == pytest.approx(film.heart_width_mm, abs=4.0)


def test_the_ratio_follows_from_the_widths(film):
    assert film.cardiothoracic_ratio == pytest.approx(0.4803, abs=1e-4)


def test_the_opacity_is_where_it_is_said_to_be(film):
    with_opacity = synthetic_film(opacity=True, **SIZE)
    difference = with_opacity.pixels.astype(int) - film.pixels
    row, column = np.argwhere(difference > difference.max() * 0.5).mean(axis=0)
    assert (row, column) == pytest.approx(with_opacity.opacity_row_column, abs=2)
    y, x = np.mgrid[0:1200, 0:1000]
    beside = np.hypot(y - row, x - column) > with_opacity.opacity_radius + 4
    assert np.abs(difference[beside]).mean() < difference.max() / 100


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    first, second, other = tmp_path / "a.dcm", tmp_path / "b.dcm", tmp_path / "c.dcm"
    write_film(first, **SIZE)
    write_film(second, **SIZE)
    write_film(other, seed=1, **SIZE)
    assert first.read_bytes() == second.read_bytes()
    assert read_file(first).identity.sop_instance_uid != read_file(other).identity.sop_instance_uid


def test_the_file_says_that_it_is_synthetic_and_reads_back(tmp_path, film):
    write_film(tmp_path / "a.dcm", **SIZE)
    image = read_file(tmp_path / "a.dcm")
    assert np.array_equal(image.pixels, film.pixels)
    assert (image.identity.patient_name, image.identity.patient_id) == ("Synthetic Chest Phantom", "SYNTHETIC")
    assert image.spacing_mm == pytest.approx((0.3475, 0.3475))
    assert image.spacing_plane == "detector"
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.QualityControlImage == "YES"
    assert dataset.ImageComments.startswith("SYNTHETIC")


def test_it_looks_like_a_chest_film(tmp_path, film):
    write_film(tmp_path / "a.dcm", **SIZE)
    display = to_display(read_file(tmp_path / "a.dcm"))
    lungs, heart, liver = display[film.lungs].mean(), display[760:780, 560:600].mean(), display[1000:1040, 250:350].mean()
    assert lungs + 40 < heart < liver
    assert display[5, 5] == 0
    # The word at the bottom and the letter at the upper right are burnt in.
    assert film.pixels[1130:1190, 300:700].max() == film.pixels[50:100, 880:960].max() == 4095
