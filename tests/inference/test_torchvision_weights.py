"""ImageNet's weights: the file is the official one, and it goes into the body as torchvision would read it."""

from __future__ import annotations

import hashlib
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inference.errors import TrainingError
from inference.networks.resnet import resnet18
from inference.networks.resnet34 import resnet34, resnet34_fastai
from inference.networks.torchvision_weights import adapt, imagenet_weights, official_digits, read_weights
from inference.networks.vgg16 import Vgg16
from inference.torchvision_operators import declare_missing_operators

declare_missing_operators()

from torchvision import models  # noqa: E402

RESNET34 = "https://download.pytorch.org/models/resnet34-b627a593.pth"


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    """Return torchvision's ResNet-34 with weights and statistics of no other network."""
    torch.manual_seed(5)
    network = models.resnet34(num_classes=3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def saved(tensors: object, folder: Path) -> tuple[Path, str]:
    """Write tensors as torch does; return the file and the first digits of its SHA-256."""
    file = folder / "weights.pth"
    torch.save(tensors, file)
    return file, hashlib.sha256(file.read_bytes()).hexdigest()[:8]


# Into the body


@pytest.mark.parametrize("build", [resnet34, resnet34_fastai])
def test_the_body_of_resnet34_gives_what_torchvisions_gives(
    build: Callable[..., nn.Module], reference: nn.Module, photographs: Tensor
) -> None:
    network = build(2, 3).eval()
    taken = adapt(network, reference.state_dict())
    assert set(taken) == {name for name in reference.state_dict() if not name.startswith("fc.")}
    with torch.no_grad():
        means = network.target_layer(network.body(photographs)).mean(dim=(2, 3))
        assert float(means.max()) > 0
        assert torch.allclose(nn.Sequential(*list(reference.children())[:-1])(photographs).flatten(1), means, rtol=1e-4)


def test_with_its_head_too_resnet34_is_torchvisions(reference: nn.Module, photographs: Tensor) -> None:
    network = resnet34(3, 3).eval()
    adapt(network, reference.state_dict())
    network.head[-1].load_state_dict(reference.fc.state_dict())
    with torch.no_grad():
        assert torch.allclose(network(photographs), reference(photographs), rtol=1e-4)


def test_the_convolutions_of_vgg16_give_what_torchvisions_give(photographs: Tensor) -> None:
    reference = models.vgg.make_layers(models.vgg.cfgs["D"])
    network = Vgg16(2, 3, units=8).eval()
    taken = adapt(network, {f"features.{name}": tensor for name, tensor in reference.state_dict().items()})
    assert len(taken) == 26
    with torch.no_grad():
        assert torch.allclose(network.features(photographs), reference(photographs), atol=1e-6)


def test_on_one_channel_a_grey_film_is_read_as_three_equal_ones(reference: nn.Module, photographs: Tensor) -> None:
    grey, three = resnet34(2, 1).eval(), resnet34(2, 3).eval()
    adapt(grey, reference.state_dict())
    adapt(three, reference.state_dict())
    films = photographs[:, :1]
    with torch.no_grad():
        as_three = three.conv1(films.expand(-1, 3, -1, -1))
        assert torch.allclose(grey.conv1(films), as_three, atol=1e-5)
    assert float(as_three.std()) > 0.1


def test_the_head_keeps_its_own_start(reference: nn.Module) -> None:
    network = resnet34(3, 3)
    before = network.head[-1].weight.clone()
    tensors = {**reference.state_dict(), "head.2.weight": torch.zeros(3, 512)}
    assert not [name for name in adapt(network, tensors) if name.startswith("head")]
    assert torch.equal(network.head[-1].weight, before)


def test_older_files_count_no_batches(reference: nn.Module) -> None:
    tensors = {name: tensor for name, tensor in reference.state_dict().items() if not name.endswith("tracked")}
    assert "bn1.running_mean" in adapt(resnet34(2), tensors)


def test_a_body_of_another_kind_is_refused_and_stays_as_it_was(reference: nn.Module) -> None:
    network = resnet18(3, 1, 64)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tensors = {name: tensor for name, tensor in reference.state_dict().items() if name != "layer4.1.bn2.bias"}
    with pytest.raises(TrainingError, match=r"do not belong to this network: layer4\.1\.bn2\.bias is missing"):
        adapt(network, tensors)
    with pytest.raises(TrainingError, match=r"do not belong to this network: conv1\.weight is missing or has another size"):
        adapt(resnet18(3, 1, 32), reference.state_dict())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


# From the file


def test_the_official_name_tells_the_hash() -> None:
    assert official_digits(RESNET34) == "b627a593"


def test_a_file_of_weights_is_read(tmp_path: Path) -> None:
    file, digits = saved({"conv1.weight": torch.arange(6.0)}, tmp_path)
    assert torch.equal(read_weights(file, digits)["conv1.weight"], torch.arange(6.0))


def test_another_file_than_the_official_one_is_refused(tmp_path: Path) -> None:
    file, digits = saved({}, tmp_path)
    with pytest.raises(
        TrainingError, match=rf"^The weights weights\.pth are not .* begins with {digits} instead of b627a593\."
    ):
        imagenet_weights("resnet34", file)


def test_a_file_that_runs_code_or_is_cut_off_is_refused(tmp_path: Path) -> None:
    file, digits = saved(nn.Linear(1, 1), tmp_path)
    with pytest.raises(TrainingError, match="hold no tensors that torch can read"):
        read_weights(file, digits)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(TrainingError, match="hold no tensors that torch can read"):
        read_weights(file, "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^The weights nothing\.pth cannot be read \(No such file or directory\)\.$"):
        imagenet_weights("vgg16", tmp_path / "nothing.pth")


def test_a_network_without_such_weights_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"for the network 'ct_cnn'; resnet34, .* and vgg16_without_activations have them"):
        imagenet_weights("ct_cnn")


# From the network


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Send every request to a port of this machine where nobody listens, and give torch.hub an empty folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("https_proxy", nobody)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


def test_without_a_network_the_file_and_its_address_are_named(offline: Path) -> None:
    with pytest.raises(TrainingError) as refused:
        imagenet_weights("resnet34_fastai")
    assert str(refused.value).startswith(f"The ImageNet weights could not be fetched from {RESNET34} (")
    assert str(refused.value).endswith("that reaches it, and name the file with --weights FILE.")


def test_a_file_kept_by_torch_that_is_damaged_is_named(offline: Path) -> None:
    kept = offline / "hub" / "checkpoints" / "resnet34-b627a593.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"cut off")
    with pytest.raises(TrainingError, match=re.escape(f"Remove {kept} if it is there and try again")):
        imagenet_weights("resnet34")
