"""Run the window on one film, then on a second, with a heartbeat timer; print the times as JSON.

Started by test_quickness.py in a fresh interpreter: ``python window_run.py FIRST SECOND``. Wall times in milliseconds from
the start of the interpreter; ``stall`` is the longest time between two beats of a 5 ms timer, less those 5 ms.
"""

import sys
import time

BEGAN = time.perf_counter()

import json  # noqa: E402
from pathlib import Path  # noqa: E402

from PySide6.QtCore import QEventLoop, QTimer  # noqa: E402

from viewer import app  # noqa: E402
from viewer.window_request import WindowRequest  # noqa: E402

BEAT_MS = 5


class Heart:
    """Beats every five milliseconds and remembers the longest silence since it was last asked."""

    def __init__(self) -> None:
        self.last = time.perf_counter()
        self.longest = 0.0
        self.timer = QTimer(interval=BEAT_MS)
        self.timer.timeout.connect(self.beat)
        self.timer.start()

    def beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, 1000 * (now - self.last) - BEAT_MS)
        self.last = now

    def take(self) -> float:
        longest, self.longest = self.longest, 0.0
        return round(longest, 1)


def since_start() -> float:
    return round(1000 * (time.perf_counter() - BEGAN), 1)


def wait_for(signal: object, accept: object = None, timeout_ms: int = 120_000) -> None:
    loop = QEventLoop()

    def arrived(*arguments: object) -> None:
        if accept is None or accept(*arguments):
            loop.quit()

    signal.connect(arrived)
    QTimer.singleShot(timeout_ms, loop.quit)
    loop.exec()
    signal.disconnect(arrived)


def main(first: str, second: str) -> None:
    found = {}
    application = app.make_application([])
    program = app.Program()
    program.start(WindowRequest((Path(first),)))
    application.processEvents()
    found["window"] = since_start()
    found["torch before window"] = "torch" in sys.modules
    heart = Heart()
    program.window.canvas.voi_changed.connect(lambda: found.setdefault("torch before film", "torch" in sys.modules))
    wait_for(program.films.film_shown)
    found["film"] = since_start()
    found["stall: open, decode"] = heart.take()
    wait_for(program.readings.reading_changed)
    found["first probability"] = since_start()
    found["stall: torch, model, forward"] = heart.take()
    wait_for(program.readings.reading_changed, lambda reading: reading.complete)
    found["first heat map"] = since_start()
    found["stall: grad-cam, maps"] = heart.take()
    wait_quietly(1500)
    heart.take()
    dropped = time.perf_counter()
    program.films.open([Path(second)])
    wait_for(program.readings.reading_changed)
    found["warm: drop to probability"] = round(1000 * (time.perf_counter() - dropped), 1)
    if not program.session.reading.complete:
        wait_for(program.readings.reading_changed, lambda reading: reading.complete)
    found["warm: drop to heat map"] = round(1000 * (time.perf_counter() - dropped), 1)
    found["stall: warm reading"] = heart.take()
    program.window.close()
    print(json.dumps(found))


def wait_quietly(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main(*sys.argv[1:])
