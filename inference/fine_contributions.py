"""The exact contribution map on finer cells: the same logit, divided where the network still sees locally.

The cells of the last block each see nearly the whole film: on held-out films their map was no more faithful than chance
(see ``faithfulness.py``). A network of convolutions, batch normalisation, ReLU and means is linear around a film, so its
logit less the head's bias is also a sum over the cells of an earlier block, of gradient times output, plus, for each later
normalisation, the sum over *its* cells of gradient times what it adds regardless of the film (FullGrad; Srinivas and
Fleuret, NeurIPS 2019). Those later parts are coarser; they are shared out over the finer cells around them, and all cells
with their neighbours. Nothing is lost on the way, so the sum stays what it was. It costs one forward pass, and a backward
pass through the later blocks for each class.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.cam_methods import FINE_CONTRIBUTION
from inference.contribution_map import ContributionMap, pooled_linear_head, refused, to_contribution_map
from inference.networks.cells import CellGrid
from inference.networks.registry import Network
from inference.placement import turn_back
from inference.predict import Prediction, Predictor
from inference.sole_use import sole_use

METHOD = FINE_CONTRIBUTION
_SHARED = (0.0625, 0.25, 0.375, 0.25, 0.0625)
"""What a cell keeps and what falls to its neighbours along each axis: a bell of one cell's spread."""

Floats = npt.NDArray[np.float64]


def fine_layer(network: nn.Module) -> nn.Module | None:
    """Return the earlier block whose cells are explained (``network.fine_layer``), or None where there is none."""
    layer = getattr(network, "fine_layer", None)
    return layer if isinstance(layer, nn.Module) and pooled_linear_head(network) is not None else None


def has_fine_map(predictor: Predictor) -> bool:
    """Return whether fine contribution maps can be made with this model."""
    return all(fine_layer(member) is not None for member in predictor.members)


@dataclass
class _Seen:
    """What a pass through a network left behind: the explained output, and each later normalisation's with its constant."""

    fine: Tensor | None = None
    later: list[tuple[Tensor, Tensor]] = field(default_factory=list)


@contextmanager
def _watched(network: nn.Module, fine: nn.Module) -> Iterator[_Seen]:
    """Begin the gradient at the fine layer's output and keep what its division needs; hooks are removed at the end."""
    seen = _Seen()

    def begin(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        seen.fine = output.detach().requires_grad_(True)
        return seen.fine

    def keep(layer: nn.Module, _: Any, output: Tensor) -> Tensor | None:
        if seen.fine is None:
            return None  # before the fine layer's end: no gradient gets there
        seen.later.append((output, _constant(cast(nn.BatchNorm2d, layer))))
        return output.clone()  # the ReLU behind it may overwrite its input

    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    handles = [fine.register_forward_hook(begin), *(layer.register_forward_hook(keep) for layer in layers)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _constant(layer: nn.BatchNorm2d) -> Tensor:
    """Return what a normalisation adds whatever comes in, (channels, 1, 1)."""
    assert layer.running_mean is not None and layer.running_var is not None
    factor = layer.weight / torch.sqrt(layer.running_var + layer.eps)
    return (layer.bias - factor * layer.running_mean).detach()[:, None, None]


def fine_contributions(network: nn.Module, views: Tensor, classes: Sequence[int]) -> Floats:
    """Return what each fine cell brings to each logit, float64 (classes, views, cell rows, cell columns).

    Parameters
    ----------
    network
        In evaluation mode, with a :func:`fine_layer`.
    views
        (views, channels, size, size), as the network is given them.

    Raises
    ------
    NetworkInUse
        If another thread uses the network.
    """
    fine = fine_layer(network)
    assert fine is not None
    with sole_use(network), torch.enable_grad(), _watched(network, fine) as seen:
        logits = cast(Tensor, network(views))
        assert seen.fine is not None
        outputs = [seen.fine, *(output for output, _ in seen.later)]
        found = [_divided(torch.autograd.grad(logits[:, k].sum(), outputs, retain_graph=True), seen) for k in classes]
    return np.stack(found)


def _divided(gradients: Sequence[Tensor], seen: _Seen) -> Floats:
    """Return one class's logit divided among the fine cells, float64 (views, cell rows, cell columns)."""
    assert seen.fine is not None
    parts = [gradients[0] * seen.fine.detach()]
    parts += [gradient * constant for gradient, (_, constant) in zip(gradients[1:], seen.later, strict=True)]
    maps = [part.sum(dim=1).double().cpu().numpy() for part in parts]
    rows, columns = maps[0].shape[1:]
    total = sum(_spread(m.shape[1], rows) @ m @ _spread(m.shape[2], columns).T for m in maps)
    return np.asarray(_bell(rows) @ total @ _bell(columns).T)


@lru_cache(maxsize=64)
def _spread(cells: int, fine_cells: int) -> Floats:
    """Return how cells along one axis are shared out over finer ones, (fine cells, cells), columns summing to 1.

    The centres of the first cells are the same, as after convolutions padded by half their kernel.
    """
    ratio = 2 ** round(math.log2(fine_cells / cells))
    distance = np.abs(np.arange(fine_cells)[:, None] - ratio * np.arange(cells)[None]) / ratio
    share = np.maximum(0, 1 - distance)
    return np.asarray(share / share.sum(axis=0))


@lru_cache(maxsize=16)
def _bell(cells: int) -> Floats:
    """Return how a cell is shared with its neighbours, (cells, cells), columns summing to 1; what falls out stays inside."""
    share = np.zeros((cells, cells))
    for offset, part in enumerate(_SHARED, -(len(_SHARED) // 2)):
        np.add.at(share, (np.clip(np.arange(cells) + offset, 0, cells - 1), np.arange(cells)), part)
    return share


def fine_contribution_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int]
) -> Generator[int, None, list[ContributionMap]]:
    """Return the fine map of each class, mean of views (turned back to the film's cells) and members, as their logits are.

    Yields the number of members done, after each: it can be cancelled there.

    Raises
    ------
    ExplanationError
        If the network has no fine layer, or its head is not one linear layer over the mean of the cells.
    """
    if not has_fine_map(predictor):
        raise refused(predictor.bundle.recipe.network)
    size, degrees = predictor.bundle.recipe.preprocessing.size, predictor.bundle.reading_rotations
    found, grid = [], CellGrid()
    for done, member in enumerate(prediction.members, 1):
        views = predictor.run(partial(_member_views, predictor, prediction, member, classes))
        grid = _fine_grid(cast(Network, predictor.members[member]).cell_grid, views.shape[-1], prediction.features[0].shape[-1])
        found.append(turn_back(views, grid, size, degrees, predictor.bundle.reading_mirrored).mean(axis=1))
        yield done
    cells = np.mean(found, axis=0)
    return [to_contribution_map(predictor, prediction, k, own, grid) for k, own in zip(classes, cells, strict=True)]


def _member_views(predictor: Predictor, prediction: Prediction, member: int, classes: Sequence[int]) -> Floats:
    return fine_contributions(predictor.members[member], predictor.views(prediction.square), classes)


def _fine_grid(grid: CellGrid, fine_cells: int, cells: int) -> CellGrid:
    return CellGrid(grid.first, grid.step / 2 ** round(math.log2(fine_cells / cells)))
