"""The window of a file's header, through the user's hands, and the desk that keeps it on the current film."""

import time
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from viewer.desk.tags import TagsDesk
from viewer.imaging.image import Document, Identity
from viewer.imaging.tags import Header, read_header
from viewer.jobs import JobQueue
from viewer.session import Session
from viewer.widgets.main_window import MainWindow
from viewer.widgets.tag_browser import TagBrowser

FEMUR, TIBIA = "Femur", "Tibia"
MARKUP = "<b>Doe</b>^John"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of films with two regions and a name: the file's name, then elements by keyword."""

    def write_file(name: str = "film.dcm", **elements: object) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
        dataset.AnatomicRegionSequence = [region(FEMUR), region(TIBIA)]
        for keyword, value in {"PatientName": "Doe^John", "PatientID": "7", **elements}.items():
            setattr(dataset, keyword, value)
        pydicom.dcmwrite(tmp_path / name, dataset, enforce_file_format=True)
        return tmp_path / name

    return write_file


def region(meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodeMeaning = "T-1", meaning
    return made


@pytest.fixture
def header(write) -> Header:
    return read_header(write())


@pytest.fixture
def browser(qtbot, header) -> TagBrowser:
    widget = TagBrowser()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    widget.show_header(header)
    return widget


def lines(browser: TagBrowser) -> list[str]:
    """Return what can be seen in the tree from the top down: indented names with their values."""
    model, tree = browser.tree.model(), browser.tree
    seen: list[str] = []

    def look(parent: QModelIndex, indent: str) -> None:
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            seen.append(f"{indent}{index.siblingAtColumn(1).data()}: {index.siblingAtColumn(4).data()}")
            if tree.isExpanded(index):
                look(index, f"{indent}  ")

    look(QModelIndex(), "")
    return seen


def row_of(browser: TagBrowser, name: str) -> QModelIndex:
    model = browser.tree.model()
    found = model.match(model.index(0, 1), Qt.ItemDataRole.DisplayRole, name, 1, Qt.MatchFlag.MatchRecursive)
    return found[0].siblingAtColumn(0)


def click(browser: TagBrowser, qtbot, index: QModelIndex, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    browser.tree.scrollTo(index)
    at = browser.tree.visualRect(index).center()
    qtbot.mouseClick(browser.tree.viewport(), Qt.MouseButton.LeftButton, modifier, at)


def unfold(browser: TagBrowser, qtbot, index: QModelIndex) -> None:
    """Choose a row and unfold it with the keyboard."""
    click(browser, qtbot, index)
    qtbot.keyClick(browser.tree, Qt.Key.Key_Right)


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def texts(browser: TagBrowser, index: QModelIndex) -> list[str]:
    return [index.siblingAtColumn(column).data() for column in range(5)]


# ------------------------------------------------------------------------------------------------------------ looking


def test_sequences_are_folded_until_they_are_opened(browser, qtbot):
    assert "Anatomic Region Sequence: 2 items" in lines(browser)
    assert not any(FEMUR in line for line in lines(browser))
    unfold(browser, qtbot, row_of(browser, "Anatomic Region Sequence"))
    unfold(browser, qtbot, row_of(browser, "Item 1"))
    at = lines(browser).index("Anatomic Region Sequence: 2 items")
    assert lines(browser)[at + 1 : at + 5] == [
        "  Item 1: 2 elements", "    Code Value: T-1", f"    Code Meaning: {FEMUR}", "  Item 2: 2 elements",
    ]  # fmt: skip


def test_a_row_has_five_columns(browser):
    assert texts(browser, row_of(browser, "Patient's Name")) == ["(0010,0010)", "Patient's Name", "PN", "1", "Doe^John"]


def test_the_file_is_named_in_the_title(browser):
    assert browser.windowTitle() == "Header of film.dcm"


def test_a_name_that_looks_like_markup_is_shown_letter_by_letter(browser, write):
    browser.show_header(read_header(write(PatientName=MARKUP)))
    value = row_of(browser, "Patient's Name").siblingAtColumn(4)
    assert value.data() == MARKUP
    assert value.data(Qt.ItemDataRole.ToolTipRole) == "<span>&lt;b&gt;Doe&lt;/b&gt;^John</span>"


def test_a_private_element_names_who_reserved_it(browser, write):
    block = Dataset().private_block(0x0029, "ACME 1.0", create=True)
    block.add_new(0x01, "LO", "secret")
    path = write()
    dataset = pydicom.dcmread(path)
    dataset.update(block.dataset)
    dataset.save_as(path)
    browser.show_header(read_header(path))
    assert "Private element  [ACME 1.0]: secret" in lines(browser)


def test_the_model_keeps_the_rules_of_item_models(browser, write, qtbot):
    # What the tester finds is a warning of Qt's, and fails the test.
    tester = QAbstractItemModelTester(browser.tree.model(), QAbstractItemModelTester.FailureReportingMode.Warning)
    unfold(browser, qtbot, row_of(browser, "Anatomic Region Sequence"))
    qtbot.keyClicks(browser.search_field, "tibia")
    browser.show_header(read_header(write("next.dcm", PatientComments=TIBIA)))
    assert tester.model().rowCount() == 2


# ---------------------------------------------------------------------------------------------------------- searching


def test_typing_hides_what_does_not_match_and_unfolds_what_stands_above(browser, qtbot):
    qtbot.keyClicks(browser.search_field, "tibia")
    assert lines(browser) == [
        "Anatomic Region Sequence: 2 items", "  Item 2: 2 elements", f"    Code Meaning: {TIBIA}",
    ]  # fmt: skip


def test_what_stands_under_a_match_can_be_opened(browser, qtbot):
    qtbot.keyClicks(browser.search_field, "0008,2218")
    assert lines(browser) == ["Anatomic Region Sequence: 2 items"]
    unfold(browser, qtbot, row_of(browser, "Anatomic Region Sequence"))
    assert lines(browser)[1:] == ["  Item 1: 2 elements", "  Item 2: 2 elements"]


def test_the_hands_are_in_the_search_from_the_beginning_and_stay_there(browser):
    browser.show_sentence("film.png", "film.png is not a DICOM file: it has no header of this kind.")
    assert browser.focusWidget() is browser.search_field


def test_the_first_escape_ends_the_search_and_the_second_closes(browser, qtbot):
    everything = lines(browser)
    qtbot.keyClicks(browser.search_field, "nowhere")
    assert lines(browser) == []
    qtbot.keyClick(browser.search_field, Qt.Key.Key_Escape)
    assert lines(browser) == everything
    assert browser.isVisible()
    qtbot.keyClick(browser.search_field, Qt.Key.Key_Escape)
    assert not browser.isVisible()


def test_a_search_leaves_no_row_unfolded_that_the_user_had_folded(browser, qtbot):
    everything = lines(browser)
    qtbot.keyClicks(browser.search_field, "tibia")
    browser.search_field.clear()
    assert lines(browser) == everything


def test_a_row_chosen_in_a_search_is_shown_among_the_others_afterwards(browser, qtbot):
    qtbot.keyClicks(browser.search_field, "tibia")
    click(browser, qtbot, row_of(browser, "Code Meaning"))
    browser.search_field.clear()
    assert texts(browser, browser.tree.currentIndex())[4] == TIBIA
    assert f"    Code Meaning: {TIBIA}" in lines(browser)


def test_a_search_through_many_rows_lets_the_hands_have_their_turn(browser, write, qtbot):
    many = [region(f"region {number}") for number in range(1000)]
    browser.show_header(read_header(write(AnatomicRegionSequence=many)))
    browser.search_field.setText("region 999")
    assert browser.search_field.text() == "region 999"
    assert not any("region 999" in line for line in lines(browser))
    qtbot.waitUntil(lambda: lines(browser)[-1:] == ["    Code Meaning: region 999"])


def test_while_a_search_lasts_no_row_of_the_last_file_stands_under_the_name_of_the_next(browser, write, qtbot):
    qtbot.keyClicks(browser.search_field, "name john")
    assert lines(browser) == ["Patient's Name: Doe^John"]
    many = [region(f"region {number}") for number in range(1000)]
    browser.show_header(read_header(write(PatientName="Roe^John", AnatomicRegionSequence=many)))
    assert lines(browser) == []
    qtbot.waitUntil(lambda: lines(browser) == ["Patient's Name: Roe^John"])


# ------------------------------------------------------------------------------------------------- from file to file


def test_another_file_keeps_search_and_unfolded_rows(browser, write, qtbot):
    unfold(browser, qtbot, row_of(browser, "Anatomic Region Sequence"))
    unfold(browser, qtbot, row_of(browser, "Item 2"))
    browser.show_header(read_header(write("next.dcm", AnatomicRegionSequence=[region("Fibula"), region("Patella")])))
    assert "    Code Meaning: Patella" in lines(browser)
    assert "    Code Meaning: Fibula" not in lines(browser)
    qtbot.keyClicks(browser.search_field, "name")
    browser.show_header(read_header(write("last.dcm", PatientName="Roe^Ann")))
    assert "Patient's Name: Roe^Ann" in lines(browser)
    assert "Patient ID: 7" not in lines(browser)


def test_a_file_without_the_unfolded_row_does_not_make_it_forgotten(browser, header, write, qtbot):
    unfold(browser, qtbot, row_of(browser, "Anatomic Region Sequence"))
    browser.show_header(read_header(write("plain.dcm", AnatomicRegionSequence=[])))
    assert "  Item 1: 2 elements" not in lines(browser)
    browser.show_header(header)
    assert "  Item 1: 2 elements" in lines(browser)


def test_the_chosen_row_stays_chosen_in_another_file(browser, write, qtbot):
    click(browser, qtbot, row_of(browser, "Patient's Name"))
    browser.show_header(read_header(write("next.dcm", AccessionNumber="before it", PatientName="Roe^Ann")))
    assert texts(browser, browser.tree.currentIndex())[4] == "Roe^Ann"


def test_a_sentence_takes_the_place_of_the_rows(browser):
    browser.show_sentence("film.png", "film.png is not a DICOM file: it has no header of this kind.")
    assert browser.sentence.isVisible()
    assert not browser.tree.isVisible()
    assert not browser.export_button.isEnabled()
    assert lines(browser) == []


# ------------------------------------------------------------------------------------------------------------ copying


def test_chosen_rows_are_copied_whole_from_the_top_down(browser, qtbot):
    click(browser, qtbot, row_of(browser, "Patient ID"))
    click(browser, qtbot, row_of(browser, "Patient's Name"), Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(browser.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard() == "(0010,0010)\tPatient's Name\tPN\t1\tDoe^John\n(0010,0020)\tPatient ID\tLO\t1\t7"


def test_the_menu_copies_values_alone_and_unshortened(browser, write, qtbot):
    browser.show_header(read_header(write(PatientComments="x" * 300)))
    click(browser, qtbot, row_of(browser, "Patient Comments"))
    menu = browser.tree.context_menu()
    next(action for action in menu.actions() if action.text() == "Copy values").trigger()
    assert clipboard() == "x" * 300


def test_nothing_chosen_leaves_the_clipboard_alone(browser, qtbot):
    QGuiApplication.clipboard().setText("before")
    qtbot.keyClick(browser.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard() == "before"


# ----------------------------------------------------------------------------------------------------------- the desk


class Place:
    """A window with its session, its queue and the desk under test."""

    def __init__(self) -> None:
        self.window, self.session, self.queue = MainWindow(), Session(), JobQueue(2)
        self.desk = TagsDesk(self.window, self.session, self.queue)
        self.browser = self.desk.browser

    def show(self, instance) -> None:
        """Do as the desk of the films does when another film is chosen."""
        self.desk.leave_film()
        self.session.choose(instance)
        QApplication.processEvents()

    def close_films(self) -> None:
        self.desk.leave_film()
        self.session.close_all()
        QApplication.processEvents()


@pytest.fixture
def place(qtbot):
    made = Place()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    assert made.queue.shut_down()
    QApplication.processEvents()


@pytest.fixture
def open_place(place, write, instance, qtbot):
    place.show(instance(str(write())))
    place.window.action("tags").trigger()
    qtbot.waitUntil(lambda: "Patient's Name: Doe^John" in lines(place.browser))
    return place


def test_without_a_film_there_is_nothing_to_open(place):
    assert not place.window.action("tags").isEnabled()
    place.window.action("tags").trigger()
    assert not place.browser.isVisible()


def test_the_window_follows_from_film_to_film(open_place, write, instance, qtbot):
    open_place.show(instance(str(write("next.dcm", PatientName="Roe^Ann"))))
    qtbot.waitUntil(lambda: "Patient's Name: Roe^Ann" in lines(open_place.browser))
    assert open_place.browser.windowTitle() == "Header of next.dcm"


def test_a_closed_window_shows_the_current_film_when_it_is_opened_again(open_place, write, instance, qtbot):
    open_place.browser.close()
    open_place.show(instance(str(write("next.dcm", PatientName="Roe^Ann"))))
    open_place.window.action("tags").trigger()
    qtbot.waitUntil(lambda: "Patient's Name: Roe^Ann" in lines(open_place.browser))


def test_frames_of_one_file_do_not_have_it_read_again(open_place, instance, qtbot):
    shown = open_place.browser.header
    open_place.show(instance(str(shown.path), frame=1, frames=2))
    qtbot.wait(100)
    assert open_place.browser.header is shown


def test_a_header_that_keeps_one_waiting_takes_the_last_one_away(open_place, write, instance, qtbot):
    def hold():
        while held:
            time.sleep(0.01)
            yield

    held = [True]
    for _ in range(2):
        open_place.queue.start(open_place.queue.submit(hold(), "hold"))
    open_place.show(instance(str(write("next.dcm", PatientName="Roe^Ann"))))
    qtbot.waitUntil(lambda: open_place.browser.sentence.text() == "The header is being read.")
    assert lines(open_place.browser) == []
    held.clear()
    qtbot.waitUntil(lambda: "Patient's Name: Roe^Ann" in lines(open_place.browser))


def test_a_film_that_is_no_dicom_file_gets_a_sentence(open_place, tmp_path, instance, qtbot):
    (tmp_path / "film.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    open_place.show(instance(str(tmp_path / "film.png"), is_dicom=False))
    qtbot.waitUntil(open_place.browser.sentence.isVisible)
    qtbot.waitUntil(lambda: "film.png is not a DICOM file: it has no" in open_place.browser.sentence.text())


def test_when_the_films_are_closed_their_header_goes_too(open_place):
    open_place.close_films()
    assert open_place.browser.sentence.text() == "No film is open."
    assert open_place.browser.windowTitle() == "Header"
    assert not open_place.window.action("tags").isEnabled()


def test_a_document_in_the_place_of_the_film_has_its_header_too(open_place, write, qtbot):
    report = Document(write("report.dcm", PatientID="of the report"), "report", "Report", Identity())
    open_place.session.add(report)
    open_place.desk.take_document(report)
    open_place.session.show_document()
    qtbot.waitUntil(lambda: "Patient ID: of the report" in lines(open_place.browser))
    assert open_place.window.action("tags").isEnabled()
    open_place.close_films()
    assert open_place.browser.sentence.text() == "No film is open."


def test_a_file_that_is_no_film_is_shown_on_request(place, write, qtbot):
    place.desk.show_file(write("report.dcm", Modality="SR"))
    qtbot.waitUntil(lambda: "Modality: SR" in lines(place.browser))


def test_the_header_is_written_where_the_user_says(open_place, tmp_path, monkeypatch, qtbot):
    target = tmp_path / "out.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), "Text (*.txt)"))
    qtbot.mouseClick(open_place.browser.export_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(target.exists)
    assert "(0010,0010) PN [Doe^John]" in target.read_text(encoding="utf-8")
    qtbot.waitUntil(lambda: open_place.browser.said == "The header was written to out.txt.")


def test_a_text_that_cannot_be_written_gets_a_sentence(open_place, tmp_path, qtbot):
    open_place.desk.export(tmp_path / "no such folder" / "out.txt")
    qtbot.waitUntil(lambda: bool(open_place.browser.findChildren(QMessageBox)))
    (box,) = open_place.browser.findChildren(QMessageBox)
    assert box.text().startswith("out.txt could not be written: ")
    box.close()
