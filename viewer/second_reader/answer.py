"""From what inference found to the records of a reading: probabilities, set, decision, input, look-alikes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.imaging.grayscale import preset_voi, to_display
from viewer.imaging.image import Image
from viewer.paths import examples_folder
from viewer.reading import (
    ClassProbability,
    ConformalSet,
    ConfusionExample,
    ModelInput,
    OperatingPoint,
    Share,
)
from viewer.second_reader.likeness import nearest_right

OF_MEMBERS = "Smallest and largest answer of the model's {members} networks."
OF_ONE = "One network answered; how sure it is of its number is not known."
DRAWN = (
    "95 % interval: the {members} networks and the temperature drawn again and again. It says nothing of films of another "
    "hospital."
)
LUMINANCE = (0.299, 0.587, 0.114)


def display_grey(image: Image) -> npt.NDArray[np.uint8]:
    """Return the film as the networks see it: uint8 (rows, columns), its default window, bone white; CT in its lung window.

    It does not depend on the window chosen on screen: the answer must not change with the brightness. Colours, which are
    read only on an override, become their luminance.
    """
    shown = to_display(image, preset_voi(image, "lung") if image.identity.modality == "CT" else None)
    return shown if shown.ndim == 2 else np.rint(shown[..., :3] @ np.array(LUMINANCE)).astype(np.uint8)


def answer_fields(bundle: Any, prediction: Any, image: Image) -> dict[str, Any]:
    """Return the fields of a :class:`~viewer.reading.Reading` that say the answer."""
    validation = importlib.import_module("inference.validation").Validation.of_card(bundle.card)
    return {
        "device": prediction.device,
        "probabilities": class_probabilities(bundle, prediction, validation),
        "predicted": bundle.class_names[int(prediction.probabilities.argmax())],
        "interval_meaning": _interval_meaning(len(prediction.members), validation is not None),
        "conformal": conformal_set(bundle, prediction.probabilities, validation) if validation else None,
        "positive": str(bundle.card["positive"]),
        "operating_points": operating_points(bundle, prediction.probabilities, validation) if validation else (),
        "model_input": model_input(prediction, image),
    }


def class_probabilities(bundle: Any, prediction: Any, validation: Any) -> tuple[ClassProbability, ...]:
    """Return each class with the interval of its probability: drawn anew where the card allows it, else among the members."""
    temperature, members = float(bundle.card["temperature"]), prediction.member_probabilities
    if validation is None:
        low, high = members.min(axis=0), members.max(axis=0)
    else:
        logits = temperature * np.log(np.maximum(members, 1e-12))
        intervals = importlib.import_module("inference.calibration").probability_intervals
        low, high = intervals(logits, temperature, validation.drawn_temperatures).T
    return tuple(
        ClassProbability(name, title, float(prediction.probabilities[i]), float(low[i]), float(high[i]))
        for i, (name, title) in enumerate(zip(bundle.class_names, bundle.class_titles, strict=True))
    )


def _interval_meaning(members: int, is_drawn: bool) -> str:
    if is_drawn:
        return DRAWN.format(members=members)
    return OF_MEMBERS.format(members=members) if members > 1 else OF_ONE


def conformal_set(bundle: Any, probabilities: npt.NDArray[np.float64], validation: Any) -> ConformalSet:
    """Return the classes a film is compatible with."""
    held, names = validation.sets.holds(probabilities), bundle.class_names
    return ConformalSet(
        level=validation.sets.level,
        names=tuple(name for name, inside in zip(names, held, strict=True) if inside),
        sentence=importlib.import_module("inference.conformal").set_in_words(held, bundle.class_titles),
        coverage=tuple((name, share(found)) for name, found in zip(names, validation.coverage, strict=True)),
    )


def operating_points(bundle: Any, probabilities: npt.NDArray[np.float64], validation: Any) -> tuple[OperatingPoint, ...]:
    """Return the operating points of every class, with what each says of the film."""
    words = importlib.import_module("inference.operating_point").decision_in_words
    classes = zip(bundle.class_names, bundle.class_titles, probabilities.tolist(), strict=True)
    return tuple(
        OperatingPoint(
            name=point.name,
            title=point.title,
            class_name=name,
            class_title=title,
            threshold=point.threshold,
            sensitivity=share(point.sensitivity),
            specificity=share(point.specificity),
            called=point.calls(probability),
            sentence=words(point, probability, title),
        )
        for name, title, probability in classes
        for point in validation.points[name]
    )


def share(found: Any) -> Share:
    """Return a proportion of inference as the viewer's record."""
    low, high = found.interval
    return Share(found.count, found.total, low, high)


