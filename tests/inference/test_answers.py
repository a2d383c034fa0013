"""Held-out answers cannot fall out of step with their films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inference.answers import HeldOutAnswers
from inference.dataset import Sample
from inference.errors import DatasetError, TrainingError

TRUTH, LOGITS = np.array([0, 1, 1]), np.array([[0.123456789, -1.0], [2.0, 3.0], [4.0, 5.0]])
ANSWERS = HeldOutAnswers(("a", "b", "c"), TRUTH, LOGITS)


def films(*names: str) -> list[Sample]:
    """Return films whose hash and label are the two halves of "a:x"."""
    return [Sample(Path(f"{sha}.png"), sha, label, "train", sha) for sha, _, label in (n.partition(":") for n in names)]


# The record


@pytest.mark.parametrize(
    ("sha256", "truth", "logits", "fault"),
    [
        (("a", "b"), TRUTH, LOGITS, r"2 films, truths \(3,\) and answers \(3, 2\) do not belong together"),
        (("a", "b", "c"), TRUTH[:2], LOGITS, "do not belong together"),
        (("a", "b", "c"), TRUTH, LOGITS[:2], "do not belong together"),
        (("a", "b", "a"), TRUTH, LOGITS, "A film stands twice"),
        (("a", "b", "c"), TRUTH + 1, LOGITS, "is none of the 2 classes"),
        (("a", "b", "c"), TRUTH, np.array([[0.0, 1.0], [2.0, np.inf], [4.0, 5.0]]), "is not a finite number"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(
    sha256: tuple[str, ...], truth: np.ndarray, logits: np.ndarray, fault: str
) -> None:
    with pytest.raises(DatasetError, match=fault):
        HeldOutAnswers(sha256, truth, logits)


def test_a_film_listed_twice_is_kept_once() -> None:
    twice = HeldOutAnswers.of_samples(films("a:x", "b:y", "a:x"), np.array([0, 1, 0]), LOGITS)
    assert (twice.sha256, twice.truth.tolist(), twice.logits.tolist()) == (("a", "b"), [0, 1], LOGITS[:2].tolist())
    with pytest.raises(DatasetError, match=r"^The film a\.png stands twice with different truths; remove a row\.$"):
        HeldOutAnswers.of_samples(films("a:x", "b:y", "a:x"), np.array([0, 1, 1]), LOGITS)
    with pytest.raises(DatasetError, match=r"^2 films, 3 truths and 3 answers do not belong together\.$"):
        HeldOutAnswers.of_samples(films("a:x", "b:y"), TRUTH, LOGITS)


# Beside films


def test_answers_follow_the_films_however_they_are_shuffled() -> None:
    truth, logits = ANSWERS.aligned(films("c:y", "a:x", "b:y", "a:x"))
    assert truth.tolist() == [1, 0, 1, 0]
    assert logits[:, 1].tolist() == [5.0, -1.0, 3.0, -1.0]


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a:x", "b:y", "c:y", "d:x"], r"^1 films have no held-out answer, d\.png the first of them\.$"),
        (["a:x", "b:y"], r"^1 held-out answers are about films that are not listed here\.$"),
        (["a:y", "b:x", "c:y"], "they were put in another order"),
        (["a:x", "b:x", "c:x"], "they were put in another order"),
        (["a:x", "b:y", "c:z"], "they were put in another order"),
    ],
)
def test_films_that_are_not_those_of_the_answers_are_refused(names: list[str], fault: str) -> None:
    with pytest.raises(DatasetError, match=fault):
        ANSWERS.aligned(films(*names))


# In a file


def test_answers_come_back_from_a_file_to_five_decimals(tmp_path: Path) -> None:
    ANSWERS.save(tmp_path / "answers.json")
    back = HeldOutAnswers.load(tmp_path / "answers.json")
    assert (back.sha256, back.truth.tolist(), back.truth.dtype) == (("a", "b", "c"), [0, 1, 1], np.int64)
    assert back.logits.tolist() == [[0.12346, -1.0], [2.0, 3.0], [4.0, 5.0]]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"sha256": 3, "truth": [], "logits": []}',
        '{"sha256": ["a"], "truth": [0.5], "logits": [[1, 2]]}',
        '{"sha256": ["a"], "truth": [0], "logits": [["x"]]}',
        '{"sha256": ["a", "b"], "truth": [0, 1], "logits": [[1, 2], [3]]}',
    ],
)
def test_a_file_of_something_else_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(content)
    with pytest.raises(DatasetError, match=r"^The file answers\.json does not hold held-out answers \("):
        HeldOutAnswers.load(tmp_path / "answers.json")


def test_a_file_that_names_a_film_twice_is_refused(tmp_path: Path) -> None:
    record = {"sha256": ["a", "a"], "truth": [0, 1], "logits": [[1, 2], [3, 4]]}
    (tmp_path / "answers.json").write_text(json.dumps(record))
    with pytest.raises(DatasetError, match="A film stands twice"):
        HeldOutAnswers.load(tmp_path / "answers.json")


def test_a_place_without_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^The held-out answers answers\.json could not be read: "):
        HeldOutAnswers.load(tmp_path / "answers.json")
    with pytest.raises(TrainingError, match=r"^answers\.json could not be written to nowhere: "):
        ANSWERS.save(tmp_path / "nowhere" / "answers.json")
