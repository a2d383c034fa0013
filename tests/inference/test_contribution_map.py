"""The exact contribution map: its cells are the answer, on the last block's cells and on finer ones."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from inference.augment import turned_views
from inference.bundle import open_bundle
from inference.contribution_map import (
    ContributionMap,
    contribution_maps,
    contribution_scale,
    contributions,
    for_and_against,
    has_contribution_map,
    pooled_linear_head,
)
from inference.errors import ExplanationError
from inference.fine_contributions import fine_contribution_maps, fine_contributions, has_fine_map
from inference.networks.cells import CellGrid
from inference.networks.registry import NETWORKS
from inference.networks.resnet import resnet18
from inference.placement import turn_back
from inference.predict import CPU, Prediction, Predictor

SIZE = 96
SHIPPED = Path(__file__).parents[2] / "resources" / "models" / "chest_resnet"
Finish = Callable[[Any], Any]


@pytest.fixture(scope="module")
def predictor(pooled_predictor: Predictor) -> Predictor:
    return pooled_predictor


@pytest.fixture(scope="module")
def grey() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 255, (130, 110), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(predictor: Predictor, grey: npt.NDArray[np.uint8]) -> Prediction:
    return predictor.predict(grey)


# Which networks


def test_only_a_mean_over_all_cells_and_one_linear_layer_can_be_divided() -> None:
    found = {name for name in NETWORKS if not name.startswith("vgg16") and _head_of(name) is not None}
    assert found == {"resnet18_w32", "resnet18_w64", "resnet34"}


def _head_of(name: str) -> nn.Linear | None:
    with torch.device("meta"):
        return pooled_linear_head(NETWORKS[name].build(2, 1, 256))


def test_a_head_with_more_in_it_is_not_taken_for_linear() -> None:
    network = resnet18(3, width=8)
    linear = network.head[-1]
    assert pooled_linear_head(network) is linear
    for head in (nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), linear), nn.Sequential(*network.head, nn.ReLU()), linear):
        network.head = head
        assert pooled_linear_head(network) is None


def test_another_head_is_refused_in_a_sentence(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    assert not has_contribution_map(tiny_predictor)
    assert not has_fine_map(tiny_predictor)
    found = tiny_predictor.predict(grey)
    with pytest.raises(ExplanationError, match=r"^The answer of the network 'darkcovidnet' cannot be divided exactly among"):
        contribution_maps(tiny_predictor, found)
    with pytest.raises(ExplanationError, match=r"choose one of the Grad-CAM maps\.$"):
        next(fine_contribution_maps(tiny_predictor, found, [0]))


# The sum


def test_the_cells_sum_to_the_logit_less_its_bias(predictor: Predictor, prediction: Prediction) -> None:
    """Over two members and two views turned by different angles."""
    maps = contribution_maps(predictor, prediction)
    assert [m.class_index for m in maps] == [0, 1, 2]
    assert [m.logit for m in maps] == pytest.approx(prediction.logits.tolist())
    assert [float(m.cells.sum()) for m in maps] == pytest.approx([m.logit - m.bias for m in maps], abs=1e-5)
    assert [m.in_favour + m.against for m in maps] == pytest.approx([m.logit - m.bias for m in maps], abs=1e-5)
    assert {m.cells.shape for m in maps} == {(3, 3)}


def test_the_bias_is_the_members_mean(predictor: Predictor, prediction: Prediction) -> None:
    biases = [member.head[-1].bias.tolist() for member in predictor.members]  # type: ignore[index, union-attr]
    assert [m.bias for m in contribution_maps(predictor, prediction)] == pytest.approx(np.mean(biases, axis=0).tolist())


def test_the_finer_cells_have_the_same_sum(predictor: Predictor, prediction: Prediction, finish: Finish) -> None:
    maps = finish(fine_contribution_maps(predictor, prediction, [0, 2]))
    assert [m.class_index for m in maps] == [0, 2]
    assert [float(m.cells.sum()) for m in maps] == pytest.approx([m.logit - m.bias for m in maps], abs=1e-5)
    assert {m.cells.shape for m in maps} == {(12, 12)}
    assert {m.grid for m in maps} == {CellGrid(0.5, 8)}


def test_one_member_is_divided_alone(predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    alone = predictor.predict(grey, members=[1])
    (found,) = contribution_maps(predictor, alone, [1])
    bias = predictor.members[1].head[-1].bias[1]  # type: ignore[index, union-attr]
    assert found.bias == pytest.approx(float(bias))
    assert float(found.cells.sum()) == pytest.approx(alone.logits[1] - float(bias), abs=1e-5)


# The values


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_speaks_for_a_class_is_grad_cam_before_its_scaling(predictor: Predictor, number: int) -> None:
    network: Any = deepcopy(predictor.members[0])
    film = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    features = network.target_layer(network.body(film))
    mean = features.mean(dim=(0, 2, 3))
    network.head[-1].weight -= torch.outer(network.head[-1].weight @ mean, mean) / mean.square().sum()  # both signs
    ours = contributions(network.head[-1], features)[number]
    assert ours.max() > 0 > ours.min()
    scaled = scale_cam_image(scale_cam_image(np.maximum(ours, 0).astype(np.float32), (SIZE, SIZE)))
    network.requires_grad_(True)
    with GradCAM(model=network, target_layers=[network.target_layer]) as cam:
        assert np.abs(scaled - cam(input_tensor=film, targets=[ClassifierOutputTarget(number)])).max() < 1e-6


def test_the_finer_map_changes_where_the_film_does(predictor: Predictor) -> None:
    """Behind the fine layer only short cuts are left, which carry every fourth cell to the head as it is."""
    network: Any = deepcopy(predictor.members[0])
    for block in (*network.layer3, *network.layer4):
        nn.init.zeros_(block.bn2.weight)
        nn.init.zeros_(block.bn2.bias)
    film = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) / 10
    spotted = film.clone()
    spotted[0, 0, 56:72, 24:40] += 1
    without, found = (fine_contributions(network, views, [0])[0, 0] for views in (film, spotted))
    assert np.unravel_index(np.abs(found - without).argmax(), found.shape) == (8, 4)


def test_maps_leave_nothing_behind(predictor: Predictor, prediction: Prediction, finish: Finish) -> None:
    finish(fine_contribution_maps(predictor, prediction, [0]))
    contribution_maps(predictor, prediction)
    for layer in (layer for member in predictor.members for layer in member.modules()):
        assert not layer._forward_hooks
        assert not any(p.requires_grad or p.grad is not None for p in layer.parameters(recurse=False))


# Turned views


def test_a_turned_views_cells_go_back_to_where_they_were_on_the_film() -> None:
    """A quarter turn about the film's centre: what the view shows at the top right stood at the bottom right."""
    view = np.zeros((1, 4, 4))
    view[0, 0, 3] = 1.0
    assert np.argwhere(turn_back(view, CellGrid(8, 16), 64, [90.0])[0] > 0.5).tolist() == [[3, 3]]


