"""The machine around the program: the user's folders, the drafts, and the language."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTranslator

from viewer.paths import examples_folder, log_file, own_models, resources, training_folder, user_data
from viewer.reporting.drafts import DraftStore, draft_key
from viewer.reporting.report import ReportText
from viewer.self_test.rows import Check, CheckFailed, plain

LEAST_FREE_BYTES = 2**28
"""Room for drafts, the log and some example films."""

_TYPED = ReportText("Cough.", "Clear lungs. Щукин 王小东", "No acute finding.")


def surrounding_checks(folder: Path) -> list[Check]:
    """Return the checks of folders, drafts and translations; ``folder`` is for files of theirs."""
    return [
        Check("User's folders", plain(write_into_folders)),
        Check("Drafts", plain(partial(keep_a_draft, folder))),
        Check("Translations", plain(look_at_translations)),
    ]


def write_into_folders() -> str:
    """Write a file into each of the user's folders that is there, and take it away again."""
    try:
        home = user_data()
        folders = {home, *(each for each in (own_models(), examples_folder(""), training_folder("")) if each.is_dir())}
        for folder in sorted(folders):
            with tempfile.NamedTemporaryFile(dir=folder, prefix="self-test-") as file:
                file.write(b"written")
        if log_file().is_file():
            with log_file().open("ab"):
                pass
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise CheckFailed(f"The user's folder cannot be written to: {error.strerror} ({error.filename}).") from error
    if free < LEAST_FREE_BYTES:
        raise CheckFailed(f"Only {free // 2**20} MB are free on the disk of the user's folder {home}.")
    return f"{home} can be written to; {free / 2**30:,.1f} GB are free."


def keep_a_draft(folder: Path) -> str:
    """Save a draft in a database of its own, and read it back from there."""
    path, key = folder / "drafts.sqlite3", draft_key("0" * 64, 0)
    with DraftStore(path) as drafts:
        drafts.save(key, _TYPED)
    with DraftStore(path) as drafts:
        if drafts.load(key) != _TYPED:
            raise CheckFailed("A draft that was saved came back with other words.")
    return "A draft was saved and read back."


def look_at_translations() -> str:
    """Load every translation that ships; the program may have none."""
    files = sorted((resources() / "translations").glob("*.qm"))
    if not files:
        return "English only: the program has no translations."
    broken = [file.name for file in files if not QTranslator().load(str(file))]
    if broken:
        raise CheckFailed(f"Translations are damaged: {', '.join(broken)}.")
    return f"{len(files)} translations: {', '.join(file.stem for file in files)}."
