"""The frozen records of a reading: all that a widget or a report may show of the second reader's answer.

No Qt, no torch: arrays are NumPy. Every record carries what it needs to be checked against the film it belongs to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class RefusalReason:
    """Why no number is given: ``code`` for logs and tables ("lateral"), ``sentence`` for the radiologist, figures filled in."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Share:
    """``count`` of ``total`` held-out films, with ``low`` and ``high`` of the 95 % Wilson interval; all parts 0 to 1."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Return count / total, or NaN for nothing."""
        return self.count / self.total if self.total else math.nan

    def in_words(self) -> str:
        """Return "41 of 50 (82 %; 69 to 91)"."""
        if not self.total:
            return "none counted"
        return f"{self.count:,} of {self.total:,} ({100 * self.value:.0f} %; {100 * self.low:.0f} to {100 * self.high:.0f})"


@dataclass(frozen=True)
class ClassProbability:
    """One class and its calibrated probability: ``name`` as in JSON ("covid"), ``title`` as on screen ("COVID-19").

    ``low`` and ``high`` are the ends of what :attr:`Reading.interval_meaning` says, or None where nothing is known.
    """

    name: str
    title: str
    probability: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ConformalSet:
    """The classes a film is compatible with, made so that nine in ten films of *every* class have it in their set.

    Attributes
    ----------
    level
        Part of the films of each class whose set holds it (0.9), promised for films like the held-out ones.
    names
        Classes in the set, in the order of the probabilities; may be empty or all.
    sentence
        End of a sentence: "compatible with COVID-19 or pneumonia".
    coverage
        For each class by name, how many held-out films of it had it in their set.
    """

    level: float
    names: tuple[str, ...]
    sentence: str
    coverage: tuple[tuple[str, Share], ...] = ()


@dataclass(frozen=True)
class OperatingPoint:
    """A named threshold on the probability of one class, what it finds and misses, and what it says of this film.

    Attributes
    ----------
    name, title
        "balanced", "few_missed"; what the point is for, in words.
    class_name, class_title
        The class that is called at it.
    threshold
        Calibrated probability; a film that reaches it is called.
    sensitivity, specificity
        Of held-out films, each called at the threshold of the other folds.
    called
        Whether this film is.
    sentence
        The decision with threshold, counts and intervals.
    """

    name: str
    title: str
    class_name: str
    class_title: str
    threshold: float
    sensitivity: Share
    specificity: Share
    called: bool
    sentence: str


@dataclass(frozen=True)
class PredictiveValue:
    """A chance, 0 to 1, with its 95 % interval (NaN and 0 to 1 where unknown), and the sentence that says it."""

    value: float
    low: float
    high: float
    sentence: str


@dataclass(frozen=True)
class PredictiveValues:
    """What a call and its absence mean where a finding is as frequent as ``prevalence`` (0 to 1); nothing is stored of it.

    Made by :func:`viewer.second_reader.prevalence.predictive_values`.
    """

    prevalence: float
    positive: PredictiveValue
    """That a film that is called has the finding."""
    negative: PredictiveValue
    """That a film that is not called is without it."""


@dataclass(frozen=True)
class Faithfulness:
    """What deleting the hottest tenth of a map did to the answer, beside random regions of the same area.

    ``hot`` and ``random_mean`` are changes of the class's probability (below 0: the region spoke for it), ``random_spread``
    a standard deviation; ``sentence`` is "hot -0.41, random -0.06 +/- 0.05"; ``withheld`` is what stands in the place of a map
    that does not pass, else "".
    """

    hot: float
    random_mean: float
    random_spread: float
    sentence: str
    withheld: str = ""

    @property
    def passes(self) -> bool:
        """Return whether the map may be shown."""
        return not self.withheld


NOTHING_ABOVE_FLOOR = "The map is withheld: nothing in it rises above the floor of the model's scale."


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A class activation map on its own grid of cells, with where the cells lie on the film.

    Attributes
    ----------
    cells
        float32 (cell rows, cell columns), never stretched. One-sided: raw values >= 0 of the method. Two-sided: logits, above 0
        for the class and below 0 against it; their sum is ``logit - bias``.
    first_cell_row_column
        Centre of cell (0, 0) in film pixels, continuous: pixel i covers [i, i + 1). May lie outside the film, because
        padded convolutions see beyond its edge.
    step_row_column
        Film pixels from one cell centre to the next.
    bounds_row_column
        (top, left, bottom, right) of the part of the film the network saw, in film pixels; nothing is drawn outside.
    peak
        Largest magnitude within the bounds.
    full_scale
        The magnitude drawn with the last colour of the map: fixed for the model, the same for every film.
    floor
        Nothing is painted whose magnitude is below it; a map whose peak is below it is withheld.
    method
        As on screen: "Fine contribution", "Contribution", "Grad-CAM", "Grad-CAM++" ...
    unit
        Of cells, peak, full_scale and floor: "logit" for two-sided maps, else "raw".
    logit, bias
        Of the class before calibration, of a two-sided map; None else.
    cell_mm
        (height, width) of one cell on the film, or None where the film states no spacing.
    faithfulness
        None while it has not been judged.
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
    unit: str = "raw"
    logit: float | None = None
    bias: float | None = None
    cell_mm: tuple[float, float] | None = None
    faithfulness: Faithfulness | None = None

    @property
    def is_two_sided(self) -> bool:
        """Return whether cells below 0 speak against the class."""
        return self.unit == "logit"

    @property
    def withheld(self) -> str:
        """Return the sentence that stands in the place of this map, or "" if it may be painted."""
        if self.faithfulness is not None and self.faithfulness.withheld:
            return self.faithfulness.withheld
        return NOTHING_ABOVE_FLOOR if self.peak < self.floor else ""


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What the model saw of a film.

    Attributes
    ----------
    grey
        uint8 (size, size): the very square the networks were given, before they turned it and standardised its greys.
    bounds_row_column
        (top, left, bottom, right) of it on the film, in film pixels, continuous.
    pixel_mm
        (height, width) of one of its pixels on the film, or None where the film states no spacing.
    polarity
        A sentence: how the file stores it and how the model saw it.
    """

    grey: np.ndarray
    bounds_row_column: tuple[float, float, float, float]
    pixel_mm: tuple[float, float] | None
    polarity: str


@dataclass(frozen=True)
class AuditLine:
    """One change of the film: the probability of the shown class ``before`` and ``after`` it; ``title`` says what was done."""

    name: str
    title: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Return after minus before, -1 to 1."""
        return self.after - self.before


