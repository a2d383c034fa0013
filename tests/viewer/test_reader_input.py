"""What the second reader is given of a film: nothing of its padding, nothing from under its display shutter."""

import numpy as np
import pytest

from viewer.imaging.image import Shutter, Window
from viewer.second_reader.answer import display_grey
from viewer.second_reader.fitness import judge_header


def right_half(value=True):
    mask = np.zeros((80, 80), bool)
    mask[:, 40:] = value
    return mask


@pytest.fixture
def half_white():
    """Return a ramp whose right half is far brighter than anything in its left one."""
    pixels = np.tile(np.arange(80), (80, 1))
    pixels[:, 40:] = 4095
    return pixels


@pytest.mark.parametrize("fields", [{"padding": right_half()}, {"shutter": Shutter(right_half())}])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_and_what_is_shuttered_are_black_and_move_no_grey(picture, half_white, fields, photometric):
    whole = display_grey(picture(half_white[:, :40], photometric_interpretation=photometric))
    seen = display_grey(picture(half_white, photometric_interpretation=photometric, **fields))
    assert seen[:, 40:].max() == 0
    assert np.abs(seen[:, :40].astype(int) - whole).max() <= 1


def test_a_film_that_is_even_but_for_its_padding_is_refused(picture, half_white):
    half_white[:, :40] = 7
    film = {"modality": "DX", "vois": (Window(7, 10),)}
    assert [r.code for r in judge_header(picture(half_white, padding=right_half(), **film)).refusals] == ["one_grey"]
    assert judge_header(picture(half_white, **film)).refusals == ()
