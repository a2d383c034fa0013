"""The exact contribution map: how many logits each cell of the film brings for or against a class.

Where the last block's output is averaged over its cells and one linear layer makes the logits of the means, each logit less
its bias is a sum over cells: of class k, cell (r, c) brings sum over channels of weight[k, channel] * output[channel, r, c]
/ number of cells. Nothing is stretched, and no gradient is needed: it costs one small product beside the pass that gives
the answer. Its positive part is Grad-CAM before its scaling (for such networks also HiResCAM, XGrad-CAM and CAM).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from inference.cam_methods import CONTRIBUTION
from inference.errors import ExplanationError
from inference.networks.cells import CellGrid
from inference.networks.registry import Network
from inference.placement import ClassActivationMap, place_cells, place_map, turn_back
from inference.predict import Prediction, Predictor

METHOD = CONTRIBUTION
SCALE_QUANTILE = 0.95
"""One held-out film in twenty reaches the end of the colour scale."""
FLOOR_PART = 0.1
"""Below a tenth of the scale nothing is painted."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContributionMap:
    """What each cell brings to one class's logit, and where the cells lie on the film.

    Attributes
    ----------
    cells
        float64 (cell rows, cell columns) in logits: above 0 for the class, below 0 against it. Their sum is ``logit - bias``.
    logit, bias
        Of the class, mean over the members, before the temperature.
    first_cell, step, bounds
        As in :class:`~inference.placement.ClassActivationMap`.
    peak
        The largest magnitude of a cell with its centre on what the network saw, in logits.
    grid
        Where the cells lie on the network's input, for :func:`~inference.faithfulness.judge_map`.
    """

    class_index: int
    cells: Floats
    logit: float
    bias: float
    first_cell: tuple[float, float]
    step: tuple[float, float]
    bounds: tuple[float, float, float, float]
    peak: float
    grid: CellGrid

    @property
    def in_favour(self) -> float:
        """Return the sum of all that speaks for the class, in logits (>= 0)."""
        return float(self.cells[self.cells > 0].sum())

    @property
    def against(self) -> float:
        """Return the sum of all that speaks against the class, in logits (<= 0)."""
        return float(self.cells[self.cells < 0].sum())


def pooled_linear_head(network: nn.Module) -> nn.Linear | None:
    """Return the linear layer behind a mean over all cells, or None where the network's head is another.

    The head is looked at layer by layer: mean over the cells, flattening, dropout (which does nothing in reading), one
    linear layer, and nothing else.
    """
    head = getattr(network, "head", None)
    layers = [layer for layer in head if not isinstance(layer, nn.Dropout)] if isinstance(head, nn.Sequential) else []
    if len(layers) != 3:
        return None
    pool, flat, linear = layers
    pools_all = isinstance(pool, nn.AdaptiveAvgPool2d) and pool.output_size in (1, (1, 1))
    return linear if pools_all and isinstance(flat, nn.Flatten) and isinstance(linear, nn.Linear) else None


def has_contribution_map(predictor: Predictor) -> bool:
    """Return whether the answers of this model can be divided exactly among the cells of a film."""
    return all(pooled_linear_head(member) is not None for member in predictor.members)


def contributions(linear: nn.Linear, features: Tensor) -> Floats:
    """Return what each cell brings to each logit, float64 (classes, views, cell rows, cell columns).

    ``features`` (views, channels, cell rows, cell columns) is the output of the network's target layer.
    """
    weights = linear.weight.detach().double().cpu().numpy()
    cells = features.detach().double().cpu().numpy()
    return np.asarray(np.einsum("kc,vcij->kvij", weights, cells, optimize=True) / (cells.shape[2] * cells.shape[3]))


