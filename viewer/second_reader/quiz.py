"""The films a quiz is drawn from, and what the reader's answers are worth beside the model's."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.card import EXAMPLES, WEIGHTS, read_card
from inference.evaluate import Proportion, area_under_curve
from inference.examples import links, read_examples, sha256_of
from inference.intervals import draw_patients, percentile_interval, weighted_areas
from viewer.errors import SecondReaderError
from viewer.paths import examples_folder
from viewer.quiz import CALLED_FROM, Area, Point, QuizFilm, QuizPool, QuizResult, QuizRun, Score
from viewer.reading import ReadingProgress, Share
from viewer.second_reader.libraries import spoken

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def quiz_pool(folder: Path) -> Generator[ReadingProgress, None, QuizPool]:
    """Find the held-out films of the model in ``folder`` that are on this machine, each once.

    Raises
    ------
    SecondReaderError
        If the model's card or its table of films cannot be read, or do not belong together.
    """
    yield ReadingProgress("Looking for held-out films", 0.0)
    with spoken():
        card = read_card(folder)
        names = tuple(entry["name"] for entry in card["classes"])
        table = folder / EXAMPLES
        rows = read_examples(table, names)
        if sha256_of(table) != card["files"].get(EXAMPLES):
            raise SecondReaderError("The table of held-out films is not the one of this model; install the model again.")
    positive = str(card["positive"])
    there, column = links(examples_folder(str(card["name"]))), names.index(positive)
    known = {row.sha256: row for row in rows if row.sha256 in there}
    return QuizPool(
        model=str(card["title"]),
        weights_sha256=str(card["files"].get(WEIGHTS, "")),
        positive=positive,
        titles=tuple((str(entry["name"]), str(entry["title"])) for entry in card["classes"]),
        films=tuple(
            QuizFilm(sha, there[sha], row.truth, row.answer, row.probabilities[column], row.truth == positive)
            for sha, row in known.items()
        ),
        missing=len({row.sha256 for row in rows} - set(known)),
    )


def score_quiz(run: QuizRun) -> QuizResult:
    """Return what came of a quiz in which every film has been rated."""
    ratings = tuple(rating for rating in run.ratings if rating is not None)
    positive = np.array([film.is_positive for film in run.films], dtype=bool)
    own = np.array(ratings, dtype=np.float64) / 100
    model = np.array([film.probability for film in run.films], dtype=np.float64)
    own_score, model_score = score(positive, own), score(positive, model)
    difference = _difference(positive, own, model)
    return QuizResult(tuple(run.films), ratings, run.seed, own_score, model_score, difference, run.left_out)


def score(positive: Booleans, confidence: Floats) -> Score:
    """Return curve, area and the counts at 50 % of confidences 0 to 1 (films,)."""
    called = confidence >= CALLED_FROM / 100
    return Score(
        points=roc_points(positive, confidence),
        area=_area(positive, confidence),
        sensitivity=_share(int((called & positive).sum()), int(positive.sum())),
        specificity=_share(int((~called & ~positive).sum()), int((~positive).sum())),
    )


def roc_points(positive: Booleans, confidence: Floats) -> tuple[Point, ...]:
    """Return the empirical curve: (1 - specificity, sensitivity) for each confidence given, from (0, 0) to (1, 1)."""
    positives, negatives = max(int(positive.sum()), 1), max(int((~positive).sum()), 1)
    points: list[Point] = [(0.0, 0.0)]
    for threshold in np.unique(confidence)[::-1]:
        called = confidence >= threshold
        points.append((float((called & ~positive).sum()) / negatives, float((called & positive).sum()) / positives))
    return tuple(points)


def _area(positive: Booleans, confidence: Floats) -> Area:
    value = area_under_curve(positive, confidence)
    if np.isnan(value):
        return Area(None)
    return Area(value, *percentile_interval(_drawn_areas(positive, confidence)))


def _difference(positive: Booleans, own: Floats, model: Floats) -> Area:
    value = area_under_curve(positive, own) - area_under_curve(positive, model)
    if np.isnan(value):
        return Area(None)
    return Area(value, *percentile_interval(_drawn_areas(positive, own) - _drawn_areas(positive, model)))


def _drawn_areas(positive: Booleans, confidence: Floats) -> Floats:
    """Return the areas of films drawn again and again, the same drawings for every confidence; NaN with one side alone."""
    films: Sequence[str] = [str(index) for index in range(len(positive))]
    return np.concatenate([weighted_areas(weights, positive, confidence) for weights in draw_patients(films)])


def _share(count: int, total: int) -> Share:
    return Share(count, total, *Proportion(count, total).interval)
