"""The body of the synthetic film as solids, and their shadows.

All lengths in millimetres in the frame of :mod:`viewer.imaging.phantom`. A solid is met by a ray (x, y) between two
depths; the shadow of several that overlap is the length of the union of these intervals, computed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Interval = tuple[np.ndarray, np.ndarray]
"""Depths z at which rays enter and leave a solid, float32 (rows, columns); leave < enter where they miss it."""


@dataclass(frozen=True)
class Ellipsoid:
    """Centre, semi-axes along its own axes, and rotation in the plane of the film in degrees clockwise."""

    center: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    rotation: float = 0.0

    @property
    def half_width(self) -> float:
        """Return how far its shadow reaches to either side of its centre."""
        turn = math.radians(self.rotation)
        return math.hypot(self.semi_axes[0] * math.cos(turn), self.semi_axes[1] * math.sin(turn))


# Relative to water at about 70 keV, per millimetre.
_SOFT, _BONE = 0.0155, 0.034
_LUNG_SHARE = 0.22

_LUNGS = (Ellipsoid((-67, 68, 0), (63, 218, 86)), Ellipsoid((67, 68, 0), (63, 218, 86)))
_DOMES = (Ellipsoid((-70, 196, 0), (86, 112, 130)), Ellipsoid((74, 200, 0), (84, 104, 130)))
HEART = Ellipsoid((20, 58, 15), (67, 50, 52), 33)
_VESSELS_OF_THE_HEART = (
    Ellipsoid((23, -58, -5), (17, 19, 22)),  # aortic knob
    Ellipsoid((24, -22, 10), (21, 24, 22)),  # pulmonary trunk
    Ellipsoid((-17, -22, 10), (15, 62, 20)),  # superior vena cava
    Ellipsoid((-15, 20, 10), (23, 38, 28)),  # right atrium, beneath the heart's right border
)
_HILA = (Ellipsoid((-38, 0, 0), (15, 24, 14)), Ellipsoid((43, -8, 0), (15, 21, 14)))
_STOMACH_GAS = Ellipsoid((78, 128, 20), (30, 15, 26), -8)
OPACITY_X_Y = (-84.0, 12.0)
OPACITY_RADIUS_MM = 22.0
_OPACITY = Ellipsoid((*OPACITY_X_Y, 0), (OPACITY_RADIUS_MM, OPACITY_RADIUS_MM, 24))

HEART_WIDTH_MM = 2 * HEART.half_width
THORAX_WIDTH_MM = _LUNGS[1].center[0] + _LUNGS[1].semi_axes[0] - (_LUNGS[0].center[0] - _LUNGS[0].semi_axes[0])


@dataclass(frozen=True, eq=False)
class Projection:
    """Shadows on the grid: ``attenuation`` float32, the exponent of Beer and Lambert; ``lungs`` bool."""

    attenuation: np.ndarray
    lungs: np.ndarray


def project(x: np.ndarray, y: np.ndarray, random: np.random.Generator, opacity: bool) -> Projection:
    """Project the body onto the points of a grid, x (1, columns) and y (rows, 1)."""
    air = _aerated(x, y, 0) + _aerated(x, y, 1)
    # A lung field ends at the shadow of the heart, although lung lies behind it.
    lungs = (air > 8) & (_length(interval(HEART, x, y)) == 0)
    marks = _vessels(x, y, random)
    if opacity:
        marks = marks + _length(interval(_OPACITY, x, y)) * 0.6
    air = np.maximum(air - np.minimum(1.5 * marks, air), 0)
    soft = np.maximum(_body(x, y) - air * (1 - _LUNG_SHARE) - _airways(x, y), 0)
    return Projection(soft * _SOFT + _bones(x, y) * _BONE, lungs)


# ------------------------------------------------------------------------------------------------------ soft tissue


def interval(solid: Ellipsoid, x: np.ndarray, y: np.ndarray) -> Interval:
    """Return where rays enter and leave an ellipsoid."""
    a, b, c = solid.semi_axes
    turn = math.radians(solid.rotation)
    dx, dy = x - solid.center[0], y - solid.center[1]
    u = (dx * math.cos(turn) + dy * math.sin(turn)) / a
    v = (dy * math.cos(turn) - dx * math.sin(turn)) / b
    inside = 1 - u * u - v * v
    half = np.where(inside > 0, c * np.sqrt(np.maximum(inside, 0)), np.float32(-1e4))
    return solid.center[2] - half, solid.center[2] + half


def _length(one: Interval) -> np.ndarray:
    shadow: np.ndarray = np.maximum(one[1] - one[0], 0)
    return shadow


def _aerated(x: np.ndarray, y: np.ndarray, side: int) -> np.ndarray:
    """Return how much of each ray lies in one lung and in nothing that displaces it."""
    enter, leave = interval(_LUNGS[side], x, y)
    free: np.ndarray = np.maximum(leave - enter, 0)
    met = free > 0
    rows, columns = np.flatnonzero(met.any(axis=1)), np.flatnonzero(met.any(axis=0))
    box = np.ix_(rows, columns)
    solids = (HEART, *_VESSELS_OF_THE_HEART, _HILA[side], _DOMES[side])
    near_x, near_y = x[:, columns], y[rows]
    parts = [interval(solid, near_x, near_y) for solid in solids]
    parts.append(_mediastinum(near_x, near_y))
    covered = _covered(parts, enter[box], leave[box])
    free[box] = np.maximum(free[box] - covered, 0)
    return free


def _covered(parts: list[Interval], enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """Return the length of the union of intervals within [enter, leave].

    The parts all lie about the same depth, so that wherever two are met they overlap: their union is one interval.
    """
    first, last = np.full_like(enter, 1e4), np.full_like(enter, -1e4)
    for start, end in parts:
        met = end > start
        first = np.where(met, np.minimum(first, start), first)
        last = np.where(met, np.maximum(last, end), last)
    shadow: np.ndarray = np.maximum(np.minimum(last, leave) - np.maximum(first, enter), 0)
    return shadow


def _mediastinum(x: np.ndarray, y: np.ndarray) -> Interval:
    """Return the column between the lungs, wider towards the thoracic inlet and towards the diaphragm."""
    half_width = 21 + 16 * np.exp(-(((y + 165) / 45) ** 2)) + 8 * np.exp(-(((y - 110) / 60) ** 2))
    half = np.where(np.abs(x) < half_width, 95 * np.sqrt(np.maximum(1 - (x / half_width) ** 2, 0)), np.float32(-1e4))
    return -half, half


def _body(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the thickness of the trunk: neck, shoulders, chest, abdomen."""
    shoulder = 1 / (1 + np.exp(-(y + 172) / 7))
    half_width = 62 + shoulder * (150 - 62) + 70 * np.exp(-(((y + 118) / 48) ** 2)) * shoulder
    half_depth = 62 + 54 / (1 + np.exp(-(y + 120) / 30)) + 8 / (1 + np.exp(-(y - 110) / 25))
    return 2 * half_depth * np.sqrt(np.maximum(1 - np.abs(x / (half_width + 9)) ** 2.6, 0))


