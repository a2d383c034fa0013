"""The films of a manifest that a model has never seen, and what their labels mean to it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.dataset import Sample, hash_of_patient, read_manifest
from inference.duplicates import copies_across
from inference.errors import DatasetError
from inference.examples import ExampleRow

SAME_FILE = "the same file as a training film"
SAME_ORIGINAL = "made from the same original as a training film"
SAME_PATIENT = "of a patient of the training films"
SAME_LOOK = "a copy of a training film, by its look"
SAME_FEATURES = "a copy of a training film, by the model's own features"
LISTED_TWICE = "listed twice"
REASONS = (SAME_FILE, SAME_ORIGINAL, SAME_PATIENT, SAME_LOOK, SAME_FEATURES, LISTED_TWICE)
REST = "the rest"


@dataclass(frozen=True)
class Labels:
    """What a manifest's labels mean to a model.

    Attributes
    ----------
    positive
        The model's class that curves and operating points are about.
    class_of
        Label to class; labels of no class of the model's are the rest and stand in none.
    """

    positive: str
    class_of: dict[str, str]

    def is_positive(self, label: str) -> bool:
        """Return whether films of this label have the finding."""
        return self.class_of.get(label) == self.positive

    def knows_all(self, labels: Iterable[str]) -> bool:
        """Return whether every label is a class of the model's: only then can an answer among all classes be right."""
        return all(label in self.class_of for label in labels)


def understand_labels(
    found: Iterable[str], classes: Sequence[str], positive: str, called: str = "", same_as: Mapping[str, str] | None = None
) -> Labels:
    """Return what labels mean.

    Parameters
    ----------
    found
        The labels of the manifest.
    classes, positive
        The model's classes, and the one its operating points are about.
    called
        A label whose films have the finding, against all others: "" to take labels for classes.
    same_as
        Label to class, for labels of another name.

    Raises
    ------
    DatasetError
        If a label is unknown to the model and nothing says what it means, or what is said fits neither films nor model.
    """
    labels, named = sorted(set(found)), dict(same_as or {})
    for word, known, what in ((set(named) | ({called} - {""}), labels, "label"), (set(named.values()), classes, "class")):
        if unknown := sorted(word - set(known)):
            raise DatasetError(f"There is no {what} {', '.join(unknown)}; there are {', '.join(known)}.")
    class_of = {label: named.get(label, label) for label in labels if named.get(label, label) in classes}
    if called:
        others = {label: name for label, name in class_of.items() if label != called and name != positive}
        return Labels(positive, others | {called: positive})
    if unknown := [label for label in labels if label not in class_of]:
        raise DatasetError(
            f"The model does not know {', '.join(unknown)}; it knows {', '.join(classes)}. Say --positive LABEL to judge one "
            "label against all others, or --label NAME=CLASS for a class of another name."
        )
    return Labels(positive, class_of)


def read_films(manifest: Path) -> tuple[Sample, ...]:
    """Read any manifest with our columns, whatever its labels; DatasetError for a faulty one."""
    try:
        with manifest.open(newline="", encoding="utf-8") as stream:
            labels = {row.get("label") or "" for row in csv.DictReader(stream)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"The manifest {manifest.name} could not be read as a table ({error.__class__.__name__})."
        ) from error
    return read_manifest(manifest, sorted(labels), allow_empty=True)


@dataclass(frozen=True)
class Outside:
    """Films to be judged on, and why others are not: sample and one of ``REASONS``."""

    films: tuple[Sample, ...]
    excluded: tuple[tuple[Sample, str], ...]

    def counts(self) -> dict[str, int]:
        """Return how many films are left out for each reason."""
        return {reason: sum(why == reason for _, why in self.excluded) for reason in REASONS}

    def without(self, known: Mapping[int, str]) -> Outside:
        """Return the same with further films left out, by their place among :attr:`films`."""
        kept = tuple(film for i, film in enumerate(self.films) if i not in known)
        return Outside(kept, self.excluded + tuple((self.films[i], why) for i, why in sorted(known.items())))


def outside_films(
    samples: Sequence[Sample],
    rows: Sequence[ExampleRow],
    patient_hashes: Iterable[str] = (),
    training: Sequence[Sample] = (),
) -> Outside:
    """Return the films a model has not learned from.

    Parameters
    ----------
    rows
        The model's held-out films, which are its training films: by their hashes.
    patient_hashes
        Of its training patients, as the card has them.
    training
        Training films whose pictures are on this machine: copies are looked for among them.
    """
    everything = Outside(tuple(samples), ())
    files, originals = {row.sha256 for row in rows}, {row.origin_sha256 for row in rows} - {""}
    patients, known, seen = set(patient_hashes), dict[int, str](), set[str]()
    for i, sample in enumerate(samples):
        if sample.sha256 in files:
            known[i] = SAME_FILE
        elif {sample.sha256, sample.origin_sha256} & originals:
            known[i] = SAME_ORIGINAL
        elif hash_of_patient(sample.patient) in patients:
            known[i] = SAME_PATIENT
        elif sample.sha256 in seen:
            known[i] = LISTED_TWICE
        seen.add(sample.sha256)
    left = everything.without(known)
    if not training or not left.films:
        return left
    return left.without(dict.fromkeys((i for i, _ in copies_across(left.films, training)), SAME_LOOK))


def linked_training_films(rows: Sequence[ExampleRow], links: Mapping[str, Path]) -> tuple[Sample, ...]:
    """Return the training films whose pictures are linked on this machine, for :func:`outside_films`."""
    return tuple(
        Sample(links[row.sha256], row.sha256, row.truth, "", "", origin_sha256=row.origin_sha256)
        for row in rows
        if row.sha256 in links
    )
