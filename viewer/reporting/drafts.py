"""Drafts of reports, kept in an embedded database so that a crash costs no sentence.

Each :meth:`DraftStore.save` is one transaction, written through to the disk before it returns. A database found
damaged is moved aside, never deleted, and a fresh one begun.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.errors import ReportError
from viewer.reporting.report import ReportText

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

MIGRATIONS = (
    """
    CREATE TABLE draft (
        key TEXT PRIMARY KEY,
        indication TEXT NOT NULL,
        findings TEXT NOT NULL,
        impression TEXT NOT NULL,
        saved_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)
"""Statement n brings a database from ``user_version`` n to n + 1; never edit one that has shipped, add the next."""

BUSY_TIMEOUT_S = 5.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def draft_key(film_sha256: str, frame: int) -> str:
    """Return the key under which the draft about one frame of one film is kept."""
    return f"{film_sha256}#{frame}"


class DraftStore:
    """The drafts of one user.

    It belongs to the thread that made it: sqlite3 raises ``ProgrammingError`` when another one calls.

    Parameters
    ----------
    path
        The database; made if it is not there. Its folder must be.

    Attributes
    ----------
    notice
        A whole sentence to be shown to the user if a damaged database was moved aside, else empty.

    Raises
    ------
    ReportError
        If the database cannot be opened, is locked by another program, or comes from a newer Hilum. Every method
        raises it too, when the disk is full or the file has become unreadable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notice = ""
        try:
            self._connection = _open(path)
        except _Damaged:
            aside = _move_aside(path)
            self.notice = (
                f"The file of report drafts was damaged: it has been kept as {aside.name} and a new one was begun; "
                "earlier drafts are not shown."
            )
            self._connection = _open(path)

    def save(self, key: str, text: ReportText) -> None:
        """Write a draft through to the disk, over an earlier one of the same key."""
        columns = [_storable(part) for part in (text.indication, text.findings, text.impression)]
        with _as_report_error(self._path, "written"):
            self._connection.execute(
                "INSERT OR REPLACE INTO draft (key, indication, findings, impression, saved_at) VALUES (?, ?, ?, ?, ?)",
                (key, *columns, datetime.now(UTC).isoformat(timespec="seconds")),
            )

    def load(self, key: str) -> ReportText | None:
        """Return the draft of a key, or None where there is none."""
        with _as_report_error(self._path, "read"):
            row = self._connection.execute(
                "SELECT indication, findings, impression FROM draft WHERE key = ?", (key,)
            ).fetchone()
        return ReportText(*row) if row else None

    def delete(self, key: str) -> None:
        """Remove a draft; nothing happens where there is none."""
        with _as_report_error(self._path, "written"):
            self._connection.execute("DELETE FROM draft WHERE key = ?", (key,))

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all drafts, last written first."""
        with _as_report_error(self._path, "read"):
            rows = self._connection.execute("SELECT key FROM draft ORDER BY saved_at DESC, key").fetchall()
        return tuple(row[0] for row in rows)

    def close(self) -> None:
        """Close the database; closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> DraftStore:
        """Return the store itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close the database."""
        self.close()


class _Damaged(Exception):
    """The file is there and is not a sound database."""


def _open(path: Path) -> sqlite3.Connection:
    with _as_report_error(path, "opened"):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        with _as_report_error(path, "opened"):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise _Damaged(verdict)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, path)
    except sqlite3.DatabaseError as error:
        if _primary_code(error) in _DAMAGED:
            raise _Damaged(str(error)) from error
        raise


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise ReportError(f"The drafts in {path.name} were written by a newer Hilum: install that one to read them.")
    for number, statement in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        # Another window may have migrated while this one waited for the lock.
        if connection.execute("PRAGMA user_version").fetchone()[0] < number:
            connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            journal = path.with_name(path.name + suffix)
            if journal.exists():
                journal.replace(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise ReportError(f"The damaged file {path.name} could not be moved aside: {error.strerror}.") from error
    return aside


@contextmanager
def _as_report_error(path: Path, action: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise ReportError(f"The report drafts in {path.name} could not be {action}: {_reason(error)}.") from error


def _reason(error: sqlite3.Error) -> str:
    return {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_IOERR: "the disk is full or does not answer",
        sqlite3.SQLITE_BUSY: "another program holds the file",
        sqlite3.SQLITE_READONLY: "the file may not be written to",
        sqlite3.SQLITE_PERM: "access to the file is denied",
        sqlite3.SQLITE_CANTOPEN: "the file or its folder cannot be opened",
    }.get(_primary_code(error), str(error))


def _primary_code(error: sqlite3.Error) -> int:
    # The low byte is the primary code, the rest says more about the same failure (sqlite.org/rescode.html).
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _storable(text: str) -> str:
    # A lone surrogate (half a pair, from a broken paste) has no UTF-8 form, and one of them must not cost the draft.
    return text.encode("utf-8", "replace").decode("utf-8")
