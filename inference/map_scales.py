"""The exact maps of a model, and the fixed colour scales of all its maps, measured on held-out films and kept on the card.

The entry ``heatmaps`` of the card holds them by the method's name; ``heatmap`` is the one of Grad-CAM that older cards have.
Score-CAM has none: it takes thousands of passes a film. Its maps are drawn on their own scale, which must be said.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from inference.cam_methods import CONTRIBUTION, FINE_CONTRIBUTION
from inference.contribution_map import ContributionMap, contribution_maps, has_contribution_map
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


def scale_of(card: Mapping[str, Any], method: str) -> dict[str, Any] | None:
    """Return a method's scale from the card, or None where it holds none; an older card holds that of Grad-CAM alone."""
    own = card.get(KEY, {}).get(method)
    if own is None and method == "GradCAM":
        own = card["heatmap"]
    return cast("dict[str, Any] | None", own)
