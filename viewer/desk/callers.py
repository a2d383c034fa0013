"""What later starts of the program ask for: opened in this window as if it had been dropped on it."""

from __future__ import annotations

import os
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from viewer.widgets.main_window import MainWindow
from viewer.window_request import WindowRequest

LOOK_AGAIN_MS = 200
WAITING = "What was opened from outside is shown as soon as this dialog is closed."


class CallersDesk(QObject):
    """Brings the window to the front and opens what is asked for, after a dialog that is open and waits for an answer.

    Such a dialog belongs to the film on screen (its report is being saved, say); nothing may change that film behind it.
    """

    def __init__(self, window: MainWindow, start: Callable[[WindowRequest], None]) -> None:
        super().__init__(window)
        self._window, self._start = window, start
        self._waiting: list[WindowRequest] = []
        self._look = QTimer(self, interval=LOOK_AGAIN_MS)
        self._look.timeout.connect(self._go_on)

    def take(self, request: WindowRequest, activation: str = "") -> None:
        """Come to the front and open what is asked for."""
        self._come_to_front(activation)
        self._waiting.append(request)
        self._go_on()

    def _go_on(self) -> None:
        if QGuiApplication.modalWindow() is not None:
            if not self._look.isActive():
                self._window.show_doing(WAITING, None)
                self._look.start()
            return
        if self._look.isActive():
            self._look.stop()
            self._window.show_doing("", None)
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._start(request)

    def _come_to_front(self, activation: str) -> None:
        if activation:
            # Qt's Wayland plugin takes it from there, once.
            os.environ["XDG_ACTIVATION_TOKEN"] = activation
        window = self._window
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized | Qt.WindowState.WindowActive)
        window.show()
        window.raise_()
        window.activateWindow()
