"""A quiz on held-out films: which are drawn, what the reader said of each, and what came of it, as records.

No Qt, no torch. The truth is in these records from the beginning; who shows them keeps it to the end.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from viewer.reading import Share

LEAST_OF_EACH = 2
"""Films of either side without which no curve can be drawn."""
USUAL_COUNT = 20
CALLED_FROM = 50
"""Per cent; a film with this confidence or more counts as called."""

Point = tuple[float, float]


@dataclass(frozen=True)
class QuizFilm:
    """A held-out film: its truth, and what the network that never saw its patient answered.

    ``probability`` is that of the positive class, 0 to 1; ``is_positive`` whether the truth is that class.
    """

    sha256: str
    path: Path
    truth: str
    answer: str
    probability: float
    is_positive: bool


@dataclass(frozen=True)
class QuizPool:
    """The held-out films of a model whose pictures are on this machine, and of how many they are not."""

    model: str
    weights_sha256: str
    positive: str
    titles: tuple[tuple[str, str], ...]
    films: tuple[QuizFilm, ...]
    missing: int = 0

    def title(self, name: str) -> str:
        """Return a class's name as on screen."""
        return dict(self.titles).get(name, name)

    @property
    def most(self) -> int:
        """Return how many films a balanced quiz can have."""
        positives = sum(film.is_positive for film in self.films)
        return 2 * min(positives, len(self.films) - positives)

    @property
    def why_not(self) -> str:
        """Return the sentence that says why there can be no quiz; "" if there can."""
        if self.most >= 2 * LEAST_OF_EACH:
            return ""
        positives = sum(film.is_positive for film in self.films)
        return (
            f"A quiz needs the pictures of at least {LEAST_OF_EACH} held-out films of {self.title(self.positive)} and of "
            f"{LEAST_OF_EACH} others. On this machine there are {positives} and {len(self.films) - positives}; "
            f"{self.missing:,} are missing. Link the folder that holds them, or fetch them from their public addresses."
        )


def draw_films(films: Sequence[QuizFilm], count: int, seed: int) -> tuple[QuizFilm, ...]:
    """Draw films, half of them positive, in an order of chance; the same seed draws the same from the same films.

    Where one side has too few, all of them are drawn and as many of the other; of an odd number the rest has one more.
    """
    chance = random.Random(seed)
    ordered = sorted(films, key=lambda film: film.sha256)
    positives = [film for film in ordered if film.is_positive]
    rest = [film for film in ordered if not film.is_positive]
    each = min(count // 2, len(positives), len(rest))
    more = 1 if count % 2 and each == count // 2 and len(rest) > each else 0
    drawn = chance.sample(positives, each) + chance.sample(rest, each + more)
    chance.shuffle(drawn)
    return tuple(drawn)


class QuizRun:
    """A quiz under way: the films in their order, the confidence given to each (per cent), and which one is on screen."""

    def __init__(self, films: Sequence[QuizFilm], seed: int) -> None:
        self.films = list(films)
        self.ratings: list[int | None] = [None] * len(self.films)
        self.seed = seed
        self.at = 0
        self.left_out = 0

    @property
    def film(self) -> QuizFilm:
        """Return the film on screen."""
        return self.films[self.at]

    @property
    def rating(self) -> int | None:
        """Return the confidence given to the film on screen."""
        return self.ratings[self.at]

    @property
    def is_complete(self) -> bool:
        """Return whether every film has been rated."""
        return all(rating is not None for rating in self.ratings)

    def rate(self, per_cent: int) -> None:
        """Give the film on screen a confidence."""
        self.ratings[self.at] = min(max(per_cent, 0), 100)

    def next(self) -> bool:
        """Go on, if the film on screen has been rated and is not the last; return whether the quiz is at its end."""
        if self.rating is None:
            return False
        if self.at == len(self.films) - 1:
            return self.is_complete
        self.at += 1
        return False

    def back(self) -> None:
        """Go back to the film before."""
        self.at = max(self.at - 1, 0)

    def leave_out(self) -> bool:
        """Take the film on screen out, because it cannot be opened; return whether the quiz is at its end by that."""
        del self.films[self.at], self.ratings[self.at]
        self.left_out += 1
        is_past = self.at == len(self.films)
        self.at = max(min(self.at, len(self.films) - 1), 0)
        return is_past and self.is_complete


@dataclass(frozen=True)
class Area:
    """An area under a curve, or the difference of two, with its 95 % interval; None where it cannot be told."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def in_words(self) -> str:
        """Return "0.85 (0.66 to 0.98)"."""
        if self.value is None:
            return "cannot be told"
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Score:
    """What one reader, of flesh or not, made of the films.

    ``points`` are (1 - specificity, sensitivity) from (0, 0) to (1, 1), one for each confidence that was given;
    sensitivity and specificity count a confidence of 50 % or more as a call.
    """

    points: tuple[Point, ...]
    area: Area
    sensitivity: Share
    specificity: Share


@dataclass(frozen=True)
class QuizResult:
    """The films with the confidence given to each (per cent), the reader's score, the model's on the same films, and more.

    ``difference`` is the reader's area minus the model's, by the same drawings of films.
    """

    films: tuple[QuizFilm, ...]
    ratings: tuple[int, ...]
    seed: int
    own: Score
    model: Score
    difference: Area
    left_out: int = 0


def result_table(result: QuizResult, pool: QuizPool) -> bytes:
    """Return the films with truth, rating and the model's answer as CSV (UTF-8)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((
        "number", "sha256", "truth", "own_confidence_percent", "model_answer", "model_probability", "positive_class",
        "model", "weights_sha256", "seed",
    ))  # fmt: skip
    same = (pool.positive, pool.model, pool.weights_sha256, result.seed)
    for number, (film, rating) in enumerate(zip(result.films, result.ratings, strict=True), 1):
        writer.writerow((number, film.sha256, film.truth, rating, film.answer, f"{film.probability:.6f}", *same))
    return text.getvalue().encode()
