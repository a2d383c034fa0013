"""Image to Reading: the one caller of inference. torch is imported inside the job, after the window is up.

A :class:`SecondReader` belongs to the reading queue's single thread: its model is loaded, used and dropped there. Errors
of inference leave as :class:`~viewer.errors.SecondReaderError`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from viewer.errors import ReadingRefused, SecondReaderError
from viewer.imaging.grayscale import to_display
from viewer.imaging.heatmap import heat_field, overlay_rgba
from viewer.imaging.image import Image
from viewer.imaging.reader import read_file
from viewer.paths import examples_folder
from viewer.reading import (
    ClassProbability,
    ConfusionExample,
    ConfusionMatrix,
    HeatMap,
    ModelFacts,
    Reading,
    ReadingProgress,
)

FILM_MODALITIES = frozenset({"CR", "DX", "RG", "XR"})
UNSURE_MODALITIES = frozenset({"", "OT", "SC"})
LATERAL_VIEWS = frozenset({"LL", "RL", "LATERAL", "LLD", "RLD", "L", "LAT"})
CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "HEART", "RIB", "MEDIASTINUM")
SMALLEST_SIDE_PX = 64
ADULT_AGE = 18
EXAMPLE_SIDE_PX = 512
UNLIKE_FACTOR = 2.0


@contextmanager
def _spoken() -> Iterator[None]:
    """Let inference's known errors leave as the viewer's."""
    errors = importlib.import_module("inference.errors")
    try:
        yield
    except errors.InferenceError as error:
        raise SecondReaderError(str(error)) from error


class SecondReader:
    """Reads films with one model at a time, kept loaded between films."""

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._folder: Path | None = None
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
        with _spoken():
            yield from self._load(folder)
            yield ReadingProgress("Reading the film", 0.5)
            try:
                answer = self._answer(image, refuse_unfit(image))
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
        with _spoken():
            explain = import_calmly("inference.explain")
            image = read_file(example.path)
            prediction = self._predictor.predict(display_grey(image), image.aspect_ratio, members=[int(example.fold)])
            index = self._predictor.bundle.class_names.index(example.answer)
            heat_map = self._heat_map(explain.class_activation_maps(self._predictor, prediction, [index])[0])
        grey = shrink(display_grey(image), EXAMPLE_SIDE_PX)
        is_shown = heat_map.peak >= heat_map.floor
        return ExamplePicture(example.sha256, grey, overlay_of(heat_map, image, grey.shape) if is_shown else None)

    def _load(self, folder: Path) -> Generator[ReadingProgress, None, None]:
        if self._folder == folder:
            return
        with _spoken():
            yield ReadingProgress("Loading the network library", 0.05)
            yield from load_torch()
            # Half of the processors: with all of them a busy two-core workstation answers many times slower.
            importlib.import_module("torch").set_num_threads(max(1, (os.cpu_count() or 1) // 2))
            predict = import_calmly("inference.predict")
            yield ReadingProgress("Loading the model", 0.3)
            bundle = importlib.import_module("inference.bundle").open_bundle(folder)
            loaded = predict.Predictor(bundle, predict.choose_device(self._device)), bundle.embeddings(), bundle.examples()
            # All at once: a model that fails half way must not answer in the place of the last.
            self._predictor, self._embeddings, self._rows = loaded
            self._folder = folder

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


def shrink(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return a picture of at most ``side`` pixels a side, antialiased."""
    picture = PillowImage.fromarray(grey)
    picture.thumbnail((side, side), PillowImage.Resampling.LANCZOS)
    return np.asarray(picture)


