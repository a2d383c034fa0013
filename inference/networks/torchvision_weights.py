"""Weights learnt on ImageNet, from torchvision: fetched once, or read from a file fetched by hand, and put into a body."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from inference.connections import require_connections
from inference.errors import TrainingError
from inference.networks.registry import Network
from inference.torchvision_operators import declare_missing_operators

declare_missing_operators()

from torchvision.models import ResNet34_Weights, VGG16_Weights  # noqa: E402

_OFFICIAL = {
    "resnet34": ResNet34_Weights.IMAGENET1K_V1,
    "resnet34_fastai": ResNet34_Weights.IMAGENET1K_V1,
    "vgg16": VGG16_Weights.IMAGENET1K_V1,
    "vgg16_two_sigmoids": VGG16_Weights.IMAGENET1K_V1,
    "vgg16_without_activations": VGG16_Weights.IMAGENET1K_V1,
}
_UNREADABLE = (RuntimeError, pickle.UnpicklingError, EOFError, KeyError)
_COUNTER = ".num_batches_tracked"


def imagenet_weights(architecture: str, file: Path | None = None) -> dict[str, Tensor]:
    """Return torchvision's ImageNet weights (IMAGENET1K_V1) for a name of the registry, under torchvision's names.

    Parameters
    ----------
    architecture
        "resnet34", "resnet34_fastai", or a name that begins with "vgg16".
    file
        The official file, fetched by hand; None: from torch.hub's folder of this user, fetched there if it is missing.

    Raises
    ------
    TrainingError
        If there are none for the architecture, the network cannot be reached, or the file is not the official one.
    ConnectionsForbidden
        If they must be fetched and no connection may be opened.
    """
    if architecture not in _OFFICIAL:
        raise TrainingError(f"There are no ImageNet weights for the network {architecture!r}; {_HAVING_THEM} have them.")
    address = str(_OFFICIAL[architecture].url)
    if file is not None:
        return read_weights(file, official_digits(address))
    return _fetched(_OFFICIAL[architecture], address)


_HAVING_THEM = f"{', '.join(sorted(_OFFICIAL)[:-1])} and {max(_OFFICIAL)}"


def official_digits(address: str) -> str:
    """Return the first digits of the SHA-256, which stand in torchvision's file names: b627a593 of resnet34-b627a593.pth."""
    return Path(address).stem.rpartition("-")[2]


def read_weights(file: Path, digits: str) -> dict[str, Tensor]:
    """Return the tensors of a file of weights whose SHA-256 begins with those hexadecimal digits.

    Raises
    ------
    TrainingError
        If the file cannot be read, is another one, or holds no tensors.
    """
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if not found.startswith(digits):
            raise TrainingError(
                f"The weights {file.name} are not the official ones, or are damaged: their SHA-256 begins with "
                f"{found[: len(digits)]} instead of {digits}. Fetch the file again."
            )
        return cast(dict[str, Tensor], torch.load(file, map_location="cpu", weights_only=True))
    except OSError as error:
        raise TrainingError(f"The weights {file.name} cannot be read ({error.strerror or error}).") from error
    except _UNREADABLE as error:
        raise TrainingError(f"The weights {file.name} hold no tensors that torch can read; fetch the file again.") from error


def _fetched(weights: Any, address: str) -> dict[str, Tensor]:
    """Return the weights from torch.hub's folder, where torch fetches them if they are missing."""
    name = Path(address).name
    kept = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not kept.is_file():
        require_connections()
    watched = sys.stderr is not None and sys.stderr.isatty()
    try:
        return cast(dict[str, Tensor], weights.get_state_dict(progress=watched, check_hash=True, weights_only=True))
    except OSError as error:
        raise TrainingError(
            f"The ImageNet weights could not be fetched from {address} ({error}). Fetch {name} from that address on a machine "
            "that reaches it, and name the file with --weights FILE."
        ) from error
    except _UNREADABLE as error:
        raise TrainingError(
            f"The ImageNet weights {name} came damaged or were damaged since. Remove {kept} if it is there and try again, or "
            f"fetch {address} by hand and name the file with --weights FILE."
        ) from error


def adapt(network: nn.Module, state_dict: dict[str, Tensor]) -> list[str]:
    """Copy weights named as in torchvision into a network's body, never its head, and return the names of those taken.

    A first convolution of one channel gets the sum over the three of the file: the same function of a grey film.

    Raises
    ------
    TrainingError
        If the weights are not those of this body; nothing has been copied then.
    """
    body = _body(network)
    taken = {name: _fitted(state_dict[name], own) for name, own in body.items() if name in state_dict}
    missing = [name for name in body if name not in taken and not name.endswith(_COUNTER)]
    wrong = [name for name, given in taken.items() if given.shape != body[name].shape]
    if missing or wrong:
        raise TrainingError(
            f"These ImageNet weights do not belong to this network: {(missing + wrong)[0]} is missing or has another size. "
            f"{_HAVING_THEM} have such weights."
        )
    with torch.no_grad():
        for name, given in taken.items():
            body[name].copy_(given)
    return list(taken)


def _body(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors before the head by name; they share the network's memory."""
    head = {
        id(tensor) for part in cast(Network, network).layer_groups[-1] for tensor in part.state_dict(keep_vars=True).values()
    }
    return {name: tensor for name, tensor in network.state_dict(keep_vars=True).items() if id(tensor) not in head}


def _fitted(given: Tensor, own: Tensor) -> Tensor:
    """Return a first convolution's weights (outputs, 3, rows, columns) for one channel, all other tensors as they are."""
    grey = given.ndim == own.ndim == 4 and (given.shape[1], own.shape[1]) == (3, 1)
    return given.sum(dim=1, keepdim=True) if grey else given
