"""Measure how long a program takes from its start to its window, under X11.

    python packaging/linux/start_to_window.py [--times N] PROGRAM [ARGUMENT...]

prints the milliseconds of each start and the median. Needs xev (Debian: x11-utils) and a DISPLAY without other programs.
Programs are compared by what they take in turn on the same machine, with the files of both in memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        taken = [start_once(asked.command, home) for _ in range(asked.times)]
    print(f"{statistics.median(taken):6.0f} ms  ({', '.join(f'{each:.0f}' for each in taken)})  {' '.join(asked.command)}")


def start_once(command: list[str], home: str) -> float:
    """Return the milliseconds until a window is on the screen; the program is ended then."""
    watch = ["xev", "-root", "-event", "substructure"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True, bufsize=1) as xev:
        assert xev.stdout is not None
        time.sleep(1.0)  # What xev says of its own beginning.
        began = time.perf_counter()
        with subprocess.Popen(command, env={**os.environ, "HILUM_HOME": home}) as program:
            for line in xev.stdout:
                if line.startswith("MapNotify"):
                    break
            taken = 1000 * (time.perf_counter() - began)
            program.terminate()
        xev.terminate()
    return taken


if __name__ == "__main__":
    sys.exit(main())
