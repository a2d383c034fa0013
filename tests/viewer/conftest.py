"""Pictures, readings and hands for the tests of the viewer."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from viewer.imaging.image import Identity, Image, Instance, Opened
from viewer.imaging.phantom import write_film
from viewer.imaging.reader import read_file
from viewer.paths import shipped_models
from viewer.reading import HeatMap, ModelFacts, Reading
from viewer.widgets.canvas import Canvas
from viewer.widgets.second_reader_panel import SecondReaderPanel

THUMBNAIL = np.zeros((4, 4), np.uint8)


@pytest.fixture(scope="session")
def shipped_model() -> Path:
    """Return the folder of the model that ships, or of the one HILUM_TEST_MODEL names."""
    folder = Path(os.environ.get("HILUM_TEST_MODEL") or shipped_models() / "darkcovidnet")
    if not (folder / "card.json").is_file():
        pytest.skip("needs the model darkcovidnet in resources/models, or HILUM_TEST_MODEL set to its folder")
    return folder


@pytest.fixture(scope="session")
def synthetic_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small synthetic chest film as a DICOM DX file."""
    path = tmp_path_factory.mktemp("films") / "synthetic.dcm"
    write_film(path, rows=600, columns=500)
    return path


@pytest.fixture(scope="session")
def synthetic(synthetic_path: Path) -> Image:
    """Return the small synthetic chest film, decoded."""
    return read_file(synthetic_path)


@pytest.fixture(scope="session")
def instance() -> Callable[..., Instance]:
    """Return a maker of header records: the file's name, then any field of Instance or of Identity."""

    def make(name: str = "film.dcm", **fields: Any) -> Instance:
        identity = Identity(**{key: fields.pop(key) for key in list(fields) if key in Identity.__dataclass_fields__})
        stated = {"frame": 0, "frames": 1, "rows": 4, "columns": 4, "is_dicom": True, **fields}
        return Instance(path=Path(name), identity=identity, **stated)

    return make


@pytest.fixture(scope="session")
def opened(instance: Callable[..., Instance]) -> Callable[..., Opened]:
    """Return a maker of opened frames; fields as for ``instance``."""
    return lambda name="film.dcm", **fields: Opened(instance(name, **fields), THUMBNAIL)


@pytest.fixture(scope="session")
def picture(instance: Callable[..., Instance]) -> Callable[..., Image]:
    """Return a maker of images: pixels, then any field of Image, Instance or Identity."""

    def make(pixels: Any, dtype: str = "uint16", **fields: Any) -> Image:
        values = np.array(pixels, dtype)
        own = {key: fields.pop(key) for key in list(fields) if key in Image.__dataclass_fields__ and key != "identity"}
        record = instance(**{"rows": values.shape[0], "columns": values.shape[1], **fields})
        photometric = "RGB" if values.ndim == 3 else "MONOCHROME2"
        return Image(**{
            "instance": record, "pixels": values, "sha256": "a" * 64, "photometric_interpretation": photometric, **own,
        })  # fmt: skip

    return make


@pytest.fixture(scope="session")
def reading() -> Callable[..., Reading]:
    """Return a maker of readings of the film "aaa...", frame 0."""

    def make(**fields: Any) -> Reading:
        facts = ModelFacts("chest", "Chest", "1.0", "b" * 64)
        stated = {"sha256": "a" * 64, "sop_instance_uid": "", "frame": 0, "status": "read", "model": facts}
        return Reading(**{**stated, **fields})

    return make


@pytest.fixture(scope="session")
def one_hot_cell() -> Callable[..., HeatMap]:
    """Return a maker of maps that are 0 but for one cell, each cell ``step`` film pixels wide and high."""

    def make(shape: tuple[int, int], hot: tuple[int, int], step: float, **fields: Any) -> HeatMap:
        cells = np.zeros(shape, np.float32)
        cells[hot] = 1.0
        return HeatMap(**{
            "class_name": "covid", "cells": cells, "first_cell_row_column": (step / 2, step / 2),
            "step_row_column": (step, step), "bounds_row_column": (0.0, 0.0, shape[0] * step, shape[1] * step),
            "peak": 1.0, "full_scale": 1.0, "floor": 0.05, **fields,
        })  # fmt: skip

    return make


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    """Return a canvas of 400 by 300 points on screen, without corner texts."""
    widget = Canvas()
    qtbot.addWidget(widget)
    widget.corner_texts_visible = False
    widget.resize(400, 300)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture(scope="session")
def grabbed() -> Callable[[QWidget], np.ndarray]:
    """Return a function that says what a widget paints: RGB, int16 (rows, columns, 3)."""

    def grab(widget: QWidget) -> np.ndarray:
        picture = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        assert picture.devicePixelRatio() == 1
        rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
        return rows[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3).astype(np.int16)

    return grab


@pytest.fixture
def panel(qtbot: QtBot) -> SecondReaderPanel:
    """Return the second reader's panel, tall enough for everything it may show."""
    widget = SecondReaderPanel()
    qtbot.addWidget(widget)
    widget.resize(340, 2000)
    widget.show()
    return widget
