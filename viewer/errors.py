"""What can go wrong in the world, as a sentence for a radiologist.

Every error here is the world's fault (a broken file, a full disk, a missing codec): its ``str()`` is a whole sentence
that says what could not be done, with which file, what was found, and what to do. Anything else that is raised is our
fault and goes to the crash dialog with its traceback.
"""

from __future__ import annotations

from pathlib import Path


class ViewerError(Exception):
    """Base of everything that is shown to the user as a sentence."""


class UnreadableFile(ViewerError):
    """A file that should have been a picture and could not be read as one.

    Parameters
    ----------
    path
        The file, or the path inside a container; only its name is shown.
    reason
        The rest of the sentence after ``"NAME could not be opened: "``, without a full stop.
    """

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{self.path.name} could not be opened: {reason}.")


class UnsupportedFile(UnreadableFile):
    """A readable file that holds nothing this program shows (a video, a structured report, a text file)."""


class WindowError(ViewerError):
    """A window the standard forbids (width below 1 for LINEAR, not above 0 otherwise)."""


class SpacingError(ViewerError):
    """A measurement in millimetres was asked of a picture whose file states no spacing."""


class SecondReaderError(ViewerError):
    """The second reader cannot answer at all: no model, a damaged one, no device."""


class TrainingFailed(ViewerError):
    """A model could not be trained: films that cannot be learned from, a full disk, a device that failed."""


class ReportError(ViewerError):
    """A report or a draft could not be written or read back."""


def os_reason(error: OSError) -> str:
    """Return the system's error as the reason of an :class:`UnreadableFile`."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "this account is not allowed to read it"
    return f"the system says: {error.strerror or 'it cannot be read'}"
