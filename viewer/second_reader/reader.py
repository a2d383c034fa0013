"""Image to Reading, as a generator job.

A :class:`SecondReader` belongs to the reading queue's single thread: its model is loaded, used and dropped there.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from viewer.errors import ReadingRefused, SecondReaderError
from viewer.imaging.grayscale import preset_voi, to_display
from viewer.imaging.heatmap import heat_field, overlay_rgba
from viewer.imaging.image import Image
from viewer.imaging.reader import read_file
from viewer.paths import examples_folder
from viewer.reading import ClassProbability, ConfusionExample, HeatMap, ModelFacts, Reading, ReadingProgress
from viewer.second_reader.card import confusion_matrix, model_facts
from viewer.second_reader.fitness import judge_distance, refuse_unfit
from viewer.second_reader.libraries import import_calmly, load_torch, spoken, use_half_of_the_processors

EXAMPLE_SIDE_PX = 512


class SecondReader:
    """Reads films with one model at a time, kept loaded between films."""

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._loaded: tuple[Path, int] | None = None
        self._predictor: Any = None
        self._embeddings: Any = None
        self._rows: tuple[Any, ...] = ()

    @property
    def facts(self) -> ModelFacts | None:
        """Return what is known of the model that is loaded."""
        if self._predictor is None:
            return None
        return model_facts(self._predictor.bundle.card, self._predictor.bundle.weights_sha256)

    def warm_up(self, folder: Path) -> Generator[ReadingProgress, None, None]:
        """Import torch and grad-cam and load the model, so that the first film need not wait."""
        yield from self._load(folder)
        yield ReadingProgress("Loading the heat maps", 0.9)
        import_calmly("inference.explain")

    def read(self, image: Image, folder: Path) -> Generator[ReadingProgress | Reading, None, Reading]:
        """Read a film: first the answer without maps (``complete`` False), then the whole reading.

        Raises
        ------
        SecondReaderError
            If the model cannot be loaded.
        """
        with spoken():
            yield from self._load(folder)
            yield ReadingProgress("Reading the film", 0.5)
            try:
                answer = self._answer(image, refuse_unfit(image, self._predictor.bundle.recipe.modality))
            except ReadingRefused as refusal:
                return self._refused(image, str(refusal))
            yield answer.reading
            return self._with_maps(answer)

    def read_example(self, example: ConfusionExample, folder: Path) -> Generator[ReadingProgress, None, ExamplePicture]:
        """Return a held-out film and the map of the answer it got, by the member that never saw its patient.

        Raises
        ------
        SecondReaderError
            If the film is not on this machine, or the model cannot be loaded.
        """
        if example.path is None:
            raise SecondReaderError("The picture of this example is not on this machine; link or fetch the example films.")
        yield from self._load(folder)
        with spoken():
            explain = import_calmly("inference.explain")
            image = read_file(example.path)
            prediction = self._predictor.predict(display_grey(image), image.aspect_ratio, members=[int(example.fold)])
            index = self._predictor.bundle.class_names.index(example.answer)
            heat_map = self._heat_map(explain.class_activation_maps(self._predictor, prediction, [index])[0])
        grey = shrink(display_grey(image), EXAMPLE_SIDE_PX)
        is_shown = heat_map.peak >= heat_map.floor
        return ExamplePicture(example.sha256, grey, overlay_of(heat_map, image, grey.shape) if is_shown else None)

    def _load(self, folder: Path) -> Generator[ReadingProgress, None, None]:
        wanted = folder, _card_time(folder)
        if self._loaded == wanted:
            return
        with spoken():
            yield ReadingProgress("Loading the network library", 0.05)
            yield from load_torch()
            use_half_of_the_processors()
            predict = import_calmly("inference.predict")
            yield ReadingProgress("Loading the model", 0.3)
            bundle = importlib.import_module("inference.bundle").open_bundle(folder)
            loaded = predict.Predictor(bundle, predict.choose_device(self._device)), bundle.embeddings(), bundle.examples()
            # All at once: a model that fails half way must not answer in the place of the last.
            self._predictor, self._embeddings, self._rows = loaded
            self._loaded = wanted

    def _answer(self, image: Image, warnings: tuple[str, ...]) -> _Answer:
        prediction = self._predictor.predict(display_grey(image), image.aspect_ratio)
        trust = importlib.import_module("inference.trust")
        distance = trust.neighbour_distance(prediction.embeddings, self._embeddings)
        warnings += judge_distance(distance, self._predictor.bundle.card["neighbours"])
        bundle = self._predictor.bundle
        warnings += self._own_film(image)
        reading = self._reading(
            image,
            device=prediction.device,
            probabilities=_class_probabilities(bundle, prediction),
            predicted=bundle.class_names[int(prediction.probabilities.argmax())],
            matrix=confusion_matrix(bundle.card),
            examples=self._examples(prediction, image),
            warnings=warnings + tuple(self._predictor.warnings),
            milliseconds=dict(prediction.milliseconds),
            complete=False,
        )
        return _Answer(reading, prediction)

    def _with_maps(self, answer: _Answer) -> Reading:
        explain = import_calmly("inference.explain")
        classes = list(range(len(self._predictor.bundle.class_names)))
        maps, milliseconds = explain.timed_maps(self._predictor, answer.prediction, classes)
        return _changed(
            answer.reading,
            heat_maps=tuple(self._heat_map(m) for m in maps),
            milliseconds=answer.reading.milliseconds | {"heatmap": milliseconds},
            warnings=answer.reading.warnings + tuple(w for w in self._predictor.warnings if w not in answer.reading.warnings),
            complete=True,
        )

    def _refused(self, image: Image, reason: str) -> Reading:
        return self._reading(image, status="refused", reason=reason)

    def _reading(self, image: Image, **fields: Any) -> Reading:
        return Reading(
            **{
                "sha256": image.sha256,
                "sop_instance_uid": image.identity.sop_instance_uid,
                "frame": image.instance.frame,
                "status": "read",
                "model": model_facts(self._predictor.bundle.card, self._predictor.bundle.weights_sha256),
                **fields,
            }
        )

    def _heat_map(self, placed: Any) -> HeatMap:
        scale = self._predictor.bundle.card["heatmap"]
        class_name = self._predictor.bundle.class_names[placed.class_index]
        return HeatMap(
            class_name=class_name,
            cells=placed.cells,
            first_cell_row_column=placed.first_cell,
            step_row_column=placed.step,
            bounds_row_column=placed.bounds,
            peak=placed.peak,
            full_scale=float(scale["full_scale"][class_name]),
            floor=float(scale["floor"][class_name]),
            method=str(scale["method"]),
        )

    def _examples(self, prediction: Any, image: Image) -> tuple[ConfusionExample, ...]:
        """Return the held-out films, the nearest first; the film itself, if it is one of them, is left out."""
        trust = importlib.import_module("inference.trust")
        links = importlib.import_module("inference.examples").links(examples_folder(self._predictor.bundle.name))
        distances = trust.example_distances(prediction.embeddings, self._embeddings)
        order = [i for i in np.argsort(distances, kind="stable") if not _is_film_of(self._rows[i], image)]
        return tuple(_example(self._rows[i], float(distances[i]), links) for i in order)

    def _own_film(self, image: Image) -> tuple[str, ...]:
        """Return a warning where the film is one the model has learned from."""
        row = next((row for row in self._rows if _is_film_of(row, image)), None)
        if row is None:
            return ()
        names = self._predictor.bundle.class_names
        titles = dict(zip(names, self._predictor.bundle.class_titles, strict=True))
        probability = row.probabilities[names.index(row.answer)]
        return (
            f"The model has learned from this very film, so the answer here proves nothing. The network that never saw its "
            f"patient said {titles[row.answer]} with {probability:.2f}; the truth stated is {titles[row.truth]}.",
        )


@dataclass(frozen=True, eq=False)
class ExamplePicture:
    """A held-out film as shown in the panel: uint8 grey (rows, columns) and its heat map, uint8 RGBA of the same size.

    ``heat`` is None where nothing rises above the floor of the scale.
    """

    sha256: str
    grey: npt.NDArray[np.uint8]
    heat: npt.NDArray[np.uint8] | None


def _card_time(folder: Path) -> int:
    """Return when the model in a folder was written (ns; 0: there is none): a name may have got another model meanwhile."""
    card = folder / "card.json"
    return card.stat().st_mtime_ns if card.is_file() else 0


def shrink(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return a picture of at most ``side`` pixels a side, antialiased."""
    picture = PillowImage.fromarray(grey)
    picture.thumbnail((side, side), PillowImage.Resampling.LANCZOS)
    return np.asarray(picture)


