"""From trained members to a bundle: held-out answers, temperature, thresholds, heat-map scale, features, card."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference import self_test
from inference.bundle import Bundle, Embeddings, pack_members
from inference.card import CARD, EMBEDDINGS, EXAMPLES, FORMAT, PROTOCOL, WEIGHTS
from inference.dataset import Sample, label_indices, load_grey, patient_hashes
from inference.errors import DatasetError
from inference.evaluate import (
    cross_fitted_probabilities,
    expected_calibration_error,
    fit_temperature,
    judge,
    negative_log_likelihood,
    operating_point,
    sensitivity_threshold,
    softmax,
)
from inference.examples import original_address
from inference.files import make_folder, write_bytes
from inference.films import Films, as_films
from inference.gate.bundled import fit_new_gate, gate_of
from inference.gate.features import Vectors
from inference.gate.gate import GATE, Gate
from inference.gate.manifests import gate_films
from inference.groups import judge_groups
from inference.map_scales import KEY as HEAT_MAPS
from inference.map_scales import ReadCount
from inference.members import Member, hash_of
from inference.predict import CPU, Device, Predictor
from inference.recipe import Recipe, record
from inference.scale_measurement import measure_scales
from inference.train import Weights
from inference.trust import held_out_neighbour_distances, median_distance
from inference.validation import validate

VERSION = "1.0.0"
SENSITIVITY = 0.9
"""Thresholds are those at which nine of ten held-out films of a class are called."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out answers of one set of films, row by row.

    ``logits`` float64 (films, classes), uncalibrated mean of the members that answered; ``vectors`` float32 (films,
    features) of the first of them, ``depths`` the same at every depth the gate looks at. ``squares`` uint8 (films, size,
    size): what the networks were given.
    """

    truth: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float64]
    vectors: npt.NDArray[np.float32]
    depths: Vectors
    squares: npt.NDArray[np.uint8]


def read_held_out(
    predictor: Predictor, samples: Sequence[Sample], truth: npt.NDArray[np.int64], member_of: Callable[[int], list[int]]
) -> Generator[ReadCount, None, HeldOut]:
    """Read films exactly as the program does, one by one; ``member_of(row)`` says which members answer.

    The predictor's temperature must be 1: the logarithms of its probabilities are the logits.
    """
    logits, vectors, depths, squares = [], [], [], []
    for row, sample in enumerate(samples):
        prediction = predictor.predict(load_grey(sample.path), members=member_of(row))
        logits.append(np.log(np.maximum(prediction.probabilities, 1e-300)))
        vectors.append(prediction.embeddings[0])
        depths.append(prediction.vectors[0])
        squares.append(prediction.square)
        yield ReadCount(row + 1, len(samples))
    stacked = tuple(np.stack(depth) for depth in zip(*depths, strict=True))
    return HeldOut(truth, np.array(logits), np.array(vectors, dtype=np.float32), stacked, np.array(squares))


def assemble(
    recipe: Recipe,
    films: Films | Sequence[Sample],
    members: Sequence[Member],
    weights: dict[str, Weights],
    manifest: Path | None,
    folder: Path,
    device: Device = CPU,
    lender: Gate | None = None,
) -> Generator[ReadCount, None, Bundle]:
    """Judge the members on the films they never saw and write the bundle to ``folder``, with its gate.

    The card is written last: a folder without one is not a bundle, so a broken run never looks like a model.

    Parameters
    ----------
    lender
        The gate of a model that lends its sense networks, for a model of chest films. It may have learned from some of these
        films, which it then refuses somewhat less often than new ones.
    """
    films = as_films(films)
    samples = films.samples
    make_folder(folder)
    for old in (CARD, GATE):
        (folder / old).unlink(missing_ok=True)
    folds = [m for m in members if m.name.startswith("fold-")]
    protocol = [m for m in members if m.name.startswith("protocol-")]
    write_bytes(folder / WEIGHTS, pack_members({m.name: weights[m.name] for m in folds}))
    if protocol:
        write_bytes(folder / PROTOCOL, pack_members({m.name: weights[m.name] for m in protocol}))
    draft = _draft_card(recipe, folds, protocol)
    provisional = Bundle(folder, draft, recipe, "")
    fold_of = np.zeros(len(samples), dtype=np.int64)
    for number, member in enumerate(folds):
        fold_of[member.held_out] = number
    truth = label_indices(samples, recipe)
    predictor = Predictor(provisional, device)
    held_out = yield from read_held_out(predictor, samples, truth, lambda row: [int(fold_of[row])])
    temperature = fit_temperature(truth, held_out.logits)
    probabilities = softmax(held_out.logits, temperature)
    embeddings = _embeddings(held_out.vectors, fold_of)
    write_bytes(folder / EMBEDDINGS, _pack_embeddings(embeddings))
    write_bytes(folder / EXAMPLES, _examples_table(recipe, samples, probabilities, fold_of).encode())
    metrics: dict[str, Any] = {"cross_validation": _cross_validation(recipe, samples, truth, held_out, temperature, fold_of)}
    if protocol:
        tested = [samples[i] for i in protocol[0].held_out]
        metrics["protocol"] = yield from judge_protocol(provisional, tested, device)
    yield from _write_gate(provisional, predictor, samples, held_out, fold_of, lender)
    scales = yield from measure_scales(predictor, [s.path for s in samples], probabilities.argmax(axis=1))
    card = draft | {
        "temperature": temperature,
        "training_data": describe_films(films, manifest),
        "metrics": metrics,
        "confusion_matrix": {
            "counts": metrics["cross_validation"]["confusion_matrix"],
            "provenance": f"{len(samples):,} films, each read by the one of {len(folds)} networks that never saw its patient.",
        },
        "thresholds": _thresholds(recipe, truth, probabilities),
        "heatmap": scales["GradCAM"],
        HEAT_MAPS: scales,
        "neighbours": _neighbour_quantiles(embeddings),
        "files": _hashes(folder, protocol=bool(protocol)),
    }
    card |= _validation(recipe, samples, held_out, fold_of) | gate_of(Bundle(folder, card, recipe, ""))
    card[self_test.KEY] = self_test.answer(Predictor(Bundle(folder, card, recipe, ""), device))
    write_bytes(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
    return Bundle(folder, card, recipe, card["files"][WEIGHTS])


def _draft_card(recipe: Recipe, folds: Sequence[Member], protocol: Sequence[Member]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": recipe.name,
        "title": recipe.title,
        "version": VERSION,
        "recipe": recipe.name,
        "recipe_fingerprint": recipe.fingerprint(),
        "recipe_record": record(recipe),
        "article": recipe.article,
        "classes": [asdict(c) for c in recipe.classes],
        "positive": recipe.positive,
        "preprocessing": asdict(recipe.preprocessing)
        | {
            "crop": "largest centred square",
            "values": "display grey, standardised by the film's own mean and spread",
            "reading_rotations": list(recipe.reading_rotations),
            "reading_mirrored": recipe.reading_mirrored,
        },
        "members": [m.name for m in folds],
        "protocol_members": [m.name for m in protocol],
        "temperature": 1.0,
        "claims": [list(c) for c in recipe.claims],
        "departures": list(recipe.departures),
        "facts": recipe.notes,
    }


def judge_protocol(
    bundle: Bundle, tested: Sequence[Sample], device: Device = CPU
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Judge the networks of the article's own division on its test films (uncalibrated, mean of their logits)."""
    truth = label_indices(tested, bundle.recipe)
    networks = bundle.build_protocol_members()
    everyone = list(range(len(networks)))
    predictor = Predictor(_ProtocolBundle(bundle.folder, bundle.card | {"temperature": 1.0}, bundle.recipe, ""), device)
    held_out = yield from read_held_out(predictor, tested, truth, lambda _: everyone)
    patients = [s.patient for s in tested]
    return judge(bundle.recipe.class_names, bundle.recipe.positive, truth, softmax(held_out.logits), patients)


