"""The model card for the window: made without torch from the bundle's own JSON, and the whole page written to a file."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from inference.errors import InferenceError
from inference.examples import links
from inference.model_card.page import model_card, reduced_card
from inference.model_card.source import CardSource, read_source
from viewer.errors import SecondReaderError
from viewer.files import write_whole
from viewer.paths import examples_folder, resources

FILM = "film:"
"""What stands before a film's SHA-256 in the address of its picture."""


@dataclass(frozen=True)
class ModelCardText:
    """A card as a window shows it: HTML without drawings, and the films it names that are on this machine, by address."""

    name: str
    html: str
    films: dict[str, Path]


def read_model_card(folder: Path) -> Generator[str, None, ModelCardText]:
    """Make the card of the model in ``folder``; SecondReaderError if the bundle is damaged."""
    yield "Reading the model card"
    source = _source(folder)
    name = str(source.card["name"])
    linked = links(examples_folder(name))
    html = reduced_card(source, lambda sha256: FILM + sha256 if sha256 in linked else "")
    return ModelCardText(name, html, {FILM + sha256: path for sha256, path in linked.items() if FILM + sha256 in html})


def write_model_card(folder: Path, path: Path) -> Generator[str, None, str]:
    """Write the whole card, which holds no picture of a film, as one HTML file; return its name.

    Raises
    ------
    SecondReaderError
        If the bundle is damaged or the file cannot be written.
    """
    yield "Writing the model card"
    page = model_card(_source(folder)).encode()
    try:
        write_whole(path, page)
    except OSError as error:
        raise SecondReaderError(f"{path.name} could not be written: {error.strerror}.") from error
    return path.name


def _source(folder: Path) -> CardSource:
    try:
        return read_source(folder, resources() / "reproduction")
    except InferenceError as error:
        raise SecondReaderError(str(error)) from error
