"""Image to Reading, as a generator job.

Refusals come first and cheapest first: the header, the picture, the model's own features of it. Then the answer, the maps,
and whether the map that is shown is faithful; each step yields the Reading so far.

A :class:`SecondReader` belongs to the reading queue's single thread: its model is loaded, used and dropped there.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from inference.cam_methods import EXACT_METHODS
from viewer.errors import SecondReaderError
from viewer.imaging.heatmap import heat_field, overlay_rgba
from viewer.imaging.image import Image
from viewer.imaging.reader import read_file
from viewer.model_list import require_listed
from viewer.paths import shipped_models
from viewer.reading import Audit, ConfusionExample, HeatMap, ModelFacts, Reading, ReadingProgress
from viewer.second_reader.answer import LookAlikes, answer_fields, display_grey
from viewer.second_reader.audit import AUDITED_MODALITY, audit_film
from viewer.second_reader.card import card_time, confusion_matrix, model_facts
from viewer.second_reader.fitness import Fitness, judge_distance, judge_header
from viewer.second_reader.libraries import import_calmly, load_torch, spoken, use_half_of_the_processors
from viewer.second_reader.maps import MadeMap, judge_map, make_maps, map_methods, quick_method
from viewer.second_reader.picture_gate import PictureGate, fitness_of

log = logging.getLogger(__name__)

EXAMPLE_SIDE_PX = 512
LUNGS = "lungs"
"""Folder of the lung network beside the shipped models."""


class SecondReader:
    """Reads films with one model at a time, kept loaded between films."""

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._loaded: tuple[Path, int] | None = None
        self._predictor: Any = None
        self._look_alikes: Any = None
        self._gate = PictureGate()
        self._lungs: Any = None

    @property
    def facts(self) -> ModelFacts | None:
        """Return what is known of the model that is loaded."""
        if self._predictor is None:
            return None
        return model_facts(self._predictor.bundle.card, self._predictor.bundle.weights_sha256)

    def warm_up(self, folder: Path) -> Generator[ReadingProgress, None, None]:
        """Import torch and load the gate and the model, so that the first film need not wait; grad-cam where it is needed."""
        with spoken():
            yield from self._load(folder)
            self._gate.open(folder)
            yield ReadingProgress("Loading the heat maps", 0.9)
            if map_methods(self._predictor)[0][0] not in EXACT_METHODS:
                import_calmly("inference.explain")

    def read(
        self, image: Image, folder: Path, override: str = "", method: str = "", judges_map: bool = True
    ) -> Generator[ReadingProgress | Reading, None, Reading]:
        """Read a film: first the answer without maps, then with coarse and with fine ones, then whole (``complete``).

        Parameters
        ----------
        override
            The reader's reason for reading the film even if it is refused; "" for none. It is kept in the Reading, which
            is marked, and is never logged: that it happened is.
        method
            Of the maps, one of :attr:`~viewer.reading.Reading.map_methods`; "" for the model's default.
        judges_map
            Whether to find out if the answer's map is faithful, which takes 21 more readings.

        Raises
        ------
        SecondReaderError
            If the model cannot be loaded, or its maps cannot be made by that method.
        """
        with spoken():
            case = _Case(image, importlib.import_module("inference.card").read_card(folder), override.strip())
            case.fitness = judge_header(image, case.modality)
            if case.stops():
                return case.refused()
            yield from self._judge_picture(case, folder)
            if case.stops():
                return case.refused()
            yield from self._load(folder)
            yield ReadingProgress("Reading the film", 0.5)
            self._gate.open(folder)
            reading = self._answer(case)
            if case.stops():
                return case.refused()
            yield reading
            return (yield from self._with_maps(case, reading, method, judges_map))

    def audit(self, image: Image, folder: Path) -> Generator[ReadingProgress, None, Audit]:
        """Return the shortcut audit of a film: what changes that should not matter do to the answer.

        Raises
        ------
        SecondReaderError
            If the model cannot be loaded or reads no chest films, or the lung network is missing.
        """
        with spoken():
            yield from self._load(folder)
            if self._predictor.bundle.recipe.modality != AUDITED_MODALITY:
                raise SecondReaderError("The audit is made for chest films; this model reads CT slices.")
            yield ReadingProgress("Finding the lungs", 0.1)
            return (yield from audit_film(self._predictor, self._lung_finder(), image, display_grey(image)))

    def find_lungs(self, image: Image) -> Generator[ReadingProgress, None, tuple[npt.NDArray[np.bool_] | None, str]]:
        """Return the lungs of a film, bool (rows, columns), or None and why none were found. No model is needed.

        Raises
        ------
        SecondReaderError
            If the lung network is missing or damaged.
        """
        with spoken():
            yield from load_torch()
            found = self._lung_finder().find(display_grey(image), image.aspect_ratio)
        return (found.mask, "") if found.found else (None, found.reason)

    def _lung_finder(self) -> Any:
        if self._lungs is None:
            self._lungs = importlib.import_module("inference.lungs.segment").LungFinder(shipped_models() / LUNGS)
        return self._lungs

    def read_example(self, example: ConfusionExample, folder: Path) -> Generator[ReadingProgress, None, ExamplePicture]:
        """Return a held-out film and the map of the answer it got, by the member that never saw its patient.

        Raises
        ------
        SecondReaderError
            If the film is not on this machine, or the model cannot be loaded.
        """
        if example.path is None:
            raise SecondReaderError("The picture of this example is not on this machine; link or fetch the example films.")
        with spoken():
            yield from self._load(folder)
            image = read_file(example.path)
            prediction = self._predictor.predict(display_grey(image), image.aspect_ratio, members=[int(example.fold)])
            index = self._predictor.bundle.class_names.index(example.answer)
            made = yield from make_maps(self._predictor, prediction, image, [index], quick_method(self._predictor))
        heat_map, grey = made[0].heat_map, shrink(display_grey(image), EXAMPLE_SIDE_PX)
        over = None if heat_map.withheld else overlay_of(heat_map, image, grey.shape)
        return ExamplePicture(example.sha256, grey, over, heat_map)

    def _load(self, folder: Path) -> Generator[ReadingProgress, None, None]:
        wanted = folder, card_time(folder)
        if self._loaded == wanted:
            return
        require_listed(folder)
        yield ReadingProgress("Loading the network library", 0.05)
        yield from load_torch()
        use_half_of_the_processors()
        predict = import_calmly("inference.predict")
        yield ReadingProgress("Loading the model", 0.3)
        bundle = importlib.import_module("inference.bundle").open_bundle(folder)
        loaded = predict.Predictor(bundle, predict.choose_device(self._device)), LookAlikes(bundle)
        # All at once: a model that fails half way must not answer in the place of the last.
        self._predictor, self._look_alikes = loaded
        self._loaded = wanted

    def _judge_picture(self, case: _Case, folder: Path) -> Generator[ReadingProgress, None, None]:
        yield ReadingProgress("Looking at the picture", 0.02)
        began = time.perf_counter()
        work = self._gate.judge(case.grey, case.image, folder, case.modality)
        case.fitness += yield from work
        case.milliseconds["gate"] = 1000 * (time.perf_counter() - began)

    def _answer(self, case: _Case) -> Reading:
        """Return the answer without maps; what the model's features say of the film is added to the case first."""
        prediction = self._predictor.predict(case.grey, case.image.aspect_ratio)
        case.prediction = prediction
        self._judge_features(case)
        bundle, image = self._predictor.bundle, case.image
        warnings = (*case.fitness.warnings, *self._look_alikes.own_film(image), *self._predictor.warnings)
        case.milliseconds |= prediction.milliseconds
        return case.reading(
            **answer_fields(bundle, prediction, image),
            **self._look_alikes.fields(prediction, image),
            refusals=case.fitness.refusals,
            override_reason=case.override if case.fitness.refusals else "",
            distance_percentile=case.distance_percentile,
            matrix=confusion_matrix(bundle.card),
            map_methods=map_methods(self._predictor),
            warnings=warnings,
            milliseconds=dict(case.milliseconds),
            complete=False,
        )

    def _judge_features(self, case: _Case) -> None:
        gate = self._gate.gate
        if gate is None:
            distance = self._look_alikes.distance(case.prediction)
            case.fitness += judge_distance(distance, self._predictor.bundle.card["neighbours"])
            return
        judgement = gate.judge_features(case.prediction.vectors, case.prediction.members)
        case.fitness += fitness_of(judgement)
        case.distance_percentile = judgement.distance_percentile

    def _with_maps(
        self, case: _Case, answer: Reading, method: str, judges_map: bool
    ) -> Generator[ReadingProgress | Reading, None, Reading]:
        if judges_map and not method and (quick := quick_method(self._predictor)) != map_methods(self._predictor)[0][0]:
            yield (yield from self._mapped(case, answer, quick))[0]
        reading, made = yield from self._mapped(case, answer, method)
        if not judges_map:
            return replace(reading, complete=True)
        yield reading
        began = time.perf_counter()
        chosen = next(one for one in made if one.heat_map.class_name == answer.predicted)
        judged = yield from judge_map(self._predictor, case.prediction, chosen)
        case.milliseconds["faithfulness"] = 1000 * (time.perf_counter() - began)
        maps = tuple(judged if one.class_name == judged.class_name else one for one in reading.heat_maps)
        return replace(
            reading,
            heat_maps=maps,
            milliseconds=dict(case.milliseconds),
            warnings=self._all_warnings(answer),
            complete=True,
        )

    def _mapped(
        self, case: _Case, answer: Reading, method: str
    ) -> Generator[ReadingProgress, None, tuple[Reading, list[MadeMap]]]:
        """Return the answer with its maps by a method, and the maps as they were made."""
        began = time.perf_counter()
        classes = range(len(answer.probabilities))
        made = yield from make_maps(self._predictor, case.prediction, case.image, classes, method)
        case.milliseconds["heatmap"] = 1000 * (time.perf_counter() - began)
        reading = replace(
            answer,
            heat_maps=tuple(one.heat_map for one in made),
            milliseconds=dict(case.milliseconds),
            warnings=self._all_warnings(answer),
        )
        return reading, made

    def _all_warnings(self, answer: Reading) -> tuple[str, ...]:
        """Return the warnings of an answer and those that came up since: a device that failed."""
        return tuple(dict.fromkeys((*answer.warnings, *self._predictor.warnings)))


