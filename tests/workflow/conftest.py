"""The whole program on the offscreen platform, with the model that ships and, where they are, real films."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from PySide6.QtWidgets import QApplication

from viewer import app, paths
from viewer.reporting.fonts import register
from viewer.settings import Settings
from viewer.widgets import theme


@pytest.fixture
def shipped_model() -> Path:
    folder = paths.shipped_models() / "chest_resnet"
    if not (folder / "card.json").is_file():
        pytest.skip("the model is not in this checkout")
    return folder


@pytest.fixture
def program(qapp: QApplication, shipped_model: Path, tmp_path: Path) -> Iterator[app.Program]:
    register()
    theme.apply(qapp)
    program = app.Program(Settings(tmp_path / "settings.ini"))
    program.window.resize(1440, 900)
    program.window.show()
    yield program
    program.window.close()
    program.window.deleteLater()


@pytest.fixture
def png_film(shared_data: Path, tmp_path: Path) -> Path:
    """A real film, saved as PNG for the time of the test."""
    film = sorted((shared_data / "cxr" / "films").glob("*.jpg"))[0]
    path = tmp_path / "film.png"
    PillowImage.open(film).convert("L").save(path)
    return path


@pytest.fixture
def dicom_film(shared_dicom: Path) -> Path:
    return next((shared_dicom / "torchxrayvision" / "tests").glob("1.2.276*.dcm"))
