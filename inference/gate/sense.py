"""Small networks that know an upright frontal film of an adult from its spoilt copies and from other pictures.

One a fold, trained on the films of the other folds: each film of the pool is judged by the network that never saw its
patient, every other picture by all of them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.errors import TrainingError
from inference.gate.copies import COPIES, SIDE, regraded, shrink, shuffled, varied
from inference.gate.made_pictures import made_pictures
from inference.preprocess import film_to_square, square_crop
from inference.train import mixed_precision

FRONTAL = "frontal"
SENSES = (FRONTAL, "inverted", "turned", "upside_down", "cropped", "photographed", "lateral", "ct", "child", "other")
"""What a picture may be, in the order of the networks' outputs; the first is what a model reads."""
_BATCH = {FRONTAL: 40, "inverted": 10, "turned": 14, "upside_down": 14, "cropped": 14, "photographed": 10, "lateral": 10,
          "ct": 8, "child": 14, "other": 22}  # fmt: skip
STEPS = 200
"""Steps of 171 pictures: every film is drawn some seven times as it is and eleven times for its copies."""
LEARNING_RATE = 4e-3
TRAINING_SIDE = 2 * SIDE
"""Pixels a side of the pictures :func:`train_sense` takes."""

Squares = npt.NDArray[np.uint8]
Tensors = dict[str, Tensor]


class SenseNetwork(nn.Module):
    """Pictures (n, 1, 80, 80) to logits (n, senses): six convolutions, 93 thousand parameters, 187 kB in half precision."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, size, stride in (
            (1, 16, 5, 2), (16, 32, 3, 2), (32, 32, 3, 1), (32, 48, 3, 2), (48, 64, 3, 1), (64, 64, 3, 2),
        ):  # fmt: skip
            layers += [nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(64, len(SENSES))

    def features(self, pictures: Tensor) -> Tensor:
        """Return the mean of the last maps, (n, 64)."""
        maps: Tensor = self.body(pictures)
        return maps.mean(dim=(2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits (n, senses)."""
        return self.head(self.features(pictures))  # type: ignore[no-any-return]


def sense_square(grey: npt.NDArray[np.uint8], aspect_ratio: float = 1.0) -> Squares:
    """Return what the networks see of a picture: its largest centred square, uint8 (80, 80)."""
    rows, columns = grey.shape
    return film_to_square(grey, SIDE, square_crop(rows, columns, aspect_ratio))


def standardised(pictures: Tensor) -> Tensor:
    """Return pictures with mean 0 and spread 1 each; one of one grey becomes zeros."""
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return (pictures - mean) / pictures.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp_min(1e-3)


def sense_logits(networks: Sequence[nn.Module], squares: Squares) -> npt.NDArray[np.float64]:
    """Return logits (networks, pictures, senses) of squares uint8 (pictures, 80, 80)."""
    pictures = standardised(torch.from_numpy(squares.copy())[:, None].float() / 255)
    with torch.no_grad():
        return np.stack([network(pictures).double().numpy() for network in networks])


@dataclass(frozen=True, eq=False)
class SensePictures:
    """What one network learns from: squares uint8 (n, 160, 160).

    ``frontal`` films of adults, from which the copies are made; ``others`` pictures of the remaining senses ("lateral", "ct",
    "child", "other"), any of which may be missing. Made pictures are added to "other".
    """

    frontal: Squares
    others: Mapping[str, Squares]


@dataclass(frozen=True)
class SenseProgress:
    """One more step of training, with the loss of its batch."""

    step: int
    steps: int
    loss: float


def train_sense(pictures: SensePictures, seed: int, steps: int = STEPS) -> Generator[SenseProgress, None, SenseNetwork]:
    """Train one network; the same pictures and seed give the same network on the same machine.

    Raises
    ------
    TrainingError
        If there is no frontal film.
    """
    if not len(pictures.frontal):
        raise TrainingError("The gate needs frontal films of adults to learn from; there are none.")
    drawing = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SenseNetwork()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    sources = _sources(pictures, seed)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1, pct_start=0.2)
    for step in range(steps):
        films, sense = _batch(sources, drawing)
        with mixed_precision("cpu"):
            loss = functional.cross_entropy(network.train()(films), sense, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield SenseProgress(step + 1, steps, float(loss.detach()))
    return network.eval().requires_grad_(False)


def _sources(pictures: SensePictures, seed: int) -> dict[str, Tensor]:
    """Return what each sense is drawn from; senses without pictures are left out."""
    found = {name: squares for name, squares in pictures.others.items() if len(squares)}
    made = made_pictures(300, TRAINING_SIDE, seed)
    found["other"] = np.concatenate([found["other"], made]) if "other" in found else made
    found |= dict.fromkeys(COPIES, pictures.frontal)
    return {name: torch.from_numpy(squares) for name, squares in found.items()}


def _batch(sources: Mapping[str, Tensor], drawing: torch.Generator) -> tuple[Tensor, Tensor]:
    films: list[Tensor] = []
    senses: list[Tensor] = []
    for index, name in enumerate(SENSES):
        if name in sources:
            chosen = torch.randint(len(sources[name]), (_BATCH[name],), generator=drawing)
            drawn = _drawn(name, sources, sources[name][chosen][:, None].float() / 255, drawing)
            films.append(drawn)
            senses.append(torch.full((len(drawn),), index))
    pictures = standardised(regraded(torch.cat(films), drawing))
    return pictures.contiguous(memory_format=torch.channels_last), torch.cat(senses)


def _drawn(name: str, sources: Mapping[str, Tensor], films: Tensor, drawing: torch.Generator) -> Tensor:
    if name in COPIES:
        return COPIES[name](films, drawing)
    if name in ("lateral", "ct", "other"):
        mirror = torch.rand(len(films), generator=drawing) < 0.5
        films[mirror] = films[mirror].flip(3)
    moved = varied(films, drawing)
    if name == "other":
        chosen = torch.randint(len(sources[FRONTAL]), (len(films) // 4,), generator=drawing)
        pieces = shuffled(sources[FRONTAL][chosen][:, None].float() / 255, drawing)
        sharp = torch.rand(len(films), generator=drawing) < 0.5
        moved[sharp] = shrink(films[sharp])
        moved = torch.cat([moved, pieces])
    return moved
