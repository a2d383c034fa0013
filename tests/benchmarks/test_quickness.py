"""How quick the program is: printed, never asserted (``pytest tests/benchmarks -s``); other machines, other numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

from viewer.imaging.phantom import write_film
from viewer.paths import shipped_models

ROOT = Path(__file__).resolve().parents[2]

BARE_WINDOW = """
import time
began = time.perf_counter()
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
window = QMainWindow()
window.show()
application.processEvents()
print(1000 * (time.perf_counter() - began))
"""


def run(*arguments: str | Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def test_the_window_is_up_before_the_network_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (shipped_models() / "chest_resnet" / "card.json").is_file():
        pytest.skip("the model is not in this checkout")
    for name in ("first", "second"):
        write_film(tmp_path / f"{name}.dcm", opacity=name == "second")
    bare = float(run("-c", BARE_WINDOW))
    found = json.loads(run(Path(__file__).with_name("window_run.py"), tmp_path / "first.dcm", tmp_path / "second.dcm"))
    with capsys.disabled():
        print(f"\nQuickness, against {bare:.0f} ms for a bare Qt window in a fresh interpreter")
        for name, milliseconds in found.items():
            if not isinstance(milliseconds, bool):
                print(f"  {name:<34} {milliseconds:8.0f} ms   x {milliseconds / bare:6.2f}")
    assert not found["torch before window"]
    assert not found["torch before film"]


FILES = 2000


def test_a_folder_of_two_thousand_slices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_film(tmp_path / "slice.dcm", rows=256, columns=256)
    dataset = pydicom.dcmread(tmp_path / "slice.dcm")
    folder = tmp_path / "series"
    folder.mkdir()
    for number in range(FILES):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        dataset.InstanceNumber = number + 1
        dataset.save_as(folder / f"{number}.dcm")
    bare = float(run("-c", BARE_WINDOW))
    found = json.loads(run(Path(__file__).with_name("folder_run.py"), folder, str(FILES)).splitlines()[-1])
    with capsys.disabled():
        print(f"\nA folder of {FILES:,} files, against {bare:.0f} ms for a bare Qt window in a fresh interpreter")
        print(f"  listed when the first picture is seen {found.pop('listed by then'):>6}")
        for name, milliseconds in found.items():
            print(f"  {name:<34} {milliseconds:8.1f} ms   x {milliseconds / bare:6.2f}")
