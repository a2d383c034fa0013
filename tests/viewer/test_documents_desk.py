"""Documents in the place of the film, and the pictures they name."""

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from viewer.app import Program
from viewer.imaging.grayscale import default_voi
from viewer.imaging.image import Document, Identity


@pytest.fixture
def program(qtbot):
    made = Program()
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.shut_down()
    QApplication.processEvents()


@pytest.fixture
def states(program, shared_dicom, qtbot):
    """Return the open presentation states of one film by their title."""
    program.films.open([shared_dicom / "derived" / "gsps"])
    qtbot.waitUntil(lambda: len(program.session.studies.documents()) == 4, timeout=10_000)
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)
    return {document.title: document for document in program.session.studies.documents()}


def choose(program, qtbot, document: Document):
    program.documents.show_document(document)
    qtbot.waitUntil(lambda: program.documents.content is not None, timeout=10_000)


def follow(program, qtbot, document):
    choose(program, qtbot, document)
    program.window.document_page.reference_chosen.emit(document.refers_to[0], 1)
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)


def test_a_document_takes_the_place_of_the_film(program, states, qtbot):
    choose(program, qtbot, states["pr_window_graphics"])
    assert program.window.centre.currentWidget() is program.window.document_page
    assert program.session.image is None
    assert not program.window.action("fit").isEnabled()


def test_a_film_takes_the_place_of_the_document(program, states, qtbot):
    choose(program, qtbot, states["pr_window_graphics"])
    first = program.session.studies.patients()[0].studies[0].series[0].opened[0]
    program.films.show_instance(first.instance)
    assert program.window.centre.currentWidget() is program.window.film_page
    assert program.documents.content is None


def test_a_presentation_state_turns_its_picture_and_its_greys(program, states, qtbot):
    follow(program, qtbot, states["pr_inverse_rot90_flip"])
    canvas = program.window.canvas
    assert (canvas.geometry_of_view.rotation, canvas.geometry_of_view.mirrored) == (270, True)
    assert canvas.image.presentation_inverse != (canvas.image.photometric_interpretation == "MONOCHROME1")


def test_a_presentation_state_shows_its_area_and_its_window(program, states, qtbot):
    follow(program, qtbot, states["pr_zoomed_area"])
    canvas = program.window.canvas
    seen = canvas.transform.inverted()[0].mapRect(canvas.rect().toRectF())
    assert (round(seen.center().x()), round(seen.center().y())) == (200, 170)
    follow(program, qtbot, states["pr_window_graphics"])
    assert canvas.voi.explanation == "PR1"  # its content label


def test_the_second_reader_sees_the_picture_and_not_its_presentation(program, states, qtbot):
    seen = []
    program.films.film_shown.connect(seen.append)
    follow(program, qtbot, states["pr_inverse_rot90_flip"])
    assert len(seen) == 1
    assert seen[0].presentation_inverse != program.session.image.presentation_inverse


def test_a_document_that_has_gone_says_so(program, qtbot, tmp_path):
    program.documents.show_document(Document(tmp_path / "gone.dcm", "report", "Report", Identity()))
    page = program.window.document_page
    qtbot.waitUntil(lambda: any("no such file" in label.text() for label in page.findChildren(QLabel)), timeout=10_000)


def test_a_presentation_state_is_named_on_the_film_and_comes_back_with_escape(program, states, qtbot):
    follow(program, qtbot, states["pr_inverse_rot90_flip"])
    canvas, window = program.window.canvas, program.window
    assert canvas.corner_texts.notices[0] == "Presentation state: PR1"
    for name in ("rotate-right", "flip-horizontal", "invert", "reset"):
        window.action(name).trigger()
    assert (canvas.geometry_of_view.rotation, canvas.geometry_of_view.mirrored) == (270, True)
    assert not canvas.inverted


def test_a_film_chosen_in_the_list_is_shown_without_the_presentation_state(program, states, qtbot):
    follow(program, qtbot, states["pr_inverse_rot90_flip"])
    canvas = program.window.canvas
    program.films.show_instance(program.session.current)
    assert (canvas.geometry_of_view.rotation, canvas.geometry_of_view.mirrored) == (0, False)
    assert canvas.corner_texts.notices == ()
    assert canvas.voi == default_voi(canvas.image)


def test_a_document_has_the_keys_and_everything_can_be_closed_from_it(program, states, qtbot):
    choose(program, qtbot, states["pr_window_graphics"])
    window = program.window
    assert not any(window.action(name).isEnabled() for name in ("next-image", "next-series", "fit", "invert", "overlays"))
    assert window.document_page.focusProxy() is window.document_page.text
    window.action("close-all").trigger()
    assert window.centre.currentWidget() is window.start_screen
    assert program.documents.content is None


@pytest.mark.parametrize(("name", "enabled"), [("dx_overlay_6000_6002", True), ("dx_overlay_short_data", False)])
def test_overlays_can_be_switched_where_there_are_some(program, shared_dicom, qtbot, name, enabled):
    program.films.open([shared_dicom / "derived" / "overlay" / f"{name}.dcm"])
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=20_000)
    assert program.window.action("overlays").isEnabled() is enabled
    assert not program.window.action("shutter").isEnabled()
