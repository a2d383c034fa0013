"""Training a model from the user's own films, as generator jobs.

The networks are trained by the generator that the command line exhausts, too. A model grows in a folder of its own and takes
its place among the user's models when it is whole; what a stopped training had finished is taken up by the next one.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import statistics
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.errors import ExamplesError
from inference.recipe_file import USABLE_NAME
from inference.recipes import RECIPES
from viewer.errors import TrainingFailed
from viewer.model_list import shipped_names
from viewer.paths import examples_folder, own_models, training_folder
from viewer.reading import ReadingProgress
from viewer.second_reader.card import confusion_matrix
from viewer.second_reader.libraries import followed, import_calmly, load_torch, spoken, use_half_of_the_processors
from viewer.second_reader.own_films import is_table, own_recipe, read_own_films, shipped_bundles
from viewer.training import EpochPoint, TrainedModel, TrainingProgress, TrainingRequest

if TYPE_CHECKING:
    from inference.bundle import Bundle
    from inference.dataset import Sample

log = logging.getLogger(__name__)

TRAINED_SHARE = 0.9
"""Part of the progress bar that is training; the rest is reading the films each network never saw."""
LEFT_OVERS = ("members", "chest")
"""Where a training keeps its networks one by one, and those it started from; the bundle needs them no more."""
CHEST = "chest"
"""The network that learns other chest films before the model's own begin."""
REPORT = Path("run", "report.html")


def name_fault(name: str) -> str:
    """Return why a model cannot be called that, in a sentence; "" where it can."""
    if not name:
        return "Give the model a name."
    if not USABLE_NAME.fullmatch(name):
        return "A name is made of letters A to Z, digits, - and _, 64 at most, and begins with a letter or digit."
    if name.lower() in shipped_names():
        return f"A model that ships is called {name}; choose another name."
    return ""


def usable_name(wished: str) -> str:
    """Return a name for a model, as near to the wished one as is allowed."""
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-" for sign in wished)
    name = "-".join(part for part in kept.split("-") if part)[:64].strip("-_").lower()
    return name if not name_fault(name) else "my-model"


def load_training_library() -> Generator[ReadingProgress, None, None]:
    """Import what training needs; on the reading thread, because two threads at it would meet half-loaded modules."""
    with spoken(TrainingFailed):
        yield from load_torch()
        yield ReadingProgress("Loading the training library", 0.5)
        import_calmly("inference.training_run")


# The training


def train_model(request: TrainingRequest) -> Generator[TrainingProgress, None, TrainedModel]:
    """Train, judge and install a model; a training of the same kind that was stopped is gone on with.

    Raises
    ------
    TrainingFailed
        If the films, the disk or the device do not allow it.
    """
    yield TrainingProgress("Loading the network library", 0.0)
    with spoken(TrainingFailed):
        for step in load_torch():
            yield TrainingProgress(step.text, 0.0)
        use_half_of_the_processors()
        training_run = import_calmly("inference.training_run")
        yield TrainingProgress("Looking at the films", 0.0)
        films = read_own_films(request.data)
        recipe = own_recipe(RECIPES[request.recipe], request.name, films)
        recipe = recipe.with_epochs(request.epochs) if request.epochs else recipe
        device = importlib.import_module("inference.predict").choose_device(request.device)
        place = training_folder(request.name)
        table = request.data if is_table(request.data) else None
        work = training_run.train_bundle(
            recipe, films.samples, place, device, manifest=table, data=request.data.parent, bundles=shipped_bundles()
        )
        bundle = yield from _followed(work, Follower())
    folder = own_models() / request.name
    install(place, folder)
    _link_examples(bundle, films.samples)
    return trained_model(bundle, folder)


