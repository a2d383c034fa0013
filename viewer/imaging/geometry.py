"""Pixels to millimetres and directions in the patient; refuses where the file states no spacing.

Points are (row, column) in film pixels, continuous: pixel i covers [i, i + 1).

References: DICOM PS3.3 C.7.6.1.1.1 (PatientOrientation), C.7.6.2.1.1 (ImageOrientationPatient).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from viewer.errors import SpacingError
from viewer.imaging.image import Image

Point = tuple[float, float]

_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_UNKNOWN = "?"
# A direction within this of an axis (as a cosine) gets that axis's letter alone.
_NEGLIGIBLE = 0.0001

_PLANES = {"patient": "mm", "detector": "mm at detector", "calibrated": "mm, calibrated"}


def pixel_to_mm(image: Image, start: Point, end: Point) -> float:
    """Return the distance between two points in millimetres, in the plane ``image.spacing_plane`` names.

    Raises
    ------
    SpacingError
        If the file states no spacing.
    """
    rows, columns = _spacing(image)
    return math.hypot((end[0] - start[0]) * rows, (end[1] - start[1]) * columns)


def pixel_distance(start: Point, end: Point) -> float:
    """Return the distance between two points in pixels."""
    return math.hypot(end[0] - start[0], end[1] - start[1])


def length_text(image: Image, start: Point, end: Point) -> str:
    """Return a length as it is printed beside a line: "12.3 mm at detector", or pixels where spacing is unknown."""
    if image.spacing_mm is None:
        return f"{pixel_distance(start, end):.1f} px"
    unit = _PLANES[image.spacing_plane or "detector"]
    return f"{pixel_to_mm(image, start, end):.1f} {unit}"


def angle(image: Image, first: Point, vertex: Point, second: Point) -> float:
    """Return the angle at a vertex in degrees, 0 to 180, true to the shape of the pixels.

    Two points that coincide with the vertex make no angle: 0.
    """
    a = _arm(image, vertex, first)
    b = _arm(image, vertex, second)
    return abs(math.degrees(math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])))


def area_mm2(image: Image, pixels: float) -> float:
    """Return the area of a number of pixels in square millimetres.

    Raises
    ------
    SpacingError
        If the file states no spacing.
    """
    rows, columns = _spacing(image)
    return pixels * rows * columns


def _arm(image: Image, vertex: Point, point: Point) -> Point:
    rows, columns = image.spacing_mm or (image.aspect_ratio, 1.0)
    return (point[0] - vertex[0]) * rows, (point[1] - vertex[1]) * columns


def _spacing(image: Image) -> tuple[float, float]:
    if image.spacing_mm is None:
        raise SpacingError(
            f"{image.instance.path.name} states no distance between its pixels, so nothing in it can be measured in mm."
        )
    return image.spacing_mm


# ------------------------------------------------------------------------------------------------------- directions


def orientation_letters(image: Image, rotation_degrees: int = 0, flipped: bool = False) -> tuple[str, str, str, str]:
    """Return the letters for the (left, right, top, bottom) edges of the view; "?" where the file does not say.

    Parameters
    ----------
    rotation_degrees
        Clockwise, a multiple of 90, applied after the flip.
    flipped
        Whether the film is mirrored left to right.
    """
    right, bottom = _directions(image)
    left, top = opposite(right), opposite(bottom)
    if flipped:
        left, right = right, left
    for _ in range(round(rotation_degrees / 90) % 4):
        left, top, right, bottom = bottom, left, top, right
    return left, right, top, bottom


def opposite(letters: str) -> str:
    """Return the letters of the opposite direction: "LF" for "RH"; "?" for what is no direction."""
    return "".join(_OPPOSITE.get(letter, _UNKNOWN) for letter in letters) or _UNKNOWN


def _directions(image: Image) -> tuple[str, str]:
    """Return where rows lead (to the right) and where columns lead (downwards)."""
    cosines = image.instance.orientation
    if cosines is not None and len(cosines) == 6:
        return direction_letters(cosines[:3]), direction_letters(cosines[3:])
    row, column = (_known(letters) for letters in image.identity.patient_orientation)
    return row, column


def _known(letters: str) -> str:
    cleaned = letters.strip().upper()
    return cleaned if cleaned and all(letter in _OPPOSITE for letter in cleaned) else _UNKNOWN


def direction_letters(cosines: Sequence[float]) -> str:
    """Return the letters of a direction, its strongest axis first: (1, 0, 0) is "L", the patient's left.

    ``cosines`` are along x (to the left), y (to the back), z (to the head).
    """
    pairs = (("L", "R"), ("P", "A"), ("H", "F"))
    strong = sorted(zip(cosines, pairs, strict=True), key=lambda entry: -abs(entry[0]))
    letters = (pair[0] if cosine > 0 else pair[1] for cosine, pair in strong if abs(cosine) > _NEGLIGIBLE)
    return "".join(letters) or _UNKNOWN
