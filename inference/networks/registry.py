"""From a recipe to its network."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from inference.errors import RecipeError
from inference.networks.cells import CellGrid
from inference.networks.darkcovidnet import DarkCovidNet
from inference.recipe import Recipe


class Network(Protocol):
    """What every network here offers, beside being an nn.Module.

    ``classify(target_layer(body(films)))`` gives the logits: Grad-CAM needs no gradient below ``target_layer``, so the
    answer and all maps come from one pass through the body.
    """

    @property
    def target_layer(self) -> nn.Module:
        """Return the block whose output Grad-CAM explains."""

    @property
    def cell_grid(self) -> CellGrid:
        """Return where that output's cells lie on the input."""

    def body(self, films: Tensor) -> Tensor:
        """Return what enters ``target_layer``."""

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of ``target_layer``'s output."""


def build_network(recipe: Recipe) -> DarkCovidNet:
    """Return the recipe's network with fresh weights.

    Raises
    ------
    RecipeError
        If no architecture has the name the recipe states.
    """
    if recipe.network != "darkcovidnet":
        raise RecipeError(f"The recipe {recipe.name!r} asks for the network {recipe.network!r}, which is not known here.")
    return DarkCovidNet(len(recipe.classes), recipe.preprocessing.channels)
