"""A model is trained in the window, from a folder of films to the reading of a film with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot
from training_films import write_class_folders, write_table
from window_steps import READING_MS, drop, has_answer, read

from viewer import app
from viewer.imaging.phantom import write_film
from viewer.model_list import installed_models
from viewer.paths import own_models, training_folder
from viewer.widgets.training_window import TrainingWindow

TRAINING_MS = 300_000


class Trainer:
    """The hand at the training window."""

    def __init__(self, program: app.Program, qtbot: QtBot) -> None:
        self.program, self.qtbot = program, qtbot
        self.window: TrainingWindow = program.trainings.dialog
        program.window.action("train").trigger()

    def choose(self, data: Path, monkeypatch: pytest.MonkeyPatch, name: str, epochs: int = 1) -> None:
        """Choose films with the button, and a quick training of them."""
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(data))
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(data), ""))
        self.click(self.window.form.folder_button if data.is_dir() else self.window.form.table_button)
        self.qtbot.waitUntil(self.window.start_button.isEnabled, timeout=READING_MS)
        form = self.window.form
        form.recipe_selector.setCurrentIndex(form.recipe_selector.findData("chest_resnet"))
        form.epochs_field.setValue(epochs)
        form.name_field.setText(name)

    def click(self, button: object) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def start(self) -> None:
        self.click(self.window.start_button)
        assert self.window.is_running

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.window.is_running, timeout=TRAINING_MS)

    def close_and_keep_training(self) -> None:
        self.window.close()
        (box,) = self.window.findChildren(QMessageBox)
        self.click(next(button for button in box.buttons() if button.text() == "Keep training"))

    def has_model(self) -> bool:
        return self.window.outcome.isVisible()


@pytest.fixture
def trainer(program: app.Program, qtbot: QtBot) -> Trainer:
    return Trainer(program, qtbot)


def test_a_folder_of_films_becomes_a_model_that_reads_a_film(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, film = trainer.program, tmp_path / "film.dcm"
    write_film(film, rows=600, columns=500)
    trainer.choose(write_class_folders(tmp_path / "films"), monkeypatch, "two-kinds")
    trainer.start()
    read(program, trainer.qtbot, film)
    assert program.session.reading.model.name == "chest_resnet"
    trainer.wait()
    assert trainer.has_model(), trainer.window.failure()
    assert next(iter(installed_models())).name == "two-kinds"
    assert program.window.panel.model_selector.findData("two-kinds") >= 0
    trainer.click(trainer.window.outcome.read_button)
    trainer.qtbot.waitUntil(lambda: is_read_with(program, "two-kinds"), timeout=READING_MS)
    drop(program, tmp_path / "films" / "scar" / "scar00.png")
    trainer.qtbot.waitUntil(lambda: is_read_with(program, "two-kinds") and is_png(program), timeout=READING_MS)
    reading = program.session.reading
    assert {p.title for p in reading.probabilities} == {"scar", "normal"}
    assert len(reading.examples) == 29 and all(example.path is not None for example in reading.examples)


def is_png(program: app.Program) -> bool:
    return program.session.image.instance.path.suffix == ".png"


def is_read_with(program: app.Program, name: str) -> bool:
    return has_answer(program) and program.session.reading.model.name == name


def test_a_training_that_is_stopped_goes_on_where_it_was(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.choose(write_table(tmp_path / "films"), monkeypatch, "in-two-goes")
    networks: list[int] = []
    trainer.start()
    job = trainer.program.trainings.training
    job.progressed.connect(lambda progress: networks.append(progress.network))
    trainer.qtbot.waitUntil(lambda: 2 in networks, timeout=TRAINING_MS)
    trainer.click(trainer.window.cancel_button)
    trainer.wait()
    assert "Stopped" in trainer.window.doing()
    assert (training_folder("in-two-goes") / "members" / "fold-0.safetensors").is_file()
    assert not (own_models() / "in-two-goes").exists()
    networks.clear()
    trainer.start()
    trainer.program.trainings.training.progressed.connect(lambda progress: networks.append(progress.network))
    trainer.wait()
    assert trainer.has_model(), trainer.window.failure()
    assert 1 not in networks and 5 in networks
    assert not training_folder("in-two-goes").exists()


def test_a_film_that_has_changed_is_one_sentence_and_nothing_is_installed(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "films")
    trainer.choose(table, monkeypatch, "never")
    shutil.copy(tmp_path / "films/scar/scar00.png", tmp_path / "films/scar/scar01.png")
    trainer.start()
    trainer.wait()
    QApplication.processEvents()
    assert "scar01.png" in trainer.window.failure()
    assert not (own_models() / "never").exists()
    assert trainer.window.start_button.isEnabled()


def test_a_training_goes_on_while_its_window_is_closed(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.choose(write_table(tmp_path / "films"), monkeypatch, "behind")
    trainer.start()
    trainer.close_and_keep_training()
    button = trainer.program.window.training_button
    assert button.isVisible()
    trainer.wait()
    assert button.text() == "The model behind is trained"
    trainer.click(button)
    assert trainer.has_model()
