"""From the cells of a feature map to the film: where they lie, and how those of a turned view are turned back. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from inference.networks.cells import CellGrid
from inference.preprocess import SquareCrop

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassActivationMap:
    """A raw map and where it lies on the film.

    ``cells`` float32 (cell rows, cell columns) >= 0; ``first_cell`` and ``step`` (row, column) in film pixels, continuous;
    ``bounds`` (top, left, bottom, right) of what the network saw; ``peak`` the largest cell with its centre inside them.
    """

    class_index: int
    cells: npt.NDArray[np.float32]
    first_cell: tuple[float, float]
    step: tuple[float, float]
    bounds: tuple[float, float, float, float]
    peak: float


def place_map(
    class_index: int, cells: npt.NDArray[np.float32], grid: CellGrid, size: int, crop: SquareCrop
) -> ClassActivationMap:
    """Return the map with its cells placed on the film the crop was taken from."""
    scale = (crop.height / size, crop.width / size)
    first_cell = (crop.top + grid.first * scale[0], crop.left + grid.first * scale[1])
    step = (grid.step * scale[0], grid.step * scale[1])
    bounds = (crop.top, crop.left, crop.top + crop.height, crop.left + crop.width)
    return place_cells(class_index, cells, first_cell, step, bounds)


def place_cells(
    class_index: int,
    cells: npt.NDArray[np.float32],
    first_cell: tuple[float, float],
    step: tuple[float, float],
    bounds: tuple[float, float, float, float],
) -> ClassActivationMap:
    """Return the map of cells whose place on the film is known, with its peak."""
    rows, columns = (first_cell[axis] + step[axis] * np.arange(cells.shape[axis]) for axis in (0, 1))
    inside = np.ix_((rows >= bounds[0]) & (rows < bounds[2]), (columns >= bounds[1]) & (columns < bounds[3]))
    return ClassActivationMap(class_index, cells, first_cell, step, bounds, float(cells[inside].max()))


def turn_back(
    maps: npt.NDArray[np.floating], grid: CellGrid, size: int, degrees: Sequence[float], mirrored: bool = False
) -> Floats:
    """Return maps of turned views in the cells of the film that was turned, each with the sum it had.

    The centre of a view's cell is turned to where the film was before (as ``turned_views`` samples it), and what the cell
    holds is shared out among the four cells of the film around that place, in bilinear parts that sum to 1. What would
    come to lie beyond the outer cells stays in them.

    Parameters
    ----------
    maps
        (..., views, cell rows, cell columns), one view for each of the ``degrees``; with ``mirrored``, as many more, mirrored.
    grid, size
        Where the cells lie on the network's input of ``size`` x ``size`` pixels.

    Returns
    -------
    float64 of the same shape.
    """
    shape = maps.shape[-2:]
    turned = np.empty(maps.shape)
    views = [(angle, False) for angle in degrees] + [(angle, True) for angle in degrees if mirrored]
    for view, (angle, is_mirrored) in enumerate(views):
        shares = _shares(grid, (shape[0], shape[1]), size, float(angle), is_mirrored)
        flat = maps[..., view, :, :].reshape(*maps.shape[:-3], -1).astype(np.float64)
        turned[..., view, :, :] = (flat @ shares).reshape(*maps.shape[:-3], *shape)
    return turned


@lru_cache(maxsize=64)
def _shares(grid: CellGrid, shape: tuple[int, int], size: int, degrees: float, is_mirrored: bool) -> Floats:
    """Return how each cell of a view is shared out: (cells of the view, cells of the film), rows summing to 1."""
    row, column = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    y, x = (grid.first + grid.step * index - size / 2 for index in (row, column))
    x = -x if is_mirrored else x
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    places = (sine * x + cosine * y, cosine * x - sine * y)
    shares = np.zeros((len(row), *shape))
    for rows, row_part in _neighbours(places[0], grid, size, shape[0]):
        for columns, column_part in _neighbours(places[1], grid, size, shape[1]):
            np.add.at(shares, (np.arange(len(row)), rows, columns), row_part * column_part)
    return shares.reshape(len(row), -1)


def _neighbours(
    place: Floats, grid: CellGrid, size: int, cells: int
) -> tuple[tuple[npt.NDArray[np.int64], Floats], tuple[npt.NDArray[np.int64], Floats]]:
    """Return the cells before and behind each place along one axis, with the part that falls to each."""
    at = np.clip((place + size / 2 - grid.first) / grid.step, 0, cells - 1)
    before = np.minimum(np.floor(at).astype(np.int64), max(cells - 2, 0))
    part = at - before
    return (before, 1 - part), (np.minimum(before + 1, cells - 1), part)


def film_field(cells: npt.NDArray[np.floating], grid: CellGrid, size: int) -> Floats:
    """Return a map at every pixel of the network's input, float64 (size, size): bilinear, level beyond the outer cells."""
    pixels = np.arange(size) + 0.5
    down, across = (grid.first + grid.step * np.arange(count) for count in cells.shape)
    tall = np.stack([np.interp(pixels, down, column) for column in cells.T], axis=1)
    return np.stack([np.interp(pixels, across, row) for row in tall])
