"""The maps of an answer on the film, each by the method that was asked for, and whether they are faithful."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inference.cam_methods import CAM_METHODS, EXACT_METHODS, title_of
from viewer.imaging.image import Image
from viewer.reading import Faithfulness, HeatMap, ReadingProgress
from viewer.second_reader.answer import in_millimetres
from viewer.second_reader.libraries import followed, import_calmly

OWN_SCALE = "{title}, on the scale of this film alone"
FLOOR_PART = 0.1
"""Of the peak, where a method has no scale of its own."""


@dataclass(frozen=True, eq=False)
class MadeMap:
    """A map for the screen, and what is needed to judge it: float cells and their grid on the network's input."""

    heat_map: HeatMap
    class_index: int
    cells: Any
    grid: Any


def map_methods(predictor: Any) -> tuple[tuple[str, str], ...]:
    """Return name and title of the methods this model's maps can be made by, the default first."""
    exact = importlib.import_module("inference.map_scales").exact_methods(predictor)
    return (*((name, EXACT_METHODS[name]) for name in exact), *((name, kind.title) for name, kind in CAM_METHODS.items()))


def quick_method(predictor: Any) -> str:
    """Return the method whose map costs next to nothing beside the answer: for the many films of a strip."""
    exact = importlib.import_module("inference.map_scales").exact_methods(predictor)
    return str(exact[-1]) if exact else map_methods(predictor)[0][0]


def make_maps(
    predictor: Any, prediction: Any, image: Image, classes: Sequence[int], method: str = ""
) -> Generator[ReadingProgress, None, list[MadeMap]]:
    """Return the map of each class, by the model's default method for "".

    Raises
    ------
    ExplanationError
        If there is no such method, or this network does not allow it.
    """
    scales = importlib.import_module("inference.map_scales")
    name = method or map_methods(predictor)[0][0]
    title = title_of(name)
    if name in EXACT_METHODS:
        members = len(prediction.members)
        found = yield from followed(
            scales.exact_maps(predictor, prediction, classes, name), lambda done: _drawing(title, done, members)
        )
    else:
        # grad-cam brings torchvision along, which takes two seconds: only where one of its maps is asked for.
        explain = import_calmly("inference.explain")
        found = yield from followed(
            explain.make_maps(predictor, prediction, classes, name), lambda step: _drawing(title, step.done, step.total)
        )
    scale = scales.scale_of(predictor.bundle.card, name)
    return [_made(predictor, one, image, title, scale) for one in found]


def _drawing(title: str, done: int, total: int) -> ReadingProgress:
    return ReadingProgress(f"Drawing the map ({title})", done / total)


def _made(predictor: Any, placed: Any, image: Image, title: str, scale: dict[str, Any] | None) -> MadeMap:
    class_name = predictor.bundle.class_names[placed.class_index]
    is_exact = hasattr(placed, "logit")
    full_scale = float(scale["full_scale"][class_name]) if scale else placed.peak
    heat_map = HeatMap(
        class_name=class_name,
        cells=placed.cells.astype("float32"),
        first_cell_row_column=placed.first_cell,
        step_row_column=placed.step,
        bounds_row_column=placed.bounds,
        peak=placed.peak,
        full_scale=full_scale,
        floor=float(scale["floor"][class_name]) if scale else FLOOR_PART * full_scale,
        method=title if scale else OWN_SCALE.format(title=title),
        unit="logit" if is_exact else "raw",
        logit=placed.logit if is_exact else None,
        bias=placed.bias if is_exact else None,
        cell_mm=in_millimetres(placed.step, image),
    )
    grid = placed.grid if is_exact else predictor.members[0].cell_grid
    return MadeMap(heat_map, placed.class_index, placed.cells, grid)


def judge_map(predictor: Any, prediction: Any, made: MadeMap) -> Generator[ReadingProgress, None, HeatMap]:
    """Return the map with what deleting its hottest tenth does to the answer, beside random regions."""
    work = import_calmly("inference.faithfulness").judge_map(predictor, prediction, made.class_index, made.cells, made.grid)
    found = yield from followed(
        work, lambda step: ReadingProgress("Testing whether the map is faithful", step.done / step.total)
    )
    return replace(made.heat_map, faithfulness=faithfulness(found))


def faithfulness(found: Any) -> Faithfulness:
    """Return inference's judgement of a map as the viewer's record."""
    return Faithfulness(
        hot=found.hot,
        random_mean=found.random_mean,
        random_spread=found.random_spread,
        sentence=str(found),
        withheld="" if found.passes else found.withheld,
    )
