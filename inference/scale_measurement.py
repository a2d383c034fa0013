"""Measuring the fixed colour scales of a model's maps on held-out films, as its card keeps them.

Apart from :mod:`inference.map_scales`, which reads them: measuring needs grad-cam, and an answer should not wait for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.cam_methods import CAM_METHODS
from inference.contribution_map import ContributionMap, contribution_scale
from inference.dataset import load_grey
from inference.explain import class_activation_maps
from inference.generators import finished
from inference.map_scales import FLOOR_PART, QUANTILE, SCALE_FILMS, ReadCount, exact_maps, exact_methods
from inference.predict import Predictor


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
