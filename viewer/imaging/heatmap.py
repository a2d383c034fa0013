"""A class activation map over a film: sampled where it belongs, coloured on one fixed scale, outlined.

Film coordinates are continuous: pixel i covers [i, i + 1). A field is the map sampled on a grid of the caller's size
over any rectangle of the film, so that what is drawn never depends on zoom or on the size of the view.
"""

from __future__ import annotations

import numpy as np

from viewer.imaging.color_maps import COLD_MAPS, COLOR_MAPS, scale_colors
from viewer.reading import HeatMap

Polyline = np.ndarray
"""float32 (points, 2): (row, column) in grid coordinates, where cell i covers [i, i + 1)."""


def heat_field(
    heat_map: HeatMap,
    rows: int,
    columns: int,
    top: float = 0.0,
    left: float = 0.0,
    height: float | None = None,
    width: float | None = None,
) -> np.ndarray:
    """Sample a map at the centres of a grid laid over a rectangle of the film.

    Parameters
    ----------
    rows, columns
        Size of the grid.
    top, left, height, width
        The rectangle in film pixels. Height and width default to one film pixel a grid cell.

    Returns
    -------
    float32 (rows, columns), raw values: bilinear between the centres of the map's cells, constant beyond the outermost
    centres, 0 outside the part of the film that the network saw.
    """
    y = top + (np.arange(rows) + 0.5) * ((rows if height is None else height) / rows)
    x = left + (np.arange(columns) + 0.5) * ((columns if width is None else width) / columns)
    down = _weights(y, heat_map.first_cell_row_column[0], heat_map.step_row_column[0], heat_map.cells.shape[0])
    across = _weights(x, heat_map.first_cell_row_column[1], heat_map.step_row_column[1], heat_map.cells.shape[1])
    field: np.ndarray = down @ heat_map.cells.astype(np.float32) @ across.T
    upper, first, lower, last = heat_map.bounds_row_column
    field[(y < upper) | (y >= lower)] = 0
    field[:, (x < first) | (x >= last)] = 0
    return field


def _weights(positions: np.ndarray, first: float, step: float, cells: int) -> np.ndarray:
    """Return linear interpolation as a matrix, float32 (positions, cells), rows adding up to 1."""
    cell = np.clip((positions - first) / step, 0, cells - 1)
    lower = np.minimum(cell.astype(np.intp), max(cells - 2, 0))
    upper_share = (cell - lower).astype(np.float32)
    weights = np.zeros((len(positions), cells), np.float32)
    index = np.arange(len(positions))
    weights[index, lower] = 1 - upper_share
    if cells > 1:
        weights[index, lower + 1] = upper_share
    return weights


def overlay_rgba(
    field: np.ndarray,
    full_scale: float,
    floor: float,
    color_map: str = "inferno",
    opacity: float = 0.5,
    two_sided: bool = False,
) -> np.ndarray:
    """Colour a field on the model's fixed scale.

    Parameters
    ----------
    full_scale
        The raw value drawn with the last colour; larger ones too.
    floor
        Nothing is painted at or below it; from there the opacity rises smoothly to ``opacity`` at a third of full scale: the
        colour tells the value, the opacity only that there is one.
    two_sided
        Whether values below 0 are painted as well: by their magnitude, in the same colours with red and blue exchanged.

    Returns
    -------
    uint8 (rows, columns, 4), RGBA, colours not multiplied by alpha.
    """
    size = np.abs(field) if two_sided else field
    level = (np.clip(size / max(full_scale, _TINY), 0, 1) * 255 + 0.5).astype(np.uint8)
    rgba = np.empty((*field.shape, 4), np.uint8)
    rgba[..., :3] = COLOR_MAPS[color_map][level]
    if two_sided:
        rgba[field < 0, :3] = COLD_MAPS[color_map][level[field < 0]]
    share = np.clip((size - floor) / max((full_scale - floor) * OPAQUE_FROM, _TINY), 0, 1)
    # Smoothstep of the square root: visible soon above the floor, without an edge at either end.
    share = np.sqrt(share)
    rgba[..., 3] = opacity * 255 * share * share * (3 - 2 * share) + 0.5
    return rgba


