"""From a recipe to its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from torch import Tensor, nn

from inference.errors import RecipeError
from inference.networks import ct_cnn, resnet, resnet34, small_cnn, vgg16
from inference.networks.cells import CellGrid
from inference.networks.darkcovidnet import SIZE, DarkCovidNet
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

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return all layers with parameters, from the input to the head, each in one group; the head is the last group."""

    def body(self, films: Tensor) -> Tensor:
        """Return what enters ``target_layer``."""

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of ``target_layer``'s output."""


@dataclass(frozen=True)
class Architecture:
    """A name's network and what it can be asked for. None imports torchvision: a film's answer would wait a second for it."""

    build: Callable[[int, int, int], nn.Module]
    """Classes, channels and size of the input to a network with fresh weights."""
    smallest: int = 32
    """The least rows and columns of an input that leave a cell."""
    only: int = 0
    """The one size there is, if the head is tied to it."""
    one_logit: bool = False
    """Whether there is one logit, of the first of two classes."""


def _several_logits(build: Callable[[int, int], nn.Module], only: int = 0) -> Architecture:
    return Architecture(lambda classes, channels, _: build(classes, channels), only=only)


def _one_logit(build: Callable[[int, int], nn.Module], smallest: int) -> Architecture:
    return Architecture(lambda _, channels, size: build(channels, size), smallest, one_logit=True)


NETWORKS: dict[str, Architecture] = {
    "ct_cnn": _one_logit(ct_cnn.ct_cnn, 16),
    "ct_cnn_basic": _one_logit(ct_cnn.ct_cnn_basic, 8),
    "ct_cnn_simple": _one_logit(ct_cnn.ct_cnn_simple, 32),
    "darkcovidnet": _several_logits(DarkCovidNet, only=SIZE),
    "resnet18_w32": _several_logits(partial(resnet.resnet18, width=32)),
    "resnet18_w64": _several_logits(partial(resnet.resnet18, width=64)),
    "resnet34": _several_logits(resnet34.resnet34),
    "resnet34_fastai": _several_logits(resnet34.resnet34_fastai),
    "small_cnn": _one_logit(small_cnn.SmallCnn, 24),
    "vgg16": _several_logits(vgg16.vgg16),
    "vgg16_two_sigmoids": _several_logits(vgg16.vgg16_two_sigmoids),
    "vgg16_without_activations": _several_logits(vgg16.vgg16_without_activations),
}


def build_network(recipe: Recipe) -> nn.Module:
    """Return the recipe's network (a :class:`Network`) with fresh weights.

    Raises
    ------
    RecipeError
        If no architecture has the name the recipe states, or it cannot take the recipe's size or classes.
    """
    if recipe.network not in NETWORKS:
        raise RecipeError(f"The recipe {recipe.name!r} asks for the network {recipe.network!r}, which is not known here.")
    architecture = NETWORKS[recipe.network]
    _check_size(recipe, architecture)
    if architecture.one_logit:
        _check_classes(recipe)
    return architecture.build(len(recipe.classes), recipe.preprocessing.channels, recipe.preprocessing.size)


def _check_size(recipe: Recipe, architecture: Architecture) -> None:
    size = recipe.preprocessing.size
    asked = f"The recipe {recipe.name!r} gives the network {recipe.network!r} pictures of {size} x {size} pixels; it takes"
    if architecture.only and size != architecture.only:
        raise RecipeError(f"{asked} {architecture.only} x {architecture.only} only.")
    if size < architecture.smallest:
        raise RecipeError(f"{asked} {architecture.smallest} x {architecture.smallest} or more.")


def _check_classes(recipe: Recipe) -> None:
    names = recipe.class_names
    answers = f"The network {recipe.network!r} of the recipe {recipe.name!r} has one output, for the first of two classes;"
    if len(names) != 2:
        raise RecipeError(f"{answers} the recipe has {len(names)} classes.")
    if recipe.positive != names[0]:
        raise RecipeError(f"{answers} the recipe's positive class, {recipe.positive!r}, is not its first.")
