"""The frozen records of training a model: the films that were found, what is asked for, how far it is, what came of it.

No Qt, no torch. A widget shows these and nothing else of training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viewer.reading import ConfusionMatrix

LEAST_CLASSES = 2


@dataclass(frozen=True)
class ClassCount:
    """One class among the films that were chosen: ``name`` as its folder or label is called."""

    name: str
    title: str
    films: int
    patients: int


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe that these films can be trained with."""

    name: str
    title: str
    epochs: int
    """The recipe's own number, for each network."""
    least_patients: int
    """Patients each class must have at least, so that every network has some to learn from."""
    about: str = ""
    """Network, input and where training starts, in a sentence or two."""


@dataclass(frozen=True)
class FilmsFound:
    """What a folder of class folders, or a table of films, holds for training."""

    data: Path
    classes: tuple[ClassCount, ...] = ()
    patients: int = 0
    """Different ones: a patient may have films in two classes."""
    notes: tuple[str, ...] = ()
    """Sentences: files that were passed over, patients that could not be told apart."""
    recipes: tuple[RecipeChoice, ...] = ()
    devices: tuple[str, ...] = ("auto", "cpu")
    """Those of "auto", "cpu" and "cuda" that this machine has."""

    @property
    def films(self) -> int:
        """Return the number of films of all classes."""
        return sum(entry.films for entry in self.classes)

    def recipe(self, name: str) -> RecipeChoice | None:
        """Return the recipe of that name, or None where it does not fit these films."""
        return next((recipe for recipe in self.recipes if recipe.name == name), None)

    def fault(self, recipe: RecipeChoice | None) -> str:
        """Return why nothing can be trained on these films with that recipe, in a sentence; "" where it can."""
        if len(self.classes) < LEAST_CLASSES:
            return "At least two classes with films are needed: one folder, or one label, for each class."
        if recipe is None:
            return f"No recipe here takes {len(self.classes)} classes."
        few = next((entry for entry in self.classes if entry.patients < recipe.least_patients), None)
        if few is not None:
            return (
                f"The class {few.title} has films of {_patients(few.patients)} only; this recipe needs "
                f"{recipe.least_patients} at least, because some must be kept apart to judge it by."
            )
        return ""


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained: ``epochs`` None for the recipe's own, ``device`` one of "auto", "cpu", "cuda"."""

    name: str
    recipe: str
    data: Path
    epochs: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class EpochPoint:
    """One finished epoch of the network under way: mean loss, and accuracy from 0 to 1.

    The held-out ones are of the patients this recipe sets aside for stopping, None where it sets none aside.
    """

    epoch: int
    loss: float
    accuracy: float
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    ``fraction`` is of the whole, 0 to 1. While networks are trained, ``network`` of ``networks`` and ``epoch`` of
    ``epochs`` are those under way and ``point`` is the epoch just finished; before and after, ``network`` is 0.
    ``seconds_left`` is of the training without the judging after it, None while it is not known.
    """

    text: str
    fraction: float
    network: int = 0
    networks: int = 0
    epoch: int = 0
    epochs: int = 0
    point: EpochPoint | None = None
    seconds_left: float | None = None

    def sentence(self) -> str:
        """Return what is being done and how much is left of it, as it stands in the window."""
        if not self.network:
            return self.text
        where = f"Network {self.network} of {self.networks}, epoch {self.epoch} of {self.epochs}"
        return where if self.seconds_left is None else f"{where}, {duration(self.seconds_left)} of training left"


@dataclass(frozen=True)
class TrainedModel:
    """A model that has been trained and installed, and what it is worth on the films no network of it learned from."""

    name: str
    title: str
    folder: Path
    accuracy: str
    """Counts, percentage and interval in words."""
    matrix: ConfusionMatrix
    report: Path | None = None
    """The page about the run, or None where there is none."""


def duration(seconds: float) -> str:
    """Return a duration as nobody can hold one to it: "about 25 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"


def _patients(count: int) -> str:
    return "1 patient" if count == 1 else f"{count:,} patients"
