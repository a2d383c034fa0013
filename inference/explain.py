"""The Grad-CAM family by the grad-cam package, with its raw values kept and its cells put where they belong.

The package stretches every map to 0..1, so a film without evidence glows like one full of it; and it stretches the grid
over the whole picture, which is wrong for networks whose padding makes the grid larger than the picture. Here the raw map
is taken before both, and placed by the network's own :class:`~inference.networks.cells.CellGrid`.

Maps are made from the features that gave the answer (``Prediction.features``). The package's hooks lie on a layer of ours
that passes these on to the head, never on the network, and the gradient ends there: nothing of the network is hooked,
nothing needs a gradient, and none is left behind.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.cam_methods import find_cam_method
from inference.generators import finished
from inference.grad_cam import ClassifierOutputTarget, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from inference.networks.registry import Network
from inference.placement import ClassActivationMap, place_map, turn_back
from inference.predict import Prediction, Predictor
from inference.sole_use import sole_use

MASKS_AT_ONCE = 16

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MapProgress:
    """How much of the work on a map is done: ``done`` of ``total`` steps."""

    done: int
    total: int


class _Head(nn.Module):
    """The head alone, behind a layer of our own that shows it the features: what the package hooks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.shown = nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        return cast(Network, self.network).classify(self.shown(features))


class _KeepsRaw:
    """Mixed into a method of the package: remembers its map before it is stretched.

    ``raw`` float32 (films, cell rows, cell columns) >= 0: like the package, it leaves out what speaks against the class.
    """

    raw: Floats

    def get_cam_image(self, *arguments: Any, **options: Any) -> Floats:
        cam: Floats = super().get_cam_image(*arguments, **options)  # type: ignore[misc]
        self.raw = np.maximum(cam, 0).astype(np.float32)
        return cam


class _RawGradCAM(_KeepsRaw, GradCAM): ...  # type: ignore[misc]


class _RawGradCAMPlusPlus(_KeepsRaw, GradCAMPlusPlus): ...  # type: ignore[misc]


class _RawHiResCAM(_KeepsRaw, HiResCAM): ...  # type: ignore[misc]


class _RawLayerCAM(_KeepsRaw, LayerCAM): ...  # type: ignore[misc]


class _RawScoreCAM(_KeepsRaw, ScoreCAM):  # type: ignore[misc]
    """Score-CAM with its channels' scores found beforehand: ``channel_weights`` float32 (films, channels).

    The package's own sweep cannot be cancelled, is done again for each class, and draws a progress bar on the standard
    error stream, which a windowed program has not.
    """

    channel_weights: Floats

    def get_cam_weights(self, *_: Any) -> Floats:
        return self.channel_weights


_CLASSES: dict[str, Any] = {
    "GradCAM": _RawGradCAM,
    "GradCAMPlusPlus": _RawGradCAMPlusPlus,
    "HiResCAM": _RawHiResCAM,
    "LayerCAM": _RawLayerCAM,
    "ScoreCAM": _RawScoreCAM,
}


def raw_cam(
    network: nn.Module,
    features: Tensor,
    classes: Sequence[int],
    method: str = "GradCAM",
    channel_weights: Floats | None = None,
) -> Floats:
    """Return the raw map of each view for several classes, float32 (classes, views, cell rows, cell columns) >= 0.

    Parameters
    ----------
    features
        (views, channels, cell rows, cell columns): the output of the network's target layer.
    method
        A name of :data:`~inference.cam_methods.CAM_METHODS`.
    channel_weights
        For ScoreCAM alone: float32 (classes, views, channels), see :func:`score_cam_weights`.

    Raises
    ------
    ExplanationError
        If there is no such method.
    NetworkInUse
        If another thread uses the network: its maps and ours would be wrong.
    """
    kind = find_cam_method(method)
    with sole_use(network):
        head = _Head(network)
        cam = _CLASSES[kind.name](model=head, target_layers=[head.shown])
        if channel_weights is not None:
            cam.channel_weights = channel_weights.reshape(-1, channel_weights.shape[-1])
        try:
            with torch.enable_grad():
                batch = features.detach().repeat(len(classes), 1, 1, 1).requires_grad_(kind.needs_gradients)
                cam(input_tensor=batch, targets=[ClassifierOutputTarget(k) for k in classes for _ in features])
            return np.asarray(cam.raw.reshape(len(classes), len(features), *cam.raw.shape[1:]))
        finally:
            cam.activations_and_grads.release()
            network.zero_grad(set_to_none=True)  # one whose parameters ask for gradients got them in its head


