"""Grad-CAM: the package's own values before it stretches them, and exactly in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor, nn
from torch.nn import functional

from inference.bundle import Bundle
from inference.dataset import Sample, load_grey
from inference.explain import class_activation_maps, raw_cam, timed_maps
from inference.grad_cam import ClassifierOutputTarget, GradCAM
from inference.networks.cells import CellGrid
from inference.placement import ClassActivationMap, place_map, turn_back
from inference.predict import CPU, Predictor
from inference.preprocess import film_to_square, square_crop


@pytest.fixture(scope="module")
def grey(tiny_samples: tuple[Sample, ...]) -> npt.NDArray[np.uint8]:
    return load_grey(tiny_samples[0].path)


@pytest.fixture
def network(tiny_bundle: Bundle) -> nn.Module:
    return tiny_bundle.build_members()[0]


@pytest.fixture
def film() -> Tensor:
    return torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(3))


def features(network: nn.Module, film: Tensor) -> Tensor:
    with torch.no_grad():
        return network.target_layer(network.body(film))  # type: ignore[no-any-return, operator]


def is_clean(network: nn.Module) -> bool:
    hooks = [m for m in network.modules() if m._forward_hooks or m._forward_pre_hooks or m._backward_hooks]
    return not hooks and not any(p.requires_grad or p.grad is not None for p in network.parameters())


# The values


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_raw_map_is_what_the_package_makes_of_the_whole_network(
    tiny_bundle: Bundle, network: nn.Module, film: Tensor, number: int
) -> None:
    raw = raw_cam(network, features(network, film), [number])[0]
    whole = tiny_bundle.build_members()[0].requires_grad_(True)
    with GradCAM(model=whole, target_layers=[whole.target_layer]) as cam:
        expected = cam(input_tensor=film, targets=[ClassifierOutputTarget(number)])
    assert raw.shape == (1, 13, 13)
    assert float(raw.max()) > 0
    assert np.allclose(scale_cam_image(scale_cam_image(raw, (256, 256))), expected, atol=1e-5)


def test_the_raw_map_is_the_relu_of_the_weighted_channels(network: nn.Module, film: Tensor) -> None:
    raw = raw_cam(network, features(network, film), [1])[0, 0]
    cells = features(network, film).requires_grad_(True)
    (gradient,) = torch.autograd.grad(network.classify(cells)[0, 1], cells)  # type: ignore[operator]
    expected = functional.relu((gradient.mean(dim=(2, 3), keepdim=True) * cells).sum(dim=1))[0]
    assert np.allclose(raw, expected.detach().numpy(), rtol=1e-4, atol=1e-7)


def test_several_classes_and_views_at_once_are_as_each_alone(network: nn.Module, film: Tensor) -> None:
    views = features(network, torch.cat([film, film.flip(-1)]))
    alone = [[raw_cam(network, views[i : i + 1], [k])[0, 0] for i in (0, 1)] for k in (2, 0)]
    assert np.allclose(raw_cam(network, views, [2, 0]), alone, rtol=1e-4, atol=1e-7)


def test_each_class_has_a_map_of_its_own(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    maps = class_activation_maps(tiny_predictor, tiny_predictor.predict(grey), [0, 1, 2])
    assert [m.class_index for m in maps] == [0, 1, 2]
    assert not np.allclose(maps[0].cells, maps[1].cells)
    assert not np.allclose(maps[1].cells, maps[2].cells)


def test_the_map_is_the_mean_of_the_members(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    cells = [
        class_activation_maps(tiny_predictor, tiny_predictor.predict(grey, members=who), [1])[0].cells
        for who in ([0], [1], [0, 1])
    ]
    assert np.allclose(cells[2], (cells[0] + cells[1]) / 2, rtol=1e-4, atol=1e-7)


def test_other_weights_make_another_map(tiny_bundle: Bundle, grey: npt.NDArray[np.uint8]) -> None:
    predictor = Predictor(tiny_bundle, CPU)
    (before,) = class_activation_maps(predictor, predictor.predict(grey, members=[0]), [0])
    torch.manual_seed(1)
    for layer in predictor.members[0].modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.reset_parameters()
    (after,) = class_activation_maps(predictor, predictor.predict(grey, members=[0]), [0])
    assert abs(np.corrcoef(before.cells.ravel(), after.cells.ravel())[0, 1]) < 0.7


def test_a_black_film_has_finite_maps(tiny_predictor: Predictor) -> None:
    prediction = tiny_predictor.predict(np.zeros((90, 120), np.uint8))
    maps, milliseconds = timed_maps(tiny_predictor, prediction, [0, 1, 2])
    assert all(np.isfinite(m.cells).all() and m.cells.min() >= 0 for m in maps)
    assert milliseconds > 0


# Nothing is left behind


def test_hooks_and_gradients_are_gone_afterwards(network: nn.Module, film: Tensor) -> None:
    raw_cam(network, features(network, film), [0, 1])
    assert is_clean(network)


def test_hooks_and_gradients_are_gone_after_a_fault(network: nn.Module, film: Tensor) -> None:
    """As long as the fault is held, so is the frame it came from: nothing is cleaned up by accident."""
    with pytest.raises(IndexError) as fault:
        raw_cam(network, features(network, film), [99])
    assert is_clean(network)
    assert fault.traceback


def test_the_answer_does_not_change_what_a_map_keeps(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    prediction = tiny_predictor.predict(grey)
    kept = [made.clone() for made in prediction.features]
    first, again = (class_activation_maps(tiny_predictor, prediction, [0])[0].cells for _ in range(2))
    assert np.array_equal(first, again)
    assert all(torch.equal(a, b) for a, b in zip(kept, prediction.features, strict=True))


# Mirrored views


def test_a_film_and_its_mirror_image_get_one_answer_and_mirrored_maps(tiny_bundle: Bundle, grey: npt.NDArray[np.uint8]) -> None:
    card = tiny_bundle.card | {"preprocessing": tiny_bundle.card["preprocessing"] | {"reading_mirrored": True}}
    both = Predictor(replace(tiny_bundle, card=card), CPU)
    answers = [both.predict(film) for film in (grey, np.ascontiguousarray(grey[:, ::-1]))]
    assert answers[0].probabilities == pytest.approx(answers[1].probabilities, abs=1e-5)
    one, other = (class_activation_maps(both, answer, [1])[0].cells for answer in answers)
    size = tiny_bundle.recipe.preprocessing.size
    grid = both.members[0].cell_grid
    # The film mirrored and turned back as a mirrored view is: the grid does not lie symmetrically, so alike, not equal.
    views = np.stack([np.zeros_like(other), other])
    back = turn_back(views, grid, size, [0.0], mirrored=True)[1]
    assert np.corrcoef(back.ravel(), one.ravel())[0, 1] > 0.9
    assert np.corrcoef(other.ravel(), one.ravel())[0, 1] < 0.6


# In place


class BrightCells(nn.Module):
    """A network whose one logit is the sum of its bright cells, 8 input pixels each."""

    cell_grid = CellGrid(first=4.0, step=8.0)

    def __init__(self) -> None:
        super().__init__()
        self.target_layer = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.target_layer.weight)

    def body(self, film: Tensor) -> Tensor:
        return functional.relu(functional.avg_pool2d(film, 8) - 0.5)

    def classify(self, features: Tensor) -> Tensor:
        return features.sum(dim=(2, 3))


def map_of(grey: npt.NDArray[np.uint8], aspect_ratio: float) -> ClassActivationMap:
    network, crop = BrightCells(), square_crop(grey.shape[0], grey.shape[1], aspect_ratio)
    square = torch.from_numpy(film_to_square(grey, 256, crop).copy())[None, None].float() / 255
    cells = raw_cam(network, network.target_layer(network.body(square)), [0])[0, 0]
    return place_map(0, cells, network.cell_grid, 256, crop)


def glowing(found: ClassActivationMap, axis: int) -> list[float]:
    """Return where along an axis of the film the centres of the cells above nought lie."""
    cells = np.flatnonzero(found.cells.max(axis=1 - axis))
    return [found.first_cell[axis] + found.step[axis] * int(cell) for cell in cells]


def within(first: float, end: float, step: float) -> list[float]:
    """Return the centres of the cells of a rectangle that begins and ends with a cell."""
    return np.arange(first + step / 2, end, step).tolist()


@pytest.mark.parametrize(
    ("shape", "aspect_ratio", "rows", "columns", "step"),
    [
        ((300, 200), 1.0, (100, 125), (50, 75), (6.25, 6.25)),
        ((200, 300), 1.0, (100, 125), (100, 125), (6.25, 6.25)),
        ((160, 400), 2.0, (50, 75), (140, 190), (5, 10)),
        ((512, 300), 0.5, (176, 208), (30, 62), (16, 8)),
    ],
    ids=["portrait", "landscape", "tall pixels", "wide pixels"],
)
def test_the_map_glows_where_the_evidence_is_and_nowhere_else(
    shape: tuple[int, int],
    aspect_ratio: float,
    rows: tuple[int, int],
    columns: tuple[int, int],
    step: tuple[float, float],
) -> None:
    grey = np.zeros(shape, np.uint8)
    grey[slice(*rows), slice(*columns)] = 255
    found = map_of(grey, aspect_ratio)
    assert found.step == step
    assert glowing(found, 0) == pytest.approx(within(*rows, step[0]))
    assert glowing(found, 1) == pytest.approx(within(*columns, step[1]))


def test_no_evidence_is_no_map() -> None:
    found = map_of(np.zeros((256, 256), np.uint8), 1.0)
    assert (found.peak, float(found.cells.max())) == (0.0, 0.0)


def place(cells: Sequence[Sequence[float]], grid: CellGrid) -> ClassActivationMap:
    return place_map(1, np.array(cells, np.float32), grid, 64, square_crop(200, 100))


def test_the_networks_own_grid_is_placed_on_the_film() -> None:
    found = place_map(0, np.ones((13, 13), np.float32), CellGrid(-76, 32), 256, square_crop(612, 512))
    assert found.first_cell == (50 - 152, -152)
    assert found.step == (64, 64)
    assert found.bounds == (50, 0, 562, 512)


def test_the_peak_is_that_of_the_cells_on_the_film() -> None:
    cells = [[9, 9, 9, 9], [9, 1, 2, 9], [9, 3, 1, 9], [9, 9, 9, 9]]
    assert place(cells, CellGrid(-16, 32)).peak == 3
    assert place(cells, CellGrid(0, 16)).peak == 9
