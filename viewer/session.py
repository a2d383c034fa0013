"""What is open: the frames, the current picture, and the reading that belongs to it. No Qt."""

from __future__ import annotations

from viewer.imaging.image import Image, Instance, NotOpened, Opened
from viewer.reading import Reading


class Session:
    """The open frames in the order they came, and what belongs to the one on screen.

    A reading is taken only for the film it was made of: same file hash, same frame.
    """

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}
        self.not_opened: list[NotOpened] = []
        self.current: Instance | None = None
        self.image: Image | None = None
        self.reading: Reading | None = None

    @property
    def opened(self) -> tuple[Opened, ...]:
        """Return all open frames."""
        return tuple(self._opened.values())

    def add(self, opened: Opened) -> bool:
        """Take a frame; return False if it is open already."""
        if opened.instance.key in self._opened:
            return False
        self._opened[opened.instance.key] = opened
        return True

    def choose(self, instance: Instance) -> None:
        """Make a frame the current one; picture and reading of the last are let go."""
        self.current = instance
        self.image = None
        self.reading = None

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

    def siblings(self) -> list[Instance]:
        """Return the frames of the current frame's series, in the order they came."""
        if self.current is None:
            return []
        return [o.instance for o in self._opened.values() if series_key(o.instance) == series_key(self.current)]

    def close_all(self) -> None:
        """Forget everything."""
        self._opened.clear()
        self.not_opened.clear()
        self.current = self.image = self.reading = None


def series_key(instance: Instance) -> tuple[str, ...]:
    """Return what frames of one series share: its UID; a picture that is not DICOM is a series of its own frames."""
    if instance.is_dicom and instance.identity.series_uid:
        return ("series", instance.identity.series_uid)
    return ("file", str(instance.path))
