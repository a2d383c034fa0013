"""``--self-test`` for real, as an administrator calls it after an installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from viewer.paths import shipped_models

ROOT = Path(__file__).resolve().parents[2]
NO_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def test_the_whole_self_test_passes_without_a_screen(shipped_model: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in NO_SCREEN}
    command = [sys.executable, str(ROOT / "main.py"), "--self-test", "--json", "-"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(done.stdout)
    assert [row for row in found["checks"] if not row["passed"]] == []
    assert done.returncode == 0
    names = {row["check"] for row in found["checks"]}
    models = {f"Model {folder.parent.name}" for folder in shipped_models().glob("*/card.json")} - {"Model lungs"}
    others = {"Sample film", "Sample film read", "Heat map", "Lungs", "Fonts", "PDF report", "Translations", "Drafts"}
    assert models | others <= names
