"""The Grad-CAM family: each method is the package's own, the network is left as it was, and one thread uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from inference.cam_methods import CAM_METHODS, find_cam_method
from inference.errors import ExplanationError
from inference.explain import MapProgress, class_activation_maps, make_maps, raw_cam, score_cam_weights
from inference.networks.resnet import resnet18
from inference.predict import Predictor
from inference.sole_use import NetworkInUse, sole_use

GRADIENTS = [name for name, method in CAM_METHODS.items() if method.needs_gradients]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Return a network whose three classes have maps above nought: the head is positive."""
    torch.manual_seed(2)
    network = resnet18(3, width=8).eval().requires_grad_(False)
    network.head[-1].weight.abs_()  # type: ignore[index, union-attr, operator]
    return network


@pytest.fixture(scope="module")
def film() -> Tensor:
    return torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(3))


def features(network: Any, film: Tensor) -> Tensor:
    with torch.no_grad():
        made: Tensor = network.target_layer(network.body(film))
    return made


def is_clean(network: nn.Module) -> bool:
    hooks = [m for m in network.modules() if m._forward_hooks or m._forward_pre_hooks or m._backward_hooks]
    return not hooks and not any(p.requires_grad or p.grad is not None for p in network.parameters())


# The methods


def test_the_methods_are_the_packages_classes_and_only_score_cam_needs_no_gradient() -> None:
    assert list(CAM_METHODS) == ["GradCAM", "GradCAMPlusPlus", "LayerCAM", "HiResCAM", "ScoreCAM"]
    assert all(hasattr(pytorch_grad_cam, name) for name in CAM_METHODS)
    assert [name for name in CAM_METHODS if name not in GRADIENTS] == ["ScoreCAM"]


def test_a_method_that_is_not_there_is_refused_in_a_sentence() -> None:
    with pytest.raises(ExplanationError, match=r"^There is no map called 'EigenCAM'; there are GradCAM, GradCAMPlusPlus, "):
        find_cam_method("EigenCAM")


@pytest.mark.parametrize("method", GRADIENTS)
def test_each_method_is_what_the_package_makes_of_the_whole_network(network: nn.Module, film: Tensor, method: str) -> None:
    raw = raw_cam(network, features(network, film), [2], method)[0]
    network.requires_grad_(True)
    with getattr(pytorch_grad_cam, method)(model=network, target_layers=[network.target_layer]) as cam:
        expected = cam(input_tensor=film, targets=[ClassifierOutputTarget(2)])
    network.requires_grad_(False).zero_grad(set_to_none=True)
    assert raw.max() > 0
    assert np.abs(scale_cam_image(scale_cam_image(raw, (96, 96))) - expected).max() < 1e-6


def test_grad_cam_plus_plus_and_layer_cam_are_other_maps(pooled_predictor: Predictor, film: Tensor) -> None:
    """They take channels that speak for the class alone, so nothing is subtracted from what these show."""
    member = pooled_predictor.members[0]
    seen = features(member, film)
    plain, plus, layer = (raw_cam(member, seen, [0], name)[0, 0] for name in ("GradCAM", "GradCAMPlusPlus", "LayerCAM"))
    assert (layer > plain + 0.01).all()
    assert not np.allclose(plus, plain, atol=0.01)
    assert not np.allclose(plus, layer, atol=0.01)


def test_score_cam_is_what_the_package_makes(pooled_predictor: Predictor, finish: Callable[[Any], Any]) -> None:
    grey = np.random.default_rng(5).integers(0, 255, (96, 96), dtype=np.uint8)
    prediction = pooled_predictor.predict(grey, members=[1])
    views, seen = pooled_predictor.views(prediction.square), prediction.features[0]
    steps = (MapProgress(done, 8) for done in range(1, 9))
    weights = finish(score_cam_weights(pooled_predictor, 1, views, seen, [0, 2], steps))
    network = pooled_predictor.bundle.build_members()[1]
    with pytorch_grad_cam.ScoreCAM(model=network, target_layers=[network.target_layer]) as cam:
        expected = cam(input_tensor=views, targets=[ClassifierOutputTarget(2)] * 2)
    raw = raw_cam(network, seen, [0, 2], "ScoreCAM", weights)[1]
    assert np.abs(scale_cam_image(scale_cam_image(raw, (96, 96))) - expected).max() < 1e-5
    assert not next(steps, None)


