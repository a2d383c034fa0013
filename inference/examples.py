"""The films behind a confusion matrix: the table that ships with a bundle, and the pictures, which don't.

``examples.csv`` has one row a held-out film: its hashes, where it was published, its truth and what the model answered.
The pictures are brought to one machine in two ways: :func:`install` finds them in a folder by their hash, and
:func:`fetch` downloads the originals from their public addresses and checks the hash. Both are generators: each
``yield`` is progress and a point of cancellation, the return value says what is there now.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from inference.connections import require_connections
from inference.download import (
    Budget,
    DownloadFailed,
    LimitReached,
    OpenUrl,
    Wanted,
    download,
    open_address,
    require_http,
)
from inference.errors import BundleError, ExamplesError

FILE_LIMIT_BYTES = 50_000_000
"""No published film of ours is larger; what is, is no film and is not read."""

SUFFIXES = frozenset({"", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm", ".dicom", ".bmp", ".gif", ".webp"})

REPOSITORIES = {
    "darkcovid": ("muhammedtalo/COVID-19", "ee3e2cffc0824711bed675275506b26f19be7198", ""),
    "ieee": ("ieee8023/covid-chestxray-dataset", "0f7245db6f5aa4001ea75cf69fe6cfe091928403", ""),
    "ieee_A73": ("ieee8023/covid-chestxray-dataset", "2cd9015763c43231da288635a69f58d387f03bfa", "images/"),
    "ieee_E196": ("ieee8023/covid-chestxray-dataset", "a06044a075eeee5049cf07876f2c82746534a6a4", "images/"),
    "dakshtrehan": ("dakshtrehan/Covid-19-Detection", "a70eb2394d4b75ef6765aa79394e765ee6f9faf2", ""),
    "kaggle188": ("Karol-G/GaNDLF", "5dac6168f15fbb24c3337c7910272a5ab348abe0", ""),
    "ucsd_ct": ("Coronavirus-Visualization-Team/CVT_COVID-CT-CNN", "c2cf178da79e3b14a9a9591c35482c5ad042e241", ""),
}
"""First part of a manifest's ``origin`` -> public repository, commit, and what stands before the rest of the path."""

UNANSWERED_LIMIT = 3

_TEXT_COLUMNS = (
    *("sha256", "origin_sha256", "address", "url", "licence", "source", "view", "age", "sex"),
    *("truth", "answer", "fold"),
)
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ExampleRow:
    """One held-out film of a model: where it comes from, what it is, and what the model answered.

    ``probabilities`` follow the model's classes and sum to 1. ``address`` holds the original bytes, whose SHA-256 is
    ``origin_sha256``; it is empty where they are not public.
    """

    sha256: str
    origin_sha256: str
    address: str
    url: str
    licence: str
    source: str
    view: str
    age: str
    sex: str
    truth: str
    answer: str
    probabilities: tuple[float, ...]
    fold: str


@dataclass(frozen=True)
class ExampleProgress:
    """How far it is: films done, films in all (0: not yet known), the present one's name and bytes."""

    done: int
    total: int
    name: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None


@dataclass(frozen=True)
class ExampleResult:
    """What is there at the end: films linked, films still missing, and a sentence for each that failed."""

    linked: int
    missing: int
    failed: tuple[str, ...] = ()


