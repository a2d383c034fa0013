"""What a check is, what comes of it, and running one after another: a broken one never stops those behind it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from viewer.errors import ViewerError

log = logging.getLogger(__name__)

Work = Generator[object, None, str]
"""A check at work: what it yields is a chance to stop it, what it returns is said of it when it has passed."""


class CheckFailed(ViewerError):
    """What a check found wrong, in a sentence."""


@dataclass(frozen=True)
class Check:
    """One line of the self-test: its name and what starts it."""

    name: str
    start: Callable[[], Work]


@dataclass(frozen=True)
class Row:
    """What came of one check."""

    check: str
    passed: bool
    detail: str
    milliseconds: float

    @property
    def result(self) -> str:
        """Return the word for the table."""
        return "passed" if self.passed else "FAILED"


@dataclass(frozen=True)
class Step:
    """Which check is at work, and how many of all are done."""

    check: str
    done: int
    total: int


def plain(function: Callable[[], str]) -> Callable[[], Work]:
    """Return a check that is done at once as one that can be started."""

    def start() -> Work:
        yield None
        return function()

    return start


def run_checks(checks: Sequence[Check]) -> Generator[Step | Row, None, tuple[Row, ...]]:
    """Run every check: a Step again and again while it is at work, then its Row; return all rows."""
    rows: list[Row] = []
    for done, check in enumerate(checks):
        row = yield from _judged(check, Step(check.name, done, len(checks)))
        rows.append(row)
        yield row
    return tuple(rows)


def _judged(check: Check, step: Step) -> Generator[Step, None, Row]:
    yield step
    began = time.perf_counter()
    passed, detail = False, ""
    try:
        work = check.start()
        try:
            while True:
                try:
                    next(work)
                except StopIteration as end:
                    passed, detail = True, end.value
                    break
                yield step
        finally:
            work.close()
    except ViewerError as error:
        detail = str(error)
    except Exception as error:
        # Whatever is broken here (a library that is missing in an installed program) is what the self-test is to find.
        log.exception("self-test: %s", check.name)
        detail = f"A fault of the program ({type(error).__name__}): {error}"
    return Row(check.name, passed, " ".join(detail.split()), 1000 * (time.perf_counter() - began))


# ----------------------------------------------------------------------------------------------------------- as text

_COLUMNS = "{:<40} {:<7} {:>9}  {}"
HEADING = _COLUMNS.format("Check", "Result", "ms", "Detail")


def line_of(row: Row) -> str:
    """Return a row as a line of the table under ``HEADING``."""
    return _COLUMNS.format(row.check, row.result, f"{row.milliseconds:,.0f}", row.detail)


def verdict(rows: Sequence[Row]) -> str:
    """Return what came of all, in a sentence."""
    failed = [row.check for row in rows if not row.passed]
    if not rows or failed:
        named = ", ".join(failed)
        return f"{len(failed)} of {len(rows)} checks failed: {named}." if failed else "No check was made."
    return f"All {len(rows)} checks passed."


def record_of(rows: Sequence[Row], **facts: str) -> dict[str, Any]:
    """Return the rows with what is known of the program as JSON can hold it."""
    return {**facts, "passed": all_passed(rows), "checks": [asdict(row) for row in rows]}


def all_passed(rows: Sequence[Row]) -> bool:
    """Return whether there was something to check, and nothing was wrong."""
    return bool(rows) and all(row.passed for row in rows)