@pytest.mark.parametrize("method", CAM_METHODS)
def test_the_map_of_a_model_is_the_mean_of_its_members(pooled_predictor: Predictor, method: str) -> None:
    grey = np.random.default_rng(6).integers(0, 255, (90, 120), dtype=np.uint8)
    made = [
        class_activation_maps(pooled_predictor, pooled_predictor.predict(grey, members=who), [1], method)[0]
        for who in ([0], [1], [0, 1])
    ]
    assert np.allclose(made[2].cells, (made[0].cells + made[1].cells) / 2, rtol=1e-4, atol=1e-6)
    assert made[2].bounds == pytest.approx((6.3, 21.3, 83.7, 98.7)), "the square less 7 % of it at each edge"
    assert made[2].cells.shape == (3, 3)


def test_progress_is_told_and_the_work_can_be_cancelled(pooled_predictor: Predictor) -> None:
    prediction = pooled_predictor.predict(np.zeros((96, 96), np.uint8))
    assert list(make_maps(pooled_predictor, prediction, [0])) == [MapProgress(1, 2), MapProgress(2, 2)]
    work = make_maps(pooled_predictor, prediction, [0], "ScoreCAM")
    assert next(work) == MapProgress(1, 18)  # 64 channels of two views in masks of 16, and one map, for each member
    work.close()
    assert all(is_clean(member) for member in pooled_predictor.members)
    assert pooled_predictor.predict(np.zeros((96, 96), np.uint8)).logits.tolist() == prediction.logits.tolist()


# The network stays as it was


@pytest.mark.parametrize("method", GRADIENTS)
def test_nothing_is_left_on_a_network_that_asks_for_gradients(film: Tensor, method: str) -> None:
    network = resnet18(3, width=8).eval()
    raw_cam(network, features(network, film), [0, 1], method)
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert not any(layer._forward_hooks for layer in network.modules())


@pytest.mark.parametrize("method", GRADIENTS)
def test_nothing_is_left_after_a_fault(network: nn.Module, film: Tensor, method: str) -> None:
    with pytest.raises(IndexError) as fault:
        raw_cam(network, features(network, film), [99], method)
    assert is_clean(network)
    assert fault.traceback


# One user at a time


class Meddler(nn.Identity):
    """A layer that does something while its network is being run, as another thread would."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__()
        self.meddle = meddle

    def forward(self, maps: Tensor) -> Tensor:
        self.meddle()
        return maps


def test_a_map_of_a_network_that_is_being_used_is_a_fault(film: Tensor) -> None:
    network = resnet18(3, width=8).eval()
    seen = features(network, film)
    network.head.insert(0, Meddler(lambda: raw_cam(network, seen, [0])))  # type: ignore[operator, union-attr]
    with pytest.raises(NetworkInUse, match=r"^A ResNet was used while it was in use; films are read one after another"):
        raw_cam(network, seen, [0])


def test_a_predictor_that_is_asked_while_it_answers_is_a_fault(pooled_predictor: Predictor) -> None:
    grey = np.zeros((96, 96), np.uint8)
    with pytest.raises(NetworkInUse, match=r"^A Predictor was used while it was in use"):
        pooled_predictor.run(lambda: pooled_predictor.predict(grey))
    assert pooled_predictor.predict(grey).members == (0, 1)  # free again


def test_two_networks_may_be_used_at_once_and_one_again_afterwards() -> None:
    first, second = nn.Identity(), nn.Identity()
    with sole_use(first), sole_use(second):
        pass
    with sole_use(first), pytest.raises(NetworkInUse), sole_use(first):
        pass
    with sole_use(first):
        pass