@dataclass
class _Case:
    """One film on its way to a Reading: what is known of it so far."""

    image: Image
    card: dict[str, Any]
    override: str
    fitness: Fitness = field(default_factory=Fitness)
    distance_percentile: float | None = None
    prediction: Any = None
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def modality(self) -> str:
        """Return what the model reads: "chest" or "ct"."""
        return str(self.card.get("recipe_record", {}).get("modality", "chest"))

    @cached_property
    def grey(self) -> npt.NDArray[np.uint8]:
        """Return the film as the networks see it."""
        return display_grey(self.image)

    def stops(self) -> bool:
        """Return whether there is a reason to stop here."""
        return bool(self.fitness.refusals) and not self.override

    def refused(self) -> Reading:
        """Return the refusal, without any number."""
        return self.reading(
            status="refused",
            refusals=self.fitness.refusals,
            distance_percentile=self.distance_percentile,
            milliseconds=dict(self.milliseconds),
        )

    def reading(self, **fields: Any) -> Reading:
        """Return a Reading of this film with these fields."""
        codes = [reason.code for reason in self.fitness.refusals]
        if codes and self.override:
            log.warning("read on request although refused (%s): %s", ", ".join(codes), self.image.sha256)
        return Reading(
            **{
                "sha256": self.image.sha256,
                "sop_instance_uid": self.image.identity.sop_instance_uid,
                "frame": self.image.instance.frame,
                "status": "read",
                "model": model_facts(self.card, self.card["files"]["weights.safetensors"]),
                **fields,
            }
        )


@dataclass(frozen=True, eq=False)
class ExamplePicture:
    """A held-out film as shown in the panel: uint8 grey (rows, columns) and its heat map, uint8 RGBA of the same size.

    ``heat`` is None where nothing rises above the floor of the scale; ``heat_map`` is the map itself, for the whole film.
    """

    sha256: str
    grey: npt.NDArray[np.uint8]
    heat: npt.NDArray[np.uint8] | None
    heat_map: HeatMap | None = None


def shrink(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return a picture of at most ``side`` pixels a side, antialiased."""
    picture = PillowImage.fromarray(grey)
    picture.thumbnail((side, side), PillowImage.Resampling.LANCZOS)
    return np.asarray(picture)


def overlay_of(heat_map: HeatMap, image: Image, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a map as RGBA for a copy of the film shrunk to ``shape`` (rows, columns)."""
    field = heat_field(heat_map, shape[0], shape[1], 0.0, 0.0, float(image.rows), float(image.columns))
    return overlay_rgba(field, heat_map.full_scale, heat_map.floor, two_sided=heat_map.is_two_sided)