def _followed(work: Generator[Any, None, Bundle], follower: Follower) -> Generator[TrainingProgress, None, Bundle]:
    """Hand on the progress of inference as the viewer's; closing this closes the work."""
    is_device_failure = importlib.import_module("inference.predict").is_device_failure
    try:
        return (yield from followed(work, follower.told))
    except RuntimeError as error:
        if not is_device_failure(error):
            raise
        raise TrainingFailed("The graphics processor failed in the training; choose the CPU and start again.") from error


class Follower:
    """Turns what inference tells of a training into records for the window, with the time that is left in all.

    ``clock`` gives seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._epoch_seconds: deque[float] = deque(maxlen=5)
        self._passes = 0
        self._pass = ("", 0)

    def told(self, progress: Any) -> TrainingProgress:
        """Return the record for a MemberProgress or a ReadCount of inference."""
        if hasattr(progress, "report"):
            return self._trained(progress)
        return self._read(progress)

    def _trained(self, progress: Any) -> TrainingProgress:
        report, now = progress.report, self._clock()
        if progress.member == CHEST:
            return TrainingProgress(f"Learning from other chest films first: epoch {report.epoch} of {report.epochs}", 0.0)
        ahead = report.epochs - report.epoch
        self._epoch_seconds.append(report.seconds_left / ahead if ahead else now - self._last)
        self._last = now
        epochs_left = ahead + report.epochs * (progress.members - progress.number)
        done = progress.number - 1 + report.epoch / report.epochs
        return TrainingProgress(
            "Training",
            TRAINED_SHARE * done / progress.members,
            progress.number,
            progress.members,
            report.epoch,
            report.epochs,
            EpochPoint(report.epoch, report.loss, report.accuracy, report.held_out_loss, report.held_out_accuracy),
            statistics.median(self._epoch_seconds) * epochs_left,
        )

    def _read(self, progress: Any) -> TrainingProgress:
        """Return how far the judging is; how often the films will be read is not known, so each time takes half the rest."""
        if (progress.purpose, progress.total) != self._pass:
            self._pass, self._passes = (progress.purpose, progress.total), self._passes + 1
        rest = 0.5 ** (self._passes - 1) * (1 - progress.done / max(progress.total, 1) / 2)
        text = f"Reading {progress.purpose}: {progress.done:,} of {progress.total:,}"
        return TrainingProgress(text, 1 - (1 - TRAINED_SHARE) * rest)


def install(made: Path, folder: Path) -> None:
    """Put a whole model in the place of the one that was there; the old one stays if this fails.

    Raises
    ------
    TrainingFailed
        If a folder cannot be moved.
    """
    old = made.with_name(f"{made.name}.replaced")
    try:
        for left in (old, *(made / name for name in LEFT_OVERS)):
            shutil.rmtree(left, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rename(old)
        made.rename(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise TrainingFailed(f"The model {folder.name} was trained but could not be installed: {error.strerror}.") from error
    shutil.rmtree(old, ignore_errors=True)


def _link_examples(bundle: Bundle, samples: Sequence[Sample]) -> None:
    """Let the films that were held out be shown beside an answer: they are on this machine."""
    films = {sample.sha256: sample.path.resolve() for sample in samples}
    try:
        importlib.import_module("inference.examples").add_links(examples_folder(bundle.name), films)
    except ExamplesError as error:
        log.warning("the example films of a trained model have no links: %s", error)


def trained_model(bundle: Bundle, folder: Path) -> TrainedModel:
    """Return what is said of a new model: what it is worth on the films no network of it learned from."""
    found = bundle.card["metrics"]["cross_validation"]["accuracy"]
    accuracy = (
        f"{found['count']:,} of {found['total']:,} held-out films right, {100 * found['value']:.1f} % "
        f"(95 % interval {100 * found['low']:.1f} to {100 * found['high']:.1f})"
    )
    report = folder / REPORT
    matrix = confusion_matrix(bundle.card)
    return TrainedModel(bundle.name, str(bundle.card["title"]), folder, accuracy, matrix, report if report.is_file() else None)
