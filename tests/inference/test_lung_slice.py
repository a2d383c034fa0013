"""Whether a CT slice shows the lungs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from inference.dataset import load_grey
from inference.gate.lung_slice import air_threshold, check_slice, dark_part


def body(lungs: int) -> np.ndarray:
    """Return a slice: a bright disc of radius 90 in dark air, with two dark discs of a radius in it."""
    rows, columns = np.mgrid[:256, :256]
    grey = np.where((rows - 128) ** 2 + (columns - 128) ** 2 < 90**2, 220, 20)
    for centre in (88, 168):
        grey[(rows - 128) ** 2 + (columns - centre) ** 2 < lungs**2] = 60
    return grey.astype(np.uint8)


def test_a_slice_with_lungs_is_let_through_and_one_without_is_refused_by_code() -> None:
    assert not check_slice(body(30)).refused
    assert check_slice(body(0)).codes == ("no_lung",)
    assert check_slice(body(8)).codes == ("no_lung",)


def test_the_dark_part_is_that_of_the_body_and_not_of_the_air_around_it() -> None:
    assert dark_part(body(30)) == pytest.approx(2 * 30**2 / 90**2, abs=0.02)
    assert dark_part(body(0)) == pytest.approx(0, abs=0.005)


def test_a_slice_cropped_close_to_the_lungs_is_let_through() -> None:
    assert not check_slice(body(30)[60:196, 50:206]).refused


def test_the_threshold_lies_between_two_greys() -> None:
    assert 20 <= air_threshold(body(0)) < 220
    assert dark_part(np.full((64, 64), 9, np.uint8)) == 0


def test_public_slices_of_lungs_are_let_through(shared_data: Path) -> None:
    with (shared_data / "ct" / "C_official425_118_203.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[::19]
    refused = [row["file"] for row in rows if check_slice(load_grey(shared_data / "ct" / row["file"])).refused]
    assert len(rows) > 30
    assert len(refused) <= 1
