"""Open a film, type an impression, wait for the pause that keeps the draft, then die without a word (kill -9)."""

import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest

from viewer import app


def main(film: str) -> None:
    application = app.make_application([])
    program = app.Program()
    program.window.show()
    program.films.open([Path(film)])

    def type_text() -> None:
        QTest.keyClicks(program.window.report_editor.impression, "Typed before the power went.")

    program.films.film_shown.connect(type_text)
    program.window.report_editor.text_paused.connect(lambda _: QTimer.singleShot(0, die))
    application.exec()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


main(sys.argv[1])
