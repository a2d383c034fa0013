"""Documents on the screen: plain text that can be copied and followed, PDF pages that are asked for and zoomed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from viewer.imaging.documents.content import DocumentContent, Line, Reference
from viewer.imaging.image import Identity
from viewer.widgets import icons
from viewer.widgets.controls import Notice
from viewer.widgets.document_page import DocumentPage
from viewer.widgets.pdf_view import MARGIN_PX

Grab = Callable[[QWidget], np.ndarray]
PAGES = ((100.0, 200.0), (100.0, 200.0), (50.0, 100.0))
CT = Reference("1.2.9", "CT Image, frame 2", 2)


@pytest.fixture
def page(qtbot: QtBot) -> DocumentPage:
    """Return a page of 500 by 400 points on screen."""
    widget = DocumentPage()
    qtbot.addWidget(widget)
    widget.resize(500, 400)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def content(*lines: Line, **fields: Any) -> DocumentContent:
    stated = {"kind": "report", "title": "Chest report", "kind_name": "Basic Text SR", "identity": Identity(), **fields}
    return DocumentContent(lines=lines, **stated)


def pdf(**fields: Any) -> DocumentContent:
    return content(**{"kind": "pdf", "pdf": b"%PDF-1.7 of a test", "page_sizes_pt": PAGES, **fields})


def visible_texts(page: DocumentPage) -> list[str]:
    QApplication.processEvents()
    return [label.text() for label in page.findChildren(QLabel) if label.isVisible() and label.text()]


def notices(page: DocumentPage) -> list[str]:
    QApplication.processEvents()
    return [notice.accessibleName() for notice in page.findChildren(Notice) if notice.isVisible()]


def place_of(page: DocumentPage, word: str) -> QPoint:
    """Return the middle of a word in the text, in points of the viewport."""
    cursor = page.text.document().find(word)
    end = page.text.cursorRect(cursor)
    cursor.setPosition(cursor.selectionStart())
    return QRect(page.text.cursorRect(cursor).topLeft(), end.bottomRight()).center()


def wheel(widget: QWidget, notches: int, modifiers: Qt.KeyboardModifier, at: QPointF) -> None:
    place = widget.mapToGlobal(at)
    turned = QPoint(0, 120 * notches)
    none = Qt.MouseButton.NoButton
    event = QWheelEvent(at, place, QPoint(), turned, none, modifiers, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget, event)


# --------------------------------------------------------------------------------------------------------------- head


def test_a_page_without_a_document_says_so(page: DocumentPage):
    assert visible_texts(page) == ["No document is open."]


def test_the_head_shows_title_patient_and_what_is_known(page: DocumentPage):
    identity = Identity(patient_name="Doe Jane", patient_id="77", birth_date="1970-01-02", sex="F")
    page.show_document(content(identity=identity, date="2024-01-02", facts=(("Author", "Ray Anna"),)))
    assert visible_texts(page) == [
        "Chest report", "Doe Jane   ID 77   born 1970-01-02   F", "Kind", "Basic Text SR", "Date", "2024-01-02",
        "Author", "Ray Anna",
    ]  # fmt: skip


@pytest.mark.parametrize(("is_verified", "tone"), [(True, ""), (False, "warning")])
def test_a_status_that_is_not_final_stands_out(page: DocumentPage, is_verified: bool, tone: str):
    page.show_document(content(status="Partial", is_verified=is_verified))
    (status,) = [label for label in page.findChildren(QLabel) if label.text() == "Partial"]
    assert status.property("tone") == tone


def test_the_head_of_the_last_document_is_gone(page: DocumentPage):
    page.show_document(content(status="Partial", facts=(("Author", "Ray Anna"),), notices=("Cut.",)))
    page.show_document(content(title="Other"))
    assert visible_texts(page) == ["Other", "Kind", "Basic Text SR"]
    assert notices(page) == []


def test_notices_stand_above_the_text(page: DocumentPage):
    page.show_document(content(notices=("Only the first 5 lines of the document are shown.",)))
    assert notices(page) == ["Only the first 5 lines of the document are shown."]


def test_a_document_that_cannot_be_shown_says_why(page: DocumentPage):
    page.show_document(content(Line(0, value="old")))
    page.show_problem("Letter", "letter.dcm could not be opened: it is damaged.")
    assert notices(page) == ["letter.dcm could not be opened: it is damaged."]
    assert "Letter" in visible_texts(page)
    assert not page.text.isVisible()


@pytest.mark.parametrize("kind", ["report", "pdf", "presentation state", "key objects"])
def test_every_kind_of_document_has_an_icon(kind: Any, qtbot: QtBot):
    drawn = icons.pixmap(icons.DOCUMENTS[kind], 24, 1.0).toImage()
    assert any(drawn.pixelColor(x, y).alpha() for x in range(24) for y in range(24))


# --------------------------------------------------------------------------------------------------------------- text


def test_lines_are_shown_with_their_names_values_and_relationships(page: DocumentPage):
    page.show_document(
        content(Line(0, "Lungs", "TID 2000", is_heading=True), Line(1, "Size", "12 mm", "inferred from"), Line(1, value="x"))
    )
    assert page.text.toPlainText() == "Lungs   TID 2000\nSize  12 mm   inferred from\nx"


def test_deeper_lines_are_indented(page: DocumentPage):
    page.show_document(content(Line(0, value="a"), Line(2, value="b"), Line(30, value="c")))
    blocks = [page.text.document().findBlockByNumber(i).blockFormat().leftMargin() for i in range(3)]
    assert blocks == [0, 36, 180]


def test_markup_is_only_letters(page: DocumentPage):
    marked = "<b>Doe</b> &amp; <img src='x'><a href='file:///x'>y</a>"
    line = Line(0, marked, marked, marked, references=(Reference("1.2.9", marked),))
    page.show_document(content(line, title=marked, identity=Identity(patient_name=marked), facts=(("A", marked),)))
    assert page.text.toPlainText() == f"{marked}  {marked}  {marked}   {marked}"
    assert visible_texts(page)[:2] == [marked, marked]
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in page.findChildren(QLabel) if label.text())


def test_what_is_selected_is_copied_as_plain_text(page: DocumentPage, qtbot: QtBot):
    page.show_document(content(Line(0, "Finding", "First.\nSecond."), Line(0, value="Third.")))
    page.text.setFocus()
    qtbot.keyClick(page.text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(page.text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().mimeData()
    assert (copied.text(), copied.hasHtml()) == ("Finding\nFirst.\nSecond.\nThird.", False)


def test_the_whole_is_copied_with_its_head(page: DocumentPage, qtbot: QtBot):
    page.show_document(content(Line(0, "Finding", "Clear."), status="Complete, verified"))
    qtbot.mouseClick(page.copy_button, Qt.MouseButton.LeftButton)
    text = "Chest report\nKind: Basic Text SR\nStatus: Complete, verified\n\nFinding  Clear."
    assert QGuiApplication.clipboard().text() == text


def test_the_text_cannot_be_typed_over(page: DocumentPage, qtbot: QtBot):
    page.show_document(content(Line(0, value="Clear.")))
    qtbot.keyClicks(page.text, "xyz")
    assert page.text.toPlainText() == "Clear."


def test_the_next_document_begins_at_its_top(page: DocumentPage):
    many = [Line(0, value=str(i)) for i in range(200)]
    page.show_document(content(*many))
    page.text.moveCursor(QTextCursor.MoveOperation.End)
    page.show_document(content(*many))
    assert page.text.verticalScrollBar().value() == 0


# --------------------------------------------------------------------------------------------------------- references


def test_a_reference_is_chosen_with_a_click(page: DocumentPage, qtbot: QtBot):
    page.show_document(content(Line(0, "Source", references=(Reference("1.2.8", "MR Image"), CT))))
    assert page.text.toPlainText() == "Source  MR Image, CT Image, frame 2"
    with qtbot.waitSignal(page.reference_chosen) as chosen:
        qtbot.mouseClick(page.text.viewport(), Qt.MouseButton.LeftButton, pos=place_of(page, "CT Image"))
    assert chosen.args == ["1.2.9", 2]


def test_a_reference_is_chosen_with_the_keyboard(page: DocumentPage, qtbot: QtBot):
    page.show_document(content(Line(0, "Source", references=(CT,))))
    page.text.setFocus()
    qtbot.keyClick(page.text, Qt.Key.Key_Tab)
    with qtbot.waitSignal(page.reference_chosen) as chosen:
        qtbot.keyClick(page.text, Qt.Key.Key_Return)
    assert chosen.args == ["1.2.9", 2]
    assert page.text.toPlainText() == "Source  CT Image, frame 2"


def test_references_bear_the_names_of_what_is_open(page: DocumentPage, qtbot: QtBot):
    line = Line(0, references=(Reference("1.2.8", "MR Image"), CT))
    page.show_document(content(line), {"1.2.9": "CT, series 2, image 4"})
    assert page.text.toPlainText() == "MR Image (not open), CT, series 2, image 4"
    with qtbot.assertNotEmitted(page.reference_chosen):
        qtbot.mouseClick(page.text.viewport(), Qt.MouseButton.LeftButton, pos=place_of(page, "MR Image"))


# ---------------------------------------------------------------------------------------------------------------- PDF


def asked(page: DocumentPage, qtbot: QtBot, document: DocumentContent) -> list[tuple[int, float]]:
    """Show a PDF and return which pages it asked for, each answered in grey."""
    wanted: list[tuple[int, float]] = []

    def answer(number: int, scale: float) -> None:
        wanted.append((number, scale))
        width, height = PAGES[number]
        page.show_page(number, scale, np.full((round(height * scale), round(width * scale), 3), 60 + number, np.uint8))

    page.page_wanted.connect(answer)
    with qtbot.waitSignal(page.page_wanted):
        page.show_document(document)
    return wanted


def test_the_pages_in_sight_are_asked_for_as_wide_as_the_view(page: DocumentPage, qtbot: QtBot):
    wanted = asked(page, qtbot, pdf())
    scale = (page.pdf.viewport().width() - 2 * MARGIN_PX) / 100
    assert wanted == [(0, pytest.approx(scale))]
    assert not page.copy_button.isVisible()


def test_a_page_is_drawn_pixel_by_pixel_on_a_dark_ground(page: DocumentPage, qtbot: QtBot, grabbed: Grab):
    asked(page, qtbot, pdf())
    pixels = grabbed(page.pdf.viewport())
    assert (pixels[MARGIN_PX:, MARGIN_PX : pixels.shape[1] - MARGIN_PX] == 60).all()
    assert pixels[: MARGIN_PX - 1].max() < 40


def test_scrolling_asks_for_the_next_pages(page: DocumentPage, qtbot: QtBot):
    wanted = asked(page, qtbot, pdf())
    with qtbot.waitSignal(page.page_wanted, check_params_cb=lambda number, _: number == 2):
        qtbot.keyClick(page.pdf, Qt.Key.Key_End)
    assert {number for number, _ in wanted} <= {0, 1, 2}
    assert page.pdf.current_page() == 2
    assert any(text.startswith("Page 3 of 3") for text in visible_texts(page))


def test_control_and_the_wheel_zoom_around_the_cursor(page: DocumentPage, qtbot: QtBot):
    wanted = asked(page, qtbot, pdf())
    before, at = page.pdf.scale(), QPointF(100, 150)
    place = (page.pdf.verticalScrollBar().value() + at.y()) / before
    with qtbot.waitSignal(page.page_wanted):
        wheel(page.pdf.viewport(), 1, Qt.KeyboardModifier.ControlModifier, at)
    assert page.pdf.scale() == pytest.approx(1.25 * before)
    assert wanted[-1][1] == pytest.approx(1.25 * before)
    assert (page.pdf.verticalScrollBar().value() + at.y()) / page.pdf.scale() == pytest.approx(place, abs=1)


def test_the_wheel_alone_scrolls(page: DocumentPage, qtbot: QtBot):
    asked(page, qtbot, pdf())
    scale = page.pdf.scale()
    wheel(page.pdf.viewport(), -1, Qt.KeyboardModifier.NoModifier, QPointF(100, 100))
    assert (page.pdf.verticalScrollBar().value() > 0, page.pdf.scale()) == (True, scale)


def test_buttons_and_keys_zoom_and_fit(page: DocumentPage, qtbot: QtBot):
    asked(page, qtbot, pdf())
    fitted = page.pdf.scale()
    qtbot.mouseClick(page.zoom_in_button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(page.pdf, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert page.pdf.scale() == pytest.approx(fitted * 1.25**2)
    qtbot.mouseClick(page.zoom_out_button, Qt.MouseButton.LeftButton)
    assert page.pdf.scale() == pytest.approx(fitted * 1.25)
    qtbot.mouseClick(page.fit_button, Qt.MouseButton.LeftButton)
    assert page.pdf.scale() == pytest.approx(fitted)


def test_a_fitted_pdf_follows_the_width_of_the_window(page: DocumentPage, qtbot: QtBot):
    wanted = asked(page, qtbot, pdf())
    with qtbot.waitSignal(page.page_wanted):
        page.resize(700, 400)
    assert wanted[-1][1] == pytest.approx((page.pdf.viewport().width() - 2 * MARGIN_PX) / 100)


def test_the_place_in_a_fitted_pdf_is_kept_when_the_window_is_resized(page: DocumentPage, qtbot: QtBot):
    asked(page, qtbot, pdf())
    bar = page.pdf.verticalScrollBar()
    bar.setValue(round(MARGIN_PX + 100 * page.pdf.scale()))
    with qtbot.waitSignal(page.page_wanted):
        page.resize(350, 400)
    assert (bar.value() - MARGIN_PX) / page.pdf.scale() == pytest.approx(100, abs=1)


def test_a_page_that_cannot_be_drawn_is_not_asked_for_again(page: DocumentPage, qtbot: QtBot):
    with qtbot.waitSignal(page.page_wanted):
        page.show_document(pdf(page_sizes_pt=PAGES[:1]))
    page.show_page_problem(0, "Page 1 could not be opened: its PDF is damaged.")
    with qtbot.assertNotEmitted(page.page_wanted, wait=200):
        page.pdf.zoom(2.0)


def test_a_page_of_another_document_is_let_be(page: DocumentPage, qtbot: QtBot):
    asked(page, qtbot, pdf())
    page.show_document(pdf(page_sizes_pt=PAGES[:1]))
    page.show_page(2, 1.0, np.zeros((100, 50, 3), np.uint8))
    assert page.pdf.page_count() == 1


def test_a_copy_of_the_pdf_is_saved_where_the_user_says(
    page: DocumentPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = tmp_path / "letter"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    page.show_document(pdf())
    qtbot.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    assert (tmp_path / "letter.pdf").read_bytes() == b"%PDF-1.7 of a test"


def test_a_copy_that_cannot_be_written_is_a_sentence(
    page: DocumentPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chosen = tmp_path / "nowhere" / "letter.pdf"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    page.show_document(pdf())
    qtbot.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    assert notices(page) == ["letter.pdf could not be written: No such file or directory."]


def test_a_damaged_pdf_is_a_notice_and_can_still_be_saved(page: DocumentPage):
    page.show_document(pdf(page_sizes_pt=(), notices=("letter.dcm could not be opened: its PDF is damaged.",)))
    assert notices(page) == ["letter.dcm could not be opened: its PDF is damaged."]
    assert (page.save_button.isVisible(), page.pdf.isVisible()) == (True, False)


def test_a_report_has_nothing_to_save(page: DocumentPage):
    page.show_document(content(Line(0, value="Clear.")))
    assert (page.save_button.isVisible(), page.copy_button.isVisible()) == (False, True)
