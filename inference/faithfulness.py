"""Is a map faithful? What it calls hot must matter more to the answer than regions taken at random.

The hottest tenth of what the network saw is deleted, and so are 20 random regions of the same area and shape, and the film
is read again each time, as any film is. Deleted means replaced by the film itself, blurred beyond any detail: a region
painted grey or black would be a new thing to see, with an edge of its own, and a network answers to that. A random region
is the hot one itself, mirrored or turned by quarters and shifted round the edge: its area and outline are the same, its
place is not.
"""

from __future__ import annotations

from collections.abc import Generator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PillowImage
from PIL import ImageFilter
from torch import Tensor, nn

from inference.evaluate import softmax
from inference.networks.cells import CellGrid
from inference.placement import film_field
from inference.predict import Prediction, Predictor
from inference.sole_use import sole_use

HOT_PART = 0.1
RANDOM_REGIONS = 20
BLUR_PART = 0.1
"""Standard deviation of the blur as a part of the film's side: ribs and vessels are gone, light and dark sides are left."""
FILMS_AT_ONCE = 7
"""The 21 changed films are read in three batches, between which the work can be cancelled."""

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Faithfulness:
    """What deleting the hot region did to the answer, and what random regions did.

    Attributes
    ----------
    hot
        Change of the class's calibrated probability when the hottest tenth is deleted; below 0 where it spoke for it.
    random
        The same for each random region.
    """

    class_index: int
    hot: float
    random: tuple[float, ...]

    @property
    def random_mean(self) -> float:
        """Return the mean change by a random region."""
        return float(np.mean(self.random))

    @property
    def random_spread(self) -> float:
        """Return the standard deviation of the changes by random regions."""
        return float(np.std(self.random, ddof=1))

    @property
    def passes(self) -> bool:
        """Return whether the hot region speaks for the class, and more than random ones do on the average."""
        return self.hot < min(0.0, self.random_mean)

    @property
    def withheld(self) -> str:
        """Return the sentence that stands in the place of a map that does not pass."""
        return (
            f"The map is withheld: deleting its hottest tenth changes the answer no more than deleting random tenths ({self}), "
            "so it does not show where the answer comes from."
        )

    def __str__(self) -> str:
        """Return "hot -0.41, random -0.06 +/- 0.05"."""
        return f"hot {self.hot:+.2f}, random {self.random_mean:+.2f} +/- {self.random_spread:.2f}"


@dataclass(frozen=True)
class RegionsRead:
    """How many of the changed films have been read."""

    done: int
    total: int = 1 + RANDOM_REGIONS


def judge_map(
    predictor: Predictor,
    prediction: Prediction,
    class_index: int,
    cells: npt.NDArray[np.floating],
    grid: CellGrid,
    seed: int = 0,
) -> Generator[RegionsRead, None, Faithfulness]:
    """Return what deleting the map's hottest tenth does to the class's probability, beside random regions.

    Costs 21 readings by the members that gave the answer.

    Parameters
    ----------
    cells
        (cell rows, cell columns): larger speaks more for the class. Of a ContributionMap its ``cells``.
    grid
        Where they lie on the network's input: of a ContributionMap its ``grid``, of the others the network's ``cell_grid``.
    seed
        Of the random regions: the same film and map always get the same verdict.
    """
    size = predictor.bundle.recipe.preprocessing.size
    hot = hottest(film_field(cells, grid, size))
    regions = [hot, *random_regions(hot, RANDOM_REGIONS, np.random.default_rng(seed))]
    blurred = blur(prediction.square)
    changed = [np.where(region, blurred, prediction.square) for region in regions]
    changes: list[float] = []
    for start in range(0, len(changed), FILMS_AT_ONCE):
        batch = changed[start : start + FILMS_AT_ONCE]
        found = predictor.run(partial(read_again, predictor, batch, prediction.members))[:, class_index]
        changes += (found - prediction.probabilities[class_index]).tolist()
        yield RegionsRead(len(changes))
    return Faithfulness(class_index, changes[0], tuple(changes[1:]))


def hottest(field: Floats, part: float = HOT_PART) -> Mask:
    """Return the pixels of the highest values of a field (rows, columns), exactly ``part`` of them; ties from the top left."""
    chosen = np.zeros(field.size, dtype=np.bool_)
    chosen[np.argsort(-field, axis=None, kind="stable")[: round(part * field.size)]] = True
    return chosen.reshape(field.shape)


def random_regions(region: Mask, count: int, random: np.random.Generator) -> list[Mask]:
    """Return regions of the same area and outline, elsewhere; what is shifted out at one side comes in at the other."""
    found = []
    for _ in range(count):
        turned = np.rot90(region, int(random.integers(4)))
        turned = turned[:, ::-1] if random.integers(2) else turned
        down, across = random.integers(region.shape[0], size=2)
        found.append(np.roll(turned, (int(down), int(across)), axis=(0, 1)))
    return found


def blur(square: Bytes) -> Bytes:
    """Return the film (size, size) blurred by a tenth of its side."""
    radius = BLUR_PART * square.shape[0]
    return np.asarray(PillowImage.fromarray(square).filter(ImageFilter.GaussianBlur(radius)))


def read_again(predictor: Predictor, squares: list[Bytes], members: tuple[int, ...]) -> Floats:
    """Return calibrated probabilities (films, classes) of films at the network's size, uint8 (size, size), read by members.

    To be called within ``predictor.run``.
    """
    views = torch.cat([predictor.views(square) for square in squares])
    logits = [_mean_logits(predictor.members[index], views, len(squares)) for index in members]
    return softmax(np.mean(logits, axis=0), float(predictor.bundle.card["temperature"]))


def _mean_logits(network: nn.Module, views: Tensor, films: int) -> Floats:
    """Return the mean over views, float64 (films, classes)."""
    with torch.no_grad(), sole_use(network):
        logits: Tensor = network(views)
    return np.asarray(logits.reshape(films, -1, logits.shape[-1]).mean(dim=1).double().cpu().numpy())


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy of a network that has learned nothing: every layer with its start weights (Adebayo 2018).

    A map that stays what it was shows the film, not the network.
    """
    copied = deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in copied.modules():
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()
    return copied.eval().requires_grad_(False)


def rank_correlation(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation of two maps of one shape, ties sharing their rank; 0 where a map is level."""
    ranks = [_ranks(np.asarray(cells, dtype=np.float64).ravel()) for cells in (first, second)]
    spread = float(ranks[0].std() * ranks[1].std())
    centred = [own - own.mean() for own in ranks]
    return float((centred[0] * centred[1]).mean()) / spread if spread else 0.0


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse], dtype=np.float64)
