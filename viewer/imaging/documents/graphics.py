"""What somebody drew on a picture: graphics and texts of a presentation state, with their layers and colours.

References: DICOM PS3.3 C.10.5 (graphic annotation), C.10.7 (graphic layer), C.10.7.1.1 (CIELab encoding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, cast, get_args

from pydicom.dataset import Dataset

from viewer.imaging.documents.scope import ANYWHERE, Scope, scope_of
from viewer.imaging.header import integer, items, number, numbers, paragraphs, text

GraphicKind = Literal["POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE"]
GraphicUnits = Literal["PIXEL", "DISPLAY", "MATRIX"]
Color = tuple[int, int, int]
Point = tuple[float, float]

MOST_GRAPHICS = 5_000
MOST_POINTS = 100_000
"""Of one graphic: what a freehand outline never reaches."""

_FEWEST_POINTS = {"POINT": 1, "POLYLINE": 2, "INTERPOLATED": 2, "CIRCLE": 2, "ELLIPSE": 4}


@dataclass(frozen=True)
class Graphic:
    """A shape. Points are (x, y): PIXEL in film pixels, continuous; DISPLAY in fractions of the displayed area.

    A CIRCLE is its centre and a point of its rim; an ELLIPSE the ends of its longer axis, then of its shorter one.
    """

    kind: GraphicKind
    points: tuple[Point, ...]
    units: GraphicUnits = "PIXEL"
    is_filled: bool = False
    layer: str = ""
    layer_order: int = 0
    color: Color | None = None
    """sRGB; None leaves the choice to who draws it."""
    scope: Scope = ANYWHERE


@dataclass(frozen=True)
class GraphicText:
    """A text in a box, or beside the point it speaks of, or both; each in its own units."""

    text: str
    box: tuple[Point, Point] | None = None
    """Top left and bottom right corner."""
    box_units: GraphicUnits = "PIXEL"
    justification: Literal["LEFT", "CENTER", "RIGHT"] = "LEFT"
    anchor: Point | None = None
    anchor_units: GraphicUnits = "PIXEL"
    is_anchor_visible: bool = False
    """Whether a line leads from the box to the anchor point."""
    layer: str = ""
    layer_order: int = 0
    color: Color | None = None
    scope: Scope = ANYWHERE


@dataclass(frozen=True)
class _Layer:
    name: str
    order: int
    color: Color | None


def read_graphics(dataset: Dataset) -> tuple[tuple[Graphic, ...], tuple[GraphicText, ...]]:
    """Return the graphics and the texts of a presentation state; broken ones and those beyond 5,000 are left out."""
    layers = {layer.name: layer for layer in map(_layer, items(dataset, "GraphicLayerSequence"))}
    graphics: list[Graphic] = []
    texts: list[GraphicText] = []
    for item in items(dataset, "GraphicAnnotationSequence"):
        name = text(item, "GraphicLayer")
        layer, scope = layers.get(name, _Layer(name, 0, None)), scope_of(item)
        graphics.extend(islice(_graphics(item, layer, scope), MOST_GRAPHICS - len(graphics)))
        texts.extend(islice(_texts(item, layer, scope), MOST_GRAPHICS - len(texts)))
    return tuple(graphics), tuple(texts)


def _layer(item: Dataset) -> _Layer:
    color = _lab(numbers(item, "GraphicLayerRecommendedDisplayCIELabValue"))
    grey = number(item, "GraphicLayerRecommendedDisplayGrayscaleValue")
    if color is None and grey is not None:
        level = round(min(max(grey, 0), 65535) / 257)
        color = (level, level, level)
    return _Layer(text(item, "GraphicLayer"), integer(item, "GraphicLayerOrder") or 0, color)


def _graphics(item: Dataset, layer: _Layer, scope: Scope) -> Iterator[Graphic]:
    for each in items(item, "GraphicObjectSequence"):
        kind = text(each, "GraphicType").upper()
        points = _points(numbers(each, "GraphicData"))
        if kind not in get_args(GraphicKind) or len(points) < _FEWEST_POINTS[kind]:
            continue
        yield Graphic(
            kind=cast(GraphicKind, kind),
            points=points,
            units=_units(each, "GraphicAnnotationUnits"),
            is_filled=text(each, "GraphicFilled").upper() == "Y",
            layer=layer.name,
            layer_order=layer.order,
            color=_style_color(each, "LineStyleSequence", "PatternOnColorCIELabValue") or layer.color,
            scope=scope,
        )


def _texts(item: Dataset, layer: _Layer, scope: Scope) -> Iterator[GraphicText]:
    for each in items(item, "TextObjectSequence"):
        words = paragraphs(each, "UnformattedTextValue")
        first = _points(numbers(each, "BoundingBoxTopLeftHandCorner"))
        last = _points(numbers(each, "BoundingBoxBottomRightHandCorner"))
        anchor = _points(numbers(each, "AnchorPoint"))
        if not words or not (anchor or (first and last)):
            continue
        side = text(each, "BoundingBoxTextHorizontalJustification").upper()
        yield GraphicText(
            text=words,
            box=(first[0], last[0]) if first and last else None,
            box_units=_units(each, "BoundingBoxAnnotationUnits"),
            justification="CENTER" if side == "CENTER" else "RIGHT" if side == "RIGHT" else "LEFT",
            anchor=anchor[0] if anchor else None,
            anchor_units=_units(each, "AnchorPointAnnotationUnits"),
            is_anchor_visible=text(each, "AnchorPointVisibility").upper() == "Y",
            layer=layer.name,
            layer_order=layer.order,
            color=_style_color(each, "TextStyleSequence", "TextColorCIELabValue") or layer.color,
            scope=scope,
        )


def _points(values: tuple[float, ...]) -> tuple[Point, ...]:
    pairs = zip(values[::2], values[1::2], strict=False)
    return tuple(islice(pairs, MOST_POINTS))


def _units(item: Dataset, keyword: str) -> GraphicUnits:
    stated = text(item, keyword).upper()
    return "DISPLAY" if stated == "DISPLAY" else "MATRIX" if stated == "MATRIX" else "PIXEL"


def _style_color(item: Dataset, sequence: str, keyword: str) -> Color | None:
    return next((found for found in (_lab(numbers(style, keyword)) for style in items(item, sequence)) if found), None)


def _lab(values: tuple[float, ...]) -> Color | None:
    """Turn three PCS values (L* 0..65535 for 0..100, a* and b* 0..65535 for -128..127) into sRGB.

    The white of PCS is D50; the matrix is the one of the ICC sRGB profile, adapted to it.
    """
    if len(values) != 3:
        return None
    lightness, a, b = values[0] / 65535 * 100, values[1] / 65535 * 255 - 128, values[2] / 65535 * 255 - 128
    middle = (lightness + 16) / 116
    x, y, z = (_unfolded(value) for value in (middle + a / 500, middle, middle - b / 200))
    x, z = x * 0.9642, z * 0.8249
    red = 3.1338561 * x - 1.6168667 * y - 0.4906146 * z
    green = -0.9787684 * x + 1.9161415 * y + 0.0334540 * z
    blue = 0.0719453 * x - 0.2289914 * y + 1.4052427 * z
    return _encoded(red), _encoded(green), _encoded(blue)


def _unfolded(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _encoded(linear: float) -> int:
    clipped = min(max(linear, 0.0), 1.0)
    shown = 12.92 * clipped if clipped <= 0.0031308 else 1.055 * clipped ** (1 / 2.4) - 0.055
    return round(shown * 255)
