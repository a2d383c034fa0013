"""Features of a model's network at several depths, taken while it reads a film: the mean of each depth's maps.

Artefacts show at different depths (Anthony and Kamnitsas 2023): noise early, another part of the body late.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.augment import normalise, turned_views
from inference.networks.registry import Network
from inference.recipe import Recipe

EARLIER = ("layer2", "layer3")
"""Parts of a residual network that are looked at beside the last block's output; others have that output alone."""

Vectors = tuple[npt.NDArray[np.float32], ...]
"""One array a depth, from the earliest to the last block: (features,) of one film, (films, features) of several."""


@contextmanager
def watched_depths(network: nn.Module) -> Generator[list[Tensor], None, None]:
    """Collect, while it is entered, the mean maps of every depth: tensors (views, features) in the order of the depths.

    The list is filled by a pass through ``body`` and ``target_layer``; the hooks are gone when this is left, whatever happens.
    """
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, maps: Tensor) -> None:
        found.append(maps.detach().mean(dim=(2, 3)))

    hooks = [module.register_forward_hook(keep) for module in _depths(network)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _depths(network: nn.Module) -> list[nn.Module]:
    earlier = [getattr(network, name) for name in EARLIER if hasattr(network, name)]
    return [*earlier, cast(Network, network).target_layer]


def film_vectors(found: Sequence[Tensor]) -> Vectors:
    """Return what :func:`watched_depths` collected of one film, the mean over its views, float32 (features,) a depth."""
    return tuple(depth.mean(dim=0).float().cpu().numpy() for depth in found)


def square_vectors(network: nn.Module, recipe: Recipe, squares: npt.NDArray[np.uint8]) -> Vectors:
    """Return float32 (films, features) a depth of films at the network's size, uint8 (films, size, size), as they are read.

    The films are read on the network's device.
    """
    kept: list[Vectors] = []
    reading = cast(Network, network)
    device = next(network.parameters()).device
    with torch.no_grad():
        for square in torch.from_numpy(squares):
            film = square[None, None].to(device).float() / 255
            turned = turned_views(film, recipe.reading_rotations, recipe.reading_mirrored)
            views = normalise(turned, recipe.preprocessing)
            with watched_depths(network) as found:
                reading.target_layer(reading.body(views))
            kept.append(film_vectors(found))
    return tuple(np.stack(depth) for depth in zip(*kept, strict=True))
