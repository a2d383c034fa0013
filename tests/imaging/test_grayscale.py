"""Literal grey levels of every VOI function, presets and dragging."""

import numpy as np
import pytest

from viewer.errors import WindowError
from viewer.imaging.grayscale import (
    automatic_window,
    default_voi,
    display_table,
    drag_window,
    full_range,
    preset_voi,
    presets,
    to_display,
    voi_text,
    window_of,
)
from viewer.imaging.image import LookupTable, Window

LUT = LookupTable(np.array([0, 1000, 4095], np.uint16), first=10, bits=12, explanation="NORMAL")


@pytest.mark.parametrize(
    ("window", "greys"),
    [
        # (x - 99.5) / 200 + 0.5, cut to 0..1, times 255, rounded half up.
        (Window(100, 201), [0, 1, 128, 255, 255]),
        (Window(100, 1), [0, 0, 255, 255, 255]),
        (Window(100, 200, "LINEAR_EXACT"), [0, 0, 128, 255, 255]),
        (Window(100, 100, "SIGMOID"), [3, 5, 128, 250, 255]),
    ],
)
def test_a_window_gives_the_greys_of_the_standard(make_image, window, greys):
    image = make_image([[-10, 0, 100, 200, 500]])
    assert to_display(image, window).tolist() == [greys]


def test_a_voi_lut_clamps_to_its_ends_and_scales_by_its_bits(make_image):
    image = make_image([[-50, 10, 11, 12, 900]])
    assert to_display(image, LUT).tolist() == [[0, 0, 62, 255, 255]]


def test_monochrome1_is_shown_inverted(make_image):
    image = make_image([[0, 51, 255]], photometric_interpretation="MONOCHROME1")
    assert to_display(image, Window(128, 256)).tolist() == [[255, 204, 0]]


def test_a_presentation_shape_turns_the_greys_over_once_more(make_image):
    image = make_image([[0, 51, 255]], presentation_inverse=True)
    assert to_display(image, Window(128, 256)).tolist() == [[255, 204, 0]]


def test_inversion_by_the_user_adds_up_to_255(make_image):
    image = make_image(np.arange(-300, 300).reshape(20, 30))
    window = Window(3, 401)
    assert np.all(to_display(image, window) + to_display(image, window, invert=True) == 255)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32"])
def test_every_type_of_pixel_gives_the_same_greys(make_image, dtype):
    image = make_image([[0, 20, 40, 60, 80]], dtype)
    assert to_display(image, Window(40.5, 81)).tolist() == [[0, 64, 128, 191, 255]]


def test_values_too_wide_for_a_table_are_computed(make_image):
    image = make_image([[-(2**30), 0, 2**30]], "int32")
    assert to_display(image, Window(0, 2**31, "LINEAR_EXACT")).tolist() == [[0, 128, 255]]


def test_a_table_takes_pixels_of_any_shape(make_image):
    image = make_image([[-5, 0], [5, 10]])
    table = display_table(image, full_range(image))
    assert table.apply(np.array([-5, 10, -5], np.int16)).tolist() == [0, 255, 0]


@pytest.mark.parametrize("window", [Window(0, 0.5), Window(0, 0), Window(0, -3, "SIGMOID"), Window(0, float("nan"))])
def test_a_window_the_standard_forbids_is_refused(make_image, window):
    with pytest.raises(WindowError, match="cannot be applied"):
        to_display(make_image([[1, 2]]), window)


def test_colour_is_shown_as_it_is_and_can_be_inverted(make_image):
    image = make_image([[[255, 0, 10]]], "uint8")
    assert to_display(image).tolist() == [[[255, 0, 10]]]
    assert to_display(image, invert=True).tolist() == [[[0, 255, 245]]]


def test_the_first_voi_of_the_file_comes_first(make_image):
    window = Window(40, 400)
    assert default_voi(make_image([[1, 2]], vois=(LUT, window))) is LUT
    assert default_voi(make_image([[1, 2]], vois=(window,))) is window


def test_the_automatic_window_leaves_out_padding(make_image):
    pixels = np.tile(np.arange(1000, 2000), (10, 1))
    pixels[:, :200] = -2000
    image = make_image(pixels, padding=pixels == -2000)
    window = automatic_window(image)
    assert window.center == pytest.approx(1600, abs=1)
    assert window.width == pytest.approx(791, abs=3)


def test_the_automatic_window_leaves_out_a_collimated_border(make_image):
    pixels = np.full((100, 100), 4000)
    pixels[20:80, 30:90] = np.linspace(0, 1000, 3600).reshape(60, 60)
    window = automatic_window(make_image(pixels))
    assert window.center + window.width / 2 < 1010


