"""Giving a bundle that is there what newer cards hold: validation, scales of all maps, the hash of its gate.

Networks, examples and features stay as they are; the card alone is written, in one step.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference import map_scales, validation
from inference.audit_evidence import AUDITED_MODALITY, measure_audit
from inference.bundle import Bundle, open_bundle
from inference.card import CARD
from inference.class_folders import read_class_folders
from inference.dataset import Sample, find_manifest, read_manifest
from inference.errors import DatasetError
from inference.examples import ExampleRow
from inference.files import write_bytes
from inference.gate.bundled import gate_of
from inference.gate.gate import GATE, Gate
from inference.gate.refusals import measure_refusals
from inference.held_out import HeldOutFilms
from inference.lungs.segment import LungFinder
from inference.map_evidence import measure_faithfulness, measure_randomised
from inference.map_scales import ReadCount
from inference.model_card.source import AUDIT, CONTROLS, FAITHFULNESS, RANDOMISED
from inference.predict import CPU, Device, Predictor
from inference.scale_measurement import measure_scales
from inference.shortcuts import compare_controls, control_squares, judge_controls

REFUSALS_NOTE = (
    "Each picture was judged by networks that never saw its patient; made pictures by a seed of their own. Photographs are "
    "made from films on the computer: real ones may pass more often."
)


LENT_NOTE = (
    "The small networks that look at the picture are those of another model's gate. They may have learned from pictures that "
    "are counted here, which they then judge somewhat better than new ones. Photographs are made from films on the computer: "
    "real ones may pass more often."
)


def renew_bundle(
    folder: Path,
    data: Path | None = None,
    with_scales: bool = True,
    device: Device = CPU,
    with_refusals: bool = True,
    with_maps: bool = True,
    lungs: Path | None = None,
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Write what a newer card holds into a bundle's card; return the card.

    Parameters
    ----------
    data
        Holds the manifest the model was judged on, with its films. None: patients are then not known, so that intervals are
        somewhat too narrow, and the scales of the maps stay as they are.
    with_scales
        Whether to measure the scales of the maps, which takes minutes.
    with_refusals
        Whether to count what the gate of a model of chest films refuses among the pictures that lie under ``data``, which
        takes minutes, too.
    with_maps
        Whether to count on held-out films how many maps are faithful and whether they show the network: minutes, too.
    lungs
        Folder of the lung network with which held-out films are audited; None: what the card says of audits stays.

    Raises
    ------
    InferenceError
        One sentence: a damaged bundle, a manifest of other films, a gate of another model, a full disk.
    """
    bundle = open_bundle(folder)
    rows = bundle.examples()
    samples = films_of(bundle, rows, data)
    card = bundle.card | validation_of(bundle, rows, samples) | gate_of(bundle)
    if samples and with_scales:
        answer = np.array([bundle.class_names.index(row.answer) for row in rows], dtype=np.int64)
        paths = [sample.path for sample in samples]
        card[map_scales.KEY] = yield from measure_scales(Predictor(bundle, device), paths, answer)
    if samples:
        card |= yield from evidence_of(Predictor(bundle, device), rows, samples, with_maps, lungs)
    if data is not None and with_refusals and (folder / GATE).is_file() and bundle.recipe.modality == "chest":
        fold = np.array([int(row.fold) for row in rows], dtype=np.int64)
        gate = Gate.load(folder / GATE)
        refused = yield from measure_refusals(Predictor(bundle, device), gate, samples, fold, data)
        card["gate"] = card["gate"] | {"refused": refused, "note": LENT_NOTE if gate.lent else REFUSALS_NOTE}
    write_card(folder, card)
    return card


def validation_of(bundle: Bundle, rows: Sequence[ExampleRow], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the card's entries from a bundle's own table of held-out films; ``samples`` in its order, or none."""
    truth, logits, fold = validation.held_out_answers(rows, bundle.class_names, float(bundle.card["temperature"]))
    patients = validation.patients_of(rows, {s.sha256: s.patient for s in samples})
    return validation.validate(bundle.class_names, truth, logits, fold, patients)


def evidence_of(
    predictor: Predictor, rows: Sequence[ExampleRow], samples: tuple[Sample, ...], with_maps: bool, lungs: Path | None
) -> Generator[ReadCount, None, dict[str, Any]]:
    """Return the card's entries of controls and, where they are wanted, of maps and of audits."""
    bundle = predictor.bundle
    truth, _, fold = validation.held_out_answers(rows, bundle.class_names, float(bundle.card["temperature"]))
    held_out = HeldOutFilms(samples, truth, fold)
    found: dict[str, Any] = {}
    if len(held_out.divisions()) > 1:
        yield ReadCount(0, len(samples), "films for the controls")
        found[CONTROLS] = controls_of(bundle, rows, held_out)
    if with_maps:
        found[FAITHFULNESS] = yield from measure_faithfulness(predictor, held_out)
        found[RANDOMISED] = yield from measure_randomised(predictor, held_out)
    if lungs is not None and bundle.recipe.modality == AUDITED_MODALITY:
        found[AUDIT] = yield from measure_audit(predictor, LungFinder(lungs), held_out)
    return found


def controls_of(bundle: Bundle, rows: Sequence[ExampleRow], held_out: HeldOutFilms) -> dict[str, Any]:
    """Return what controls that see no disease reach on the bundle's own folds, beside its own held-out answers."""
    samples, names = held_out.samples, bundle.class_names
    squares = control_squares(samples)
    answers = judge_controls(samples, held_out.truth, held_out.divisions(), len(names), squares)
    own = np.array([row.probabilities for row in rows], dtype=np.float64)
    patients = [sample.patient for sample in samples]
    return compare_controls(names, str(bundle.card["positive"]), held_out.truth, own, answers, patients)


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write a card whole or not at all; TrainingError if the disk refuses."""
    write_bytes(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def films_of(bundle: Bundle, rows: Sequence[ExampleRow], data: Path | None) -> tuple[Sample, ...]:
    """Return the films of a table of held-out films, in its order, from their manifest or their class folders.

    Raises
    ------
    DatasetError
        If there is neither in ``data``, or a film is not among them.
    """
    if data is None:
        return ()
    name, found = _listed(bundle, data)
    by_hash = {sample.sha256: sample for sample in found}
    missing = [row.sha256 for row in rows if row.sha256 not in by_hash]
    if missing:
        raise DatasetError(
            f"{len(missing):,} of {len(rows):,} films the model {bundle.name} was judged on are not listed in {name}."
        )
    return tuple(by_hash[row.sha256] for row in rows)


def _listed(bundle: Bundle, data: Path) -> tuple[str, Sequence[Sample]]:
    """Return the films that lie in a folder, and the name of their table; a model of class folders has none."""
    name = str(bundle.card["training_data"]["manifest"])
    if not name:
        return data.name, read_class_folders(data).samples
    return name, read_manifest(find_manifest(data, name), bundle.class_names, allow_empty=True)
