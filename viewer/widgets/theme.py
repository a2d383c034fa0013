"""The look of the program: colours for a dark reading room, fonts, and the style sheet made from them.

Surfaces are near-black and slightly warm, so that a film stays the brightest thing on the screen; the canvas itself is
pure black. Nothing is pure white. Primary text keeps a contrast of 7:1 and secondary text 4.5:1 on every surface that
carries it (WCAG 2.2, 1.4.6 and 1.4.3).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from viewer import paths
from viewer.reporting.fonts import FAMILIES

GRID = 8
"""Pixels of the rhythm that margins and gaps follow."""


@dataclass(frozen=True)
class Theme:
    """Every colour the program draws with, as ``#rrggbb``; the names are the tokens of ``dark.qss``."""

    canvas: str = "#000000"
    window: str = "#11100f"
    panel: str = "#181715"
    raised: str = "#201e1c"
    control: str = "#282623"
    control_hover: str = "#32302c"
    control_pressed: str = "#1d1b19"
    hairline: str = "#2c2a27"
    outline: str = "#45413b"
    text: str = "#e4dfd6"
    text_secondary: str = "#a9a297"
    text_disabled: str = "#6c665e"
    accent: str = "#63b8ad"
    accent_hover: str = "#7cc8be"
    accent_quiet: str = "#3a6f69"
    accent_surface: str = "#1c3634"
    on_accent: str = "#0c1514"
    warning: str = "#dba860"
    warning_surface: str = "#2a2115"
    refused: str = "#e08a7c"
    refused_surface: str = "#2d1c19"
    right: str = "#8fbf87"
    neutral: str = "#878074"
    count: str = "#2f5c57"


DARK = Theme()

BODY_PX = 13
SMALL_PX = 12
SECTION_PX = 11


def color(name: str, alpha: int = 255) -> QColor:
    """Return a colour of the theme by its token, with an opacity of 0 to 255."""
    value = QColor(getattr(DARK, name))
    value.setAlpha(alpha)
    return value


def mixed(first: str, second: str, share: float) -> QColor:
    """Return a colour between two of the theme: ``share`` 0 is the first, 1 the second."""
    one, other = color(first), color(second)
    return QColor.fromRgbF(
        one.redF() + share * (other.redF() - one.redF()),
        one.greenF() + share * (other.greenF() - one.greenF()),
        one.blueF() + share * (other.blueF() - one.blueF()),
    )


def style_sheet(theme: Theme = DARK) -> str:
    """Return the style sheet with its tokens replaced; KeyError for a token the theme does not have."""
    folder = paths.resources() / "theme"
    source = (folder / "dark.qss").read_text(encoding="utf-8")
    return Template(source).substitute(asdict(theme), theme=folder.as_posix())


def palette(theme: Theme = DARK) -> QPalette:
    """Return the palette for what the style sheet does not reach."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.text_secondary,
        role.Button: theme.control,
        role.ButtonText: theme.text,
        role.BrightText: theme.text,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent_quiet,
        role.HighlightedText: theme.text,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.control_hover,
        role.Midlight: theme.outline,
        role.Mid: theme.hairline,
        role.Dark: theme.window,
        role.Shadow: theme.canvas,
        role.Accent: theme.accent,
    }
    made = QPalette()
    for each, value in colors.items():
        made.setColor(each, QColor(value))
    for each in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.text_disabled))
    return made


def body_font() -> QFont:
    """Return the font of running text: the shipped families that are registered, else the system's."""
    shipped = [family for family in FAMILIES if QFontDatabase.hasFamily(family)]
    return _sized(QFont(shipped) if shipped else QFont(QApplication.font()), BODY_PX)


def small_font(weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the font of small print, with figures of equal width."""
    font = number_font(SMALL_PX)
    font.setWeight(weight)
    return font


def section_font() -> QFont:
    """Return the font of section labels: small capitals drawn as spaced capitals."""
    font = _sized(QFont(QApplication.font()), SECTION_PX)
    font.setCapitalization(QFont.Capitalization.AllUppercase)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.9)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def number_font(size_px: int = BODY_PX, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return a font whose figures all have one width, so that columns of numbers stand still."""
    font = _sized(QFont(QApplication.font()), size_px)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setWeight(weight)
    return font


def title_font(size_px: int = 20) -> QFont:
    """Return the font of a screen's title."""
    font = _sized(QFont(QApplication.font()), size_px)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def apply(app: QApplication) -> None:
    """Dress the application: Fusion, the palette, the font and the style sheet."""
    app.setStyle("Fusion")
    app.setPalette(palette())
    app.setFont(body_font())
    app.setStyleSheet(style_sheet())


def _sized(font: QFont, size_px: int) -> QFont:
    font.setPixelSize(size_px)
    return font
