"""Help > About: what is known at once, then what has to be looked up: the device, and the licences."""

from __future__ import annotations

import platform
from collections.abc import Generator

import PySide6
from PySide6.QtCore import QObject, Signal, qVersion

from viewer.build import commit, is_frozen
from viewer.errors import ViewerError
from viewer.jobs import JobQueue
from viewer.licences import Notice, notices
from viewer.paths import PROGRAM_VERSION, user_data
from viewer.second_reader.self_test import NetworkLibrary, network_library
from viewer.settings import DEVICE, Settings
from viewer.widgets.about_window import AboutWindow
from viewer.widgets.main_window import MainWindow

LOOKING = "Looking it up"
NOT_FOUND = "Could not be found out, by a fault of the program."


class AboutDesk(QObject):
    """Fills the window when it is opened for the first time; nothing in it changes while the program runs."""

    crashed = Signal(str)

    def __init__(self, window: MainWindow, loading: JobQueue, reading: JobQueue, settings: Settings) -> None:
        super().__init__(window)
        self._loading, self._reading, self._settings = loading, reading, settings
        self._is_filled = False
        self.dialog = AboutWindow(window)
        window.action("about").triggered.connect(self.open)

    def open(self) -> None:
        """Open the window."""
        if not self._is_filled:
            self._is_filled = True
            self._fill()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _fill(self) -> None:
        for name, value in at_once().items():
            self.dialog.show_fact(name, value)
        commit_of = self._loading.submit(looked_up(), "commit")
        commit_of.finished.connect(self._show_commit)
        commit_of.crashed.connect(self._crash)
        self._loading.start(commit_of)
        self.dialog.show_fact("PyTorch", LOOKING)
        self.dialog.show_fact("Device", LOOKING)
        self.dialog.show_fact("Settings and drafts", str(user_data()))
        self.dialog.licences.show_sentence("The licences are being read.")
        licences = self._loading.submit(notices(), "licences")
        licences.finished.connect(self._show_licences)
        licences.failed.connect(self._refuse_licences)
        licences.crashed.connect(self._crash)
        self._loading.start(licences)
        # On the reading thread: torch belongs to it.
        library = self._reading.submit(network_library(self._settings.get(DEVICE)), "device")
        library.finished.connect(self._show_library)
        library.failed.connect(self._refuse_library)
        library.crashed.connect(self._crash)
        self._reading.start(library)

    def _show_commit(self, found: str) -> None:
        self.dialog.show_fact("Commit", found)

    def _show_licences(self, parts: tuple[Notice, ...]) -> None:
        self.dialog.licences.show_parts(parts)

    def _refuse_licences(self, error: ViewerError) -> None:
        self.dialog.licences.show_sentence(str(error))

    def _show_library(self, library: NetworkLibrary) -> None:
        self.dialog.show_fact("PyTorch", library.version)
        self.dialog.show_fact("Device", library.device)

    def _refuse_library(self, error: ViewerError) -> None:
        for name in ("PyTorch", "Device"):
            self.dialog.show_fact(name, str(error))

    def _crash(self, traceback_text: str) -> None:
        for name, value in self.dialog.facts().items():
            if value == LOOKING:
                self.dialog.show_fact(name, NOT_FOUND)
        self.crashed.emit(traceback_text)


def at_once() -> dict[str, str]:
    """Return the facts that take no time."""
    return {
        "Version": PROGRAM_VERSION,
        "Commit": LOOKING,
        "Program": "Installed" if is_frozen() else "From source",
        "Licence": "Apache License 2.0",
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
        "Qt": f"{qVersion()}, PySide6 {PySide6.__version__}, under the LGPL version 3",
    }


def looked_up() -> Generator[str, None, str]:
    """Return the commit; from source git is asked, which may take a moment."""
    yield LOOKING
    return commit()