@dataclass(frozen=True, eq=False)
class Audit:
    """The shortcut audit of one film: what changes that should not matter did to the answer.

    Attributes
    ----------
    sha256, frame
        Of the film; an audit is shown beside no other.
    shown
        Class whose probability is followed: the answer to the unchanged film.
    lines
        In their order; without those that need lungs where none were found.
    verdict, sentence
        Its code ("marker", "outside", "border", "mirrored", "compressed", "stays", "no_lungs") and what it says; both ""
        while the audit is going on.
    lungs
        bool (rows, columns) of the film, or None where no lungs were found.
    markers
        Pieces that were painted over as letters and markers.
    """

    sha256: str
    frame: int
    shown: str
    lines: tuple[AuditLine, ...]
    verdict: str = ""
    sentence: str = ""
    lungs: np.ndarray | None = None
    markers: int = 0
    milliseconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Return whether there is a verdict."""
        return bool(self.verdict)

    @property
    def flags(self) -> bool:
        """Return whether the verdict finds fault with the answer."""
        return self.verdict not in ("", "stays", "no_lungs")


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
    A refused one has no probabilities, no maps and no examples, and at least one of ``refusals``. One that was read in spite
    of them has both, and says who it is by :attr:`is_overridden`.
    It comes in up to three steps: the answer, the maps, and what judges the map (``complete``).
    """

    sha256: str
    sop_instance_uid: str
    frame: int
    status: ReadingStatus
    model: ModelFacts
    device: str = ""
    refusals: tuple[RefusalReason, ...] = ()
    """The plainest first; not empty if refused or overridden."""
    override_reason: str = ""
    """What the reader gave as the reason for reading in spite of ``refusals``; typed text, never logged."""
    distance_percentile: float | None = None
    """Part of the held-out films that lie nearer to what the model learned from than this one, 0 to 1; None: not asked."""
    probabilities: tuple[ClassProbability, ...] = ()
    predicted: str = ""
    interval_meaning: str = ""
    """What ``low`` and ``high`` of the probabilities are, in a sentence."""
    conformal: ConformalSet | None = None
    """None for a model whose card holds no sets."""
    positive: str = ""
    """Name of the class that the model is for: the decision is about it."""
    operating_points: tuple[OperatingPoint, ...] = ()
    """Of every class, of each the default first; empty for a model whose card holds none. See :meth:`operating_point`."""
    heat_maps: tuple[HeatMap, ...] = ()
    map_methods: tuple[tuple[str, str], ...] = ()
    """Name and title of the methods this model's maps can be made by, the default first."""
    model_input: ModelInput | None = None
    matrix: ConfusionMatrix | None = None
    examples: tuple[ConfusionExample, ...] = ()
    """All held-out films, nearest to this one first."""
    nearest_right: Share | None = None
    """Of the held-out films most like this one, how many were answered rightly."""
    audit: Audit | None = None
    """None until it is asked for; put in by ``dataclasses.replace``."""
    warnings: tuple[str, ...] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    """Wall time of "gate", "preprocess", "forward", "heatmap" and "faithfulness", as far as they were done."""
    complete: bool = True
    """False while heat maps or their judgement are still being made: the answer so far."""

    @property
    def reason(self) -> str:
        """Return all refusals as one text; "" if there is none."""
        return " ".join(refusal.sentence for refusal in self.refusals)

    @property
    def is_overridden(self) -> bool:
        """Return whether the film was read although it had been refused."""
        return self.status == "read" and bool(self.refusals)

    def operating_point(self, class_name: str = "", name: str = "") -> OperatingPoint | None:
        """Return a class's point by name, its default one for ""; the class the model is for, for ""; None if there is none."""
        wanted = class_name or self.positive
        return next((p for p in self.operating_points if p.class_name == wanted and name in ("", p.name)), None)

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