class _ProtocolBundle(Bundle):
    """The same bundle, answering with the networks of the article's division."""

    def build_members(self) -> Any:
        return self.build_protocol_members()


def _cross_validation(
    recipe: Recipe,
    samples: Sequence[Sample],
    truth: npt.NDArray[np.int64],
    held_out: HeldOut,
    temperature: float,
    fold_of: npt.NDArray[np.int64],
) -> dict[str, Any]:
    patients = [s.patient for s in samples]
    probabilities = softmax(held_out.logits, temperature)
    crossed = cross_fitted_probabilities(truth, held_out.logits, fold_of)
    right = probabilities.argmax(axis=1) == truth
    result = judge(recipe.class_names, recipe.positive, truth, probabilities, patients)
    return result | {
        "groups": judge_groups(recipe.class_names, recipe.positive, truth, probabilities, samples),
        "fold_accuracy": [float(right[fold_of == k].mean()) for k in np.unique(fold_of)],
        "cross_fitted": {
            "negative_log_likelihood": negative_log_likelihood(truth, crossed),
            "expected_calibration_error": expected_calibration_error(truth, crossed),
        },
    }


def _validation(
    recipe: Recipe, samples: Sequence[Sample], held_out: HeldOut, fold_of: npt.NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    """Return the card's entries; {} where the films are too few for it: the model then answers without sets and decision."""
    try:
        return validate(recipe.class_names, held_out.truth, held_out.logits, fold_of, [s.patient for s in samples])
    except DatasetError:
        return {}


def _write_gate(
    bundle: Bundle,
    predictor: Predictor,
    samples: Sequence[Sample],
    held_out: HeldOut,
    fold_of: npt.NDArray[np.int64],
    lender: Gate | None,
) -> Generator[ReadCount, None, None]:
    """Write the model's gate beside its networks; none where one network saw all films, or they are too few."""
    if len(predictor.members) < 2:
        return
    lender = lender if bundle.recipe.modality == "chest" else None
    films = gate_films(samples, bundle.recipe, fold_of, held_out.squares, with_sense_squares=lender is not None)
    gate = yield from fit_new_gate(bundle.recipe, predictor.members, films, held_out.depths, lender)
    if gate is not None:
        gate.save(bundle.folder / GATE)


def _embeddings(vectors: npt.NDArray[np.float32], fold_of: npt.NDArray[np.int64]) -> Embeddings:
    rounded = vectors.astype(np.float16).astype(np.float32)
    scale = [median_distance(rounded[fold_of == k]) for k in np.unique(fold_of)]
    return Embeddings(rounded, fold_of, np.array(scale, dtype=np.float32))


def _pack_embeddings(embeddings: Embeddings) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        vectors=embeddings.vectors.astype(np.float16),
        fold=embeddings.fold.astype(np.uint8),
        scale=embeddings.scale,
    )
    return buffer.getvalue()


