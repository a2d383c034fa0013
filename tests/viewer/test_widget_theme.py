"""The look: contrast, tokens, icons, and names that are never markup."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication

from viewer import paths
from viewer.reporting import fonts
from viewer.widgets import icons, raster, theme
from viewer.widgets.controls import FoldingSection, PlainLabel, plain_tool_tip

NAMES = [path.stem for path in sorted((paths.resources() / "icons").glob("*.svg"))]
SURFACES = ("window", "panel", "raised", "control", "accent_surface", "warning_surface", "refused_surface")


def luminance(name: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    color = theme.color(name)
    channels = [color.redF(), color.greenF(), color.blueF()]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("surface", SURFACES)
def test_primary_text_keeps_seven_to_one(surface):
    assert contrast("text", surface) >= 7


@pytest.mark.parametrize("surface", ["canvas", "window", "panel", "raised", "control"])
def test_secondary_text_keeps_four_and_a_half_to_one(surface):
    assert contrast("text_secondary", surface) >= 4.5


@pytest.mark.parametrize(("ink", "surface"), [("accent", "panel"), ("refused", "panel"), ("warning", "panel")])
def test_coloured_text_keeps_four_and_a_half_to_one(ink, surface):
    assert contrast(ink, surface) >= 4.5


def test_text_on_the_primary_button_keeps_seven_to_one():
    assert contrast("on_accent", "accent") >= 7


@pytest.mark.parametrize("mark", ["accent", "neutral", "outline"])
def test_fills_and_marks_stand_out_from_the_ground(mark):
    assert contrast(mark, "control") >= (1.4 if mark == "outline" else 3)


def test_nothing_is_pure_white_and_the_canvas_is_pure_black():
    colors = vars(theme.DARK)
    assert colors["canvas"] == "#000000"
    assert "#ffffff" not in colors.values()


def test_every_token_of_the_style_sheet_is_replaced():
    assert "$" not in theme.style_sheet().replace(str(paths.resources()), "")


def test_every_picture_the_style_sheet_names_is_there():
    named = re.findall(r'url\("([^"]+)"\)', theme.style_sheet())
    assert len(named) >= 6
    assert [name for name in named if not Path(name).is_file()] == []


def test_applying_the_theme_uses_the_shipped_font_where_it_is_registered(qapp):
    fonts.register()
    theme.apply(qapp)
    assert QApplication.font().families()[0] == "Noto Sans"
    assert qapp.palette().window().color() == QColor("#11100f")


@pytest.mark.parametrize("size", [16, 20, 24, 32])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_every_icon_is_rendered_at_the_size_asked_for(qapp, size, ratio):
    for name in NAMES:
        assert icons.icon(name).pixmap(QSize(size, size), ratio).size() == QSize(size, size) * ratio


def test_the_icons_the_program_needs_are_there():
    needed = """open open-folder window-level pan zoom fit one-to-one invert rotate flip-horizontal flip-vertical reset
    heat-map report pdf examples model search close warning refused info length angle ellipse layout full-screen sample
    hilum chevron-down chevron-right recent train"""
    assert set(needed.split()) - set(NAMES) == set()


@pytest.mark.parametrize("name", NAMES)
def test_no_drawing_touches_the_edge_of_its_square(qapp, name):
    image = icons.pixmap(name, 96, 1.0).toImage()
    alpha = np.array([[image.pixelColor(x, y).alpha() for x in range(96)] for y in range(96)])
    assert alpha.max() == 255
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0


def test_a_disabled_icon_is_dimmer(qapp):
    icon = icons.icon("close")
    levels = [
        icon.pixmap(QSize(32, 32), 1.0, mode).toImage().pixelColor(16, 16).lightness()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled)
    ]
    assert levels[1] < 0.6 * levels[0]


def test_an_icon_takes_the_colour_it_is_given(qapp):
    assert icons.pixmap("close", 32, 1.0, "#ff0000").toImage().pixelColor(16, 16).name() == "#ff0000"


def test_a_name_with_markup_is_shown_letter_by_letter(qtbot):
    label = PlainLabel('<img src="file:///etc/passwd">')
    plain = PlainLabel("x")
    for each in (label, plain):
        qtbot.addWidget(each)
        each.setWordWrap(False)
    assert label.sizeHint().width() > 10 * plain.sizeHint().width()


def test_a_tool_tip_with_markup_is_escaped():
    assert plain_tool_tip("<b>Ann</b> & Co") == "<span>&lt;b&gt;Ann&lt;/b&gt; &amp; Co</span>"


def test_a_folded_section_opens_on_a_click(qtbot):
    body = PlainLabel("inside")
    section = FoldingSection("Facts", body)
    qtbot.addWidget(section)
    section.show()
    assert section.is_folded() and not body.isVisible()
    section.button.click()
    assert body.isVisible()


def test_a_grey_picture_keeps_its_values_and_row_length():
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    image = raster.to_image(pixels)
    assert [image.pixelColor(x, 2).red() for x in range(5)] == [10, 11, 12, 13, 14]


def test_a_picture_that_is_not_eight_bits_is_refused():
    with pytest.raises(TypeError, match="uint8, got uint16"):
        raster.to_image(np.zeros((2, 2), np.uint16))


def test_a_picture_is_fitted_whole_and_centred():
    box = raster.fitted(QSize(200, 100).toSizeF(), QRect(10, 0, 100, 100).toRectF())
    assert box.toRect() == QRect(10, 25, 100, 50)