def contribution_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int] | None = None
) -> list[ContributionMap]:
    """Return the map of each class (all, unless some are named) from the pass that gave the answer.

    Views are turned back to the film's cells without loss (:func:`~inference.placement.turn_back`), then averaged, as
    their logits are; so are the members.

    Raises
    ------
    ExplanationError
        If the network's head is not one linear layer over the mean of the cells.
    """
    wanted = range(len(prediction.logits)) if classes is None else classes
    cells = predictor.run(lambda: _mean_over_members(predictor, prediction))
    grid = cast(Network, predictor.members[0]).cell_grid
    return [to_contribution_map(predictor, prediction, k, cells[k], grid) for k in wanted]


def _mean_over_members(predictor: Predictor, prediction: Prediction) -> Floats:
    """Return cells (classes, rows, columns), the mean of the members that answered."""
    size, degrees = predictor.bundle.recipe.preprocessing.size, predictor.bundle.reading_rotations
    found = []
    for index, features in zip(prediction.members, prediction.features, strict=True):
        linear = pooled_linear_head(predictor.members[index])
        if linear is None:
            raise refused(predictor.bundle.recipe.network)
        views = contributions(linear, features)
        grid = cast(Network, predictor.members[index]).cell_grid
        found.append(turn_back(views, grid, size, degrees, predictor.bundle.reading_mirrored).mean(axis=1))
    return np.asarray(np.mean(found, axis=0))


def refused(network: str) -> ExplanationError:
    """Return what to say of a network whose answers cannot be divided."""
    return ExplanationError(
        f"The answer of the network {network!r} cannot be divided exactly among the cells of a film, because its head is "
        "not one linear layer over their mean; choose one of the Grad-CAM maps."
    )


def to_contribution_map(
    predictor: Predictor, prediction: Prediction, class_index: int, cells: Floats, grid: CellGrid
) -> ContributionMap:
    """Return cells (cell rows, cell columns) in logits as the map of a class, placed on the film."""
    size = predictor.bundle.recipe.preprocessing.size
    placed = place_map(class_index, np.abs(cells).astype(np.float32), grid, size, prediction.crop)
    return ContributionMap(
        class_index=class_index,
        cells=cells,
        logit=float(prediction.logits[class_index]),
        bias=_bias(predictor, prediction, class_index),
        first_cell=placed.first_cell,
        step=placed.step,
        bounds=placed.bounds,
        peak=placed.peak,
        grid=grid,
    )


def _bias(predictor: Predictor, prediction: Prediction, class_index: int) -> float:
    heads = [pooled_linear_head(predictor.members[index]) for index in prediction.members]
    return float(np.mean([0.0 if head is None or head.bias is None else float(head.bias[class_index]) for head in heads]))


def for_and_against(found: ContributionMap) -> tuple[ClassActivationMap, ClassActivationMap]:
    """Return the map as two without signs, what speaks for the class and what against it, to be painted in two colours."""
    sides = [np.maximum(sign * found.cells, 0).astype(np.float32) for sign in (1, -1)]
    where = found.first_cell, found.step, found.bounds
    return place_cells(found.class_index, sides[0], *where), place_cells(found.class_index, sides[1], *where)


def contribution_scale(maps: Iterable[ContributionMap], class_names: Sequence[str], method: str = METHOD) -> dict[str, object]:
    """Return the fixed colour scale in logits for the card, from the maps of held-out films.

    One scale for all classes, because a logit is a logit: the largest magnitude of a cell that one film in twenty reaches,
    of each film the map of the class it was given. ``floor`` is a tenth of it; below it nothing is painted.

    Raises
    ------
    ExplanationError
        If there is no map.
    """
    peaks = [found.peak for found in maps]
    if not peaks:
        raise ExplanationError("A colour scale needs the map of at least one held-out film.")
    full_scale = float(np.quantile(peaks, SCALE_QUANTILE))
    return {
        "method": method,
        "unit": "logit",
        "films": len(peaks),
        "quantile": SCALE_QUANTILE,
        "full_scale": dict.fromkeys(class_names, full_scale),
        "floor": dict.fromkeys(class_names, full_scale * FLOOR_PART),
    }
