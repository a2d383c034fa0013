"""Collecting garbage on one thread alone, when it is due.

Python collects on whatever thread happens to need memory. Where that is the thread of a job, it deletes windows that
nothing names any more there, and Qt ends the process for it. So Python's own collecting is switched off where there are
windows, and the GUI thread does it instead.
"""

from __future__ import annotations

import gc


def collect_by_hand() -> None:
    """Let nothing be collected any more but by :func:`collect_what_is_due`."""
    gc.disable()


def collect_what_is_due() -> None:
    """Collect what Python itself would have collected by now, on the calling thread."""
    for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
        if count > threshold:
            gc.collect(generation)