def _examples_table(
    recipe: Recipe, samples: Sequence[Sample], probabilities: npt.NDArray[np.float64], fold_of: npt.NDArray[np.int64]
) -> str:
    stream = io.StringIO()
    names = recipe.class_names
    table = csv.writer(stream, lineterminator="\n")
    head = ["sha256", "origin_sha256", "address", "url", "licence", "source", "view", "age", "sex", "truth", "answer"]
    table.writerow([*head, *(f"p_{n}" for n in names), "fold"])
    for sample, row, fold in zip(samples, probabilities, fold_of, strict=True):
        table.writerow([
            sample.sha256, sample.origin_sha256, original_address(sample.origin), sample.url, sample.licence,
            sample.source, sample.view, sample.age, sample.sex, sample.label, names[int(row.argmax())],
            *(f"{p:.6f}" for p in row), int(fold),
        ])  # fmt: skip
    return stream.getvalue()


def describe_films(films: Films | Sequence[Sample], manifest: Path | None) -> dict[str, Any]:
    """Return what the card says about the training films: hashes and counts, no film and no name."""
    films = as_films(films)
    samples = films.samples
    return {
        "manifest": manifest.name if manifest else "",
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest else "",
        "films": len(samples),
        "films_only_learned_from": len(films.extra),
        "films_sha256": hash_of(sorted(s.sha256 for s in films.all_samples)),
        "patients": len({s.patient for s in samples}),
        "by_class": dict(Counter(s.label for s in samples)),
        "by_source": dict(Counter(s.source.partition(":")[0] or "unknown" for s in samples)),
        "by_view": dict(Counter(s.view or "unknown" for s in samples)),
        "minors": sum(s.age.isdigit() and int(s.age) < 18 for s in samples),
        "patient_hashes": patient_hashes(s.patient for s in films.all_samples),
    }


def _thresholds(
    recipe: Recipe, truth: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> dict[str, dict[str, object]]:
    result = {}
    for index, name in enumerate(recipe.class_names):
        positive, score = truth == index, probabilities[:, index]
        result[name] = operating_point(positive, score, sensitivity_threshold(positive, score, SENSITIVITY))
    return result


def _neighbour_quantiles(embeddings: Embeddings) -> dict[str, float]:
    distances = held_out_neighbour_distances(embeddings)
    if np.isinf(distances).any():
        return {f"q{q}": math.inf for q in (50, 95, 99)}
    return {f"q{q}": float(np.quantile(distances, q / 100)) for q in (50, 95, 99)}


def _hashes(folder: Path, protocol: bool) -> dict[str, str]:
    names = [WEIGHTS, EXAMPLES, EMBEDDINGS, *([PROTOCOL] if protocol else [])]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
