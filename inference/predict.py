"""The Predictor: CUDA if it is there, the CPU if not, and the CPU again when CUDA fails in the middle of a run.

Loaded once, asked many times, from one thread: hooks and modules are not re-entrant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.augment import normalise, turned_views
from inference.bundle import Bundle
from inference.errors import DeviceError
from inference.evaluate import softmax
from inference.gate.features import Vectors, film_vectors, watched_depths
from inference.networks.registry import Network
from inference.preprocess import SquareCrop, film_to_square, input_crop
from inference.recipe import Recipe
from inference.sole_use import sole_use

Result = TypeVar("Result")

FELL_BACK = "The graphics processor failed ({reason}); the CPU answered instead."


@dataclass(frozen=True)
class Device:
    """What the networks run on: ``name`` as reported ("cpu", "cuda"), ``torch_device`` as torch knows it."""

    name: str
    torch_device: torch.device


CPU = Device("cpu", torch.device("cpu"))


def choose_device(wanted: str = "auto") -> Device:
    """Return the device for "auto", "cpu" or "cuda".

    Raises
    ------
    DeviceError
        If CUDA is asked for and is not there, or the word is another.
    """
    if wanted not in {"auto", "cpu", "cuda"}:
        raise DeviceError(f"There is no device called {wanted!r}; there are auto, cpu and cuda.")
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return CPU
    if not torch.cuda.is_available():
        raise DeviceError("CUDA was asked for, but this machine has no CUDA device that torch can use; choose auto or cpu.")
    return Device("cuda", torch.device("cuda"))


def is_device_failure(error: RuntimeError) -> bool:
    """Return whether an exception is CUDA's (out of memory, lost device, library failure) and not a fault of ours."""
    if isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    return any(word in str(error) for word in ("CUDA", "cuDNN", "CUBLAS", "cublas", "NVML", "NVIDIA"))


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one film.

    Attributes
    ----------
    probabilities
        float64 (classes,), calibrated by the card's temperature, summing to 1.
    member_probabilities
        float64 (members, classes).
    embeddings
        float32 (members, features): mean over views and over the cells of the last block.
    logits
        float64 (classes,), mean over members and views, before the temperature.
    features
        One tensor a member, on the CPU: what its target layer made of the views, (views, channels, cell rows, cell columns).
        Every map is made from it, without another pass through the network.
    vectors
        For each member its features by depth, for the gate's judgement of distance.
    square
        uint8 (size, size): the crop as it was resampled for the networks, before it was turned and its values changed.
    crop
        The part of the film the network saw.
    """

    probabilities: npt.NDArray[np.float64]
    member_probabilities: npt.NDArray[np.float64]
    embeddings: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float64]
    features: tuple[Tensor, ...]
    vectors: tuple[Vectors, ...]
    square: npt.NDArray[np.uint8]
    members: tuple[int, ...]
    crop: SquareCrop
    device: str
    milliseconds: dict[str, float] = field(default_factory=dict)


class Predictor:
    """One model, ready to read films.

    Parameters
    ----------
    bundle
        The model.
    device
        Where to run; None chooses. A device that fails while loading is left for the CPU at once.
    """

    def __init__(self, bundle: Bundle, device: Device | None = None) -> None:
        self.bundle = bundle
        self.device = device or choose_device()
        self.warnings: list[str] = []
        self._members: tuple[nn.Module, ...] = bundle.build_members()
        self.run(lambda: None)

    @property
    def members(self) -> tuple[nn.Module, ...]:
        """Return the networks, on the present device."""
        return self._members

    def run(self, work: Callable[[], Result]) -> Result:
        """Do ``work`` with the members on the device; when the device fails, do it again on the CPU and say so.

        Raises
        ------
        NetworkInUse
            If work is under way already: a model is used from one thread, and ``work`` itself does not call this.
        """
        with sole_use(self):
            try:
                self._move()
                return work()
            except RuntimeError as error:
                if self.device.name == "cpu" or not is_device_failure(error):
                    raise
                reason = str(error).splitlines()[0][:120] if str(error) else error.__class__.__name__
                self.warnings.append(FELL_BACK.format(reason=reason))
                self.device = CPU
            self._rebuild_on_cpu()
            return work()

    def _move(self) -> None:
        for member in self._members:
            member.to(self.device.torch_device)

    def _rebuild_on_cpu(self) -> None:
        """Take the weights from the file again: those on a lost device cannot be read back."""
        self._members = self.bundle.build_members()

    def predict(
        self, grey: npt.NDArray[np.uint8], aspect_ratio: float = 1.0, members: Sequence[int] | None = None
    ) -> Prediction:
        """Read one film.

        Parameters
        ----------
        grey
            uint8 (rows, columns) as displayed: 0 black, 255 white, bone white.
        aspect_ratio
            Height of a pixel divided by its width.
        members
            Which members answer; None for all. An example of fold k is read by member k alone, which never saw it.
        """
        began = time.perf_counter()
        how = self.bundle.recipe.preprocessing
        crop = input_crop(how, grey.shape[0], grey.shape[1], aspect_ratio)
        square = film_to_square(grey, how.size, crop)
        prepared = time.perf_counter()
        chosen = tuple(range(len(self._members))) if members is None else tuple(members)
        logits, embeddings, passes = self.run(lambda: self._forward(square, chosen))
        temperature = float(self.bundle.card["temperature"])
        return Prediction(
            probabilities=softmax(logits.mean(axis=0), temperature),
            member_probabilities=softmax(logits, temperature),
            embeddings=embeddings,
            logits=logits.mean(axis=0),
            features=tuple(made for made, _ in passes),
            vectors=tuple(vectors for _, vectors in passes),
            square=square,
            members=chosen,
            crop=crop,
            device=self.device.name,
            milliseconds={
                "preprocess": 1000 * (prepared - began),
                "forward": 1000 * (time.perf_counter() - prepared),
            },
        )

    def _forward(
        self, square: npt.NDArray[np.uint8], chosen: Sequence[int]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], list[tuple[Tensor, Vectors]]]:
        """Return logits (members, classes), embeddings (members, features), and each member's features as in Prediction."""
        views = self.views(square)
        logits, embeddings, passes = [], [], []
        with torch.no_grad():
            for index in chosen:
                network = cast(Network, self._members[index])
                with sole_use(self._members[index]), watched_depths(self._members[index]) as depths:
                    features = network.target_layer(network.body(views))
                    logits.append(network.classify(features).mean(dim=0).double().cpu().numpy())
                embeddings.append(features.mean(dim=(0, 2, 3)).float().cpu().numpy())
                passes.append((features.cpu(), film_vectors(depths)))  # maps can still be made when the device is lost
        return np.stack(logits), np.stack(embeddings), passes

    def views(self, square: npt.NDArray[np.uint8]) -> Tensor:
        """Return what the networks are given of a film: float32 (views, channels, size, size), on the present device.

        ``square`` uint8 (size, size) as in :class:`Prediction`.
        """
        film = torch.from_numpy(square.copy())[None, None].to(self.device.torch_device).float() / 255
        turned = turned_views(film, self.bundle.reading_rotations, self.bundle.reading_mirrored)
        return normalise(turned, self.bundle.recipe.preprocessing)


def read_squares(
    network: nn.Module, recipe: Recipe, squares: npt.NDArray[np.uint8], device: torch.device = CPU.torch_device
) -> npt.NDArray[np.float64]:
    """Return logits (films, classes) of films at the network's size, uint8 (films, size, size), as a Predictor reads them.

    For judging many films at once; the mean over the recipe's turned (and mirrored) views.
    """
    network = network.to(device).eval()
    found = []
    with torch.no_grad():
        for square in torch.from_numpy(squares):
            film = square[None, None].to(device).float() / 255
            turned = turned_views(film, recipe.reading_rotations, recipe.reading_mirrored)
            views = normalise(turned, recipe.preprocessing)
            found.append(network(views).mean(dim=0).double().cpu().numpy())
    return np.stack(found)
