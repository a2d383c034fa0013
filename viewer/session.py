"""What is open: the frames, the current picture, and the reading that belongs to it. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from viewer.imaging.image import Document, Image, Instance, NotOpened, Opened
from viewer.imaging.series import SeriesGroup, Studies
from viewer.imaging.thumbnails import Thumbnail
from viewer.reading import Reading


class Session:
    """The open frames in the order they came, and what belongs to the one on screen.

    A reading is taken only for the film it was made of: same file hash, same frame.
    """

    def __init__(self) -> None:
        self.studies = Studies()
        self._siblings: list[Instance] | None = None
        self._paths: dict[str, Path] = {}
        self.not_opened: list[NotOpened] = []
        self.current: Instance | None = None
        self.image: Image | None = None
        self.reading: Reading | None = None

    def add(self, found: Opened | Document) -> bool:
        """Take a frame or a document; return False if it is open already."""
        if (found.key if isinstance(found, Document) else found.instance.key) in self.studies:
            return False
        if isinstance(found, Document):
            self.studies.add_document(found)
        else:
            self.studies.add(found)
            self._paths.setdefault(found.instance.identity.sop_instance_uid, found.instance.path)
        return True

    def original_of(self, found: Opened) -> Instance | None:
        """Return the open frame that a frame of another file is a copy of: same SOP Instance UID; else None."""
        uid = found.instance.identity.sop_instance_uid
        path = self._paths.get(uid) if uid else None
        if path is None or path == found.instance.path:
            return None
        original = self.studies.find_picture(uid, found.instance.frame + 1)
        return original.instance if original else None

    def take_changes(self) -> tuple[SeriesGroup, ...]:
        """Return what is to be listed anew; from now on the films are scrolled through in that order too."""
        self._siblings = None
        return self.studies.take_changes()

    def take_thumbnail(self, made: Thumbnail) -> bool:
        """Give a frame its thumbnail; False where it has been closed meanwhile."""
        opened = self.studies.find(made.key)
        if opened is None:
            return False
        self.studies.add(replace(opened, thumbnail=made.pixels))
        return True

    def take_out(self, problem: NotOpened) -> list[str]:
        """Take a file that turned out to be unreadable out of what is open; return the keys of its frames."""
        self.not_opened.append(problem)
        keys = self.studies.keys_of(problem.path)
        for key in keys:
            self.studies.remove(key)
        self._paths = {uid: path for uid, path in self._paths.items() if path != problem.path}
        self._siblings = None
        return keys

    def choose(self, instance: Instance) -> None:
        """Make a frame the current one; picture and reading of the last are let go."""
        self.current = instance
        self.image = None
        self.reading = None
        self._siblings = None

    def take_image(self, image: Image) -> bool:
        """Take the decoded picture; False if another frame has been chosen meanwhile."""
        if self.current is None or image.instance.key != self.current.key:
            return False
        self.image = image
        return True

    def take_reading(self, reading: Reading) -> bool:
        """Take a reading; False, and nothing is kept, unless it was made of the picture on screen."""
        if self.image is None or (reading.sha256, reading.frame) != (self.image.sha256, self.image.instance.frame):
            return False
        self.reading = reading
        return True

    def show_document(self) -> None:
        """Let go of the current film: a document is shown in its place."""
        self.current = self.image = self.reading = None
        self._siblings = None

    def siblings(self) -> list[Instance]:
        """Return the frames of the current frame's series, in the order they are scrolled through: that of the list."""
        if self._siblings is None:
            series = self.studies.series_of(self.current.key) if self.current else None
            self._siblings = [opened.instance for opened in series.opened] if series else []
        return self._siblings

    def remarks(self) -> tuple[str, ...]:
        """Return what is odd about the order of the current frame's series, as sentences."""
        series = self.studies.series_of(self.current.key) if self.current else None
        return series.remarks if series else ()

    def neighbouring_series(self, step: int) -> Instance | None:
        """Return the first frame of the series ``step`` places on in the study list, or None at its ends.

        From a frame that is no longer listed, as it cannot be shown, one comes to the first series of all.
        """
        listed = [series.opened for patient in self.studies.patients() for study in patient.studies for series in study.series]
        if self.current is None or not listed:
            return None
        at = next((i for i, opened in enumerate(listed) if any(o.instance.key == self.current.key for o in opened)), None)
        to = 0 if at is None else at + step
        return listed[to][0].instance if 0 <= to < len(listed) else None

    def close_all(self) -> None:
        """Forget everything."""
        self.studies = Studies()
        self._paths.clear()
        self.not_opened.clear()
        self.current = self.image = self.reading = None
        self._siblings = None
