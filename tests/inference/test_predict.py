"""The Predictor: an answer on any device, and on the CPU when the device fails."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from inference.bundle import Bundle
from inference.dataset import Sample, load_grey
from inference.errors import DeviceError
from inference.evaluate import softmax
from inference.explain import class_activation_maps
from inference.gate.features import film_vectors, watched_depths
from inference.predict import CPU, Device, Predictor, choose_device, is_device_failure
from inference.preprocess import SquareCrop

NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="tells what happens without CUDA")

PRETENDED = Device("cuda", torch.device("cpu"))
"""A device that is called CUDA, so that its failures can be raised where there is none."""

FAILURES = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.AcceleratorError("the launch timed out and was terminated"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    RuntimeError("Found no NVIDIA driver on your system."),
]


def fail_on_call(layer: nn.Module, number: int, failure: Exception) -> None:
    """Let a layer raise from its nth call on: what is lost stays lost."""
    calls = count(1)

    def hook(*_: Any) -> None:
        if next(calls) >= number:
            raise failure

    layer.register_forward_pre_hook(hook)


@pytest.fixture(scope="module")
def grey(tiny_samples: tuple[Sample, ...]) -> npt.NDArray[np.uint8]:
    return load_grey(tiny_samples[0].path)


# Choosing


def test_the_cpu_is_there_for_the_asking() -> None:
    assert choose_device("cpu") == CPU == Device("cpu", torch.device("cpu"))


@NO_CUDA
def test_without_cuda_the_cpu_is_chosen() -> None:
    assert choose_device("auto") == choose_device() == CPU


def test_with_cuda_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == choose_device("cuda") == Device("cuda", torch.device("cuda"))


@NO_CUDA
def test_cuda_that_is_asked_for_and_not_there_is_told() -> None:
    with pytest.raises(DeviceError, match=r"^CUDA was asked for, but this machine has no CUDA device"):
        choose_device("cuda")


def test_another_device_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"^There is no device called 'tpu'; there are auto, cpu and cuda\.$"):
        choose_device("tpu")


# Answering


def test_the_answer_sums_to_one_and_says_where_it_comes_from(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    found = tiny_predictor.predict(grey)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.member_probabilities.sum(axis=1) == pytest.approx([1, 1])
    assert (found.members, found.device) == ((0, 1), "cpu")
    assert found.crop == SquareCrop(10, 0, 110, 110)
    assert found.embeddings.shape == (2, 256)
    views = len(tiny_predictor.bundle.reading_rotations)
    assert [tuple(made.shape) for made in found.features] == [(views, 256, 13, 13)] * 2


def test_the_pass_that_answers_leaves_the_features_the_gate_judges_by(
    pooled_predictor: Predictor, grey: npt.NDArray[np.uint8]
) -> None:
    found = pooled_predictor.predict(grey)
    member = pooled_predictor.members[1]
    with watched_depths(member) as depths, torch.no_grad():
        member(pooled_predictor.views(found.square))
    expected = film_vectors(depths)
    assert [v.shape for v in found.vectors[1]] == [(16,), (32,), (64,)]
    assert all(np.array_equal(own, wanted) for own, wanted in zip(found.vectors[1], expected, strict=True))
    assert all(not module._forward_hooks for module in member.modules())


def test_the_answer_is_the_calibrated_mean_of_the_logits(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    found, temperature = tiny_predictor.predict(grey), tiny_predictor.bundle.card["temperature"]
    logits = temperature * np.log(found.member_probabilities)
    assert found.probabilities == pytest.approx(softmax(logits.mean(axis=0), temperature), abs=1e-9)


def test_one_member_answers_for_itself(tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    alone = tiny_predictor.predict(grey, members=[1])
    assert alone.members == (1,)
    assert alone.probabilities.tolist() == tiny_predictor.predict(grey).member_probabilities[1].tolist()


def test_a_film_between_does_not_change_the_answer(
    tiny_predictor: Predictor, tiny_samples: tuple[Sample, ...], grey: npt.NDArray[np.uint8]
) -> None:
    first = tiny_predictor.predict(grey)
    other = tiny_predictor.predict(load_grey(tiny_samples[1].path), aspect_ratio=1.5)
    class_activation_maps(tiny_predictor, other, [0, 1, 2])
    assert tiny_predictor.predict(grey).probabilities.tolist() == first.probabilities.tolist()
    assert other.probabilities.tolist() != first.probabilities.tolist()


def test_tall_pixels_show_the_network_a_wider_part(tiny_predictor: Predictor) -> None:
    assert tiny_predictor.predict(np.zeros((100, 100), np.uint8), aspect_ratio=2).crop == SquareCrop(25, 0, 50, 100)


# The device fails


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_when_the_device_fails_the_cpu_answers(
    tiny_bundle: Bundle, tiny_predictor: Predictor, grey: npt.NDArray[np.uint8], failure: Exception
) -> None:
    predictor = Predictor(tiny_bundle, PRETENDED)
    fail_on_call(predictor.members[1].get_submodule("stem"), 1, failure)
    found = predictor.predict(grey)
    assert found.probabilities.tolist() == tiny_predictor.predict(grey).probabilities.tolist()
    assert (found.device, predictor.device) == ("cpu", CPU)
    reason = str(failure).splitlines()[0]
    assert predictor.warnings == [f"The graphics processor failed ({reason}); the CPU answered instead."]


def test_a_device_lost_between_two_films_costs_neither(
    tiny_bundle: Bundle, tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]
) -> None:
    predictor = Predictor(tiny_bundle, PRETENDED)
    fail_on_call(predictor.members[0].get_submodule("deep"), 2, RuntimeError("CUDA error: unspecified launch failure"))
    answers = [predictor.predict(grey) for _ in range(3)]
    assert [answer.device for answer in answers] == ["cuda", "cpu", "cpu"]
    expected = tiny_predictor.predict(grey).probabilities.tolist()
    assert [answer.probabilities.tolist() for answer in answers] == [expected] * 3
    assert len(predictor.warnings) == 1


def test_a_device_lost_during_the_maps_costs_nothing(
    tiny_bundle: Bundle, tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]
) -> None:
    predictor = Predictor(tiny_bundle, PRETENDED)
    prediction = predictor.predict(grey)
    fail_on_call(predictor.members[1].get_submodule("to_classes"), 1, torch.AcceleratorError("CUDA error"))
    (found,) = class_activation_maps(predictor, prediction, [0])
    (expected,) = class_activation_maps(tiny_predictor, tiny_predictor.predict(grey), [0])
    assert np.array_equal(found.cells, expected.cells)
    assert (predictor.device, len(predictor.warnings)) == (CPU, 1)


def test_a_device_that_fails_while_loading_is_left_at_once(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, grey: npt.NDArray[np.uint8]
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("CUDA driver initialization failed")

    monkeypatch.setattr(nn.Module, "to", fail)
    predictor = Predictor(tiny_bundle, PRETENDED)
    assert (predictor.device, len(predictor.warnings)) == (CPU, 1)


@pytest.mark.parametrize("device", [PRETENDED, CPU])
def test_a_fault_of_ours_is_not_taken_for_the_devices(tiny_bundle: Bundle, grey: npt.NDArray[np.uint8], device: Device) -> None:
    predictor = Predictor(tiny_bundle, device)
    fail_on_call(predictor.members[0].get_submodule("stem"), 1, RuntimeError("The size of tensor a (3) must match"))
    with pytest.raises(RuntimeError, match="must match"):
        predictor.predict(grey)
    assert (predictor.device, predictor.warnings) == (device, [])


def test_a_failure_on_the_cpu_is_not_tried_again(tiny_bundle: Bundle, grey: npt.NDArray[np.uint8]) -> None:
    predictor = Predictor(tiny_bundle, CPU)
    fail_on_call(predictor.members[0].get_submodule("stem"), 1, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(torch.OutOfMemoryError):
        predictor.predict(grey)


def test_only_the_devices_failures_count_as_such() -> None:
    assert all(is_device_failure(failure) for failure in FAILURES)
    assert not is_device_failure(RuntimeError("DefaultCPUAllocator: can't allocate memory"))


# On a graphics processor


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_and_cpu_agree(tiny_bundle: Bundle, tiny_predictor: Predictor, grey: npt.NDArray[np.uint8]) -> None:
    predictor = Predictor(tiny_bundle, choose_device("cuda"))
    found, expected = predictor.predict(grey), tiny_predictor.predict(grey)
    assert (found.device, predictor.warnings) == ("cuda", [])
    assert {made.device.type for made in found.features} == {"cpu"}
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-3)
    maps = [class_activation_maps(p, r, [0])[0].cells for p, r in ((predictor, found), (tiny_predictor, expected))]
    assert np.allclose(maps[0], maps[1], atol=1e-3 * float(maps[1].max()))
