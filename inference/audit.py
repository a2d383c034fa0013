"""The shortcut audit: six changes that should not matter, or that take the lungs away, and what each does to the answer.

A network that has learned disease keeps its answer when letters, the border or the side are changed and loses it without the
lungs. The changes are those of DeGrave et al. 2021 and Maguolo and Nanni 2021, made on one film. The film is first taken down
to 512 pixels, the size on which the limits were measured: compression and markers then mean the same on every film. It costs
seven readings of the ensemble and about a tenth of a second for the changes.
"""

from __future__ import annotations

import io
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from scipy import ndimage

from inference.errors import BundleError
from inference.lungs.segment import Lungs
from inference.markers import Booleans, Bytes, find_markers, paint_over
from inference.predict import Predictor

SIDE = 512
"""Pixels of the longer side of the film that is audited."""
BORDER = 0.06
"""Part of each side that is cropped: the frame whose controls alone tell COVID-19 from the rest (inference.shortcuts)."""
QUALITY = 40
"""Of the JPEG: visibly worse than any film we have."""
AROUND_LUNGS = 0.02
"""Part of the shorter side by which the lungs are widened: the pleura and the outline's own error."""

TITLES = {
    "lungs_only": "Everything outside the lungs masked",
    "outside_only": "Only what lies outside the lungs kept",
    "markers": "Markers and letters painted over",
    "border": "Border cropped by 6 %",
    "mirrored": "Mirrored left to right",
    "compressed": "Compressed again as JPEG, quality 40",
}
"""Name and title of each line, in their order."""
NEED_LUNGS = ("lungs_only", "outside_only")

VERDICTS = {
    "marker": "A marker moves the answer.",
    "outside": "The answer rests on what lies outside the lungs.",
    "border": "What lies at the border of the film moves the answer.",
    "mirrored": "Mirroring the film moves the answer.",
    "compressed": "Compressing the film moves the answer.",
    "stays": "The answer stays where it is.",
    "no_lungs": "The audit is not complete: {reason}.",
}
"""Code and sentence of each verdict; the first that holds is given, "no_lungs" instead of "stays" where none were found."""


@dataclass(frozen=True)
class AuditLine:
    """One change: the probability of the shown class ``before`` and ``after`` it."""

    name: str
    before: float
    after: float

    @property
    def title(self) -> str:
        """Return what was changed, in words."""
        return TITLES[self.name]

    @property
    def change(self) -> float:
        """Return after minus before, -1 to 1."""
        return self.after - self.before


@dataclass(frozen=True)
class AuditLimits:
    """How much an answer may change before a verdict says so; all as probabilities of the shown class.

    ``markers``, ``border``, ``mirrored``, ``compressed``: the largest change to either side that is nothing. ``outside``: by
    how much the answer without the lungs may stand above the answer from the lungs alone.
    """

    markers: float
    outside: float
    border: float
    mirrored: float
    compressed: float


@dataclass(frozen=True, eq=False)
class Audit:
    """What the audit of one film says.

    Attributes
    ----------
    shown
        Name of the class whose probability is followed: the answer to the unchanged film.
    lines
        In the order of :data:`TITLES`, without the two that need lungs where none were found.
    verdict, sentence
        Code of :data:`VERDICTS` and what it says.
    markers
        Pieces painted over.
    """

    shown: str
    before: float
    lines: tuple[AuditLine, ...]
    verdict: str
    sentence: str
    lungs_found: bool
    markers: int
    milliseconds: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        lines = [{**asdict(line), "title": line.title, "change": line.change} for line in self.lines]
        words = {"shown": self.shown, "verdict": self.verdict, "sentence": self.sentence, "lines": lines}
        return {**words, "lungs_found": self.lungs_found, "markers": self.markers, "milliseconds": dict(self.milliseconds)}


@dataclass(frozen=True, eq=False)
class ChangedFilm:
    """A film after one of the changes, uint8 (rows, columns), and how many pieces were painted over."""

    name: str
    grey: Bytes
    pieces: int = 0


def audit_film(
    predictor: Predictor,
    grey: Bytes,
    lungs: Lungs,
    limits: AuditLimits,
    aspect_ratio: float = 1.0,
    members: Sequence[int] | None = None,
) -> Generator[AuditLine, None, Audit]:
    """Audit one film; each finished line is yielded, and the work can be given up there.

    Parameters
    ----------
    grey
        uint8 (rows, columns) as displayed: 0 black, 255 white, bone white.
    lungs
        Of the same film, from :class:`inference.lungs.segment.LungFinder`.
    aspect_ratio
        Height of a pixel divided by its width.
    members
        Which members answer; None for all.
    """
    began = time.perf_counter()
    small = shrink(grey)
    found = shrink_mask(lungs.probability, small.shape) if lungs.found else None
    first = predictor.predict(small, aspect_ratio, members).probabilities
    shown = int(first.argmax())
    before = float(first[shown])
    lines, pieces = [], 0
    for changed in changes(small, found):
        pieces += changed.pieces
        after = first if changed.grey is small else predictor.predict(changed.grey, aspect_ratio, members).probabilities
        lines.append(AuditLine(changed.name, before, float(after[shown])))
        yield lines[-1]
    verdict = judge_lines(lines, limits, lungs.found)
    sentence = VERDICTS[verdict].format(reason=lungs.reason)
    name, spent = predictor.bundle.class_names[shown], {"audit": 1000 * (time.perf_counter() - began)}
    return Audit(name, before, tuple(lines), verdict, sentence, lungs.found, pieces, spent)