def model_input(prediction: Any, image: Image) -> ModelInput:
    """Return what the networks were given of a film."""
    crop, size = prediction.crop, prediction.square.shape[0]
    return ModelInput(
        grey=prediction.square,
        bounds_row_column=(crop.top, crop.left, crop.top + crop.height, crop.left + crop.width),
        pixel_mm=in_millimetres((crop.height / size, crop.width / size), image),
        polarity=_polarity(image),
    )


def in_millimetres(pixels: tuple[float, float], image: Image) -> tuple[float, float] | None:
    """Return a (height, width) in film pixels as millimetres, or None where the film states no spacing."""
    if image.spacing_mm is None:
        return None
    return pixels[0] * image.spacing_mm[0], pixels[1] * image.spacing_mm[1]


def _polarity(image: Image) -> str:
    if image.photometric_interpretation == "MONOCHROME1":
        return "Stored with bone dark (MONOCHROME1), turned for the model: it saw bone bright."
    if image.photometric_interpretation == "MONOCHROME2":
        return "Stored with bone bright (MONOCHROME2), seen so by the model."
    return "Stored in colours, seen by the model in greys."


class LookAlikes:
    """The held-out films of a model, and how near each lies to the film that is read."""

    def __init__(self, bundle: Any) -> None:
        self._bundle = bundle
        self._rows: tuple[Any, ...] = bundle.examples()
        self._embeddings = bundle.embeddings()

    def distance(self, prediction: Any) -> float:
        """Return the film's distance to the nearest held-out films, in units of the typical one."""
        return float(importlib.import_module("inference.trust").neighbour_distance(prediction.embeddings, self._embeddings))

    def fields(self, prediction: Any, image: Image) -> dict[str, Any]:
        """Return the fields of a Reading that show held-out films; the film itself, if it is one of them, is left out."""
        trust = importlib.import_module("inference.trust")
        links = importlib.import_module("inference.examples").links(examples_folder(self._bundle.name))
        distances = trust.example_distances(prediction.embeddings, self._embeddings)
        order = [i for i in np.argsort(distances, kind="stable") if not _is_film_of(self._rows[i], image)]
        examples = tuple(_example(self._rows[i], float(distances[i]), links) for i in order)
        return {"examples": examples, "nearest_right": nearest_right(examples)}

    def own_film(self, image: Image) -> tuple[str, ...]:
        """Return a warning where the film is one the model has learned from."""
        row = next((row for row in self._rows if _is_film_of(row, image)), None)
        if row is None:
            return ()
        names = self._bundle.class_names
        titles = dict(zip(names, self._bundle.class_titles, strict=True))
        probability = row.probabilities[names.index(row.answer)]
        return (
            f"The model has learned from this very film, so the answer here proves nothing. The network that never saw its "
            f"patient said {titles[row.answer]} with {probability:.2f}; the truth stated is {titles[row.truth]}.",
        )


def _is_film_of(row: Any, image: Image) -> bool:
    return image.sha256 in (row.sha256, row.origin_sha256)


def _example(row: Any, distance: float, links: dict[str, Path]) -> ConfusionExample:
    return ConfusionExample(
        sha256=row.sha256,
        truth=row.truth,
        answer=row.answer,
        probabilities=row.probabilities,
        fold=row.fold,
        distance=distance,
        url=row.url,
        source=row.source,
        view=row.view,
        age=row.age,
        sex=row.sex,
        path=links.get(row.sha256),
    )
