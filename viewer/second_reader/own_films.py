"""The user's own films to learn from: what a folder or a table holds, and the recipes that can be trained with it."""

from __future__ import annotations

import csv
import importlib
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inference.recipe import FilmClass, Recipe
from inference.recipe_file import recipe_for_classes
from inference.recipes import RECIPES, chest_resnet
from viewer.errors import TrainingFailed
from viewer.paths import shipped_models
from viewer.reading import ReadingProgress
from viewer.second_reader.libraries import load_torch, spoken
from viewer.training import LEAST_CLASSES, ClassCount, FilmsFound, RecipeChoice

if TYPE_CHECKING:
    from inference.dataset import Sample

HEALTHY = frozenset({"normal", "no_finding", "nofinding", "healthy", "negative", "control", "none"})
"""Names of classes without disease: they come last, because the first class is the one a model looks for."""
FEWEST_FOLDS = 2


@dataclass(frozen=True)
class OwnFilms:
    """Films, their classes with the one to be looked for first, the classes' titles where they are known, and notes."""

    samples: Sequence[Sample]
    classes: tuple[str, ...]
    titles: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def patients(self) -> dict[str, set[str]]:
        """Return the patients of each class."""
        found: dict[str, set[str]] = defaultdict(set)
        for sample in self.samples:
            found[sample.label].add(sample.patient)
        return found


def look_at_films(data: Path) -> Generator[ReadingProgress, None, FilmsFound]:
    """Read what a folder or a table holds, without training anything.

    Raises
    ------
    TrainingFailed
        If the films are not in class folders, or the table is faulty.
    """
    with spoken(TrainingFailed):
        yield ReadingProgress("Looking at the films", 0.1)
        films = read_own_films(data)
        yield ReadingProgress("Looking for recipes", 0.7)
        yield from load_torch()
        fitting = [recipe for recipe in RECIPES.values() if _fits(recipe, films.classes) and _can_start(recipe, films, data)]
        everyone = {sample.patient for sample in films.samples}
        recipes = tuple(_choice(recipe, films) for recipe in sorted(fitting, key=_rank))
        return FilmsFound(data, _class_counts(films), len(everyone), films.notes, recipes, _devices())


def is_table(data: Path) -> bool:
    """Return whether films are listed in a table rather than lying in class folders."""
    return data.suffix.lower() == ".csv"


def read_own_films(data: Path) -> OwnFilms:
    """Read a folder of class folders, or a table of films; DatasetError for a faulty one."""
    if is_table(data):
        samples = importlib.import_module("inference.dataset").read_manifest(data, _labels(data))
        return OwnFilms(samples, _in_order({sample.label for sample in samples}))
    found = importlib.import_module("inference.class_folders").read_class_folders(data)
    titles = dict(zip(found.classes, found.titles, strict=True))
    return OwnFilms(found.samples, _in_order(found.classes), titles, (*found.skipped, *found.notes))


def own_recipe(recipe: Recipe, name: str, films: OwnFilms) -> Recipe:
    """Return the recipe for the user's own films: their classes and titles, no more folds than a class has patients.

    Raises
    ------
    RecipeError
        If there are fewer than two classes, or a name is none that a class can have.
    """
    own = recipe_for_classes(recipe, name, films.classes)
    classes = tuple(FilmClass(entry.name, films.titles.get(entry.name, entry.title)) for entry in own.classes)
    return replace(own, classes=classes, data=replace(own.data, folds=_folds(recipe, films)))


def _folds(recipe: Recipe, films: OwnFilms) -> int:
    return max(FEWEST_FOLDS, min(recipe.data.folds, *(len(own) for own in films.patients().values())))


def _labels(table: Path) -> tuple[str, ...]:
    """Return the labels in a table; none where it cannot be read, which the reading of the table itself will say."""
    with suppress(OSError, UnicodeDecodeError, csv.Error), table.open(newline="", encoding="utf-8") as stream:
        return tuple(sorted({row.get("label") or "" for row in csv.DictReader(stream)}))
    return ()


def _in_order(found: Sequence[str] | set[str]) -> tuple[str, ...]:
    known = next((recipe.class_names for recipe in RECIPES.values() if set(recipe.class_names) == set(found)), None)
    return known or tuple(sorted(found, key=lambda name: (name.lower() in HEALTHY, name.lower())))


def _class_counts(films: OwnFilms) -> tuple[ClassCount, ...]:
    titles = films.titles
    if len(films.classes) >= LEAST_CLASSES:
        titles = {entry.name: entry.title for entry in own_recipe(chest_resnet.RECIPE, "films", films).classes}
    patients = films.patients()
    counts = {name: sum(sample.label == name for sample in films.samples) for name in films.classes}
    return tuple(ClassCount(name, titles.get(name, name), counts[name], len(patients[name])) for name in films.classes)


# The recipes


def _can_start(recipe: Recipe, films: OwnFilms, data: Path) -> bool:
    """Return whether the weights a recipe starts from can be had: those from chest films are a model's or are learned first."""
    if recipe.weights != "chest" or (is_table(data) and (data.parent / chest_resnet.RECIPE.data.manifest).is_file()):
        return True
    transfer = importlib.import_module("inference.transfer")
    return transfer.find_chest_bundle(recipe, films.samples, shipped_bundles()) is not None


def shipped_bundles() -> list[Path]:
    """Return the folders of the models that ship, which training may start from."""
    found: list[Path] = importlib.import_module("inference.bundle").list_bundles(shipped_models())
    return found


def _fits(recipe: Recipe, classes: Sequence[str]) -> bool:
    """Return whether the recipe's network takes so many classes."""
    networks = importlib.import_module("inference.networks.registry").NETWORKS
    return len(classes) == 2 or (len(classes) > 2 and not networks[recipe.network].one_logit)


def _rank(recipe: Recipe) -> tuple[bool, bool, str]:
    """Return what puts chest films before slices, and our own way before the published one."""
    return recipe.modality == "ct", recipe.data.as_published, recipe.name


def _choice(recipe: Recipe, films: OwnFilms) -> RecipeChoice:
    return RecipeChoice(
        recipe.name,
        recipe.title,
        recipe.optimisation.all_epochs,
        least_patients=2 if recipe.stopping is None else 3,  # of those learned from, one more is set aside
        about=" ".join(_about(recipe, films)),
    )


def _about(recipe: Recipe, films: OwnFilms) -> list[str]:
    size, folds = recipe.preprocessing.size, _folds(recipe, films)
    starts = {"fresh": "fresh weights", "imagenet": "weights learned from photographs"}.get(recipe.weights, "chest films")
    about = [f"Network {recipe.network}, {size} \N{MULTIPLICATION SIGN} {size} pixels; starts from {starts}."]
    if set(recipe.class_names) != set(films.classes):
        about.append("Your classes take the place of those in its title.")
    if folds < recipe.data.folds:
        about.append(f"{folds} networks instead of {recipe.data.folds}, because a class has films of few patients.")
    return about


def _devices() -> tuple[str, ...]:
    has_cuda = importlib.import_module("torch").cuda.is_available()
    return ("auto", "cpu", "cuda") if has_cuda else ("auto", "cpu")
