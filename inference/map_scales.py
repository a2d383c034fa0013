"""The fixed colour scales of a model's maps, one for each method, measured on held-out films and kept on the card.

The entry ``heatmaps`` of the card holds them by the method's name; ``heatmap`` is the one of Grad-CAM that older cards have.
Score-CAM has none: it takes thousands of passes a film. Its maps are drawn on their own scale, which must be said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from inference.cam_methods import CAM_METHODS, CONTRIBUTION, FINE_CONTRIBUTION
from inference.contribution_map import ContributionMap, contribution_maps, contribution_scale, has_contribution_map
from inference.dataset import load_grey
from inference.explain import class_activation_maps
from inference.fine_contributions import fine_contribution_maps, has_fine_map
from inference.predict import Prediction, Predictor

KEY = "heatmaps"
SCALE_FILMS = 50
"""Films a class from which the scales are taken."""
QUANTILE = 0.95
FLOOR_PART = 0.1


@dataclass(frozen=True)
class ReadCount:
    """How many films have been read, and what for."""

    done: int
    total: int
    purpose: str = "held-out films"


def exact_methods(predictor: Predictor) -> tuple[str, ...]:
    """Return the methods that divide this model's logits among the cells, the finest first; () if it has none."""
    fine = (FINE_CONTRIBUTION,) if has_fine_map(predictor) else ()
    return (*fine, CONTRIBUTION) if has_contribution_map(predictor) else ()


def exact_maps(
    predictor: Predictor, prediction: Prediction, classes: Sequence[int], method: str
) -> Generator[int, None, list[ContributionMap]]:
    """Return the maps of an exact method; yields between the members of a fine one.

    Raises
    ------
    ExplanationError
        If the network's head does not allow it.
    """
    if method == FINE_CONTRIBUTION:
        return (yield from fine_contribution_maps(predictor, prediction, classes))
    return contribution_maps(predictor, prediction, classes)


def measure_scales(
    predictor: Predictor, films: Sequence[Path], answer: npt.NDArray[np.int64]
) -> Generator[ReadCount, None, dict[str, dict[str, object]]]:
    """Return the fixed colour scale of each method but Score-CAM: what one film in twenty reaches.

    Of each film the map of the class it was given is taken, read as a reader's own films are, by all members.

    Parameters
    ----------
    films, answer
        Held-out films and int64 (films,) their held-out answers, by which at most 50 a class are chosen.
    """
    names = predictor.bundle.class_names
    chosen = [(k, row) for k in range(len(names)) for row in np.flatnonzero(answer == k)[:SCALE_FILMS]]
    exact: dict[str, list[ContributionMap]] = defaultdict(list)
    peaks: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for done, (k, row) in enumerate(chosen, 1):
        prediction = predictor.predict(load_grey(films[row]))
        for method in exact_methods(predictor):
            exact[method] += finished(exact_maps(predictor, prediction, [k], method))
        for method in _measured_methods():
            peaks[method][names[k]].append(class_activation_maps(predictor, prediction, [k], method)[0].peak)
        yield ReadCount(done, len(chosen), "films for the scales of the heat maps")
    scales = {method: contribution_scale(found, names, method) for method, found in exact.items()}
    return scales | {method: raw_scale(found, names, method) for method, found in peaks.items()}


def _measured_methods() -> tuple[str, ...]:
    return tuple(name for name, method in CAM_METHODS.items() if method.needs_gradients)


def finished(work: Generator[object, None, list[ContributionMap]]) -> list[ContributionMap]:
    """Run the work on maps to its end without its progress."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return list(end.value)


def raw_scale(peaks: Mapping[str, Sequence[float]], names: Sequence[str], method: str) -> dict[str, object]:
    """Return the scale of a method whose values of different classes are not comparable: each class has its own.

    A class that is never answered borrows the largest scale: its maps are then faint, not absent.
    """
    scale = {name: float(np.quantile(found, QUANTILE)) for name, found in peaks.items() if found}
    full_scale = {name: scale.get(name, max(scale.values())) for name in names}
    title = CAM_METHODS[method].title
    return {
        "method": title,
        "unit": f"raw {title} value",
        "films": sum(map(len, peaks.values())),
        "quantile": QUANTILE,
        "full_scale": full_scale,
        "floor": {name: value * FLOOR_PART for name, value in full_scale.items()},
    }


def scale_of(card: Mapping[str, Any], method: str) -> dict[str, Any] | None:
    """Return a method's scale from the card, or None where it holds none; an older card holds that of Grad-CAM alone."""
    own = card.get(KEY, {}).get(method)
    if own is None and method == "GradCAM":
        own = card["heatmap"]
    return cast("dict[str, Any] | None", own)
