"""What the checks share: a folder that is cleared away, the sample film, and the reading of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from viewer.imaging.image import Image
from viewer.imaging.phantom import Phantom, write_sample
from viewer.imaging.reader import read_file
from viewer.reading import Reading
from viewer.second_reader.reader import SecondReader
from viewer.self_test.rows import Check, CheckFailed, plain


@dataclass(frozen=True, eq=False)
class Sample:
    """The sample film as it was drawn, with what is known of it, and as it was opened."""

    drawn: Phantom
    image: Image


class Bench:
    """The checks' own folder and second reader, and what a check before found; CheckFailed where it found nothing.

    Parameters
    ----------
    folder
        An empty folder for files of the self-test, cleared away by who made it.
    device
        "auto", "cpu" or "cuda".
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self.reader = SecondReader(device)
        self._sample: Sample | None = None
        self._reading: Reading | None = None

    @property
    def sample(self) -> Sample:
        """Return the sample film."""
        if self._sample is None:
            raise CheckFailed("Not done: the sample film could not be opened.")
        return self._sample

    @property
    def reading(self) -> Reading:
        """Return the reading of the sample film by the default model."""
        if self._reading is None:
            raise CheckFailed("Not done: the sample film was not read.")
        return self._reading

    def open_sample(self) -> str:
        """Draw the sample film, write it and open it."""
        path = self.folder / "sample-chest.dcm"
        drawn = write_sample(path)
        image = read_file(path)
        if not (image.pixels == drawn.pixels).all():
            raise CheckFailed("The sample film came back with other pixels than were drawn.")
        self._sample = Sample(drawn, image)
        return f"{image.columns:,} x {image.rows:,} pixels, drawn, written and opened again."

    def read_sample(self, model: Path) -> Generator[object, None, Reading]:
        """Let a model read the sample film, without judging the map."""
        work = self.reader.read(self.sample.image, model, judges_map=False)
        self._reading = yield from work
        return self._reading


def sample_check(bench: Bench) -> Check:
    """Return the check that draws the sample film and opens it."""
    return Check("Sample film", plain(bench.open_sample))