def read_examples(csv_path: Path, classes: Sequence[str]) -> tuple[ExampleRow, ...]:
    """Read the table of a bundle.

    Raises
    ------
    BundleError
        If the file is not there, lacks a column, or a row contradicts the classes or its own numbers.
    """
    try:
        with csv_path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _require_columns(csv_path, reader.fieldnames or (), classes)
            return tuple(_row(csv_path, reader.line_num, record, classes) for record in reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BundleError(f"The table of example films {csv_path.name} is damaged: {error}.") from error
    except OSError as error:
        raise BundleError(f"The table of example films {csv_path.name} could not be read: {error.strerror}.") from error


def original_address(origin: str) -> str:
    """Return where the original bytes of a film are public, or "" where they are not.

    Parameters
    ----------
    origin
        As in a manifest: "darkcovid/X-Ray Image DataSet/Covid-19/NAME.jpeg".
    """
    source, _, path = origin.partition("/")
    if source not in REPOSITORIES or not path:
        return ""
    repository, commit, before = REPOSITORIES[source]
    return f"https://raw.githubusercontent.com/{repository}/{commit}/{quote(before + path)}"


def links(folder: Path) -> dict[str, Path]:
    """Return the films that are on this machine, by the SHA-256 a row has; what has gone since is left out.

    A fetched film that no link names (the program ended in between) stands under the SHA-256 of its original bytes.
    """
    # Asked a thousand times a reading: three times as fast as Path.is_file.
    linked = {sha256: path for sha256, path in _read_links(folder).items() if os.path.isfile(path)}  # noqa: PTH113
    named = set(linked.values())
    return linked | {path.stem: path for path in _fetched(folder) if path not in named}


def add_links(folder: Path, films: dict[str, Path]) -> None:
    """Write films, by the SHA-256 of their rows, into ``links.json``, whole or not at all; earlier ones stay.

    Raises
    ------
    ExamplesError
        If the folder cannot be written to.
    """
    merged = {sha256: _stored(path, folder) for sha256, path in sorted((_read_links(folder) | films).items())}
    part = folder / f".links-{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("x", encoding="utf-8") as file:
            json.dump(merged, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / "links.json")
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise ExamplesError(f"The links to the example films could not be written: {error.strerror}.") from error


def count_missing(rows: Sequence[ExampleRow], folder: Path) -> int:
    """Return how many of the rows have no film on this machine."""
    there = links(folder)
    return sum(row.sha256 not in there for row in rows)


def install(rows: Sequence[ExampleRow], films: Path, folder: Path) -> Generator[ExampleProgress, None, ExampleResult]:
    """Link the films found at ``films`` to the rows by their SHA-256; nothing is copied or changed.

    A film counts as a row's if its bytes hash to the row's ``sha256`` or ``origin_sha256``. Hidden files, files of
    other kinds and files of more than 50 MB are passed over. Ends early once every row has its film.

    Parameters
    ----------
    films
        A folder, searched to any depth, or one file.
    folder
        Where the links of this bundle are kept.

    Raises
    ------
    ExamplesError
        If ``films`` does not exist or the links cannot be written.
    """
    if not films.exists():
        raise ExamplesError(f"The folder {films.name} does not exist: choose the folder that holds the films.")
    candidates: list[Path] = []
    for directory, found in _walk(films):
        candidates += found
        yield ExampleProgress(0, 0, directory.name)
    linked, failed = yield from _match(rows, candidates)
    yield ExampleProgress(len(candidates), len(candidates))
    add_links(folder, linked)
    missing = count_missing(rows, folder)
    return ExampleResult(len(rows) - missing, missing, failed)


def fetch(
    rows: Sequence[ExampleRow],
    folder: Path,
    *,
    limit_bytes: int,
    open_url: OpenUrl = open_address,
    base: str | None = None,
) -> Generator[ExampleProgress, None, ExampleResult]:
    """Download the originals that are not on this machine yet, into ``folder/films``, and check their SHA-256.

    A film that broke off, or was cancelled, goes on from its last byte at the next call. Rows without an address count
    as missing. After three addresses in a row that nothing answered at, the rest is not tried.

    Parameters
    ----------
    limit_bytes
        Of what this call may receive in all; a single film may have 50 MB.
    base
        Scheme and host of a mirror, in place of those of each address.

    Raises
    ------
    ExamplesError
        If a film or the links cannot be written.
    ConnectionsForbidden
        If no connection may be opened.
    """
    require_connections()
    line = _Line(Budget(limit_bytes, FILE_LIMIT_BYTES), open_url, base)
    failed: list[str] = []
    there: dict[str, Path] = {}
    try:
        yield from _fetch_all(_fetchable(rows, folder), folder, line, there, failed)
    finally:
        # Cancelled or broken, what has arrived by now is kept.
        if there:
            add_links(folder, there)
    missing = count_missing(rows, folder)
    return ExampleResult(len(rows) - missing, missing, tuple(failed))


@dataclass(frozen=True)
class _Line:
    """What all films of one call share on their way here."""

    budget: Budget
    open_url: OpenUrl
    base: str | None

    def bring(self, row: ExampleRow, target: Path) -> Generator[tuple[int, int | None], None, None]:
        require_http(row.address, _film_name(row))
        if not target.is_file():
            wanted = Wanted(_mirrored(row.address, self.base), target, row.origin_sha256, _film_name(row))
            yield from download(wanted, self.budget, self.open_url)


def _fetch_all(
    wanted: Sequence[ExampleRow], folder: Path, line: _Line, there: dict[str, Path], failed: list[str]
) -> Generator[ExampleProgress, None, None]:
    """Fetch each row's film; fill ``there`` with what came and ``failed`` with the sentences about what did not."""
    unanswered = 0
    for number, row in enumerate(wanted):
        target = _target(row, folder)
        try:
            for done, total in line.bring(row, target):
                yield ExampleProgress(number, len(wanted), _film_name(row), done, total)
            there[row.sha256] = target
            unanswered = 0
        except LimitReached:
            failed.append(f"The limit on size was reached: {len(wanted) - number} films were not fetched.")
            return
        except DownloadFailed as error:
            failed.append(str(error))
            unanswered = unanswered + 1 if error.others_will_too else 0
        if unanswered == UNANSWERED_LIMIT:
            failed.append(f"Three in a row did not answer: {len(wanted) - number - 1} films were not tried.")
            return
    yield ExampleProgress(len(wanted), len(wanted))


def _fetchable(rows: Sequence[ExampleRow], folder: Path) -> list[ExampleRow]:
    there = links(folder)
    return [row for row in rows if row.address and row.origin_sha256 and row.sha256 not in there]


def _target(row: ExampleRow, folder: Path) -> Path:
    films = folder / "films"
    try:
        films.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExamplesError(f"The folder for example films could not be made: {error.strerror}.") from error
    suffix = Path(_film_name(row)).suffix.lower()
    return films / f"{row.origin_sha256}{suffix if suffix in SUFFIXES else ''}"


def _film_name(row: ExampleRow) -> str:
    return unquote(row.address.partition("?")[0]).rpartition("/")[2] or row.sha256[:16]


def _mirrored(address: str, base: str | None) -> str:
    if base is None:
        return address
    parts = urlsplit(address)
    return base.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


def _stored(path: Path, folder: Path) -> str:
    # Relative within the folder, so that the folder can be moved as a whole.
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _match(
    rows: Sequence[ExampleRow], candidates: Sequence[Path]
) -> Generator[ExampleProgress, None, tuple[dict[str, Path], tuple[str, ...]]]:
    own = {row.sha256 for row in rows}
    by_origin: dict[str, list[str]] = {}
    for row in rows:
        by_origin.setdefault(row.origin_sha256, []).append(row.sha256)
    exact: dict[str, Path] = {}
    original: dict[str, Path] = {}
    failed = []
    for number, path in enumerate(candidates):
        yield ExampleProgress(number, len(candidates), path.name)
        try:
            digest = sha256_of(path)
        except OSError as error:
            failed.append(f"{path.name} could not be read: {error.strerror}.")
            continue
        if digest in own:
            exact.setdefault(digest, path.resolve())
        for sha256 in by_origin.get(digest, ()):
            original.setdefault(sha256, path.resolve())
        if len(exact.keys() | original.keys()) == len(own):
            break
    return original | exact, tuple(failed)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(films: Path) -> Iterator[tuple[Path, list[Path]]]:
    if films.is_file():
        yield films.parent, [films]
        return
    # A folder that may not be entered is passed over; links to folders are not followed, so there is no circle.
    for directory, subfolders, names in os.walk(films):
        subfolders.sort()
        yield Path(directory), [path for name in sorted(names) if _may_be_film(path := Path(directory, name))]


def _may_be_film(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
        return False
    try:
        return path.is_file() and 0 < path.stat().st_size <= FILE_LIMIT_BYTES
    except OSError:
        return False


def _fetched(folder: Path) -> Iterable[Path]:
    films = folder / "films"
    return (path for path in films.glob("*") if _HASH.fullmatch(path.stem) and path.suffix != ".part")


def _read_links(folder: Path) -> dict[str, Path]:
    # Every reading asks for a thousand links; the file changes when films are linked.
    path = folder / "links.json"
    try:
        found = path.stat()
    except OSError:
        return {}
    return dict(_links_in(path, found.st_ino, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=8)
def _links_in(path: Path, inode: int, changed_ns: int, size: int) -> dict[str, Path]:
    # The file can be made again in a minute: a damaged one is as good as none.
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {sha256: path.parent / film for sha256, film in entries.items() if isinstance(film, str)}


def _require_columns(csv_path: Path, columns: Sequence[str], classes: Sequence[str]) -> None:
    wanted = (*_TEXT_COLUMNS, *(f"p_{name}" for name in classes))
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise BundleError(f"The table of example films {csv_path.name} lacks the columns {', '.join(lacking)}.")


def _row(csv_path: Path, line: int, record: dict[str, str], classes: Sequence[str]) -> ExampleRow:
    where = f"The table of example films {csv_path.name} is damaged in line {line}"
    if None in record or None in record.values():
        raise BundleError(f"{where}: it does not have as many fields as the first line.")
    if not _HASH.fullmatch(record["sha256"]) or not _HASH.fullmatch(record["origin_sha256"] or record["sha256"]):
        raise BundleError(f"{where}: a SHA-256 is not 64 hexadecimal digits.")
    for column in ("truth", "answer"):
        if record[column] not in classes:
            raise BundleError(f"{where}: its {column} {record[column]!r} is none of {', '.join(classes)}.")
    try:
        probabilities = tuple(float(record[f"p_{name}"]) for name in classes)
    except ValueError as error:
        raise BundleError(f"{where}: a probability is not a number.") from error
    if not all(0 <= p <= 1 for p in probabilities) or abs(sum(probabilities) - 1) > 0.01:
        raise BundleError(f"{where}: the probabilities are not between 0 and 1 with a sum of 1.")
    return ExampleRow(**{name: record[name] for name in _TEXT_COLUMNS}, probabilities=probabilities)
