"""Find both lungs on a film, at the film's own resolution; or say that there are none."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PillowImage
from scipy import ndimage
from torch import nn

from inference.augment import standardise_batch
from inference.bundle import read_tensors
from inference.card import CARD, WEIGHTS
from inference.errors import BundleError
from inference.lungs.films import Bytes, Placement, place, put_on_square
from inference.lungs.network import LungNetwork
from inference.lungs.plausible import find_both_lungs

FORMAT = 1
TWO_TOGETHER = 2
"""Pixels of the square by which the kept pieces are widened, so that the soft edge of a lung stays soft."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lungs:
    """What was found on one film.

    Attributes
    ----------
    probability
        float32 (rows, columns) of the film, 0 to 1; 0 everywhere where no lungs were found.
    found
        Whether two lungs were found; else ``reason`` says why not, a sentence without capital and full stop.
    area_share
        Both lungs as a part of the film.
    """

    probability: Floats
    found: bool
    reason: str = ""
    area_share: float = 0.0
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Return bool (rows, columns): lung or not."""
        return np.asarray(self.probability >= 0.5)


class LungFinder:
    """The lung network, ready; loaded once, asked from one thread.

    Raises
    ------
    BundleError
        If the folder holds no lung network, or another than its card describes.
    """

    def __init__(self, folder: Path) -> None:
        self.card = read_lung_card(folder)
        self._network = fill_lung_network(read_tensors(folder / WEIGHTS))

    def find(self, grey: Bytes, aspect_ratio: float = 1.0) -> Lungs:
        """Return the lungs of a film.

        Parameters
        ----------
        grey
            uint8 (rows, columns) as displayed: 0 black, 255 white, bone white.
        aspect_ratio
            Height of a pixel divided by its width.
        """
        began = time.perf_counter()
        rows, columns = grey.shape
        where = place(rows, columns, aspect_ratio)
        answer = lung_map(self._network, put_on_square(grey, where))
        both = find_both_lungs(answer, where)
        answered = time.perf_counter()
        soft = np.zeros(grey.shape, np.float32) if both.reason else _on_film(answer, both.kept, where, grey.shape)
        spent = {"answer": 1000 * (answered - began), "resample": 1000 * (time.perf_counter() - answered)}
        return Lungs(soft, not both.reason, both.reason, both.area_share, spent)


def lung_map(network: nn.Module, square: Bytes) -> Floats:
    """Return the probability of lung, float32 (side, side), of a film on the network's square, uint8.

    The mean of the answers to the film and to its mirror image, which is steadier than one.
    """
    film = standardise_batch(torch.from_numpy(square)[None, None].float() / 255)
    with torch.no_grad():
        answers = torch.sigmoid(network(torch.cat([film, film.flip(-1)])))
    return np.asarray(((answers[0, 0] + answers[1, 0].flip(-1)) / 2).numpy())


def read_lung_card(folder: Path) -> dict[str, Any]:
    """Return the card of the lung network; BundleError if it is missing, or the weights are not those it describes."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
        expected = (card["format"], card["kind"], card["files"][WEIGHTS])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"The lung network in {folder.name} could not be read; install the program again.") from error
    if expected != (FORMAT, "lungs", digest):
        raise BundleError(f"The lung network in {folder.name} is not the one its card describes; install the program again.")
    return dict(card)


def fill_lung_network(tensors: dict[str, torch.Tensor]) -> nn.Module:
    """Return the network with these weights, single precision, ready to answer; BundleError if they do not fit it."""
    network = LungNetwork()
    try:
        network.load_state_dict({name: v.float() if v.is_floating_point() else v for name, v in tensors.items()})
    except RuntimeError as error:
        raise BundleError("The weights of the lung network do not fit it; install the program again.") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def _on_film(answer: Floats, kept: npt.NDArray[np.bool_], where: Placement, shape: tuple[int, ...]) -> Floats:
    """Return the kept pieces of the map resampled to the film, bilinear: float32 (rows, columns)."""
    around = ndimage.binary_dilation(kept, iterations=TWO_TOGETHER)
    filled = np.where(kept, np.maximum(answer, 0.5), answer) * around
    part = filled[where.top : where.top + where.height, where.left : where.left + where.width].astype(np.float32)
    return np.asarray(PillowImage.fromarray(part).resize((shape[1], shape[0]), PillowImage.Resampling.BILINEAR))
