"""Opening, showing and writing at the desk, without a model."""

import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pydicom
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QMessageBox

from viewer.desk.films import FilmsDesk
from viewer.desk.pictures import PictureLoader
from viewer.desk.report import ReportDesk
from viewer.imaging.phantom import write_film
from viewer.imaging.picture_cache import DecodedPicture
from viewer.imaging.reader import read_file, read_image
from viewer.jobs import JobQueue
from viewer.paths import drafts_database
from viewer.session import Session
from viewer.settings import RECENT, Settings
from viewer.widgets.main_window import MainWindow
from viewer.widgets.problems_dialog import ProblemsDialog

MANY = 80


class Place:
    """A window with its session, its queue and the desks under test."""

    def __init__(self):
        self.window, self.session, self.queue, self.settings = MainWindow(), Session(), JobQueue(2), Settings()
        self.films = FilmsDesk(self.window, self.session, self.queue, self.settings)
        self.report = ReportDesk(self.window, self.session, self.queue, self.settings)

    @property
    def said(self):
        return self.window.doing.text()


@pytest.fixture
def place(qtbot):
    made = Place()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    assert made.queue.shut_down()
    made.report.close()
    QApplication.processEvents()


def ramp(path):
    PIL.Image.fromarray(np.arange(10_000, dtype=np.uint16).reshape(100, 100)).save(path)
    return path


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MANY):
        ramp(folder / f"{number}.png")
    return folder


@pytest.fixture
def slices(tmp_path):
    """Return a folder with a series of ten films."""
    write_film(tmp_path / "film.dcm", rows=64, columns=48)
    dataset = pydicom.dcmread(tmp_path / "film.dcm")
    (tmp_path / "film.dcm").unlink()
    folder = tmp_path / "slices"
    folder.mkdir()
    for number in range(1, 11):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        dataset.InstanceNumber = number
        dataset.save_as(folder / f"{number}.dcm")
    return folder


