"""The frozen records of a reading: all that a widget or a report may show of the second reader's answer.

No Qt, no torch: arrays are NumPy. Every record carries what it needs to be checked against the film it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class ClassProbability:
    """One class and its probability: ``name`` as in JSON ("covid"), ``title`` as on screen ("COVID-19").

    ``low`` and ``high`` are the smallest and largest answer among the members of the model, or None for one member.
    """

    name: str
    title: str
    probability: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A class activation map on its own grid of cells, with where the cells lie on the film.

    Attributes
    ----------
    cells
        float32 (cell rows, cell columns), raw Grad-CAM values >= 0, never stretched.
    first_cell_row_column
        Centre of cell (0, 0) in film pixels, continuous: pixel i covers [i, i + 1). May lie outside the film, because
        padded convolutions see beyond its edge.
    step_row_column
        Film pixels from one cell centre to the next.
    bounds_row_column
        (top, left, bottom, right) of the part of the film the network saw, in film pixels; nothing is drawn outside.
    peak
        Largest raw value within the bounds.
    full_scale
        The raw value drawn with the last colour of the map: fixed for the model, the same for every film.
    floor
        Nothing is painted where the map is below it; a map whose peak is below it is withheld.
    """

    class_name: str
    cells: np.ndarray
    first_cell_row_column: tuple[float, float]
    step_row_column: tuple[float, float]
    bounds_row_column: tuple[float, float, float, float]
    peak: float
    full_scale: float
    floor: float = 0.0
    method: str = "Grad-CAM"


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of held-out films: ``counts[truth][answer]``, in the order of ``names``."""

    names: tuple[str, ...]
    titles: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    provenance: str = ""
    """Where the counts come from, in a sentence ("1,125 films, each read by a network that never saw its patient")."""


@dataclass(frozen=True)
class ConfusionExample:
    """One held-out film of the model, as it stands in ``examples.csv``, and how far it lies from the present film."""

    sha256: str
    truth: str
    answer: str
    probabilities: tuple[float, ...]
    fold: str
    distance: float
    """Of features, in units of the typical distance between held-out films; smaller is more alike."""
    url: str = ""
    source: str = ""
    view: str = ""
    age: str = ""
    sex: str = ""
    path: Path | None = None
    """The film on this machine, or None while the pictures are not installed."""


@dataclass(frozen=True)
class ModelFacts:
    """What is said about the model that answered: from its card."""

    name: str
    title: str
    version: str
    weights_sha256: str
    summary: str = ""
    trained_on: str = ""
    never_tested_on: str = ""
    not_for: str = ""
    metrics: tuple[tuple[str, str], ...] = ()
    departures: tuple[str, ...] = ()


ReadingStatus = Literal["read", "refused"]


@dataclass(frozen=True, eq=False)
class Reading:
    """The second reader's whole answer about one film, or its refusal.

    A Reading belongs to the film whose file has ``sha256`` and to ``frame`` of it, and is shown over no other.
    A refused one has no probabilities, no maps and no examples.
    """

    sha256: str
    sop_instance_uid: str
    frame: int
    status: ReadingStatus
    model: ModelFacts
    device: str = ""
    reason: str = ""
    probabilities: tuple[ClassProbability, ...] = ()
    predicted: str = ""
    heat_maps: tuple[HeatMap, ...] = ()
    matrix: ConfusionMatrix | None = None
    examples: tuple[ConfusionExample, ...] = ()
    """All held-out films, nearest to this one first."""
    warnings: tuple[str, ...] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    """Wall time of "preprocess", "forward" and "heatmap"."""
    complete: bool = True
    """False while heat maps or examples are still being made: the answer so far."""

    def heat_map(self, class_name: str) -> HeatMap | None:
        """Return the map of one class, or None where it was not made."""
        return next((m for m in self.heat_maps if m.class_name == class_name), None)

    def probability(self, class_name: str) -> ClassProbability:
        """Return the probability of one class; KeyError for a class the model does not know."""
        for entry in self.probabilities:
            if entry.name == class_name:
                return entry
        raise KeyError(class_name)


@dataclass(frozen=True)
class ReadingProgress:
    """What the second reader is doing now, in a few words, and how far it is (0 to 1)."""

    text: str
    fraction: float
