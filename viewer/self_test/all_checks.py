"""Every check in its order, as one piece of work."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

from viewer.self_test.bench import Bench, sample_check
from viewer.self_test.models import model_checks
from viewer.self_test.paper import paper_checks
from viewer.self_test.rows import Check, Row, Step, run_checks
from viewer.self_test.streams import stream_checks
from viewer.self_test.surroundings import surrounding_checks


def self_test(device: str = "auto") -> Generator[Step | Row, None, tuple[Row, ...]]:
    """Run the whole self-test: Steps and Rows as they come, and all rows at the end.

    It belongs on one thread, as a second reader does.

    Parameters
    ----------
    device
        "auto", "cpu" or "cuda".
    """
    # On Windows a file of a process that is just ending cannot be removed yet.
    with tempfile.TemporaryDirectory(prefix="hilum-self-test-", ignore_cleanup_errors=True) as folder:
        return (yield from run_checks(all_checks(Bench(Path(folder), device))))


def all_checks(bench: Bench) -> list[Check]:
    """Return every check; those that build on another stand behind it."""
    return [
        *surrounding_checks(bench.folder),
        *stream_checks(bench.folder),
        sample_check(bench),
        *model_checks(bench),
        *paper_checks(bench),
    ]