def report(path):
    """Write a structured report of one line."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.9"
    dataset.Modality, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "SR", "1.2", "1.2.1"
    dataset.ValueType, dataset.ContentSequence = "CONTAINER", []
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, "1.2.9"
    dataset.save_as(path, enforce_file_format=True)
    return path


def torn_film(path):
    """Write a JPEG whose header is whole and whose picture is not."""
    noise = np.random.default_rng(1).integers(0, 255, (200, 300), np.uint8)
    PIL.Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-9000])
    return path


def opened_all(place, qtbot, paths, count):
    place.films.open(paths)
    qtbot.waitUntil(lambda: len(place.session.studies) == count and not place.films.opening.is_busy, timeout=20_000)
    qtbot.waitUntil(lambda: place.window.canvas.image is not None, timeout=20_000)


def test_the_first_film_of_a_folder_is_shown_and_all_are_listed(place, many, qtbot):
    place.films.open([many])
    qtbot.waitUntil(lambda: len(place.session.studies) == MANY and place.said == "", timeout=8000)
    qtbot.waitUntil(lambda: place.window.canvas.image is not None)
    assert place.window.canvas.image.instance.path == many / "0.png"
    assert place.settings.get(RECENT) == [str(many)]


def test_a_second_opening_can_be_cancelled_after_it_has_replaced_the_first(place, many, tmp_path, qtbot):
    place.films.open([ramp(tmp_path / "alone.png")])
    place.films.open([many])
    qtbot.waitUntil(lambda: len(place.session.studies) >= 3, timeout=8000)
    place.window.cancel_button.click()
    qtbot.waitUntil(lambda: place.said == "", timeout=8000)
    qtbot.wait(100)
    assert 3 <= len(place.session.studies) < MANY


def test_a_film_that_is_replaced_before_it_is_decoded_is_never_shown(place, tmp_path, qtbot):
    paths = [ramp(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    place.films.open([tmp_path])
    qtbot.waitUntil(lambda: len(place.session.studies) == 3 and place.window.canvas.image is not None, timeout=8000)
    shown = []
    place.films.film_shown.connect(lambda image: shown.append(image.instance.path))
    _, first, second = sorted((o.instance for p in place.session.studies.patients() for s in p.studies for x in s.series
                            for o in x.opened), key=lambda i: i.path)  # fmt: skip
    for chosen in (first, second, first, second):
        place.films.show_instance(chosen)
    qtbot.waitUntil(lambda: place.window.canvas.image.instance == second, timeout=8000)
    qtbot.wait(100)
    assert shown == [paths[2]]


def test_a_film_that_cannot_be_decoded_leaves_a_sentence_in_its_place(place, tmp_path, qtbot):
    path = ramp(tmp_path / "b.png")
    place.films.open([ramp(tmp_path / "a.png"), path])
    qtbot.waitUntil(lambda: len(place.session.studies) == 2 and place.window.canvas.image is not None, timeout=8000)
    path.unlink()
    place.films.show_instance(place.session.studies.find(f"{path}#0").instance)
    qtbot.waitUntil(lambda: place.window.canvas.image is None, timeout=8000)
    assert place.window.canvas.message == "b.png could not be opened: there is no such file."
    assert not place.window.action("fit").isEnabled()


def test_a_draft_that_cannot_be_read_is_said_and_the_film_is_still_shown(place, picture):
    with sqlite3.connect(drafts_database()) as other:
        other.execute("DROP TABLE draft")
    other.close()
    place.report.take_film(picture(np.arange(100).reshape(10, 10)))
    (box,) = place.window.findChildren(QMessageBox)
    assert box.text().startswith("The report drafts in drafts.sqlite3 could not be read")
    assert place.window.report_editor.impression.isEnabled()
    box.close()


# ------------------------------------------------------------------------------------------------------------ opening


def test_what_is_dropped_on_an_opening_is_shown_first_and_all_is_listed(place, many, tmp_path, qtbot):
    alone = ramp(tmp_path / "alone.png")
    place.films.open([many])
    qtbot.waitUntil(lambda: len(place.session.studies) >= 3, timeout=20_000)
    place.films.open([alone])
    qtbot.waitUntil(lambda: place.session.current.path == alone, timeout=20_000)
    qtbot.waitUntil(lambda: not place.films.opening.is_busy, timeout=20_000)
    assert len(place.session.studies) == MANY + 1
    assert place.session.current.path == alone


def test_a_film_is_shown_before_a_document_that_was_found_earlier(place, tmp_path, qtbot):
    chosen = []
    place.films.document_chosen.connect(chosen.append)
    opened_all(place, qtbot, [report(tmp_path / "a.dcm"), ramp(tmp_path / "b.png")], 1)
    assert place.session.current.path.name == "b.png"
    assert chosen == []


def test_a_document_alone_is_shown(place, tmp_path, qtbot):
    with qtbot.waitSignal(place.films.document_chosen, timeout=20_000) as chosen:
        place.films.open([report(tmp_path / "a.dcm")])
    assert chosen.args[0].path.name == "a.dcm"


def test_a_fault_of_the_program_ends_the_opening(place, many, qtbot, monkeypatch, caplog):
    def broken(paths):
        yield from ()
        raise ZeroDivisionError

    with monkeypatch.context() as patch, qtbot.waitSignal(place.films.crashed, timeout=20_000):
        patch.setattr("viewer.desk.opening.open_paths", broken)
        place.films.open([many])
    assert (place.films.opening.is_busy, place.said) == (False, "")
    opened_all(place, qtbot, [many], MANY)


def test_a_damaged_picture_is_named_in_the_status_bar_and_nothing_pops_up(place, tmp_path, qtbot):
    opened_all(place, qtbot, [ramp(tmp_path / "a.png")], 1)
    place.films.open([torn_film(tmp_path / "b.jpg")])
    qtbot.waitUntil(lambda: len(place.session.not_opened) == 1 and not place.films.opening.is_busy, timeout=20_000)
    assert "1 file was not" in place.said or "b.jpg could not be opened" in place.said
    assert not any(widget.isVisible() for widget in place.window.findChildren(ProblemsDialog))
    assert place.window.action("problems").isEnabled()


def test_from_a_film_that_cannot_be_shown_the_keys_lead_on(place, tmp_path, qtbot):
    place.films.open([torn_film(tmp_path / "a.jpg"), ramp(tmp_path / "b.png")])
    qtbot.waitUntil(lambda: len(place.session.not_opened) == 1 and place.window.canvas.message != "", timeout=20_000)
    place.window.action("next-image").trigger()
    qtbot.waitUntil(lambda: place.window.canvas.image is not None, timeout=20_000)
    assert place.session.current.path.name == "b.png"


def test_everything_can_be_closed_when_the_film_cannot_be_shown(place, tmp_path, qtbot):
    opened_all(place, qtbot, [ramp(tmp_path / "a.png"), ramp(tmp_path / "b.png")], 2)
    (tmp_path / "b.png").unlink()
    place.films.show_instance(place.session.studies.find(f"{tmp_path / 'b.png'}#0").instance)
    qtbot.waitUntil(lambda: place.window.canvas.message != "", timeout=20_000)
    place.window.action("close-all").trigger()
    assert len(place.session.studies) == 0
    assert place.window.centre.currentWidget() is place.window.start_screen
    assert not place.window.action("close-all").isEnabled()


# ---------------------------------------------------------------------------------------------------------- scrolling


def test_a_key_held_down_shows_what_is_decoded_on_the_way_and_ends_where_it_led(place, slices, qtbot):
    opened_all(place, qtbot, [slices], 10)
    shown = []
    place.films.film_shown.connect(lambda image: shown.append(image.identity.instance_number))
    place.films.cache.clear()
    for _ in range(8):
        place.window.action("next-image").trigger()
    qtbot.waitUntil(lambda: shown[-1:] == [9], timeout=20_000)
    assert shown[0] == 2


def test_a_series_is_scrolled_by_the_wheel_as_soon_as_it_is_listed(place, slices, qtbot):
    opened_all(place, qtbot, [slices / "1.dcm"], 1)
    assert not place.window.canvas.wheel_steps
    opened_all(place, qtbot, [slices], 10)
    assert place.window.canvas.wheel_steps
    assert "Image 1/10" in place.window.canvas.corner_texts.bottom_right[2]


def test_a_picture_that_is_being_decoded_ahead_is_not_decoded_again(slices, qtbot, qapp, monkeypatch):
    decoded, may_go = [], threading.Event()

    def slow(instance):
        may_go.wait(10)
        decoded.append(instance.path.name)
        return read_image(instance)

    monkeypatch.setattr("viewer.desk.prefetch.read_image", slow)
    loading, background = JobQueue(2), JobQueue(1)
    loader = PictureLoader(loading, background, qapp)
    loader.cache.resize(10**9)
    first, second = (read_file(slices / name).instance for name in ("1.dcm", "2.dcm"))
    loader.decode_ahead([first, second], 0, 1)
    loader.cache.put(DecodedPicture(read_image(first), ()))
    loader.decode_ahead([first, second], 0, 1)
    loader.load(second)
    assert loader.is_busy
    with qtbot.waitSignal(loader.loaded, timeout=10_000):
        may_go.set()
    assert decoded == ["2.dcm"]
    assert loading.shut_down() and background.shut_down()


def test_the_cursor_may_rest_where_the_next_film_has_no_pixel(place, tmp_path, qtbot):
    PIL.Image.fromarray(np.zeros((10, 300), np.uint16)).save(tmp_path / "b.png")
    opened_all(place, qtbot, [ramp(tmp_path / "a.png"), tmp_path / "b.png"], 2)
    canvas = place.window.canvas
    qtbot.mouseMove(canvas, QPoint(canvas.width() // 2, canvas.height() - 5))
    assert canvas.pointed() is not None
    place.films.show_instance(place.session.studies.find(f"{tmp_path / 'b.png'}#0").instance)
    qtbot.waitUntil(lambda: canvas.image is not None and canvas.image.columns == 300, timeout=20_000)
    assert canvas.corner_texts.bottom_left[0] == ""


def test_what_is_odd_about_a_film_is_said_on_it(place, tmp_path, qtbot):
    opened_all(place, qtbot, [ramp(tmp_path / "a.png")], 1)
    assert place.window.canvas.corner_texts.notices[0].startswith("Not a DICOM file")


def test_a_copy_that_is_opened_later_is_named_and_its_original_is_shown(place, slices, tmp_path, qtbot):
    opened_all(place, qtbot, [slices], 10)
    copy = Path(shutil.copy(slices / "3.dcm", tmp_path / "copy.dcm"))
    place.films.open([copy])
    qtbot.waitUntil(lambda: place.session.not_opened != [] and not place.films.opening.is_busy, timeout=20_000)
    assert place.session.not_opened[0].reason == "copy.dcm is a copy of 3.dcm (same SOP Instance UID) and is shown once."
    assert len(place.session.studies) == 10
    assert place.session.current.path == slices / "3.dcm"