_TINY = 1e-12
OPAQUE_FROM = 1 / 3
"""Part of the scale at which a map is as opaque as it gets."""


def blend(picture: np.ndarray, rgba: np.ndarray) -> np.ndarray:
    """Lay an RGBA overlay over a picture of the same size; uint8 (rows, columns, 3).

    ``picture`` is uint8 greys (rows, columns) or RGB (rows, columns, 3).
    """
    under = picture[..., np.newaxis] if picture.ndim == 2 else picture
    alpha = rgba[..., 3:].astype(np.uint32)
    mixed: np.ndarray = (under * (255 - alpha) + rgba[..., :3] * alpha + 127) // 255
    return mixed.astype(np.uint8)


def legend(color_map: str, height: int, width: int = 1, two_sided: bool = False) -> np.ndarray:
    """Return the colours of the scale as a strip, full scale on top: uint8 (height, width, 3)."""
    colors = scale_colors(color_map, two_sided)
    index = np.rint(np.linspace(len(colors) - 1, 0, height)).astype(np.intp)
    return np.repeat(colors[index][:, np.newaxis], width, axis=1)


# ---------------------------------------------------------------------------------------------------------- outline

# For each case of a marching square (bits: upper left 1, upper right 2, lower right 4, lower left 8, set where the
# value is above the level), the edges a line joins: 0 upper, 1 right, 2 lower, 3 left. All lines run the same way round
# what is above, so that every line's end is another's beginning. Cases 5 and 10 are saddles, kept apart.
_JOINS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),), 2: ((1, 0),), 3: ((1, 3),), 4: ((2, 1),), 5: ((0, 3), (2, 1)), 6: ((2, 0),), 7: ((2, 3),),
    8: ((3, 2),), 9: ((0, 2),), 10: ((1, 0), (3, 2)), 11: ((1, 2),), 12: ((3, 1),), 13: ((0, 1),), 14: ((3, 0),),
}  # fmt: skip


def outline(field: np.ndarray, level: float) -> list[Polyline]:
    """Trace where a field crosses a level; closed lines, because beyond its edge a field counts as 0.

    Returns
    -------
    Polylines (points, 2) of (row, column) in grid coordinates, the first point repeated at the end.
    """
    rows, columns = field.shape
    padded = np.zeros((rows + 2, columns + 2), np.float32)
    padded[1:-1, 1:-1] = field
    segments = _segments(padded, level)
    lines = []
    while segments:
        start, here = segments.popitem()
        path = [start, here]
        while here != start and here in segments:
            here = segments.pop(here)
            path.append(here)
        lines.append(np.array([_crossing(padded, level, edge) for edge in path], np.float32))
    # Padding shifted the grid by one cell; values stand at cell centres.
    return [np.clip(line - 0.5, 0, (rows, columns)) for line in lines]


_Edge = tuple[int, int, int]
"""Row and column of the upper left corner of a grid edge; 0 for one that leads right, 1 for one that leads down."""


def _segments(field: np.ndarray, level: float) -> dict[_Edge, _Edge]:
    """Return the pieces of all outlines, from the edge where each begins to the edge where it ends."""
    above = field > level
    case = above[:-1, :-1] * 1 + above[:-1, 1:] * 2 + above[1:, 1:] * 4 + above[1:, :-1] * 8
    found: dict[_Edge, _Edge] = {}
    for row, column in zip(*np.nonzero((case > 0) & (case < 15)), strict=True):
        r, c = int(row), int(column)
        edges = ((r, c, 0), (r, c + 1, 1), (r + 1, c, 0), (r, c, 1))
        for first, last in _JOINS[int(case[r, c])]:
            found[edges[first]] = edges[last]
    return found


def _crossing(field: np.ndarray, level: float, edge: _Edge) -> tuple[float, float]:
    row, column, down = edge
    a = float(field[row, column])
    b = float(field[row + down, column + 1 - down])
    share = (level - a) / (b - a) if b != a else 0.5
    return (row + share, float(column)) if down else (float(row), column + share)
