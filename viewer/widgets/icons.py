"""Icons of our own drawing: 24 x 24 line drawings, coloured when they are loaded."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from viewer import paths
from viewer.imaging.image import DocumentKind
from viewer.widgets import theme

SIZES_PX = (16, 20, 24, 32, 40, 48, 64, 96)
"""Physical sizes that are rendered: 16, 20, 24 and 32 on plain screens and at twice the density, and the app mark."""

DOCUMENTS: dict[DocumentKind, str] = {
    "report": "document-report",
    "pdf": "document-pdf",
    "presentation state": "document-presentation-state",
    "key objects": "document-key-objects",
}
"""The icon of each kind of document in a study."""


def icon(name: str, color: str | None = None) -> QIcon:
    """Return an icon, drawn sharp at every size of ``SIZES_PX``, dimmer when disabled, in the accent when checked.

    Parameters
    ----------
    name
        A file of ``resources/icons`` without its extension; FileNotFoundError for one that is not there.
    color
        ``#rrggbb`` to draw with instead of the theme's text colour; the checked state then keeps it too.
    """
    states = {
        (QIcon.Mode.Normal, QIcon.State.Off): color or theme.DARK.text,
        (QIcon.Mode.Normal, QIcon.State.On): color or theme.DARK.accent,
        (QIcon.Mode.Disabled, QIcon.State.Off): theme.DARK.text_disabled,
    }
    made = QIcon()
    for (mode, state), ink in states.items():
        for size in SIZES_PX:
            made.addPixmap(_render(name, ink, size), mode, state)
    return made


def pixmap(name: str, size: int, ratio: float, color: str | None = None) -> QPixmap:
    """Return one drawing, ``size`` logical pixels a side on a screen of ``ratio`` physical pixels each."""
    drawn = _render(name, color or theme.DARK.text, round(size * ratio))
    drawn.setDevicePixelRatio(ratio)
    return drawn


def _render(name: str, ink: str, size: int) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", ink).encode()))
    drawn = QPixmap(QSize(size, size))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return drawn


@cache
def _source(name: str) -> str:
    return (paths.resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