def test_turning_back_undoes_the_turning_of_a_film() -> None:
    """The same angle, sense and side as the films: a spot turned as a view, then seen in cells, comes back to its place."""
    film = torch.zeros(1, 1, 64, 64)
    film[0, 0, 8:16, 40:48] = 1
    views = nn.functional.avg_pool2d(turned_views(film, [20.0], mirrored=True), 4)[:, 0].numpy()
    assert np.allclose(views[0], views[1, :, ::-1])
    rows, columns = np.mgrid[2:64:4, 2:64:4]
    for back in turn_back(views, CellGrid(2, 4), 64, [20.0], mirrored=True):
        assert (back * rows).sum() / back.sum() == pytest.approx(12, abs=0.5)
        assert (back * columns).sum() / back.sum() == pytest.approx(44, abs=0.5)


@pytest.mark.parametrize("degrees", [0.0, 1.5, 45.0])
def test_turning_back_loses_nothing(degrees: float) -> None:
    maps = np.random.default_rng(1).normal(size=(3, 2, 5, 5))
    back = turn_back(maps, CellGrid(0.5, 32), 160, [degrees, -degrees])
    assert back.sum(axis=(2, 3)) == pytest.approx(maps.sum(axis=(2, 3)))
    assert np.allclose(back, maps) == (degrees == 0)


# On the film, and its scale


def test_what_speaks_for_and_against_are_two_maps_in_one_place(predictor: Predictor, prediction: Prediction) -> None:
    (found,) = contribution_maps(predictor, prediction, [1])
    in_favour, against = for_and_against(found)
    assert np.allclose(in_favour.cells - against.cells, found.cells, atol=1e-6)
    assert min(in_favour.cells.min(), against.cells.min()) == 0
    assert max(in_favour.peak, against.peak) == pytest.approx(found.peak)
    assert (in_favour.first_cell, against.step, against.bounds) == (found.first_cell, found.step, found.bounds)
    assert found.bounds == pytest.approx((10 + 7.7, 7.7, 120 - 7.7, 110 - 7.7)), "the recipe cuts off 7 % at each edge"


def peaking(peak: float) -> ContributionMap:
    return ContributionMap(0, np.zeros((5, 5)), 0.0, 0.0, (0, 0), (1, 1), (0, 0, 5, 5), peak, CellGrid())


def test_one_scale_in_logits_serves_all_classes() -> None:
    found = contribution_scale([peaking(k / 100) for k in range(101)], ["covid", "other"])
    assert (found["method"], found["unit"], found["films"]) == ("contribution", "logit", 101)
    assert found["full_scale"] == {"covid": pytest.approx(0.95), "other": pytest.approx(0.95)}
    assert found["floor"] == {"covid": pytest.approx(0.095), "other": pytest.approx(0.095)}


def test_no_film_has_no_scale() -> None:
    with pytest.raises(ExplanationError, match=r"^A colour scale needs the map of at least one held-out film\.$"):
        contribution_scale([], ["covid"])


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="the shipped chest model is not here")
def test_the_shipped_networks_answers_are_divided_exactly(grey: npt.NDArray[np.uint8], finish: Finish) -> None:
    predictor = Predictor(open_bundle(SHIPPED), CPU)
    prediction = predictor.predict(grey)
    maps = contribution_maps(predictor, prediction) + finish(fine_contribution_maps(predictor, prediction, [0]))
    assert [float(m.cells.sum()) for m in maps] == pytest.approx([m.logit - m.bias for m in maps], abs=1e-4)
