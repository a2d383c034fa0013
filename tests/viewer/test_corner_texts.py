"""What the corners of the film say, and how they are drawn."""

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter

from viewer.imaging.image import LookupTable, Window
from viewer.widgets.corner_contents import corner_texts_of
from viewer.widgets.corner_texts import CornerTexts, paint_corner_texts

WHO = {
    "patient_name": "Chen Jing", "patient_id": "0815", "sex": "F", "birth_date": "1965-02-01", "age": "55 y",
    "institution": "City Hospital", "study_date": "2020-03-10", "study_time": "14:05:59", "accession_number": "A7",
    "study_description": "Chest PA", "modality": "DX", "body_part": "CHEST", "series_description": "Erect",
    "laterality": "", "view_position": "PA", "series_number": 2, "patient_orientation": ("L", "F"),
}  # fmt: skip
LUT = LookupTable(np.arange(256, dtype=np.uint16), 0, 8, "NORMAL")


@pytest.fixture
def film(picture):
    """Return a maker of a film of 300 rows and 400 columns that says who it shows."""
    return lambda **fields: picture(np.arange(120_000).reshape(300, 400) % 4096, **{**WHO, **fields})


def texts(canvas, image, pointed=None, number=1, count=1):
    canvas.show_image(image)
    return corner_texts_of(canvas, image, pointed, number, count)


def test_the_upper_corners_say_who_where_and_when(canvas, film):
    found = texts(canvas, film())
    assert found.top_left == ("Chen Jing", "0815", "F  born 1965-02-01  55 y")
    assert found.top_right == ("City Hospital", "2020-03-10 14:05:59", "Acc. A7", "Chest PA")


def test_the_lower_right_corner_says_what_and_how_large(canvas, film):
    found = texts(canvas, film(spacing_mm=(0.143, 0.143), spacing_plane="detector"), number=3, count=12)
    assert found.bottom_right == ("DX  CHEST  Erect", "PA", "Series 2  Image 3/12", "400 x 300, 0.143 mm at detector")


@pytest.mark.parametrize(
    ("spacing", "plane", "text"),
    [(None, None, "400 x 300, px only"), ((0.5, 0.25), "patient", "400 x 300, 0.5 x 0.25 mm"),
     ((0.2, 0.2), "calibrated", "400 x 300, 0.2 mm, calibrated")],
)  # fmt: skip
def test_spacing_says_in_which_plane_it_is_measured(canvas, film, spacing, plane, text):
    assert texts(canvas, film(spacing_mm=spacing, spacing_plane=plane)).bottom_right[-1] == text


def test_the_lower_left_corner_says_value_zoom_and_window(canvas, film):
    found = texts(canvas, film(vois=(Window(2000, 1500),), unit="HU"), pointed=(1, 7))
    assert found.bottom_left == ("x 7  y 1   407 HU", "Zoom 100 %", "W 1500  L 2000")


def test_nothing_is_said_of_a_value_while_the_cursor_is_outside(canvas, film):
    assert texts(canvas, film()).bottom_left[0] == ""


def test_zoom_and_inversion_follow_the_canvas(canvas, film):
    image = film(vois=(Window(2000, 1500),))
    canvas.show_image(image)
    canvas.zoom_by(2.5)
    canvas.set_inverted(True)
    found = corner_texts_of(canvas, image, None, 1, 1)
    assert found.bottom_left[1:] == ("Zoom 250 %", "W 1500  L 2000  inverted")


def test_a_voi_lut_is_named(canvas, film):
    assert texts(canvas, film(vois=(LUT,))).bottom_left[2] == "VOI LUT: NORMAL"


def test_a_coloured_picture_has_no_window_and_three_values(canvas, picture):
    image = picture(np.full((3, 3, 3), (9, 80, 255)), "uint8")
    found = texts(canvas, image, pointed=(2, 2))
    assert found.bottom_left == ("x 2  y 2   9 80 255", "Zoom 10000 %", "Colour")


def test_a_picture_that_is_no_dicom_file_goes_by_its_name(canvas, picture):
    assert texts(canvas, picture([[1, 2], [3, 4]], name="lungs.png", is_dicom=False)).top_left[0] == "lungs.png"
    assert texts(canvas, picture([[1, 2], [3, 4]], name="anonymous.dcm")).top_left[0] == ""


