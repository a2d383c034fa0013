"""A folder at the desk: listed at once, thumbnails behind it, pictures decoded ahead; an archive that needs a password."""

import base64

import numpy as np
import PIL.Image
import pydicom
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from viewer.app import Program
from viewer.desk.prefetch import AHEAD, BEHIND
from viewer.imaging.phantom import write_film
from viewer.imaging.zip_members import forget_passwords
from viewer.settings import DRAG_DOWN_BRIGHTER, MEMORY_MB
from viewer.widgets.preferences import Preferences

SLICES = 30
ENCRYPTED = (  # film.png of 8 x 6 pixels, by Info-ZIP with the password "secret"
    "UEsDBBQACQAIAAGIdV0ADBYxUQAAAEsAAAAIABwAZmlsbS5wbmdVVAkAAxLOAWsSzgFrdXgLAAEEAAAAAAQAAAAAp/Mpza0zNgd9tpnsAVH4lDvY"
    "++uEglgjI5YbMp4avw8AtyE4aD94BsU5mTXSYtOWOlXe6AQ/UH2Yvb69ZlW6sgsX0wozeCeJ94+IRB1Su9VwUEsHCAAMFjFRAAAASwAAAFBLAQIe"
    "AxQACQAIAAGIdV0ADBYxUQAAAEsAAAAIABgAAAAAAAAAAACkgQAAAABmaWxtLnBuZ1VUBQADEs4Ba3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQAB"
    "AE4AAACjAAAAAAA="
)


@pytest.fixture
def program(qtbot):
    made = Program()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.shut_down()
    forget_passwords()
    QApplication.processEvents()


@pytest.fixture
def stack(tmp_path):
    """Return a folder with a series of numbered films."""
    write_film(tmp_path / "film.dcm", rows=64, columns=48)
    dataset = pydicom.dcmread(tmp_path / "film.dcm")
    (tmp_path / "film.dcm").unlink()
    folder = tmp_path / "stack"
    folder.mkdir()
    for number in range(1, SLICES + 1):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        dataset.InstanceNumber = number
        dataset.save_as(folder / f"{number}.dcm")
    return folder


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "study.zip"
    path.write_bytes(base64.b64decode(ENCRYPTED))
    return path


def open_all(program, qtbot, path, count):
    program.films.open([path])
    qtbot.waitUntil(lambda: len(program.session.studies) == count, timeout=10_000)
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)


def numbers_kept(program):
    cache = program.films.cache
    return {o.instance.identity.instance_number for o in siblings(program) if o.instance.key in cache}


def siblings(program):
    return program.session.studies.series_of(program.session.current.key).opened


def test_a_series_is_one_row_and_one_thumbnail(program, stack, qtbot):
    open_all(program, qtbot, stack, SLICES)
    qtbot.waitUntil(lambda: siblings(program)[0].thumbnail is not None, timeout=10_000)
    assert sum(opened.thumbnail is not None for opened in siblings(program)) <= 2  # the first, and what was first for a while
    row = program.window.study_list.tree.currentIndex()
    assert row.data(Qt.ItemDataRole.DecorationRole) is not None


def test_pictures_are_decoded_ahead_in_the_direction_of_travel(program, stack, qtbot):
    open_all(program, qtbot, stack, SLICES)
    program.films.show_instance(siblings(program)[14].instance)
    program.window.action("next-image").trigger()
    ahead = set(range(16, 16 + AHEAD + 1))
    qtbot.waitUntil(lambda: ahead <= numbers_kept(program), timeout=10_000)
    program.window.action("previous-image").trigger()
    back = set(range(15 - AHEAD, 15 + BEHIND + 1))
    qtbot.waitUntil(lambda: back <= numbers_kept(program), timeout=10_000)


def test_memory_stays_under_the_budget_and_what_is_seen_stays(program, stack, qtbot):
    open_all(program, qtbot, stack, SLICES)
    one = program.films.cache.find(program.session.current.key).size_bytes
    program.films.cache.resize(3 * one)
    for _ in range(8):
        shown = program.session.current.key
        program.window.action("next-image").trigger()
        qtbot.waitUntil(lambda before=shown: program.session.image is not None and program.session.current.key != before)
    qtbot.wait(200)
    assert program.films.cache.size_bytes <= 3 * one
    assert program.session.current.key in program.films.cache


def test_a_file_whose_picture_is_damaged_leaves_the_list_and_is_named(program, tmp_path, qtbot):
    noise = np.random.default_rng(1).integers(0, 255, (200, 300), np.uint8)
    for name in ("a.jpg", "b.jpg"):
        PIL.Image.fromarray(noise).save(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-9000])
    program.films.open([tmp_path])
    qtbot.waitUntil(lambda: len(program.session.not_opened) == 1, timeout=10_000)
    assert [o.instance.path.name for p in program.session.studies.patients() for y in p.studies for s in y.series
            for o in s.opened] == ["a.jpg"]  # fmt: skip
    assert "b.jpg could not be opened" in program.session.not_opened[0].reason


def test_an_archive_is_opened_once_its_password_is_typed(program, locked, qtbot):
    program.films.open([locked])
    dialog = program.films.opening.password
    qtbot.waitUntil(dialog.isVisible, timeout=10_000)
    qtbot.keyClicks(dialog.field, "wrong")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.isVisible() and dialog.wrong.isVisible(), timeout=10_000)
    qtbot.keyClicks(dialog.field, "secret")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)
    assert program.session.current.path == locked / "film.png"
    assert program.session.not_opened == []


def test_an_archive_whose_password_is_not_given_is_named(program, locked, qtbot):
    program.films.open([locked])
    dialog = program.films.opening.password
    qtbot.waitUntil(dialog.isVisible, timeout=10_000)
    dialog.decline_button.click()
    assert [problem.reason for problem in program.session.not_opened] == [
        "study.zip could not be opened: it is encrypted, and no password was given."
    ]


def test_preferences_are_stored_and_taken_at_once(program, qtbot):
    program.window.action("preferences").trigger()
    (dialog,) = program.window.findChildren(Preferences)
    dialog.field(MEMORY_MB).setValue(300)
    dialog.field(DRAG_DOWN_BRIGHTER).setChecked(False)
    dialog.save_button.click()
    assert program.films.cache.budget_bytes == 300 * 2**20
    assert not program.window.canvas.drag_down_brighter
    assert (program.settings.get(MEMORY_MB), program.settings.get(DRAG_DOWN_BRIGHTER)) == (300, False)


def test_preferences_that_are_cancelled_change_nothing(program, qtbot):
    program.window.action("preferences").trigger()
    (dialog,) = program.window.findChildren(Preferences)
    dialog.field(MEMORY_MB).setValue(300)
    dialog.cancel_button.click()
    assert program.settings.get(MEMORY_MB) == 0
