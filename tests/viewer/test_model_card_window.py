"""Help > Model facts: the card of the model that reads, shown, with films of this machine, and saved as a page."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from viewer.desk.model_facts import NO_MODEL, ModelFactsDesk
from viewer.errors import SecondReaderError
from viewer.jobs import JobQueue
from viewer.second_reader.model_card import read_model_card, write_model_card
from viewer.widgets.main_window import MainWindow
from viewer.widgets.model_card_window import FILM_WIDTH, ModelCardWindow

IMAGE = QTextDocument.ResourceType.ImageResource.value
SHARE = {"count": 1, "total": 2, "value": 0.5, "low": 0.1, "high": 0.9}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the folder of a model with four held-out films, one answered wrongly; it has no weights."""
    folder = tmp_path / "little"
    folder.mkdir()
    head = "sha256,origin_sha256,address,url,licence,source,view,age,sex,truth,answer,fold,p_ill,p_well\n"
    films = [("1", "ill", "ill", 0.9), ("2", "ill", "well", 0.2), ("3", "well", "well", 0.1), ("4", "well", "well", 0.3)]
    rows = [f"{n * 64},,,,,ieee:Italy,PA,50,F,{t},{a},{int(n) % 2},{p},{1 - p:.1f}\n" for n, t, a, p in films]
    (folder / "examples.csv").write_text(head + "".join(rows), encoding="utf-8")
    digest = hashlib.sha256((folder / "examples.csv").read_bytes()).hexdigest()
    card = {
        "format": 1, "name": "little", "title": "A little model", "version": "1.0", "recipe": "x", "positive": "ill",
        "classes": [{"name": "ill", "title": "Ill"}, {"name": "well", "title": "Well"}], "preprocessing": {},
        "members": ["fold-0"], "protocol_members": [], "temperature": 1.0, "files": {"examples.csv": digest},
        "confusion_matrix": {"counts": [[1, 1], [0, 2]]}, "heatmap": {}, "neighbours": {}, "thresholds": {},
        "facts": {"not_for": "Anything but this test."}, "metrics": {"cross_validation": {"films": 4, "accuracy": SHARE}},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


class Reader(QObject):
    """What the desk asks of the reading desk: the folder of the model that reads."""

    model_folder: Path | None = None


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def desk(qtbot: QtBot, reader: Reader) -> ModelFactsDesk:
    window = MainWindow()
    qtbot.addWidget(window)
    queue = JobQueue(1, window)
    made = ModelFactsDesk(window, queue, reader)  # type: ignore[arg-type]
    qtbot.addWidget(made.dialog)
    yield made
    assert queue.shut_down(5000)


def film(path: Path) -> Path:
    PillowImage.fromarray(np.full((300, 240), 90, np.uint8)).save(path)
    return path


def test_the_menu_shows_the_card_of_the_model_that_reads(
    desk: ModelFactsDesk, reader: Reader, model: Path, qtbot: QtBot
) -> None:
    reader.model_folder = model
    desk.parent().action("model-facts").trigger()
    qtbot.waitUntil(desk.dialog.save_button.isEnabled)
    said = desk.dialog.browser.toPlainText()
    assert said.startswith("A little model\nlittle, version 1.0\nResearch and education only.")
    assert "Anything but this test." in said


def test_without_a_model_that_is_said(desk: ModelFactsDesk) -> None:
    desk.open()
    assert desk.dialog.browser.toPlainText() == NO_MODEL
    assert not desk.dialog.save_button.isEnabled()


def test_a_damaged_model_is_a_sentence(desk: ModelFactsDesk, reader: Reader, model: Path, qtbot: QtBot) -> None:
    (model / "examples.csv").write_text("", encoding="utf-8")
    reader.model_folder = model
    desk.open()
    sentence = "The held-out answers of the model little are not those its card describes."
    qtbot.waitUntil(lambda: desk.dialog.browser.toPlainText() == sentence)


def test_the_whole_card_is_saved(desk: ModelFactsDesk, reader: Reader, model: Path, tmp_path: Path, qtbot: QtBot) -> None:
    reader.model_folder = model
    desk.open()
    desk.save(tmp_path / "card.html")
    qtbot.waitUntil((tmp_path / "card.html").is_file)
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "CLAIM 2024" in page and "<img" not in page


def test_a_card_that_cannot_be_saved_is_a_sentence(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SecondReaderError, match=r"^card\.html could not be written: "):
        list(write_model_card(model, tmp_path / "nowhere" / "card.html"))


def test_films_of_this_machine_stand_beside_the_mistakes(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_HOME", str(tmp_path / "home"))
    links = tmp_path / "home" / "examples" / "little" / "links.json"
    links.parent.mkdir(parents=True)
    links.write_text(json.dumps({"2" * 64: str(film(tmp_path / "two.png")), "1" * 64: str(tmp_path / "two.png")}))
    work = read_model_card(model)
    assert next(work) == "Reading the model card"
    with pytest.raises(StopIteration) as end:
        next(work)
    assert end.value.value.films == {f"film:{'2' * 64}": tmp_path / "two.png"}


def test_the_text_draws_what_it_was_told_and_nothing_else(qtbot: QtBot, tmp_path: Path) -> None:
    window = ModelCardWindow()
    qtbot.addWidget(window)
    shown = film(tmp_path / "film.png")
    window.show_card('<img src="film:a"><img src="film:b">', {"film:a": shown, "film:c": tmp_path / "gone.png"})
    browser = window.browser
    assert browser.loadResource(IMAGE, QUrl("film:a")).width() == FILM_WIDTH
    for address in ("film:b", "film:c", QUrl.fromLocalFile(str(shown)).toString(), "https://example.org/x.png"):
        assert browser.loadResource(IMAGE, QUrl(address)) is None


def test_the_window_closes_by_its_button(qtbot: QtBot) -> None:
    window = ModelCardWindow()
    qtbot.addWidget(window)
    window.show()
    qtbot.mouseClick(window.close_button, Qt.MouseButton.LeftButton)
    assert not window.isVisible()
