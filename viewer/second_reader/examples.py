"""The films that stand beside an answer: linking a folder of them, and fetching them from their public addresses."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from viewer.imaging.reader import read_file
from viewer.paths import examples_folder
from viewer.reading import ConfusionExample, ReadingProgress
from viewer.second_reader.answer import display_grey
from viewer.second_reader.libraries import followed, spoken
from viewer.second_reader.reader import EXAMPLE_SIDE_PX, ExamplePicture, shrink


def install_example_films(folder: Path, films: Path) -> Generator[ReadingProgress, None, str]:
    """Link a folder of films to the model in ``folder``; return what was found, in a sentence."""
    with spoken():
        examples, bundle = _examples_of(folder)
        result = yield from followed(examples.install(bundle.examples(), films, examples_folder(bundle.name)), _told)
        return _examples_sentence(result)


def example_film(example: ConfusionExample, path: Path) -> Generator[ReadingProgress, None, ExamplePicture]:
    """Return the film of an example without its map, which takes a model and much longer."""
    yield ReadingProgress("Opening an example film", 0.0)
    return ExamplePicture(example.sha256, shrink(display_grey(read_file(path)), EXAMPLE_SIDE_PX), None)


def fetch_example_films(folder: Path, limit_bytes: int) -> Generator[ReadingProgress, None, str]:
    """Fetch the example films of the model in ``folder`` from their public addresses; return what came, in a sentence."""
    with spoken():
        examples, bundle = _examples_of(folder)
        work = examples.fetch(bundle.examples(), examples_folder(bundle.name), limit_bytes=limit_bytes)
        result = yield from followed(work, _told)
        return _examples_sentence(result)


def _examples_of(folder: Path) -> tuple[Any, Any]:
    return importlib.import_module("inference.examples"), importlib.import_module("inference.bundle").open_bundle(folder)


def _told(progress: Any) -> ReadingProgress:
    fraction = progress.done / progress.total if progress.total else 0.0
    return ReadingProgress(f"Example films: {progress.done} of {progress.total or '?'}", fraction)


def _examples_sentence(result: Any) -> str:
    total = result.linked + result.missing
    text = f"{result.linked:,} of {total:,} example films have their picture now."
    return f"{text} {len(result.failed)} failed: {result.failed[0]}" if result.failed else text
