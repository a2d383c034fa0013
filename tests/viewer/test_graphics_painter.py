"""The drawings of a presentation state, by the pixels they leave."""

from collections.abc import Sequence

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from pytestqt.qtbot import QtBot

from viewer.imaging.documents.graphics import Graphic, GraphicText
from viewer.widgets.graphics_painter import paint_graphics

RED = (255, 0, 0)
SIZE = 100


@pytest.fixture(autouse=True)
def needs_an_application(qtbot: QtBot) -> None:
    """Fonts exist only beside an application."""


def painted(
    *graphics: Graphic | GraphicText, transform: QTransform | None = None, displayed: QRectF | None = None, ground: int = 0
) -> np.ndarray:
    """Return where a square of 100 points is red after painting, bool (row, column)."""
    picture = QImage(SIZE, SIZE, QImage.Format.Format_RGB888)
    picture.fill(0xFFFFFF if ground else 0)
    painter = QPainter(picture)
    paint_graphics(painter, graphics, transform or QTransform(), displayed)
    painter.end()
    pixels = np.frombuffer(picture.constBits(), np.uint8).reshape(SIZE, picture.bytesPerLine())[:, : 3 * SIZE]
    rgb = pixels.reshape(SIZE, SIZE, 3).astype(int)
    drawn: np.ndarray = rgb[:, :, 0] - rgb[:, :, 1] > 100
    return drawn


def bounds(drawn: np.ndarray) -> tuple[int, int, int, int]:
    """Return first and last row, first and last column of what is drawn."""
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def is_near(found: Sequence[int], expected: Sequence[int]) -> bool:
    return all(abs(one - other) <= 2 for one, other in zip(found, expected, strict=True))


def test_a_polyline_follows_the_film_through_zoom_and_turn():
    line = Graphic("POLYLINE", ((5, 10), (20, 10)), color=RED)
    assert is_near(bounds(painted(line)), (10, 10, 5, 20))
    assert is_near(bounds(painted(line, transform=QTransform().scale(2, 2))), (20, 20, 10, 40))
    turned = QTransform().translate(100, 0).rotate(90)
    assert is_near(bounds(painted(line, transform=turned)), (5, 20, 90, 90))


def test_a_line_is_as_thin_at_every_zoom():
    line = Graphic("POLYLINE", ((1, 5), (9, 5)), color=RED)
    thickness = painted(line, transform=QTransform().scale(10, 10))[:, 50].sum()
    assert 1 <= thickness <= 3


def test_a_circle_is_its_centre_and_a_point_of_its_rim():
    drawn = painted(Graphic("CIRCLE", ((50, 40), (50, 60)), color=RED))
    assert is_near(bounds(drawn), (20, 60, 30, 70))
    assert not drawn[40, 50]


def test_a_filled_circle_is_filled():
    assert painted(Graphic("CIRCLE", ((50, 40), (50, 60)), is_filled=True, color=RED))[40, 50]


def test_an_ellipse_lies_between_the_ends_of_its_axes():
    drawn = painted(Graphic("ELLIPSE", ((10, 50), (90, 50), (50, 40), (50, 60)), color=RED))
    assert is_near(bounds(drawn), (40, 60, 10, 90))


def test_an_ellipse_may_lie_aslant():
    drawn = painted(Graphic("ELLIPSE", ((20, 20), (80, 80), (55, 45), (45, 55)), color=RED))
    assert drawn[18:24, 18:24].any()
    assert drawn[77:83, 77:83].any()
    assert not drawn[20:40, 60:80].any()


def test_an_interpolated_line_goes_through_its_points_in_a_bow():
    drawn = painted(Graphic("INTERPOLATED", ((10, 50), (50, 10), (90, 50)), color=RED))
    assert drawn[8:13, 48:53].any()
    straight = painted(Graphic("POLYLINE", ((10, 50), (50, 10), (90, 50)), color=RED))
    assert not np.array_equal(drawn, straight)


def test_a_point_is_a_cross():
    drawn = painted(Graphic("POINT", ((50, 50),), color=RED))
    assert is_near(bounds(drawn), (46, 54, 46, 54))


def test_display_units_are_fractions_of_the_displayed_area():
    line = Graphic("POLYLINE", ((0.5, 0.25), (1.0, 0.25)), "DISPLAY", color=RED)
    assert is_near(bounds(painted(line)), (25, 25, 50, 99))
    area = QRectF(20, 40, 60, 40)
    zoomed = QTransform().scale(9, 9)
    assert is_near(bounds(painted(line, transform=zoomed, displayed=area)), (50, 50, 50, 80))


def test_what_lies_on_a_matrix_of_tiles_is_not_drawn():
    assert not painted(Graphic("POLYLINE", ((5, 10), (20, 10)), "MATRIX", color=RED)).any()


def test_a_dark_rim_keeps_a_light_line_visible_on_a_bright_film():
    picture = QImage(SIZE, SIZE, QImage.Format.Format_RGB888)
    picture.fill(0xFFFFFF)
    painter = QPainter(picture)
    paint_graphics(painter, [Graphic("POLYLINE", ((5, 50), (95, 50)), color=(255, 255, 255))], QTransform())
    painter.end()
    assert min(picture.pixelColor(50, row).lightness() for row in range(47, 54)) < 170


def test_a_text_stands_in_its_box_on_the_side_it_is_justified_to():
    box = ((10.0, 10.0), (90.0, 30.0))
    left = painted(GraphicText("II", box, color=RED))
    right = painted(GraphicText("II", box, justification="RIGHT", color=RED))
    assert bounds(left)[2] in range(8, 16)
    assert bounds(right)[3] in range(84, 92)


def test_a_text_without_a_box_stands_beside_its_anchor():
    drawn = painted(GraphicText("II", anchor=(40, 40), color=RED))
    first_row, _, first_column, _ = bounds(drawn)
    assert 40 <= first_row <= 56
    assert 44 <= first_column <= 54


def test_a_line_leads_from_the_box_to_an_anchor_that_is_to_be_seen():
    box = ((10.0, 10.0), (60.0, 24.0))
    hidden = painted(GraphicText("II", box, anchor=(40, 90), color=RED))
    shown = painted(GraphicText("II", box, anchor=(40, 90), is_anchor_visible=True, color=RED))
    assert not hidden[60, 36:44].any()
    assert shown[60, 36:44].any()


def test_markup_in_a_text_is_only_letters():
    box = ((0.0, 0.0), (100.0, 30.0))
    assert painted(GraphicText("<b>I</b>", box, color=RED)).sum() > 3 * painted(GraphicText("I", box, color=RED)).sum()


def test_the_painter_is_left_as_it_was():
    picture = QImage(SIZE, SIZE, QImage.Format.Format_RGB888)
    painter = QPainter(picture)
    pen = painter.pen()
    paint_graphics(painter, [Graphic("POINT", ((5, 5),), color=RED)], QTransform().scale(3, 3))
    assert (painter.pen(), painter.transform().isIdentity()) == (pen, True)
    painter.end()
