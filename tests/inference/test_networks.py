"""The networks of the articles, counted; their parts; and where their cells lie, measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.errors import RecipeError
from inference.explain import raw_cam
from inference.networks.cells import CellGrid
from inference.networks.ct_cnn import CtCnn, ct_cnn, ct_cnn_basic, ct_cnn_simple
from inference.networks.darkcovidnet import DarkCovidNet
from inference.networks.keras import SameConvolution, class_logits
from inference.networks.registry import NETWORKS, build_network
from inference.networks.resnet import ResNet, pooled_head, resnet18
from inference.networks.resnet34 import resnet34, resnet34_fastai
from inference.networks.small_cnn import SmallCnn
from inference.networks.vgg16 import Vgg16, vgg16
from inference.recipe import FilmClass, Recipe


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def of_no_memory(build: Callable[..., Any], *arguments: int) -> Any:
    """Build a network whose tensors have shapes and no values."""
    with torch.device("meta"):
        return build(*arguments)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# How many parameters

COUNTS: list[tuple[Callable[..., nn.Module], tuple[int, ...], int]] = [
    (ct_cnn_basic, (), 4_987_361),
    (ct_cnn_simple, (), 671_185),
    (ct_cnn, (), 2_010_513),
    (SmallCnn, (), 5_723_457),
    (DarkCovidNet, (3, 3), 1_167_586),
    (DarkCovidNet, (2, 3), 1_164_434),
    (DarkCovidNet, (3, 1), 1_167_442),
    (vgg16, (2, 3), 134_268_738),
    (resnet34, (2, 3), 21_285_698),
    (resnet34, (3, 3), 21_286_211),
    (resnet34, (3, 1), 21_279_939),
    (resnet34_fastai, (2, 3), 21_813_570),
    (resnet18, (3, 1, 32), 2_796_515),
    (resnet18, (3, 1, 48), 6_286_803),
    (resnet18, (3, 1, 64), 11_171_779),
    (resnet18, (2, 1, 64), 11_171_266),
]


@pytest.mark.parametrize(("build", "arguments", "count"), COUNTS)
def test_the_parameters_are_those_of_the_article(
    build: Callable[..., nn.Module], arguments: tuple[int, ...], count: int
) -> None:
    assert parameters(of_no_memory(build, *arguments)) == count


def test_nearly_all_of_vgg16_lies_in_its_linear_layers() -> None:
    network = of_no_memory(vgg16, 2)
    assert (parameters(network.features), parameters(network.classifier)) == (14_714_688, 119_554_050)


def test_fastai_trains_the_head_and_all_normalisation_while_the_body_is_frozen() -> None:
    network = of_no_memory(resnet34_fastai, 2, 3)
    *body, head = network.layer_groups
    normalisation = [m for group in body for part in group for m in part.modules() if isinstance(m, nn.BatchNorm2d)]
    counts = sum(map(parameters, body[0] + body[1])), sum(map(parameters, head)), sum(map(parameters, normalisation))
    assert counts == (21_284_672, 528_898, 17_024)
    assert counts[1] + counts[2] == 545_922


@pytest.mark.parametrize(("classes", "elements"), [(3, 3_239), (2, 3_237)])
def test_the_statistics_of_normalisation_are_counted_too(classes: int, elements: int) -> None:
    """17 layers hold a mean and a variance for each of 1,611 (1,610) channels, and a counter each."""
    assert sum(b.numel() for b in DarkCovidNet(classes).buffers()) == elements


def test_there_are_seventeen_convolutions_without_bias() -> None:
    convolutions = [m for m in DarkCovidNet(3).modules() if isinstance(m, nn.Conv2d)]
    assert (len(convolutions), [c.bias for c in convolutions]) == (17, [None] * 17)


# What every network offers


def small(name: str) -> tuple[Any, Tensor]:
    """Return the network of that name, with few linear units if it is a VGG16, and two films it takes."""
    torch.manual_seed(0)
    size = {"darkcovidnet": 256, "ct_cnn_basic": 32, "resnet34_fastai": 96}.get(name, 64)
    if name.startswith("vgg16"):
        return Vgg16(2, 1, not name.endswith("activations"), name != "vgg16", units=8), noise(2, 1, size, size)
    return NETWORKS[name].build(2, 1, size), noise(2, 1, size, size)


@pytest.mark.parametrize("name", NETWORKS)
def test_body_target_layer_and_head_make_the_whole(name: str) -> None:
    network, films = small(name)
    network.eval()
    with torch.no_grad():
        logits = network(films)
        assert torch.equal(logits, network.classify(network.target_layer(network.body(films))))
    assert logits.shape == (2, 2)
    assert not torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_lies_in_one_group_of_layers_and_the_last_group_answers(name: str) -> None:
    network = of_no_memory(NETWORKS[name].build, 2, 1, 256)
    groups = [[id(p) for part in group for p in part.parameters()] for group in network.layer_groups]
    assert sorted(itertools.chain(*groups)) == sorted(id(p) for p in network.parameters())
    assert groups[0][0] == id(next(network.parameters()))
    linear = [id(m.weight) for m in network.modules() if isinstance(m, nn.Linear)]
    assert set(linear) <= set(groups[-1])
    assert not {id(p) for p in network.target_layer.parameters()} & set(groups[-1])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_class_activation_map_can_be_made(name: str) -> None:
    """In particular, nothing behind the target layer overwrites its output, and the layer stays the same object."""
    network, films = small(name)
    network.eval().requires_grad_(False)
    features = network.target_layer(network.body(films[:1]))
    maps = raw_cam(network, features, (0, 1))
    assert maps.shape == (2, 1, *features.shape[2:])
    assert np.isfinite(maps).all()
    assert maps.max() > 0


DROPOUT: dict[str, list[float]] = {
    "ct_cnn": [0.4, 0.5, 0.3],
    "ct_cnn_basic": [0.3],
    "ct_cnn_simple": [0.4, 0.5, 0.3],
    "darkcovidnet": [],
    "resnet18_w32": [0.2],
    "resnet18_w64": [0.2],
    "resnet34": [],
    "resnet34_fastai": [0.25, 0.5],
    "small_cnn": [0.25, 0.25, 0.25, 0.5],
    "vgg16": [0.5, 0.5],
    "vgg16_two_sigmoids": [0.5, 0.5],
    "vgg16_without_activations": [0.5, 0.5],
}


def test_dropout_stands_where_the_articles_have_it() -> None:
    built = {name: of_no_memory(NETWORKS[name].build, 2, 1, 256) for name in NETWORKS}
    found = {name: [m.p for m in network.modules() if isinstance(m, nn.Dropout)] for name, network in built.items()}
    assert found == DROPOUT


@pytest.mark.parametrize("name", [name for name in NETWORKS if DROPOUT[name]])
def test_dropout_changes_what_is_learnt_from_and_nothing_that_is_read(name: str) -> None:
    network, films = small(name)
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(films), network(films))
        network.eval()
        assert torch.equal(network(films), network(films))


@pytest.mark.parametrize("name", NETWORKS)
def test_training_in_half_precision_gives_every_layer_a_gradient(name: str) -> None:
    network, films = small(name)
    network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(films.contiguous(memory_format=torch.channels_last))
    F.cross_entropy(logits.float(), torch.tensor([0, 1])).backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert len(gradients) == len(list(network.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)


# What a recipe may ask for


@pytest.fixture
def two_classes(tiny_recipe: Recipe) -> Recipe:
    return replace(tiny_recipe, classes=(FilmClass("covid", "COVID-19"), FilmClass("other", "Other")), positive="covid")


def test_a_recipe_gets_its_network_with_its_size_and_channels(two_classes: Recipe) -> None:
    preprocessing = replace(two_classes.preprocessing, size=40, channels=3)
    network = build_network(replace(two_classes, network="small_cnn", preprocessing=preprocessing))
    assert network(torch.zeros(1, 3, 40, 40)).shape == (1, 2)


def test_an_unknown_network_is_refused(tiny_recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match=r"^The recipe 'darkcovidnet' asks for the network 'vgg', which is not known here\.$"):
        build_network(replace(tiny_recipe, network="vgg"))


@pytest.mark.parametrize(
    ("name", "size", "takes"),
    [
        ("darkcovidnet", 224, "256 x 256 only"),
        ("small_cnn", 23, "24 x 24 or more"),
        ("ct_cnn", 15, "16 x 16 or more"),
        ("resnet18_w32", 31, "32 x 32 or more"),
        ("vgg16", 16, "32 x 32 or more"),
    ],
)
def test_a_size_that_the_network_cannot_take_is_refused(two_classes: Recipe, name: str, size: int, takes: str) -> None:
    recipe = replace(two_classes, network=name, preprocessing=replace(two_classes.preprocessing, size=size))
    with pytest.raises(RecipeError, match=f"pictures of {size} x {size} pixels; it takes {takes}\\.$"):
        build_network(recipe)


@pytest.mark.parametrize("name", [name for name, architecture in NETWORKS.items() if not architecture.only])
def test_every_size_from_the_smallest_on_fits_the_head(name: str) -> None:
    smallest = NETWORKS[name].smallest
    for size in range(smallest, smallest + 9, 4):
        network = of_no_memory(NETWORKS[name].build, 2, 1, size).eval()
        assert network(torch.zeros(1, 1, size, size, device="meta")).shape == (1, 2)


@pytest.mark.parametrize("name", ["ct_cnn", "ct_cnn_basic", "ct_cnn_simple", "small_cnn"])
def test_one_logit_answers_for_the_first_of_two_classes_only(two_classes: Recipe, tiny_recipe: Recipe, name: str) -> None:
    with pytest.raises(RecipeError, match=r"the recipe has 3 classes\.$"):
        build_network(replace(tiny_recipe, network=name))
    with pytest.raises(RecipeError, match=r"the recipe's positive class, 'other', is not its first\.$"):
        build_network(replace(two_classes, network=name, positive="other"))


# Losses and starts of the articles in Keras


def test_one_logit_as_two_has_the_same_probability_and_the_same_loss() -> None:
    logit, first = torch.tensor([[-3.0], [0.0], [0.5], [40.0]]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    logits = class_logits(logit)
    assert torch.allclose(logits.softmax(1)[:, 0], torch.sigmoid(logit[:, 0]))
    binary = F.binary_cross_entropy_with_logits(logit[:, 0], first)
    assert torch.allclose(F.cross_entropy(logits, (1 - first).long()), binary)


def test_two_sigmoids_have_the_loss_of_keras() -> None:
    network, films = small("vgg16_two_sigmoids")
    nn.init.constant_(network.eval().classifier[-1].bias[0], 3.0)  # so that the sigmoids do not sum to 1
    features = network.target_layer(network.body(films))
    sigmoids = torch.sigmoid(network.classifier(F.adaptive_avg_pool2d(F.max_pool2d(features, 2), 7).flatten(1)))
    truth = torch.tensor([0, 1])
    keras = -torch.log(sigmoids[[0, 1], truth] / sigmoids.sum(1)).mean()
    assert torch.allclose(F.cross_entropy(network(films), truth), keras, rtol=1e-4)


def test_without_activations_the_maps_are_linear_between_poolings() -> None:
    network, films = small("vgg16_without_activations")
    first = nn.Sequential(*list(network.features)[:2])
    assert torch.allclose(first(2 * films), 2 * first(films), atol=1e-5)
    assert float(network.target_layer(network.body(films)).detach().min()) < 0


def test_networks_of_keras_start_as_there() -> None:
    """Glorot's bound of a convolution counts the kernel's pixels on both sides; biases are 0."""
    torch.manual_seed(0)
    weight, bias = ct_cnn_simple().convolutions[3].parameters()
    assert float(weight.detach().abs().max()) == pytest.approx((6 / (25 * 64 + 25 * 64)) ** 0.5, rel=0.01)
    assert not bias.any()


def test_vgg16_starts_as_in_the_article() -> None:
    network, _ = small("vgg16")
    assert float(network.classifier[0].weight.detach().std()) == pytest.approx(0.05, rel=0.01)
    assert float(network.features[-2].weight.detach().std()) == pytest.approx((2 / (2 * 9 * 512)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("kernel", [1, 3, 4, 5, 8, 16])
def test_an_even_kernel_pads_more_below_and_on_the_right(kernel: int) -> None:
    """Keras' "same": with its one weight at row and column (k - 1) // 2 the kernel leaves the picture as it is."""
    layer = SameConvolution(1, 1, kernel)
    with torch.no_grad():
        layer.weight.zero_()[0, 0, (kernel - 1) // 2, (kernel - 1) // 2] = 1
        layer.bias.zero_()
        film = noise(1, 1, 20, 20)
        assert torch.allclose(layer(film), film, atol=1e-6)


def test_a_wide_kernel_is_taken_in_halves_with_the_same_values_and_gradients() -> None:
    torch.manual_seed(0)
    layer, maps = SameConvolution(3, 4, 16), noise(2, 3, 20, 20).requires_grad_()
    made = layer(maps)
    assert made.grad_fn.next_functions[0][0]._saved_weight.shape == (4, 6, 16, 8)
    plain = F.relu(F.conv2d(F.pad(maps, (7, 8, 7, 8)), layer.weight, layer.bias))
    torch.testing.assert_close(made, plain, rtol=0, atol=1e-5)
    leaves = (maps, *layer.parameters())
    for ours, theirs in zip(torch.autograd.grad(made.sum(), leaves), torch.autograd.grad(plain.sum(), leaves), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


# Where the cells lie


def test_layers_move_the_grid_as_arithmetic_says() -> None:
    assert CellGrid().convolution(3, 1) == CellGrid(0.5, 1.0)
    assert CellGrid().convolution(1, 1) == CellGrid(-0.5, 1.0)
    assert CellGrid().pooling() == CellGrid(1.0, 2.0)
    assert CellGrid().pooling().convolution(1, 1).pooling() == CellGrid(0.0, 4.0)
    assert CellGrid().convolution(7, 3, stride=2) == CellGrid(0.5, 2.0)


@pytest.mark.parametrize(
    ("name", "first", "step"),
    [
        ("darkcovidnet", -76.0, 32.0),
        ("resnet18_w32", 0.5, 32.0),
        ("resnet34", 0.5, 32.0),
        ("ct_cnn", 4.0, 8.0),
        ("ct_cnn_simple", 8.0, 16.0),
        ("ct_cnn_basic", 5.5, 4.0),
        ("small_cnn", 10.0, 4.0),
        ("vgg16", 8.0, 16.0),
    ],
)
def test_the_first_cell_and_the_step_to_the_next(name: str, first: float, step: float) -> None:
    assert of_no_memory(NETWORKS[name].build, 2, 1, 256).cell_grid == CellGrid(first, step)


def blurring(network: Any) -> Any:
    """Give every convolution equal weights that sum to 1: no pixel is favoured then, and none is cancelled."""
    with torch.no_grad():
        for layer in network.eval().modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.fill_(1 / layer.weight[0].numel())
                if layer.bias is not None:
                    layer.bias.zero_()
    return network


MEASURED: list[tuple[Callable[[], Any], int, int, int]] = [
    (lambda: ResNet(pooled_head(32, 2), (2, 2, 2, 2), 4, 1), 480, 7, 8),
    (lambda: CtCnn(((4, 1), (4, 3), (4, 5), (4, 5)), ((8, 0.3),), 1, 128), 128, 7, 8),
    (lambda: CtCnn(((4, 4), (4, 8), (4, 16)), ((8, 0.3),), 1, 160), 160, 18, 21),
    (lambda: SmallCnn(1, 64), 64, 5, 7),
]


@pytest.mark.parametrize(("build", "size", "row", "column"), MEASURED, ids=["resnet", "ct_cnn", "ct_cnn_basic", "small_cnn"])
def test_a_cell_is_the_middle_of_what_it_sees(build: Callable[[], Any], size: int, row: int, column: int) -> None:
    """On a film so large that no edge cuts the view: over random films the mean of d cell / d pixel lies on its centre."""
    network, grid = blurring(build()), build().cell_grid
    films = noise(16, 1, size, size).requires_grad_()
    cell = network.target_layer(network.body(films))[:, :, row, column]
    reach = torch.autograd.grad(cell.sum(), films)[0].sum(dim=(0, 1)).double()
    pixel, share = torch.arange(size) + 0.5, reach / reach.sum()
    assert float((share.sum(1) * pixel).sum()) == pytest.approx(grid.first + grid.step * row, abs=0.5)
    assert float((share.sum(0) * pixel).sum()) == pytest.approx(grid.first + grid.step * column, abs=0.5)


def test_a_cell_of_darkcovidnet_sees_what_lies_around_its_place() -> None:
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