def _airways(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the air in trachea, main bronchi and stomach."""
    trachea = _tube(np.abs(x - 1.5 - 0.02 * (y + 120)), 8.5) * _step(-48 - y, 6)
    bronchi = sum(_capsule(x, y, (0, -50), end, 6.5, 5.0) for end in ((-34, -12), (42, -14)))
    shadow: np.ndarray = 1.5 * trachea + bronchi + _length(interval(_STOMACH_GAS, x, y))
    return shadow


def _vessels(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the vessels of both lungs: from each hilum outwards, forking and thinning."""
    shadow = np.zeros((y.size, x.size), np.float32)
    for side, hilum in ((-1, (-36.0, 2.0)), (1, (42.0, -6.0))):
        for angle in np.linspace(-82, 78, 9):
            turn = math.radians(angle + random.uniform(-7, 7))
            _grow(shadow, x, y, random, hilum, (side * math.cos(turn), math.sin(turn)), 5.2, 4)
    return shadow


def _grow(
    shadow: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    random: np.random.Generator,
    start: tuple[float, float],
    direction: tuple[float, float],
    radius: float,
    forks: int,
) -> None:
    """Add a vessel and its branches to the shadow."""
    length = random.uniform(20, 30)
    end = (start[0] + direction[0] * length, start[1] + direction[1] * length)
    thinner = radius * 0.74
    _add_capsule(shadow, x, y, start, end, radius, thinner)
    if forks <= 1:
        return
    for bend in (random.uniform(8, 24), -random.uniform(8, 24)):
        turn = math.radians(bend)
        turned = (
            direction[0] * math.cos(turn) - direction[1] * math.sin(turn),
            direction[0] * math.sin(turn) + direction[1] * math.cos(turn),
        )
        _grow(shadow, x, y, random, end, turned, thinner, forks - 1)


# ------------------------------------------------------------------------------------------------------------ bones


def _bones(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the bone each ray passes, as millimetres of compact bone."""
    side = np.abs(x)
    ribs = np.zeros((y.size, x.size), np.float32)
    for number in range(1, 11):
        _add_rib(ribs, side, y, number)
    shadow: np.ndarray = ribs + _clavicles(side, y) + _spine(x, y) + _scapulae(side, y)
    return shadow


def _add_rib(bone: np.ndarray, side: np.ndarray, y: np.ndarray, number: int) -> None:
    """Add a pair of ribs: tilted hoops, whose upper arc is the back and whose lower arc the front of the chest."""
    top = -178 + 25.5 * number
    half_width = 133 * math.sin(math.radians(36 + 54 * min(number, 8) / 8))
    half_height = 27 + 4.2 * number
    radius = 5.2 + 0.12 * number
    rows = np.flatnonzero((y[:, 0] > top - 12) & (y[:, 0] < top + 2 * half_height + 12))
    if rows.size == 0:
        return
    v = (y[rows] - top - half_height) / half_height
    u = side / half_width
    level = np.sqrt(u * u + v * v + 1e-6)
    slope = np.sqrt((u / half_width) ** 2 + (v / half_height) ** 2) / level + 1e-6
    distance = np.abs(level - 1) / slope
    outer, inner = _tube(distance, radius), _tube(distance, radius - 1.5)
    # At the sides a rib runs along the beam and its shadow is denser.
    along = 1 / np.sqrt(np.maximum(1 - np.minimum(u, 1) ** 2, 0.18))
    front = v > 0
    # In front, ribs end in cartilage, which hardly shows; behind, they end at the spine.
    ends = np.where(front, _step(side - 62 - 2.5 * number, 7) * 0.8, _step(side - 12, 4))
    bone[rows] += (outer - 0.8 * inner) * along * ends * 0.62


def _clavicles(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    course = -128 - 0.16 * (side - 20) - 7 * np.sin((side - 20) / 130 * 2 * math.pi)
    distance = np.abs(y - course) * 0.95
    ends = _step(side - 17, 2.5) * _step(152 - side, 4)
    shadow: np.ndarray = (_tube(distance, 6.5) - 0.75 * _tube(distance, 4.8)) * ends * 0.75
    return shadow


def _scapulae(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the shoulder blades, thin plates turned out of the lungs, with a denser outer border."""
    border = 122 + 0.12 * (y + 110)
    plate = _step(side - border, 2.5) * _step(-22 - y - 0.9 * (side - 128), 4) * _step(y + 142, 6)
    rim = _tube(np.abs(side - border - 3), 3.2) * _step(y + 142, 6) * _step(-22 - y, 5)
    shadow: np.ndarray = 2.2 * plate + 0.35 * rim
    return shadow


def _spine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the vertebrae: bodies parted by discs, pedicles and spinous processes."""
    pitch = 25.0
    phase = (y + 200) % pitch - pitch / 2
    half_width = 15.5 + 0.012 * (y + 200)
    body = _step(half_width - np.abs(x), 0.9) * (0.45 + 0.55 * _step(9.8 - np.abs(phase), 0.8))
    pedicles = np.exp(-((((np.abs(x) - 11) / 3.2) ** 2 + ((phase + 3) / 4.2) ** 2) ** 2))
    process = np.exp(-(((x / 2.8) ** 2 + ((phase - 6) / 5) ** 2) ** 2))
    shadow: np.ndarray = 5.0 * body + 2.6 * pedicles + 3.4 * process
    return shadow


# ----------------------------------------------------------------------------------------------------------- shapes


def _tube(distance: np.ndarray, radius: float) -> np.ndarray:
    """Return the chord of a round tube at a distance from its axis."""
    shadow: np.ndarray = 2 * np.sqrt(np.maximum(radius * radius - distance * distance, 0))
    return shadow


def _step(value: np.ndarray, softness: float) -> np.ndarray:
    """Return a smooth step from 0 to 1 about 0."""
    return 1 / (1 + np.exp(np.clip(-value / softness, -30, 30)))


def _capsule(
    x: np.ndarray, y: np.ndarray, start: tuple[float, float], end: tuple[float, float], first: float, last: float
) -> np.ndarray:
    """Return the chord of a tube from one point to another whose radius goes from first to last."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    square = (x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2
    radius = first + (last - first) * along
    return 2 * np.sqrt(np.maximum(radius * radius - square, 0))


def _add_capsule(
    shadow: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    start: tuple[float, float],
    end: tuple[float, float],
    first: float,
    last: float,
) -> None:
    """Add a capsule where it is, and look at no other point of the grid."""
    left, right = min(start[0], end[0]) - first, max(start[0], end[0]) + first
    top, bottom = min(start[1], end[1]) - first, max(start[1], end[1]) + first
    columns = slice(*np.searchsorted(x[0], (left, right)))
    rows = slice(*np.searchsorted(y[:, 0], (top, bottom)))
    box = shadow[rows, columns]
    np.maximum(box, _capsule(x[:, columns], y[rows], start, end, first, last), out=box)
