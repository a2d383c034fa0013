"""The models: each against the answer on its card, the default one on the sample film, its heat map, and the lungs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from viewer.imaging.heatmap import overlay_rgba
from viewer.paths import resources, shipped_models
from viewer.reading import Reading
from viewer.second_reader.reader import LUNGS
from viewer.second_reader.self_test import check_stored_answer
from viewer.self_test.bench import Bench
from viewer.self_test.rows import Check, CheckFailed, Work, plain
from viewer.settings import MODEL

TOLERANCE = 0.01
"""Of a probability of the sample film, which is drawn anew: processors differ in the last figure of a grey value."""

LEAST_OVERLAP = 0.8
"""Dice coefficient of the lungs that are found and those that were drawn; the network that ships reaches 0.95."""


def answers_file() -> Path:
    """Return the resource that holds the default model's answer to the sample film."""
    return resources() / "self_test" / "answers.json"


def model_checks(bench: Bench) -> list[Check]:
    """Return the checks of the models that ship, the default one first, of the heat map and of the lungs."""
    named: dict[str, Callable[[], Work]] = {
        "Sample film read": partial(read_sample, bench),
        "Heat map": plain(lambda: look_at_heat_map(bench.reading)),
        "Lungs": partial(find_lungs, bench),
    }
    models = [Check(f"Model {name}", partial(check_model, bench, name)) for name in shipped_names()]
    return [*models, *(Check(name, start) for name, start in named.items())]


def shipped_names() -> tuple[str, ...]:
    """Return the folders of the models that ship, the default one first and in any case, without the lung network."""
    found = {folder.name for folder in shipped_models().glob("*") if folder.is_dir() and folder.name != LUNGS}
    return (MODEL.default, *sorted(found - {MODEL.default}))


def check_model(bench: Bench, name: str) -> Work:
    """Compare a model's answer to the test picture with that on its card."""
    off = yield from check_stored_answer(shipped_models() / name, bench.device)
    return f"Answers the test picture as its card says, within {off:g}."


def read_sample(bench: Bench) -> Work:
    """Let the default model read the sample film, and compare the answer with the stored one."""
    return compare_with_stored((yield from bench.read_sample(shipped_models() / MODEL.default)))


def compare_with_stored(reading: Reading) -> str:
    """Say how the sample film was read; CheckFailed where it was refused, or otherwise than is stored."""
    if reading.status != "read":
        raise CheckFailed(f"The sample film was refused: {reading.reason}")
    found, stored = probabilities(reading), _stored_answers(reading)
    if found.keys() != stored.keys() or any(not abs(found[name] - stored[name]) <= TOLERANCE for name in found):
        raise CheckFailed(f"{reading.model.name} reads the sample film as {_words(found)}, where {_words(stored)} is stored.")
    return f"{reading.model.name}: {_words(found)}, as stored within {TOLERANCE:g}; on {reading.device}."


def _words(answer: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in answer.items())


def probabilities(reading: Reading) -> dict[str, float]:
    """Return the probability of each class by its name."""
    return {entry.name: round(float(entry.probability), 6) for entry in reading.probabilities}


def _stored_answers(reading: Reading) -> dict[str, float]:
    try:
        stored = json.loads(answers_file().read_text(encoding="utf-8"))
        model, weights = str(stored["model"]), str(stored["weights_sha256"])
        answers = {str(name): float(value) for name, value in stored["probabilities"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckFailed("The stored answer to the sample film is missing or damaged: install the program again.") from error
    if (model, weights) != (reading.model.name, reading.model.weights_sha256):
        raise CheckFailed(
            f"The answer to the sample film is stored for {model} {weights[:12]}, and the model that is installed is "
            f"{reading.model.name} {reading.model.weights_sha256[:12]}."
        )
    return answers


def answers_of_the_default_model() -> dict[str, Any]:
    """Return what :func:`answers_file` is to hold: the model, its weights and its answer to the sample film."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), "cpu")
        bench.open_sample()
        for _ in (work := bench.read_sample(shipped_models() / MODEL.default)):
            pass
        work.close()
        reading = bench.reading
    facts = {"model": reading.model.name, "weights_sha256": reading.model.weights_sha256}
    return {**facts, "probabilities": probabilities(reading)}


def look_at_heat_map(reading: Reading) -> str:
    """Paint the map of the answer to the sample film, and see that there is colour in it; CheckFailed where there is none."""
    heat_map = reading.heat_map(reading.predicted)
    if heat_map is None:
        raise CheckFailed("No heat map was made for the answer to the sample film.")
    cells = np.asarray(heat_map.cells, np.float32)
    painted = overlay_rgba(cells, heat_map.full_scale, heat_map.floor, two_sided=heat_map.is_two_sided)
    share = float((painted[..., 3] > 0).mean())
    if share == 0:
        raise CheckFailed(f"The heat map of the sample film is empty (peak {heat_map.peak:.2g}, floor {heat_map.floor:.2g}).")
    rows, columns = cells.shape
    return f"{heat_map.method} of {reading.predicted}: {columns} x {rows} cells, {share:.0%} of them coloured."


def find_lungs(bench: Bench) -> Work:
    """Find both lungs on the sample film, and compare them with those that were drawn."""
    sample = bench.sample
    mask, reason = yield from bench.reader.find_lungs(sample.image)
    if mask is None:
        raise CheckFailed(f"No lungs were found on the sample film: {reason}.")
    truth = sample.drawn.lungs
    overlap = float(2 * np.logical_and(mask, truth).sum() / (mask.sum() + truth.sum()))
    if overlap < LEAST_OVERLAP:
        raise CheckFailed(f"The lungs that were found are not those that were drawn (Dice {overlap:.2f}).")
    return f"Both lungs of the sample film were found (Dice {overlap:.2f} with those that were drawn)."