def overlay_of(heat_map: HeatMap, image: Image, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a map as RGBA for a copy of the film shrunk to ``shape`` (rows, columns)."""
    field = heat_field(heat_map, shape[0], shape[1], 0.0, 0.0, float(image.rows), float(image.columns))
    return overlay_rgba(field, heat_map.full_scale, heat_map.floor)


class _Answer:
    """The answer so far and what the maps are made from."""

    def __init__(self, reading: Reading, prediction: Any) -> None:
        self.reading = reading
        self.prediction = prediction


def _changed(reading: Reading, **fields: Any) -> Reading:
    return Reading(**{**{name: getattr(reading, name) for name in Reading.__dataclass_fields__}, **fields})


def _class_probabilities(bundle: Any, prediction: Any) -> tuple[ClassProbability, ...]:
    low, high = prediction.member_probabilities.min(axis=0), prediction.member_probabilities.max(axis=0)
    return tuple(
        ClassProbability(name, title, float(prediction.probabilities[i]), float(low[i]), float(high[i]))
        for i, (name, title) in enumerate(zip(bundle.class_names, bundle.class_titles, strict=True))
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


def display_grey(image: Image) -> npt.NDArray[np.uint8]:
    """Return the film as the networks see it: uint8 (rows, columns), its default window, bone white; CT in its lung window.

    It does not depend on the window chosen on screen: the answer must not change with the brightness.
    """
    return to_display(image, preset_voi(image, "lung") if image.identity.modality == "CT" else None)
