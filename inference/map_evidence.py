"""What a model's maps are worth, counted on held-out films for its card: are they faithful, do they show the network.

Each film is read, and its map made and judged, by the one member that never saw its patient. A reader's own film is read by
all members together, whose mean map is steadier; what is counted here is therefore rather too low than too high.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from torch import nn

from inference.bundle import Bundle
from inference.cam_methods import CAM_METHODS, EXACT_METHODS, title_of
from inference.dataset import load_grey
from inference.evaluate import Proportion
from inference.explain import class_activation_maps
from inference.faithfulness import HOT_PART, RANDOM_REGIONS, Faithfulness, judge_map, randomised, rank_correlation
from inference.generators import finished
from inference.held_out import HeldOutFilms
from inference.map_scales import ReadCount, exact_maps, exact_methods
from inference.networks.cells import CellGrid
from inference.networks.registry import Network
from inference.predict import Prediction, Predictor

FILMS, RANDOMISED_FILMS = 150, 20
DRAWINGS = 4
"""Times all members are given weights that learned nothing: with five members, each film has a network of its own."""
ALIKE = 0.3
"""Rank correlation from which a map of such a network is like the model's own."""


@dataclass(frozen=True)
class JudgedMap:
    """The verdict on one film's map by one method; ``right`` tells whether the answer, whose map it is, was."""

    method: str
    right: bool
    found: Faithfulness


def measured_methods(predictor: Predictor) -> tuple[str, ...]:
    """Return the methods that are judged: the program's default first, for exact maps the fine and the coarse one."""
    return exact_methods(predictor) or (next(iter(CAM_METHODS)),)


def measure_faithfulness(
    predictor: Predictor, held_out: HeldOutFilms, films: int = FILMS, seed: int = 0
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Return how many maps of answers pass :func:`~inference.faithfulness.judge_map`, for the card.

    ``maps`` holds for each method proportions of right and of wrong answers, also by the class that was answered;
    ``by_chance`` is the part of the random regions themselves that would have passed beside the others of their film.

    Raises
    ------
    DatasetError
        If a film cannot be read.
    """
    chosen, methods = held_out.choose(films, seed), measured_methods(predictor)
    judged: list[JudgedMap] = []
    for done, row in enumerate(chosen, 1):
        prediction = predictor.predict(load_grey(held_out.samples[row].path), members=[int(held_out.fold[row])])
        answer = int(prediction.probabilities.argmax())
        for method in methods:
            cells, grid = map_of(predictor, prediction, answer, method)
            found = _judged(predictor, prediction, answer, cells, grid)
            judged.append(JudgedMap(method, answer == held_out.truth[row], found))
        yield ReadCount(done, len(chosen), "films whose maps are judged")
    return faithfulness_record(judged, predictor.bundle.recipe.class_names, len(chosen), seed)


def faithfulness_record(judged: Sequence[JudgedMap], names: Sequence[str], films: int, seed: int) -> dict[str, Any]:
    """Return the card's entry from the verdicts on all maps."""
    methods = dict.fromkeys(one.method for one in judged)
    return {
        "films": films,
        "seed": seed,
        "deleted_part": HOT_PART,
        "random_regions": RANDOM_REGIONS,
        "maps": [_method_record(m, [one for one in judged if one.method == m], names) for m in methods],
    }


def _method_record(method: str, own: Sequence[JudgedMap], names: Sequence[str]) -> dict[str, Any]:
    by_class = {name: _passed([one for one in own if one.found.class_index == k]) for k, name in enumerate(names)}
    chance = [passes_by_chance(one.found) for one in own if one.right]
    return {
        "method": method,
        "title": title_of(method),
        **_passed(own),
        "by_class": by_class,
        "by_chance": float(np.mean(chance)) if chance else None,
    }


def _passed(own: Sequence[JudgedMap]) -> dict[str, Any]:
    sides = {"right": [one for one in own if one.right], "wrong": [one for one in own if not one.right]}
    return {side: Proportion(sum(one.found.passes for one in found), len(found)).record() for side, found in sides.items()}


def passes_by_chance(found: Faithfulness) -> float:
    """Return which part of a film's random regions would have passed as its hot one, each beside the other 19."""
    changes = np.array(found.random)
    others = (changes.sum() - changes) / (len(changes) - 1)
    return float((changes < np.minimum(0.0, others)).mean())


def measure_randomised(
    predictor: Predictor, held_out: HeldOutFilms, films: int = RANDOMISED_FILMS, seed: int = 0
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Return how alike the default maps of the model and of networks that learned nothing are (Adebayo 2018), for the card.

    ``median``, ``highest`` and ``below`` (a proportion, under 0.3) are of Spearman's rank correlation over a film's cells;
    ``median_size`` is of its size, whatever its sign.

    Raises
    ------
    DatasetError
        If a film cannot be read.
    """
    chosen, method = held_out.choose(films, seed), measured_methods(predictor)[0]
    correlations: list[float] = []
    for drawing in range(DRAWINGS):
        other = unlearned(predictor, seed * DRAWINGS + drawing)
        for row in chosen[drawing::DRAWINGS]:
            grey, members = load_grey(held_out.samples[row].path), [int(held_out.fold[row])]
            prediction = predictor.predict(grey, members=members)
            answer = int(prediction.probabilities.argmax())
            own, _ = map_of(predictor, prediction, answer, method)
            changed, _ = map_of(other, other.predict(grey, members=members), answer, method)
            correlations.append(rank_correlation(own, changed))
            yield ReadCount(len(correlations), len(chosen), "films for maps of networks that learned nothing")
    return randomised_record(correlations, method, seed)


def randomised_record(correlations: Sequence[float], method: str, seed: int) -> dict[str, Any]:
    """Return the card's entry from the rank correlation of each film."""
    return {
        "films": len(correlations),
        "seed": seed,
        "method": method,
        "title": title_of(method),
        "median": float(np.median(correlations)),
        "median_size": float(np.median(np.abs(correlations))),
        "highest": float(np.max(correlations)),
        "limit": ALIKE,
        "below": Proportion(sum(value < ALIKE for value in correlations), len(correlations)).record(),
    }


@dataclass(frozen=True, eq=False)
class _Unlearned(Bundle):
    """A model whose members have learned nothing, each with start weights of its own."""

    learned: tuple[nn.Module, ...] = ()
    seed: int = 0

    def build_members(self) -> tuple[nn.Module, ...]:
        first = self.seed * len(self.learned)
        return tuple(randomised(network, first + number) for number, network in enumerate(self.learned))


def unlearned(predictor: Predictor, seed: int = 0) -> Predictor:
    """Return a predictor like this one whose members have learned nothing."""
    own = predictor.bundle
    bundle = _Unlearned(own.folder, own.card, own.recipe, own.weights_sha256, predictor.members, seed)
    return Predictor(bundle, predictor.device)


def map_of(
    predictor: Predictor, prediction: Prediction, class_index: int, method: str
) -> tuple[npt.NDArray[np.floating], CellGrid]:
    """Return a class's map by any method, (cell rows, cell columns), and where its cells lie on the network's input."""
    if method in EXACT_METHODS:
        (exact,) = finished(exact_maps(predictor, prediction, [class_index], method))
        return exact.cells, exact.grid
    (found,) = class_activation_maps(predictor, prediction, [class_index], method)
    return found.cells, cast(Network, predictor.members[0]).cell_grid


def _judged(
    predictor: Predictor, prediction: Prediction, answer: int, cells: npt.NDArray[np.floating], grid: CellGrid
) -> Faithfulness:
    return finished(judge_map(predictor, prediction, answer, cells, grid))
