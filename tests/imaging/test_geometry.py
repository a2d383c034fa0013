"""Millimetres, angles and the letters on the four sides."""

import pytest

from viewer.errors import SpacingError
from viewer.imaging.geometry import angle, length_text, orientation_letters, pixel_to_mm

FRONTAL = {"patient_orientation": ("L", "F")}


def test_a_length_uses_the_spacing_of_each_direction(make_image):
    image = make_image([[0, 1]], spacing_mm=(0.5, 0.25), spacing_plane="detector")
    assert pixel_to_mm(image, (0, 0), (6, 16)) == 5.0
    assert length_text(image, (0, 0), (6, 16)) == "5.0 mm at detector"


def test_without_spacing_there_are_pixels_and_no_millimetres(make_image):
    image = make_image([[0, 1]])
    with pytest.raises(SpacingError, match=r"film\.dcm states no distance"):
        pixel_to_mm(image, (0, 0), (3, 4))
    assert length_text(image, (0, 0), (3, 4)) == "5.0 px"


def test_an_angle_is_true_to_the_shape_of_the_pixels(make_image):
    assert angle(make_image([[0, 1]]), (0, 1), (0, 0), (1, 1)) == pytest.approx(45)
    assert angle(make_image([[0, 1]], aspect_ratio=2.0), (0, 1), (0, 0), (1, 2)) == pytest.approx(45)


@pytest.mark.parametrize(
    ("rotation", "flipped", "letters"),
    [(0, False, "RLHF"), (0, True, "LRHF"), (90, False, "FHRL"), (180, False, "LRFH"), (270, False, "HFLR"),
     (90, True, "FHLR"), (-90, False, "HFLR")],
)  # fmt: skip
def test_letters_follow_rotation_and_flip(make_image, rotation, flipped, letters):
    image = make_image([[0, 1]], **FRONTAL)
    assert "".join(orientation_letters(image, rotation, flipped)) == letters


def test_letters_of_a_cross_section_come_from_its_cosines(make_image):
    axial = make_image([[0, 1]], orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    oblique = make_image([[0, 1]], orientation=(0.8, 0.6, 0.0, 0.0, 0.0, -1.0))
    assert orientation_letters(axial) == ("R", "L", "A", "P")
    assert orientation_letters(oblique) == ("RA", "LP", "H", "F")


def test_what_the_file_does_not_say_is_a_question_mark(make_image):
    assert orientation_letters(make_image([[0, 1]])) == ("?", "?", "?", "?")
