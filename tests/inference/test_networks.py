"""The network of the article, counted; and where its cells lie, measured with impulses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from inference.errors import RecipeError
from inference.networks.cells import CellGrid
from inference.networks.darkcovidnet import DarkCovidNet
from inference.networks.registry import build_network
from inference.recipe import Recipe


@pytest.mark.parametrize(("channels", "classes", "parameters"), [(3, 3, 1_167_586), (3, 2, 1_164_434), (1, 3, 1_167_442)])
def test_the_parameters_are_those_of_the_article(channels: int, classes: int, parameters: int) -> None:
    network = DarkCovidNet(classes, channels)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize(("classes", "elements"), [(3, 3_239), (2, 3_237)])
def test_the_statistics_of_normalisation_are_counted_too(classes: int, elements: int) -> None:
    """17 layers hold a mean and a variance for each of 1,611 (1,610) channels, and a counter each."""
    assert sum(b.numel() for b in DarkCovidNet(classes).buffers()) == elements


def test_there_are_seventeen_convolutions_without_bias() -> None:
    convolutions = [m for m in DarkCovidNet(3).modules() if isinstance(m, nn.Conv2d)]
    assert (len(convolutions), [c.bias for c in convolutions]) == (17, [None] * 17)


def test_the_target_layer_has_thirteen_by_thirteen_cells() -> None:
    network = DarkCovidNet(3).eval()
    with torch.no_grad():
        entering = network.body(torch.zeros(1, 1, 256, 256))
    assert entering.shape == (1, 128, 13, 13)
    assert network.target_layer(entering).shape == (1, 256, 13, 13)


def test_body_target_layer_and_head_make_the_whole() -> None:
    network = DarkCovidNet(3).eval()
    films = torch.randn(2, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        parts = network.classify(network.target_layer(network.body(films)))
        assert torch.equal(network(films), parts)


def test_an_unknown_network_is_refused(tiny_recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match=r"^The recipe 'darkcovidnet' asks for the network 'vgg'"):
        build_network(replace(tiny_recipe, network="vgg"))


# Where the cells lie


def test_layers_move_the_grid_as_arithmetic_says() -> None:
    assert CellGrid().convolution(3, 1) == CellGrid(0.5, 1.0)
    assert CellGrid().convolution(1, 1) == CellGrid(-0.5, 1.0)
    assert CellGrid().pooling() == CellGrid(1.0, 2.0)
    assert CellGrid().pooling().convolution(1, 1).pooling() == CellGrid(0.0, 4.0)
    assert CellGrid().convolution(7, 3, stride=2) == CellGrid(0.5, 2.0)


def test_the_cells_begin_beyond_the_film_and_are_32_pixels_apart() -> None:
    assert DarkCovidNet(3).cell_grid == CellGrid(-76.0, 32.0)


def test_a_cell_sees_what_lies_around_its_place() -> None:
    """On a film so large that no edge cuts the view, the mean of |d cell / d pixel| lies on the cell's centre."""
    size, row, column = 576, 9, 12
    reach = torch.zeros(size, size)
    for seed in range(2):
        torch.manual_seed(seed)
        network = DarkCovidNet(3).eval()
        film = torch.randn(1, 1, size, size, requires_grad=True)
        cell = network.target_layer(network.body(film))[0, :, row, column]
        reach += torch.autograd.grad(cell.abs().sum(), film)[0][0, 0].abs()
    pixel, share = torch.arange(size) + 0.5, reach / reach.sum()
    assert float((share.sum(1) * pixel).sum()) == pytest.approx(-76 + 32 * row, abs=4)
    assert float((share.sum(0) * pixel).sum()) == pytest.approx(-76 + 32 * column, abs=4)