def test_the_automatic_window_of_a_picture_of_one_value_is_not_refused(make_image):
    image = make_image(np.full((5, 5), 7))
    assert to_display(image).shape == (5, 5)


def test_the_full_range_runs_from_black_to_white(make_image):
    image = make_image([[-1000, 0, 3000]])
    assert to_display(image, full_range(image)).tolist() == [[0, 64, 255]]


def test_pet_values_far_below_one_still_fill_the_greys(make_image):
    image = make_image([[0.0, 0.001, 0.002]], "float32")
    assert to_display(image, full_range(image)).tolist() == [[0, 128, 255]]


def test_a_ct_offers_the_seven_windows_of_ct(make_image):
    image = make_image([[-1000, 1000]], modality="CT", vois=(Window(50, 350, "LINEAR", "BRAIN"),))
    names = [preset.name for preset in presets(image)]
    assert names == ["automatic", "stored-1", "full", "lung", "mediastinum", "bone", "brain", "abdomen", "liver"]
    assert preset_voi(image, "lung") == Window(-600, 1500, "LINEAR", "Lung")


def test_a_radiograph_offers_percentiles_and_the_names_of_its_file(make_image):
    image = make_image([[0, 4095]], modality="DX", vois=(Window(2048, 4096, "LINEAR", "HARDER"),))
    assert [(preset.key, preset.title) for preset in presets(image)] == [
        ("0", "Automatic"), ("1", "HARDER"), ("4", "Full range"), ("5", "Lung"), ("6", "Mediastinum and bone"),
        ("7", "Soft tissue"), ("8", "Lines and tubes"),
    ]  # fmt: skip


def test_the_lung_preset_brightens_the_dark_end_of_either_polarity(make_image):
    ramp = np.tile(np.arange(1000), (10, 1))
    plain = preset_voi(make_image(ramp), "lung")
    inverse = preset_voi(make_image(ramp, photometric_interpretation="MONOCHROME1"), "lung")
    assert plain.center == pytest.approx(377, abs=2)
    assert inverse.center == pytest.approx(623, abs=2)


def test_an_unknown_preset_names_those_there_are(make_image):
    with pytest.raises(WindowError, match="automatic, full, lung"):
        preset_voi(make_image([[1, 2]]), "spleen")
    assert presets(make_image([[[1, 2, 3]]], "uint8")) == ()


def test_dragging_starts_from_the_input_range_of_a_lut(make_image):
    image = make_image([[0, 100]])
    start = window_of(LookupTable(np.zeros(1000, np.uint16), 900, 12), image)
    assert start == Window(1400, 1000)
    assert drag_window(start, 0, 0, image) == start


def test_right_is_wider_and_down_is_brighter(make_image):
    image = make_image([[0, 4000]])
    assert drag_window(Window(2000, 1000), 25, 0, image) == Window(2000, 1100)
    assert drag_window(Window(2000, 1000), 0, 25, image) == Window(1900, 1000)
    assert drag_window(Window(2000, 1000), 25, 25, image, gain_factor=4) == Window(1600, 1400)


def test_down_is_brighter_on_monochrome1_too(make_image):
    image = make_image([[0, 1000, 4000]], photometric_interpretation="MONOCHROME1")
    window = drag_window(Window(2000, 3000), 0, 50, image)
    assert to_display(image, window)[0, 1] > to_display(image, Window(2000, 3000))[0, 1]


def test_a_drag_stays_inside_the_range_of_the_picture(make_image):
    image = make_image([[0, 1000]])
    assert drag_window(Window(500, 500), 10_000, -10_000, image) == Window(1000, 2000)
    assert drag_window(Window(500, 500), -10_000, 10_000, image) == Window(0, 1)


def test_only_float_pictures_get_windows_narrower_than_one(make_image):
    image = make_image([[0.0, 2.0]], "float32")
    window = drag_window(Window(1, 1.5, "LINEAR_EXACT"), -1e6, 0, image)
    assert window.width == pytest.approx(2e-4)


@pytest.mark.parametrize(
    ("voi", "text"),
    [
        (LUT, "VOI LUT: NORMAL"),
        (Window(-600, 1500), "W 1500  L -600"),
        (Window(0.0012, 0.0034, "LINEAR_EXACT"), "W 0.0034  L 0.0012  LINEAR_EXACT"),
    ],
)
def test_the_corner_says_what_the_greys_are(voi, text):
    assert voi_text(voi) == text
