"""The whole of it: a manifest judged, and the folder with JSON, table and page that comes of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.bundle import Bundle
from inference.dataset import Sample, hash_of_patient
from inference.errors import DatasetError
from inference.external.films import SAME_FEATURES, Outside, outside_films, read_films, understand_labels
from inference.external.judging import Answers, Record, judge_outside
from inference.external.page import evaluation_page
from inference.external.reading import read_outside
from inference.files import make_folder, write_bytes
from inference.gate.gate import gate_of_bundle
from inference.map_scales import ReadCount
from inference.model_card.source import CardSource
from inference.predict import Device, Predictor

JSON, TABLE, PAGE = "evaluation.json", "answers.csv", "evaluation.html"


@dataclass(frozen=True)
class Question:
    """What is asked: a manifest, and what its labels mean (see :func:`~inference.external.films.understand_labels`)."""

    manifest: Path
    called: str = ""
    same_as: Mapping[str, str] | None = None


def evaluate_outside(
    bundle: Bundle, question: Question, folder: Path, device: Device, training: Sequence[Sample] = ()
) -> Generator[ReadCount, None, Record]:
    """Judge a model on the films of a manifest that it has never seen, and write JSON, table and page to ``folder``.

    Parameters
    ----------
    training
        Training films whose pictures are on this machine, among which copies are looked for.

    Raises
    ------
    DatasetError
        If the manifest is faulty, its labels mean nothing to the model, or no film is left.
    TrainingError
        If the folder cannot be written to.
    """
    make_folder(folder)
    samples = read_films(question.manifest)
    classes, positive = bundle.class_names, str(bundle.card["positive"])
    labels = understand_labels((s.label for s in samples), classes, positive, question.called, question.same_as)
    rows = bundle.examples()
    outside = outside_films(samples, rows, bundle.card.get("training_data", {}).get("patient_hashes", ()), training)
    _refuse_nothing_left(outside, question.manifest)
    gate = gate_of_bundle(bundle.folder)
    read = yield from read_outside(Predictor(bundle, device), gate, outside.films)
    outside = outside.without({i: SAME_FEATURES for i, row in enumerate(read) if row.is_copy})
    answers = Answers(tuple(row for row in read if not row.is_copy), labels, classes)
    _refuse_nothing_left(outside, question.manifest)
    source = CardSource(bundle.card, rows)
    record = _heading(bundle, question, samples) | judge_outside(source, answers, outside, gate is not None)
    write_bytes(folder / TABLE, answers_table(answers, source, record).encode())
    write_bytes(folder / PAGE, evaluation_page(record, source, answers).encode())
    write_bytes(folder / JSON, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    return record


def _heading(bundle: Bundle, question: Question, samples: Sequence[Sample]) -> Record:
    return {
        "model": bundle.name,
        "version": bundle.card["version"],
        "weights_sha256": bundle.weights_sha256,
        "manifest": question.manifest.name,
        "manifest_sha256": hashlib.sha256(question.manifest.read_bytes()).hexdigest(),
        "films_listed": len(samples),
    }


def _refuse_nothing_left(outside: Outside, manifest: Path) -> None:
    if not outside.films:
        why = ", ".join(f"{count} {reason}" for reason, count in outside.counts().items() if count)
        raise DatasetError(f"Of the {len(outside.excluded)} films of {manifest.name} none is new to the model: {why}.")


def answers_table(answers: Answers, source: CardSource, record: Record) -> str:
    """Return a line a film as CSV: what it is, whether it is refused and why, what is answered. Patients by hash."""
    stream, sets = io.StringIO(), source.sets().value
    points = record["not_refused"]["operating_points"]
    table = csv.writer(stream, lineterminator="\n")
    head = ["sha256", "label", "source", "view", "age", "sex", "patient_hash", "refused", "doubts"]
    table.writerow([*head, *(f"p_{n}" for n in answers.names), "answer", "set", *(f"called_{p['name']}" for p in points),
                    "nearest_training_film"])  # fmt: skip
    score = answers.score
    for row, probability in zip(answers.rows, score, strict=True):
        held = sets.holds(row.probabilities)
        table.writerow([
            row.sample.sha256, row.sample.label, row.sample.source, row.sample.view, row.sample.age, row.sample.sex,
            hash_of_patient(row.sample.patient), " ".join(row.refusals), " ".join(row.doubts),
            *(f"{p:.6f}" for p in row.probabilities), answers.names[int(row.probabilities.argmax())],
            " ".join(n for n, inside in zip(answers.names, held, strict=True) if inside),
            *(int(probability >= p["threshold"]) for p in points), f"{row.nearest:.4f}",
        ])  # fmt: skip
    return stream.getvalue()