def test_letters_follow_turns_and_flips(canvas, film):
    image = film()
    assert texts(canvas, image).letters == ("R", "L", "H", "F")
    canvas.rotate(90)
    assert corner_texts_of(canvas, image, None, 1, 1).letters == ("F", "H", "R", "L")
    canvas.flip(True)
    assert corner_texts_of(canvas, image, None, 1, 1).letters == ("H", "F", "R", "L")


# ----------------------------------------------------------------------------------------------------------- drawing


def drawn(content, width=600, height=400):
    """Return what is painted as RGB over middle grey, int16 (rows, columns, 3)."""
    picture = QImage(width, height, QImage.Format.Format_RGB888)
    picture.fill(Qt.GlobalColor.gray)
    painter = QPainter(picture)
    paint_corner_texts(painter, QRect(0, 0, width, height), content)
    painter.end()
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(height, picture.bytesPerLine())
    return rows[:, : 3 * width].reshape(height, width, 3).astype(np.int16)


def painted(content, width=600, height=400):
    """Return where the painting differs from none, as (top, bottom, left, right) or None."""
    where = np.argwhere((drawn(content, width, height) != drawn(CornerTexts(), width, height)).any(axis=2))
    return (*where[:, 0][[0, -1]], where[:, 1].min(), where[:, 1].max()) if len(where) else None


@pytest.mark.parametrize(
    ("corner", "is_low", "is_right"),
    [("top_left", False, False), ("top_right", False, True), ("bottom_left", True, False), ("bottom_right", True, True)],
)
def test_each_corner_stays_in_its_own(corner, is_low, is_right):
    top, bottom, left, right = painted(CornerTexts(**{corner: ("Line one", "Line two")}))
    assert (top > 200, bottom > 200) == (is_low, is_low)
    assert (left > 300, right > 300) == (is_right, is_right)


def test_a_line_that_is_too_long_is_cut_at_the_middle():
    assert painted(CornerTexts(top_left=("very " * 80,)))[3] < 300
    assert painted(CornerTexts(top_right=("very " * 80,)))[2] > 300


def test_lossy_compression_is_drawn_in_red_and_nothing_else_is():
    def red(content):
        found = drawn(content)
        return int(((found[..., 0] - found[..., 2]) > 90).sum())

    assert red(CornerTexts(bottom_left=("Zoom 100 %",), lossy="JPEG 12:1")) > 20
    assert red(CornerTexts(bottom_left=("Zoom 100 %",), top_left=("JPEG",))) == 0


def test_a_narrow_view_shows_one_line_a_corner():
    one = painted(CornerTexts(top_left=("Chen Jing",)), width=300)
    assert painted(CornerTexts(top_left=("Chen Jing", "0815", "F")), width=300) == one
    assert painted(CornerTexts(top_left=("Chen Jing", "0815", "F")), width=600)[1] > one[1]


def test_names_are_never_markup():
    plain = painted(CornerTexts(top_left=("<b>Chen</b>",)))
    assert plain[3] > painted(CornerTexts(top_left=("Chen",)))[3] + 20


def test_letters_stand_on_their_four_sides():
    places = [painted(CornerTexts(letters=letters)) for letters in
              (("R", "", "", ""), ("", "L", "", ""), ("", "", "H", ""), ("", "", "", "F"))]  # fmt: skip
    left, right, top, bottom = [((t + b) / 2, (a + z) / 2) for t, b, a, z in places]
    assert left[1] < 40 < 560 < right[1]
    assert top[0] < 60 < 360 < bottom[0]
    assert left[0] == pytest.approx(200, abs=12)
    assert top[1] == pytest.approx(300, abs=12)


def test_what_is_to_be_noticed_is_drawn_in_yellow_above_the_window():
    def yellow_rows(content):
        found = drawn(content)
        return np.argwhere((found[..., 0] - found[..., 2] > 90) & (found[..., 1] - found[..., 2] > 60))[:, 0]

    rows = yellow_rows(CornerTexts(bottom_left=("W 400  L 40",), notices=("Presentation state: PR1",)))
    assert len(rows) > 20
    assert rows.max() < painted(CornerTexts(bottom_left=("W 400  L 40",)))[0]
    assert len(yellow_rows(CornerTexts(bottom_left=("Presentation state: PR1", "W 400  L 40")))) == 0
