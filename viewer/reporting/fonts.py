"""The fonts that ship, so that no name depends on what a machine happens to have.

The window and the report use the same: Noto Sans for Latin, Greek and Cyrillic, and the others behind it, in order,
for the letters it lacks. Where they come from and under which licence stands in ``resources/fonts/README.md``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase

from viewer.errors import ReportError
from viewer.paths import resources

FAMILIES = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "WenQuanYi Micro Hei",
)
"""In the order a letter is looked for. Micro Hei comes last: its Latin letters must not win over Noto's."""

FILES = (
    "NotoSans-Regular.ttf",
    "NotoSans-SemiBold.ttf",
    "NotoSans-Bold.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansArabic-Bold.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansHebrew-Bold.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansThai-Bold.ttf",
    "wqy-microhei.ttc",
)


@cache
def register() -> None:
    """Make the shipped fonts known to Qt, once a process; needs a QGuiApplication.

    Raises
    ------
    ReportError
        If a font file is missing or broken.
    """
    for name in FILES:
        _add(resources() / "fonts" / name)


def font(point_size: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return a font of ``point_size`` points whose families cover every script that ships."""
    register()
    result = QFont(list(FAMILIES))
    result.setPointSizeF(point_size)
    result.setWeight(weight)
    return result


def _add(path: Path) -> None:
    if QFontDatabase.addApplicationFont(str(path)) < 0:
        raise ReportError(f"The font {path.name} that belongs to Hilum could not be loaded: install the program again.")
