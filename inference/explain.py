"""Grad-CAM by the grad-cam package, with its raw values kept and its cells put where they belong.

The package stretches every map to 0..1, so a film without evidence glows like one full of it; and it stretches the grid
over the whole picture, which is wrong for networks whose padding makes the grid larger than the picture. Here the raw map
is taken before both, and placed by the network's own :class:`~inference.networks.cells.CellGrid`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.grad_cam import ClassifierOutputTarget, GradCAM
from inference.networks.cells import CellGrid
from inference.networks.registry import Network
from inference.predict import Prediction, Predictor
from inference.preprocess import SquareCrop


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


class _Tail(nn.Module):
    """The last block and the head, so that Grad-CAM goes no deeper than it has to."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, entering: Tensor) -> Tensor:
        network = cast(Network, self.network)
        return network.classify(network.target_layer(entering))


class _RawGradCAM(GradCAM):  # type: ignore[misc]
    """GradCAM that remembers its map before it is stretched: ``raw`` float32 (films, cell rows, cell columns)."""

    raw: npt.NDArray[np.float32]

    def get_cam_image(self, *arguments: Any, **options: Any) -> npt.NDArray[np.float32]:
        cam = super().get_cam_image(*arguments, **options)
        self.raw = np.maximum(cam, 0).astype(np.float32)
        return cam  # type: ignore[no-any-return]


def raw_grad_cam(network: nn.Module, entering: Tensor, classes: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the raw Grad-CAM of one film for several classes, float32 (classes, cell rows, cell columns).

    ``entering`` (views, channels, rows, columns) is what enters the network's target layer; the maps of the views are
    averaged, as their logits are. Hooks and gradients are removed before this returns, whatever happens.
    """
    return np.asarray(_raw_views(network, entering, classes).mean(axis=1))


def _raw_views(network: nn.Module, entering: Tensor, classes: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the raw Grad-CAM of each view, float32 (classes, views, cell rows, cell columns)."""
    tail = _Tail(network).eval()
    target = cast(Network, network).target_layer
    target.requires_grad_(True)
    cam = _RawGradCAM(model=tail, target_layers=[target])
    views = len(entering)
    try:
        with torch.enable_grad():
            batch = entering.detach().repeat(len(classes), 1, 1, 1)
            cam(input_tensor=batch, targets=[ClassifierOutputTarget(k) for k in classes for _ in range(views)])
        return cam.raw.reshape(len(classes), views, *cam.raw.shape[1:])
    finally:
        cam.activations_and_grads.release()
        target.requires_grad_(False)
        network.zero_grad(set_to_none=True)


def class_activation_maps(predictor: Predictor, prediction: Prediction, classes: Sequence[int]) -> list[ClassActivationMap]:
    """Return the map of each class: the mean of the members' raw Grad-CAMs (their logits are averaged, too)."""
    raw = predictor.run(lambda: _mean_raw(predictor, prediction, classes))
    grid = cast(Network, predictor.members[0]).cell_grid
    size = predictor.bundle.recipe.preprocessing.size
    return [place_map(k, cells, grid, size, prediction.crop) for k, cells in zip(classes, raw, strict=True)]


def _mean_raw(predictor: Predictor, prediction: Prediction, classes: Sequence[int]) -> npt.NDArray[np.float32]:
    device = predictor.device.torch_device
    maps = [
        _raw_views(predictor.members[index], entering.to(device), classes)
        for index, entering in zip(prediction.members, prediction.before_target, strict=True)
    ]
    views = np.mean(maps, axis=0)
    if predictor.bundle.reading_mirrored:
        grid = cast(Network, predictor.members[0]).cell_grid
        half = views.shape[1] // 2
        views[:, half:] = mirror_back(views[:, half:], grid, predictor.bundle.recipe.preprocessing.size)
    return np.asarray(views.mean(axis=1), dtype=np.float32)


def mirror_back(maps: npt.NDArray[np.floating], grid: CellGrid, size: int) -> npt.NDArray[np.floating]:
    """Return maps (..., cell columns) of mirrored pictures in the cells of the picture that was mirrored.

    Cells need not lie symmetrically in the picture of ``size`` pixels: each gets what lies in the mirrored map where it lies
    in the picture itself, between two cells the share of both, beyond the outer ones their value.
    """
    count = maps.shape[-1]
    mirrored = size - (grid.first + grid.step * np.arange(count))
    at = np.clip((mirrored - grid.first) / grid.step, 0, count - 1)
    before = np.floor(at).astype(int)
    part = at - before
    return np.asarray(maps[..., before] * (1 - part) + maps[..., np.minimum(before + 1, count - 1)] * part)


def place_map(
    class_index: int, cells: npt.NDArray[np.float32], grid: CellGrid, size: int, crop: SquareCrop
) -> ClassActivationMap:
    """Return the map with its cells placed on the film the crop was taken from."""
    scale = (crop.height / size, crop.width / size)
    rows, columns = (grid.first + grid.step * np.arange(n) for n in cells.shape)
    inside = np.ix_((rows >= 0) & (rows < size), (columns >= 0) & (columns < size))
    return ClassActivationMap(
        class_index=class_index,
        cells=cells,
        first_cell=(crop.top + grid.first * scale[0], crop.left + grid.first * scale[1]),
        step=(grid.step * scale[0], grid.step * scale[1]),
        bounds=(crop.top, crop.left, crop.top + crop.height, crop.left + crop.width),
        peak=float(cells[inside].max()),
    )


def timed_maps(predictor: Predictor, prediction: Prediction, classes: Sequence[int]) -> tuple[list[ClassActivationMap], float]:
    """Return the maps and the wall time they took in milliseconds."""
    began = time.perf_counter()
    maps = class_activation_maps(predictor, prediction, classes)
    return maps, 1000 * (time.perf_counter() - began)
