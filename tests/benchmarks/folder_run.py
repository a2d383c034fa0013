"""Open a folder in the window with a heartbeat timer, then scroll through it; print the times as JSON.

Started by test_quickness.py in a fresh interpreter: ``python folder_run.py FOLDER FILES``. Wall times in milliseconds from
the drop; ``stall`` is the longest time between two beats of a 5 ms timer, less those 5 ms.
"""

import json
import sys
import time
from pathlib import Path

from window_run import Heart, wait_for, wait_quietly

from viewer import app


def main(folder: str, files: int) -> None:
    application = app.make_application([])
    program = app.Program()
    program.window.show()
    application.processEvents()
    wait_quietly(2500)
    heart, began, found = Heart(), time.perf_counter(), {}
    opening = program.films.opening
    program.films.open([Path(folder)])
    wait_for(program.films.film_shown)
    found["first picture of the folder"] = 1000 * (time.perf_counter() - began)
    found["listed by then"] = len(program.session.studies)
    while opening.is_busy:
        wait_quietly(5)
    found["all listed"] = 1000 * (time.perf_counter() - began)
    found["stall: listing"] = heart.take()
    assert len(program.session.studies) == files, (len(program.session.studies), files)
    wait_quietly(3000)
    heart.take()
    found["one step of scrolling, median"] = scroll(program)
    found["stall: scrolling"] = heart.take()
    print(json.dumps(found))
    program.shut_down()


def scroll(program: app.Program) -> float:
    """Return the median time of a step to the next picture, five steps a second as a hand turns a wheel."""
    steps = []
    for _ in range(40):
        began = time.perf_counter()
        shown = program.session.current.key
        program.window.action("next-image").trigger()
        if program.session.image is None:
            wait_for(program.films.film_shown)
        if program.session.current.key != shown:
            steps.append(1000 * (time.perf_counter() - began))
        wait_quietly(200)
    return sorted(steps)[len(steps) // 2]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
