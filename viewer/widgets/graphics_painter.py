"""Draws what somebody else drew on a picture: the graphics and texts of a presentation state.

References: DICOM PS3.3 C.10.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QTransform

from viewer.imaging.documents.graphics import Graphic, GraphicText, GraphicUnits, Point
from viewer.widgets import theme

LINE_PX = 1.5
HALO_PX = 3.5
POINT_PX = 4.0
_GAP_PX = 6.0
_JUSTIFIED = {
    "LEFT": Qt.AlignmentFlag.AlignLeft,
    "CENTER": Qt.AlignmentFlag.AlignHCenter,
    "RIGHT": Qt.AlignmentFlag.AlignRight,
}


def paint_graphics(
    painter: QPainter,
    graphics: Sequence[Graphic | GraphicText],
    image_to_screen: QTransform,
    displayed: QRectF | None = None,
) -> None:
    """Draw graphics and texts in their order, with lines of one width at every zoom and a dark rim on bright films.

    Parameters
    ----------
    image_to_screen
        Film pixels, continuous, to points of the painter.
    displayed
        Where the displayed area lies on the screen, for what is placed in fractions of it; the painter's window where
        the caller does not say. Graphics on a matrix of tiles are not drawn.
    """
    area = displayed or QRectF(painter.window())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for each in graphics:
        if isinstance(each, GraphicText):
            _paint_text(painter, each, image_to_screen, area)
        elif each.units != "MATRIX":
            _paint_path(painter, _path(each, image_to_screen, area), _ink(each), each.is_filled)
    painter.restore()


def _ink(drawn: Graphic | GraphicText) -> QColor:
    return QColor(*drawn.color) if drawn.color else theme.color("accent_hover")


def _to_screen(units: GraphicUnits, image_to_screen: QTransform, area: QRectF) -> QTransform:
    if units == "DISPLAY":
        return QTransform(area.width(), 0, 0, area.height(), area.x(), area.y())
    return image_to_screen


def _placed(points: Sequence[Point], transform: QTransform) -> list[QPointF]:
    return [transform.map(QPointF(x, y)) for x, y in points]


# ------------------------------------------------------------------------------------------------------------ shapes


def _paint_path(painter: QPainter, path: QPainterPath, ink: QColor, is_filled: bool) -> None:
    halo = QColor(theme.DARK.canvas)
    halo.setAlpha(150)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((halo, HALO_PX), (ink, LINE_PX)):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPath(path)
    if is_filled:
        painter.fillPath(path, ink)


def _path(graphic: Graphic, image_to_screen: QTransform, area: QRectF) -> QPainterPath:
    """Return a shape in points of the screen; round shapes are bent by the transform as the film is."""
    transform = _to_screen(graphic.units, image_to_screen, area)
    points = [QPointF(x, y) for x, y in graphic.points]
    if graphic.kind == "CIRCLE":
        return transform.map(_circle(points[0], QLineF(points[0], points[1]).length()))
    if graphic.kind == "ELLIPSE":
        return transform.map(_ellipse(points))
    placed = _placed(graphic.points, transform)
    if graphic.kind == "POINT":
        return _cross(placed)
    return _curve(placed) if graphic.kind == "INTERPOLATED" else _polyline(placed)


def _circle(center: QPointF, radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(center, radius, radius)
    return path


def _ellipse(ends: Sequence[QPointF]) -> QPainterPath:
    """Return an ellipse from the ends of its longer axis and of its shorter one."""
    axis, across = QLineF(ends[0], ends[1]), QLineF(ends[2], ends[3])
    upright = QPainterPath()
    upright.addEllipse(QPointF(0, 0), axis.length() / 2, across.length() / 2)
    turned = QTransform().translate(axis.center().x(), axis.center().y())
    turned.rotateRadians(math.atan2(axis.dy(), axis.dx()))
    return turned.map(upright)


def _cross(points: Sequence[QPointF]) -> QPainterPath:
    path = QPainterPath()
    for point in points:
        for dx, dy in ((POINT_PX, 0.0), (0.0, POINT_PX)):
            path.moveTo(point - QPointF(dx, dy))
            path.lineTo(point + QPointF(dx, dy))
    return path


def _polyline(points: Sequence[QPointF]) -> QPainterPath:
    path = QPainterPath(points[0])
    for point in points[1:]:
        path.lineTo(point)
    return path


def _curve(points: Sequence[QPointF]) -> QPainterPath:
    """Return a smooth curve through all points (Catmull-Rom); closed smoothly where the last is the first."""
    path = QPainterPath(points[0])
    is_closed = len(points) > 3 and points[0] == points[-1]
    before, after = (points[-2], points[1]) if is_closed else (points[0], points[-1])
    extended = [before, *points, after]
    for i in range(1, len(extended) - 2):
        first, start, end, last = extended[i - 1 : i + 3]
        path.cubicTo(start + (end - first) / 6, end - (last - start) / 6, end)
    return path


# ------------------------------------------------------------------------------------------------------------- texts


def _paint_text(painter: QPainter, drawn: GraphicText, image_to_screen: QTransform, area: QRectF) -> None:
    if "MATRIX" in (drawn.box_units, drawn.anchor_units):
        return
    font = theme.small_font(QFont.Weight.DemiBold)
    size = QFontMetricsF(font).boundingRect(QRectF(0, 0, 1e4, 1e4), int(Qt.TextFlag.TextDontClip), drawn.text).size()
    anchor = None
    if drawn.anchor:
        (anchor,) = _placed((drawn.anchor,), _to_screen(drawn.anchor_units, image_to_screen, area))
    if drawn.box:
        box = QRectF(*_placed(drawn.box, _to_screen(drawn.box_units, image_to_screen, area))).normalized()
    else:
        box = QRectF((anchor or area.topLeft()) + QPointF(_GAP_PX, _GAP_PX), size)
    if anchor is not None and drawn.is_anchor_visible:
        _paint_leader(painter, box, anchor, _ink(drawn))
    painter.setFont(font)
    _paint_words(painter, drawn, box, _ink(drawn))


def _paint_leader(painter: QPainter, box: QRectF, anchor: QPointF, ink: QColor) -> None:
    """Draw a line from the nearest point of the box to the anchor, and a dot there."""
    near = QPointF(min(max(anchor.x(), box.left()), box.right()), min(max(anchor.y(), box.top()), box.bottom()))
    path = QPainterPath(near)
    path.lineTo(anchor)
    _paint_path(painter, path, ink, False)
    _paint_path(painter, _circle(anchor, LINE_PX), ink, True)


def _paint_words(painter: QPainter, drawn: GraphicText, box: QRectF, ink: QColor) -> None:
    """Draw the words in their box, over its edge where they need to be, on a dark rim of one pixel."""
    flags = _JUSTIFIED[drawn.justification] | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip
    painter.setPen(theme.color("canvas", 200))
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        painter.drawText(box.translated(dx, dy), int(flags), drawn.text)
    painter.setPen(ink)
    painter.drawText(box, int(flags), drawn.text)