def changes(grey: Bytes, lungs: Booleans | None) -> Generator[ChangedFilm, None, None]:
    """Yield the film after each change, in the order of :data:`TITLES`; the first two only where ``lungs`` are known."""
    if lungs is not None:
        yield ChangedFilm("lungs_only", mask_outside(grey, lungs))
        yield ChangedFilm("outside_only", mask_inside(grey, lungs))
    pieces = find_markers(grey, lungs)
    yield ChangedFilm("markers", paint_over(grey, pieces), int(ndimage.label(pieces, np.ones((3, 3)))[1]))
    yield ChangedFilm("border", crop_border(grey))
    yield ChangedFilm("mirrored", np.ascontiguousarray(grey[:, ::-1]))
    yield ChangedFilm("compressed", compress(grey))


def judge_lines(lines: Sequence[AuditLine], limits: AuditLimits, lungs_found: bool) -> str:
    """Return the code of the one verdict: the first of :data:`VERDICTS` that holds."""
    size = {line.name: abs(line.change) for line in lines}
    if size["markers"] > limits.markers:
        return "marker"
    if lungs_found and outside_above_lungs(lines) > limits.outside:
        return "outside"
    for name in ("border", "mirrored", "compressed"):
        if size[name] > getattr(limits, name):
            return name
    return "stays" if lungs_found else "no_lungs"


def outside_above_lungs(lines: Sequence[AuditLine]) -> float:
    """Return the answer without the lungs minus the answer from the lungs alone, -1 to 1.

    Either alone would mislead: every masked film is a strange one, on which any network is less sure; and consolidation
    beside the widened mask, heart and tubes rightly count for something.
    """
    after = {line.name: line.after for line in lines}
    return after["outside_only"] - after["lungs_only"]


# The changes


def shrink(grey: Bytes) -> Bytes:
    """Return the film with its longer side at most 512 pixels; a smaller one as it is."""
    scale = SIDE / max(grey.shape)
    if scale >= 1:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(PillowImage.fromarray(grey).resize(size, PillowImage.Resampling.BILINEAR))


def shrink_mask(probability: npt.NDArray[np.float32], shape: tuple[int, ...]) -> Booleans:
    """Return where lung is, bool of another ``shape`` (rows, columns) of the same film."""
    small = PillowImage.fromarray(probability).resize((shape[1], shape[0]), PillowImage.Resampling.BILINEAR)
    return np.asarray(np.asarray(small) >= 0.5)


def mask_outside(grey: Bytes, lungs: Booleans) -> Bytes:
    """Return the film with everything but the lungs in the mean grey of the film.

    Black would be stranger to the network: right answers change by more than twice as much.
    """
    return _blend(grey, _widened(lungs), float(grey.mean()))


def mask_inside(grey: Bytes, lungs: Booleans) -> Bytes:
    """Return the film with the lungs in the mean grey of the film."""
    return _blend(grey, 1 - _widened(lungs), float(grey.mean()))


def crop_border(grey: Bytes) -> Bytes:
    """Return the film without 6 % on each side."""
    top, left = (round(BORDER * side) for side in grey.shape)
    return np.ascontiguousarray(grey[top : grey.shape[0] - top, left : grey.shape[1] - left])


def compress(grey: Bytes) -> Bytes:
    """Return the film after JPEG compression at quality 40."""
    stream = io.BytesIO()
    PillowImage.fromarray(grey).save(stream, "JPEG", quality=QUALITY)
    with PillowImage.open(stream) as picture:
        return np.asarray(picture.convert("L"))


def _widened(lungs: Booleans) -> npt.NDArray[np.float32]:
    """Return how much of each pixel belongs to the widened lungs, 0 to 1, with a soft edge."""
    steps = max(1, round(AROUND_LUNGS * min(lungs.shape)))
    wide = ndimage.binary_dilation(lungs, iterations=steps)
    return np.asarray(ndimage.gaussian_filter(wide.astype(np.float32), steps / 4))


def _blend(grey: Bytes, kept: npt.NDArray[np.float32], fill: float) -> Bytes:
    return np.asarray(np.rint(grey * kept + fill * (1 - kept)).astype(np.uint8))


# The limits


def limits_of_card(card: Mapping[str, Any]) -> AuditLimits:
    """Return the limits a lung network's card holds; BundleError if it holds none."""
    try:
        return AuditLimits(**{name: float(value) for name, value in card["audit"]["limits"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError("The card of the lung network holds no limits for the audit; install the program again.") from error