def score_cam_weights(
    predictor: Predictor, member: int, films: Tensor, features: Tensor, classes: Sequence[int], progress: Iterator[MapProgress]
) -> Generator[MapProgress, None, Floats]:
    """Return Score-CAM's weight of each channel for each class, float32 (classes, views, channels).

    Each channel, stretched to 0..1 over the picture, is laid over the film as a mask; the softmax over channels of the
    logits they leave are the weights, as in the package.

    Parameters
    ----------
    films, features
        What one member was given, (views, channels, size, size), and what its target layer made of it.
    progress
        What to yield after each :data:`MASKS_AT_ONCE` passes.
    """
    scores = np.empty((len(classes), *features.shape[:2]), dtype=np.float32)
    for view, start in product(range(len(features)), range(0, features.shape[1], MASKS_AT_ONCE)):
        chosen = slice(start, start + MASKS_AT_ONCE)
        logits = predictor.run(partial(_masked_logits, predictor, member, films[view], features[view, chosen]))
        scores[:, view, chosen] = logits[:, list(classes)].T
        yield next(progress)
    return np.asarray(torch.from_numpy(scores).softmax(dim=-1).numpy())


def _masked_logits(predictor: Predictor, member: int, film: Tensor, cells: Tensor) -> Floats:
    """Return logits (masks, classes) of a film (channels, size, size) under masks made of cells (masks, rows, columns)."""
    device, network = predictor.device.torch_device, predictor.members[member]
    masks = F.interpolate(cells[None].to(device), film.shape[-2:], mode="bilinear", align_corners=True)[0]
    lowest, highest = masks.amin(dim=(1, 2), keepdim=True), masks.amax(dim=(1, 2), keepdim=True)
    masks = (masks - lowest) / (highest - lowest + 1e-8)
    with torch.no_grad(), sole_use(network):
        return np.asarray(network(film.to(device) * masks[:, None]).float().cpu().numpy())


def make_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int], method: str = "GradCAM"
) -> Generator[MapProgress, None, list[ClassActivationMap]]:
    """Return the map of each class: the mean of the members' raw maps (their logits are averaged, too).

    Maps of turned views are turned back to the film's cells before they are averaged. Progress comes after each member; of
    ScoreCAM, which takes thousands of passes, after each :data:`MASKS_AT_ONCE` of them.

    Raises
    ------
    ExplanationError
        If there is no such method.
    """
    grid = cast(Network, predictor.members[0]).cell_grid
    size, degrees = predictor.bundle.recipe.preprocessing.size, predictor.bundle.reading_rotations
    sweeps = not find_cam_method(method).needs_gradients
    progress = _count(prediction, sweeps)
    found = []
    for member, features in zip(prediction.members, prediction.features, strict=True):
        weights = None
        if sweeps:
            films = predictor.views(prediction.square).cpu()
            weights = yield from score_cam_weights(predictor, member, films, features, classes, progress)
        raw = predictor.run(partial(_member_maps, predictor, member, features, classes, method, weights))
        found.append(turn_back(raw, grid, size, degrees, predictor.bundle.reading_mirrored).mean(axis=1))
        yield next(progress)
    cells = np.mean(found, axis=0).astype(np.float32)
    return [place_map(k, own, grid, size, prediction.crop) for k, own in zip(classes, cells, strict=True)]


def _member_maps(
    predictor: Predictor, member: int, features: Tensor, classes: Sequence[int], method: str, weights: Floats | None
) -> Floats:
    on_device = features.to(predictor.device.torch_device)
    return raw_cam(predictor.members[member], on_device, classes, method, weights)


def _count(prediction: Prediction, sweeps: bool) -> Iterator[MapProgress]:
    """Yield the progress after each step of :func:`make_maps`."""
    of_a_sweep = [len(made) * -(-made.shape[1] // MASKS_AT_ONCE) if sweeps else 0 for made in prediction.features]
    total = sum(of_a_sweep) + len(of_a_sweep)
    return (MapProgress(done, total) for done in range(1, total + 1))


def class_activation_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int], method: str = "GradCAM"
) -> list[ClassActivationMap]:
    """Return what :func:`make_maps` returns, without progress."""
    return finished(make_maps(predictor, prediction, classes, method))


def timed_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int], method: str = "GradCAM"
) -> tuple[list[ClassActivationMap], float]:
    """Return the maps and the wall time they took in milliseconds."""
    began = time.perf_counter()
    maps = class_activation_maps(predictor, prediction, classes, method)
    return maps, 1000 * (time.perf_counter() - began)
