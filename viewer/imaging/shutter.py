"""The display shutter of a file: what lies outside its shapes is not shown.

References: DICOM PS3.3 C.7.6.11 (display shutter), C.7.6.15 (bitmap display shutter), C.7.6.16.2.16 (the same per frame).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw
from pydicom.dataset import Dataset

from viewer.imaging.functional_groups import group_or_top
from viewer.imaging.header import number, numbers, texts
from viewer.imaging.image import Overlay, Shutter

MOST_VERTICES = 10_000
_FARTHEST = 2**20
_EDGES = ("ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge")
_COVERS_ALL = "The display shutter of the file covers the whole picture and was ignored."


def read_shutter(
    dataset: Dataset,
    rows: int,
    columns: int,
    frame: int = 0,
    aspect_ratio: float = 1.0,
    overlays: Sequence[Overlay] = (),
) -> tuple[Shutter | None, tuple[str, ...]]:
    """Return the shutter of a frame, or None where nothing is covered, and a sentence for each shape that is broken.

    Several shapes apply together: what is seen lies inside all of them. Edges, circles and corners belong to what is
    seen; rows and columns are counted from 1.

    Parameters
    ----------
    aspect_ratio
        Height of a pixel divided by its width: a circle's radius is stated in columns.
    overlays
        Those of the frame, for a bitmap shutter.
    """
    group = group_or_top(dataset, "FrameDisplayShutterSequence", frame)
    seen = np.ones((rows, columns), bool)
    warnings = []
    for shape in dict.fromkeys(name.upper() for name in texts(group, "ShutterShape") if name):
        inside = _inside(shape, group, rows, columns, aspect_ratio, overlays)
        if inside is None:
            warnings.append(f"The {shape[:20].lower()} display shutter of the file is not complete and was ignored.")
        else:
            seen &= inside
    if seen.all() or not seen.any():
        return None, (*warnings, *([] if seen.any() else [_COVERS_ALL]))
    covered = ~seen
    covered.setflags(write=False)
    return Shutter(covered, _grey(group)), tuple(warnings)


def shutter_group(dataset: Dataset) -> int | None:
    """Return the group of the overlay that serves as a shutter and is not drawn as an overlay, or None."""
    stated = number(dataset, "ShutterOverlayGroup")
    return None if stated is None else int(stated)


def _inside(
    shape: str, group: Dataset, rows: int, columns: int, aspect_ratio: float, overlays: Sequence[Overlay]
) -> np.ndarray | None:
    shapes: dict[str, Callable[[], np.ndarray | None]] = {
        "RECTANGULAR": lambda: _rectangle(group, rows, columns),
        "CIRCULAR": lambda: _circle(group, rows, columns, aspect_ratio),
        "POLYGONAL": lambda: _polygon(group, rows, columns),
        "BITMAP": lambda: _bitmap(group, rows, columns, overlays),
    }
    return shapes[shape]() if shape in shapes else None


def _rectangle(group: Dataset, rows: int, columns: int) -> np.ndarray | None:
    stated = [number(group, edge) for edge in _EDGES]
    upper, lower, left, right = (None if value is None else int(value) for value in stated)
    if upper is None or lower is None or left is None or right is None:
        return None
    inside = np.zeros((rows, columns), bool)
    inside[max(min(upper, lower) - 1, 0) : max(upper, lower, 0), max(min(left, right) - 1, 0) : max(left, right, 0)] = True
    return inside


def _circle(group: Dataset, rows: int, columns: int, aspect_ratio: float) -> np.ndarray | None:
    center, radius = numbers(group, "CenterOfCircularShutter"), number(group, "RadiusOfCircularShutter")
    if len(center) != 2 or radius is None or radius <= 0:
        return None
    down = (np.arange(1, rows + 1, dtype=np.float64)[:, None] - center[0]) * aspect_ratio
    across = np.arange(1, columns + 1, dtype=np.float64)[None, :] - center[1]
    circle: np.ndarray = down**2 + across**2 <= radius**2
    return circle


def _polygon(group: Dataset, rows: int, columns: int) -> np.ndarray | None:
    vertices = numbers(group, "VerticesOfThePolygonalShutter")
    if len(vertices) < 6 or len(vertices) % 2 or len(vertices) > 2 * MOST_VERTICES:
        return None
    bounded = [min(max(round(value) - 1, -_FARTHEST), _FARTHEST) for value in vertices]
    plane = PillowImage.new("L", (columns, rows))
    ImageDraw.Draw(plane).polygon(list(zip(bounded[1::2], bounded[0::2], strict=True)), fill=1)
    return np.asarray(plane).astype(bool)


def _bitmap(group: Dataset, rows: int, columns: int, overlays: Sequence[Overlay]) -> np.ndarray | None:
    wanted = shutter_group(group)
    overlay = next((one for one in overlays if one.group == wanted), None)
    if overlay is None:
        return None
    inside = np.ones((rows, columns), bool)
    height, width = overlay.mask.shape
    inside[overlay.row : overlay.row + height, overlay.column : overlay.column + width] = ~overlay.mask
    return inside


def _grey(group: Dataset) -> int:
    """Return the presentation value, a P-Value of 16 bits, as a grey; black where the file leaves it open."""
    value = number(group, "ShutterPresentationValue") or 0.0
    return round(min(max(value, 0.0), 65535.0) / 65535 * 255)
