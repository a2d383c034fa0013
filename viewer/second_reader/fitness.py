"""What the second reader may read: refusals and doubts, from the header, the picture and its distance from known films."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from viewer.errors import ReadingRefused
from viewer.imaging.grayscale import value_range
from viewer.imaging.image import Image

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


def refuse_unfit(image: Image, modality: str = "chest") -> tuple[str, ...]:
    """Return warnings about a picture that a model for this modality, "chest" or "ct", may read.

    Raises
    ------
    ReadingRefused
        If the header or the picture says that it is not a frontal chest film, or a lung slice, of an adult.
    """
    identity, subject = image.identity, SUBJECTS[modality]
    checks: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: image.is_color, f"This picture has colours; the model reads {subject.films} only."),
        (
            lambda: image.instance.is_dicom and identity.modality not in subject.modalities | UNSURE_MODALITIES,
            f"This is a {identity.modality} picture; the model reads {subject.pictures} only.",
        ),
        (
            lambda: bool(identity.body_part) and not any(w in identity.body_part.upper() for w in CHEST_WORDS),
            f"The header says that this film shows {identity.body_part}; the model reads chest films only.",
        ),
        (
            lambda: modality == "chest" and identity.view_position.upper() in LATERAL_VIEWS,
            f"This is a lateral film (view {identity.view_position}); the model reads frontal films only.",
        ),
        (
            lambda: identity.age_years is not None and identity.age_years < ADULT_AGE,
            f"The patient is {identity.age}; the model was made for adults and calls most healthy children COVID-19.",
        ),
        (
            lambda: min(image.rows, image.columns) < SMALLEST_SIDE_PX,
            f"The picture has {image.columns} x {image.rows} pixels; the model needs {SMALLEST_SIDE_PX} at least.",
        ),
        (lambda: value_range(image)[0] == value_range(image)[1], "The picture is one even grey; there is nothing to read."),
    )
    for applies, sentence in checks:
        if applies():
            raise ReadingRefused(sentence)
    return _doubts(image, subject)


def judge_distance(distance: float, quantiles: dict[str, float]) -> tuple[str, ...]:
    """Return a warning about a film that lies far from those the model was judged on.

    Parameters
    ----------
    distance
        To the nearest held-out films, in units of the typical distance between two of them.
    quantiles
        Of the same distance among the held-out films: "q95", "q99".

    Raises
    ------
    ReadingRefused
        If the film lies more than twice as far off as 99 % of them: noise, text, another part of the body.
    """
    if not math.isfinite(quantiles["q99"]):
        return ("The model was judged on too few films to tell whether this one is like them; its answer may mean nothing.",)
    if distance > UNLIKE_FACTOR * quantiles["q99"]:
        raise ReadingRefused(
            f"This picture is unlike the chest films the model was judged on: it lies {distance:.1f} from the nearest of them, "
            f"where 99 % of those lie within {quantiles['q99']:.1f}."
        )
    if distance > quantiles["q95"]:
        return (
            "This film lies farther from the films the model was judged on than 95 % of those from one another; "
            "its answer may mean nothing.",
        )
    return ()


def _doubts(image: Image, subject: Subject) -> tuple[str, ...]:
    if image.instance.is_dicom and image.identity.modality in UNSURE_MODALITIES:
        return (subject.doubt,)
    if not image.instance.is_dicom:
        return ("Not a DICOM file: age, view and body part are unknown and were not checked.",)
    return ()