def overlay_of(heat_map: HeatMap, image: Image, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a map as RGBA for a copy of the film shrunk to ``shape`` (rows, columns)."""
    field = heat_field(heat_map, shape[0], shape[1], 0.0, 0.0, float(image.rows), float(image.columns))
    return overlay_rgba(field, heat_map.full_scale, heat_map.floor)


def install_example_films(folder: Path, films: Path) -> Generator[ReadingProgress, None, str]:
    """Link a folder of films to the model in ``folder``; return what was found, in a sentence."""
    with _spoken():
        examples, bundle = _examples_of(folder)
        result = yield from _told(examples.install(bundle.examples(), films, examples_folder(bundle.name)))
        return _examples_sentence(result)


def fetch_example_films(folder: Path, limit_bytes: int) -> Generator[ReadingProgress, None, str]:
    """Fetch the example films of the model in ``folder`` from their public addresses; return what came, in a sentence."""
    with _spoken():
        examples, bundle = _examples_of(folder)
        work = examples.fetch(bundle.examples(), examples_folder(bundle.name), limit_bytes=limit_bytes)
        result = yield from _told(work)
        return _examples_sentence(result)


def _examples_of(folder: Path) -> tuple[Any, Any]:
    return importlib.import_module("inference.examples"), importlib.import_module("inference.bundle").open_bundle(folder)


def _told(work: Generator[Any, None, Any]) -> Generator[ReadingProgress, None, Any]:
    """Turn the progress of inference into the viewer's; closing this closes the work."""
    try:
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                return end.value
            fraction = progress.done / progress.total if progress.total else 0.0
            yield ReadingProgress(f"Example films: {progress.done} of {progress.total or '?'}", fraction)
    finally:
        work.close()


def _examples_sentence(result: Any) -> str:
    total = result.linked + result.missing
    text = f"{result.linked:,} of {total:,} example films have their picture now."
    return f"{text} {len(result.failed)} failed: {result.failed[0]}" if result.failed else text


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
    """Return the film as the networks see it: uint8 (rows, columns), its default window, bone white.

    It does not depend on the window chosen on screen: the answer must not change with the brightness.
    """
    return to_display(image)


def refuse_unfit(image: Image) -> tuple[str, ...]:
    """Return warnings about a picture the chest model may read.

    Raises
    ------
    ReadingRefused
        If the header or the picture says that it is not a frontal chest film of an adult.
    """
    identity = image.identity
    checks: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: image.is_color, "This picture has colours; the model reads grey chest films only."),
        (
            lambda: image.instance.is_dicom and identity.modality not in FILM_MODALITIES | UNSURE_MODALITIES,
            f"This is a {identity.modality} picture; the model reads frontal chest radiographs (CR, DX) only.",
        ),
        (
            lambda: bool(identity.body_part) and not any(w in identity.body_part.upper() for w in CHEST_WORDS),
            f"The header says that this film shows {identity.body_part}; the model reads chest films only.",
        ),
        (
            lambda: identity.view_position.upper() in LATERAL_VIEWS,
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
        (lambda: bool(np.ptp(image.pixels) == 0), "The picture is one even grey; there is nothing to read."),
    )
    for applies, sentence in checks:
        if applies():
            raise ReadingRefused(sentence)
    return _doubts(image)


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


def _doubts(image: Image) -> tuple[str, ...]:
    if image.instance.is_dicom and image.identity.modality in UNSURE_MODALITIES:
        return ("The header does not say that this is a radiograph; the answer holds only for frontal chest films.",)
    if not image.instance.is_dicom:
        return ("Not a DICOM file: age, view and body part are unknown and were not checked.",)
    return ()


def model_facts(card: dict[str, Any], weights_sha256: str) -> ModelFacts:
    """Return what the panel and the report say about a model, from its card."""
    facts = card["facts"]
    return ModelFacts(
        name=card["name"],
        title=card["title"],
        version=card["version"],
        weights_sha256=weights_sha256,
        summary=facts.get("summary", ""),
        trained_on=facts.get("trained_on", ""),
        never_tested_on=facts.get("never_tested_on", ""),
        not_for=facts.get("not_for", ""),
        metrics=_metric_lines(card["metrics"]),
        departures=tuple(card.get("departures", ())),
    )


def _metric_lines(metrics: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    titles = {"cross_validation": "Grouped by patient, five folds", "protocol": "The article's own division"}
    lines = []
    for key, title in titles.items():
        if key in metrics:
            found = metrics[key]["accuracy"]
            text = f"{found['count']}/{found['total']} right, {100 * found['value']:.1f} %"
            lines.append((title, f"{text} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"))
    return tuple(lines)


def confusion_matrix(card: dict[str, Any]) -> ConfusionMatrix:
    """Return the matrix of the model's held-out films, from its card."""
    return ConfusionMatrix(
        names=tuple(c["name"] for c in card["classes"]),
        titles=tuple(c["title"] for c in card["classes"]),
        counts=tuple(tuple(int(n) for n in row) for row in card["confusion_matrix"]["counts"]),
        provenance=card["confusion_matrix"]["provenance"],
    )


def load_torch() -> Generator[ReadingProgress, None, None]:
    """Import torch without stopping the window: its big libraries are mapped while the interpreter lock is free.

    ``import torch`` calls dlopen with the lock held, and the static initialisers of its libraries take some hundred
    milliseconds in which no event is served. Called through ctypes, the same dlopen runs with the lock released; the
    import then finds the libraries in place.
    """
    if "torch" in sys.modules:
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise SecondReaderError("The network library (torch) is not installed; the second reader cannot answer.")
    folder = Path(spec.origin).parent / "lib"
    yield ReadingProgress("Loading the network library", 0.1)
    if sys.platform.startswith("linux"):
        _map_libraries(folder, ("libc10.so", "libtorch_cpu.so", "libtorch.so"))
    yield ReadingProgress("Loading the network library", 0.2)
    import_calmly("torch")


def import_calmly(name: str) -> Any:
    """Import a large library with the garbage collector at rest, and keep what came out of its later rounds.

    Each full collection in the midst of such an import holds the interpreter lock for some 200 ms (torchvision alone makes
    three), in which the window stands still.
    """
    if name in sys.modules:
        return sys.modules[name]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _map_libraries(folder: Path, names: tuple[str, ...]) -> None:
    loader = ctypes.CDLL(None).dlopen
    loader.argtypes, loader.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name in names:
        if (folder / name).is_file():
            loader(str(folder / name).encode(), 1)  # RTLD_LAZY
            time.sleep(0)
