"""Giving a bundle that is there what newer cards hold: validation, scales of all maps, the hash of its gate.

Networks, examples and features stay as they are; the card alone is written, in one step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference import map_scales, validation
from inference.bundle import Bundle, open_bundle
from inference.card import CARD
from inference.dataset import Sample, find_manifest, read_manifest
from inference.errors import BundleError, DatasetError
from inference.examples import ExampleRow
from inference.files import write_bytes
from inference.gate.gate import GATE, Gate
from inference.gate.refusals import measure_refusals
from inference.map_scales import ReadCount
from inference.predict import CPU, Device, Predictor
from inference.scale_measurement import measure_scales

REFUSALS_NOTE = (
    "Each picture was judged by networks that never saw its patient; made pictures by a seed of their own. Photographs are "
    "made from films on the computer: real ones may pass more often."
)


def renew_bundle(
    folder: Path, data: Path | None = None, with_scales: bool = True, device: Device = CPU, with_refusals: bool = True
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
        Whether to count what the gate refuses among the pictures that lie under ``data``, which takes minutes, too.

    Raises
    ------
    InferenceError
        One sentence: a damaged bundle, a manifest of other films, a gate of another model, a full disk.
    """
    bundle = open_bundle(folder)
    rows = bundle.examples()
    samples = _films_of(bundle, rows, data)
    card = bundle.card | validation_of(bundle, rows, samples) | gate_of(bundle)
    if samples and with_scales:
        answer = np.array([bundle.class_names.index(row.answer) for row in rows], dtype=np.int64)
        paths = [sample.path for sample in samples]
        card[map_scales.KEY] = yield from measure_scales(Predictor(bundle, device), paths, answer)
    if data is not None and with_refusals and (folder / GATE).is_file():
        fold = np.array([int(row.fold) for row in rows], dtype=np.int64)
        gate = Gate.load(folder / GATE)
        refused = yield from measure_refusals(Predictor(bundle, device), gate, samples, fold, data)
        card["gate"] = card["gate"] | {"refused": refused, "note": REFUSALS_NOTE}
    write_card(folder, card)
    return card


def validation_of(bundle: Bundle, rows: Sequence[ExampleRow], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the card's entries from a bundle's own table of held-out films; ``samples`` in its order, or none."""
    truth, logits, fold = validation.held_out_answers(rows, bundle.class_names, float(bundle.card["temperature"]))
    patients = validation.patients_of(rows, {s.sha256: s.patient for s in samples})
    return validation.validate(bundle.class_names, truth, logits, fold, patients)


def gate_of(bundle: Bundle) -> dict[str, Any]:
    """Return the card's entries about the gate beside a model, its name and hash; {} where there is none.

    Raises
    ------
    BundleError
        If it is damaged, or was fitted for another number of members.
    """
    path = bundle.folder / GATE
    if not path.is_file():
        return {}
    if len(Gate.load(path).statistics) != len(bundle.card["members"]):
        raise BundleError(f"The gate beside the model {bundle.name} was fitted for another model; fit it again.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    named = {"file": GATE, "sha256": digest}
    return {"files": bundle.card["files"] | {GATE: digest}, "gate": dict(bundle.card.get("gate", {})) | named}


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write a card whole or not at all; TrainingError if the disk refuses."""
    write_bytes(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())


def _films_of(bundle: Bundle, rows: Sequence[ExampleRow], data: Path | None) -> tuple[Sample, ...]:
    """Return the films of a table of held-out films, in its order."""
    if data is None:
        return ()
    manifest = find_manifest(data, str(bundle.card["training_data"]["manifest"]))
    by_hash = {sample.sha256: sample for sample in read_manifest(manifest, bundle.class_names, allow_empty=True)}
    missing = [row.sha256 for row in rows if row.sha256 not in by_hash]
    if missing:
        raise DatasetError(
            f"{len(missing):,} of {len(rows):,} films the model {bundle.name} was judged on are not listed in {manifest.name}."
        )
    return tuple(by_hash[row.sha256] for row in rows)
