"""Draw the program's icon as a file that a system wants: OUT.ico (Windows), OUT.icns (macOS) or OUT.png (256 pixels).

python packaging/windows/make_icon.py OUT...
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image
from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from viewer.paths import resources
from viewer.widgets import theme

SIZES_PX = {".ico": (16, 20, 24, 32, 40, 48, 64, 128, 256), ".icns": (16, 32, 64, 128, 256, 512, 1024), ".png": (256,)}
CORNER, MARGIN = 0.2, 0.12
"""Parts of the side: the rounding of the dark square, and how far the drawing stays within it."""


def write_icon(out: Path) -> None:
    """Write the icon in the form its name asks for; each size is drawn, none is scaled."""
    drawn = [draw(size) for size in SIZES_PX[out.suffix]]
    out.parent.mkdir(parents=True, exist_ok=True)
    # Small bitmaps inside an .ico are shown everywhere; small PNGs are not.
    options = {"bitmap_format": "bmp", "sizes": [image.size for image in drawn]} if out.suffix == ".ico" else {}
    drawn[-1].save(out, append_images=drawn[:-1], **options)


def draw(size: int) -> Image.Image:
    """Return the mark on a dark square with round corners, ``size`` pixels a side."""
    canvas = QImage(size, size, QImage.Format.Format_RGBA8888)
    canvas.fill(Qt.GlobalColor.transparent)
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.DARK.panel))
    painter.drawRoundedRect(QRectF(0, 0, size, size), CORNER * size, CORNER * size)
    source = (resources() / "icons" / "hilum.svg").read_text(encoding="utf-8").replace("currentColor", theme.DARK.accent)
    inner = size * (1 - 2 * MARGIN)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(MARGIN * size, MARGIN * size, inner, inner))
    painter.end()
    return Image.frombytes("RGBA", (size, size), bytes(canvas.constBits()), "raw", "RGBA", canvas.bytesPerLine())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_icon(Path(name))
