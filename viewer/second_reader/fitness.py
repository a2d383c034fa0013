"""What the second reader may read: refusals and doubts, from the header, the picture and its distance from known films.

Nothing is raised: each judge returns a :class:`Fitness`, and who reads on in spite of a refusal says so by an override.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from viewer.imaging.grayscale import value_range
from viewer.imaging.image import Image
from viewer.reading import RefusalReason

FILM_MODALITIES = frozenset({"CR", "DX", "RG", "XR"})
UNSURE_MODALITIES = frozenset({"", "OT", "SC"})
LATERAL_VIEWS = frozenset({"LL", "RL", "LATERAL", "LLD", "RLD", "L", "LAT"})
CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "HEART", "RIB", "MEDIASTINUM")
SMALLEST_SIDE_PX = 64
ADULT_AGE = 18
UNLIKE_FACTOR = 2.0


@dataclass(frozen=True)
class Subject:
    """What a model reads, in words for a refusal, and the modalities it may be."""

    pictures: str
    films: str
    modalities: frozenset[str]
    doubt: str


SUBJECTS = {
    "chest": Subject(
        pictures="frontal chest radiographs (CR, DX)",
        films="grey chest films",
        modalities=FILM_MODALITIES,
        doubt="The header does not say that this is a radiograph; the answer holds only for frontal chest films.",
    ),
    "ct": Subject(
        pictures="axial CT slices of the lungs",
        films="grey CT slices",
        modalities=frozenset({"CT"}),
        doubt="The header does not say that this is a CT slice; the answer holds only for axial slices of the lungs.",
    ),
}


@dataclass(frozen=True)
class Fitness:
    """What one judge, or several joined, say of a film: reasons to give no number, and sentences to show beside one."""

    refusals: tuple[RefusalReason, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: Fitness) -> Fitness:
        """Return both, each code and each sentence once, the first to name a code in its own words."""
        known = {reason.code for reason in self.refusals}
        more = tuple(reason for reason in other.refusals if reason.code not in known)
        return Fitness(self.refusals + more, tuple(dict.fromkeys((*self.warnings, *other.warnings))))


def judge_header(image: Image, modality: str = "chest") -> Fitness:
    """Return what the header, and the size and greys of the picture, say to a model for this modality, "chest" or "ct".

    Codes: "colour", "modality", "body_part", "lateral", "child", "too_small", "one_grey".
    """
    identity, subject = image.identity, SUBJECTS[modality]
    checks: tuple[tuple[str, Callable[[], bool], str], ...] = (
        ("colour", lambda: image.is_color, f"This picture has colours; the model reads {subject.films} only."),
        (
            "modality",
            lambda: image.instance.is_dicom and identity.modality not in subject.modalities | UNSURE_MODALITIES,
            f"This is a {identity.modality} picture; the model reads {subject.pictures} only.",
        ),
        (
            "body_part",
            lambda: bool(identity.body_part) and not any(w in identity.body_part.upper() for w in CHEST_WORDS),
            f"The header says that this film shows {identity.body_part}; the model reads chest films only.",
        ),
        (
            "lateral",
            lambda: modality == "chest" and identity.view_position.upper() in LATERAL_VIEWS,
            f"This is a lateral film (view {identity.view_position}); the model reads frontal films only.",
        ),
        (
            "child",
            lambda: identity.age_years is not None and identity.age_years < ADULT_AGE,
            f"The patient is {identity.age}; the model was made for adults and calls most healthy children COVID-19.",
        ),
        (
            "too_small",
            lambda: min(image.rows, image.columns) < SMALLEST_SIDE_PX,
            f"The picture has {image.columns} x {image.rows} pixels; the model needs {SMALLEST_SIDE_PX} at least.",
        ),
        (
            "one_grey",
            lambda: value_range(image)[0] == value_range(image)[1],
            "The picture is one even grey; there is nothing to read.",
        ),
    )
    found = tuple(RefusalReason(code, sentence) for code, applies, sentence in checks if applies())
    return Fitness(found, _doubts(image, subject))


def judge_distance(distance: float, quantiles: dict[str, float]) -> Fitness:
    """Return what the distance of a film from those the model was judged on says, for a model without a gate.

    It is refused (code "unlike") if it lies more than twice as far off as 99 % of them: noise, text, another part of the body.

    Parameters
    ----------
    distance
        To the nearest held-out films, in units of the typical distance between two of them.
    quantiles
        Of the same distance among the held-out films: "q95", "q99".
    """
    if not math.isfinite(quantiles["q99"]):
        return Fitness(warnings=(TOO_FEW,))
    if distance > UNLIKE_FACTOR * quantiles["q99"]:
        return Fitness((RefusalReason("unlike", UNLIKE.format(distance=distance, usual=quantiles["q99"])),))
    return Fitness(warnings=(FARTHER,)) if distance > quantiles["q95"] else Fitness()


TOO_FEW = "The model was judged on too few films to tell whether this one is like them; its answer may mean nothing."
UNLIKE = (
    "This picture is unlike the chest films the model was judged on: it lies {distance:.1f} from the nearest of them, "
    "where 99 % of those lie within {usual:.1f}."
)
FARTHER = (
    "This film lies farther from the films the model was judged on than 95 % of those from one another; "
    "its answer may mean nothing."
)


def _doubts(image: Image, subject: Subject) -> tuple[str, ...]:
    if image.instance.is_dicom and image.identity.modality in UNSURE_MODALITIES:
        return (subject.doubt,)
    if not image.instance.is_dicom:
        return ("Not a DICOM file: age, view and body part are unknown and were not checked.",)
    return ()
