"""Each script has its letters on a machine without any font of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QTextLayout

from viewer.errors import ReportError
from viewer.reporting import fonts

ROOT = Path(__file__).resolve().parents[2]

SCRIPTS = {
    "Latin": "Ångström Żółć",
    "Vietnamese": "Nguyễn Thị Ước",
    "Greek": "Γεώργιος Ξένος",
    "Cyrillic": "Щукин Їжак",
    "Arabic": "نزار قباني پژوه",
    "Hebrew": "שלום עליכם",
    "Thai": "สวัสดี ผู้ป่วย",
    "Chinese": "王小东 張偉 肺炎 囧镕",
    "Japanese": "山田たろう ヤマダ",
    "Korean": "김철수 뷁",
    "signs": "≥ ≤ ± × → ≈ µ ° ½ ²",
}

WITHOUT_SYSTEM_FONTS = """
import sys
from PySide6.QtGui import QFont, QGuiApplication, QTextLayout
from viewer.reporting.fonts import font
application = QGuiApplication([])
layout = QTextLayout(sys.argv[1], font(12))
layout.beginLayout(); layout.createLine().setLineWidth(1e6); layout.endLayout()
print(all(all(run.glyphIndexes()) for run in layout.glyphRuns()))
"""


def glyph_runs(text: str, weight: QFont.Weight) -> list[tuple[str, bool]]:
    layout = QTextLayout(text, fonts.font(12, weight))
    layout.beginLayout()
    layout.createLine().setLineWidth(1e6)
    layout.endLayout()
    return [(run.rawFont().familyName(), all(run.glyphIndexes())) for run in layout.glyphRuns()]


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
@pytest.mark.parametrize("weight", [QFont.Weight.Normal, QFont.Weight.DemiBold, QFont.Weight.Bold])
def test_each_script_is_drawn_by_a_font_that_ships(qapp: object, text: str, weight: QFont.Weight) -> None:
    runs = glyph_runs(text, weight)
    assert all(complete for _, complete in runs)
    assert {family for family, _ in runs} <= set(fonts.FAMILIES)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fontconfig is where system fonts can be taken away")
def test_no_letter_is_missing_without_system_fonts(tmp_path: Path) -> None:
    empty = tmp_path / "fonts.conf"
    empty.write_text(f"<fontconfig><cachedir>{tmp_path}</cachedir></fontconfig>")
    environment = {**os.environ, "FONTCONFIG_FILE": str(empty), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", WITHOUT_SYSTEM_FONTS, " ".join(SCRIPTS.values())]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True\n", done.stderr


def test_digits_stand_in_columns(qapp: object) -> None:
    layout = QTextLayout("0123456789", fonts.font(12))
    layout.beginLayout()
    layout.createLine().setLineWidth(1e6)
    layout.endLayout()
    (run,) = layout.glyphRuns()
    raw = run.rawFont()
    assert len({round(advance.x(), 3) for advance in raw.advancesForGlyphIndexes(run.glyphIndexes())}) == 1


def test_each_shipped_file_is_registered_and_has_its_origin_written_down() -> None:
    folder = ROOT / "resources" / "fonts"
    shipped = {path.name for path in folder.iterdir() if path.suffix in (".ttf", ".ttc", ".otf")}
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert shipped == set(fonts.FILES)
    assert all(f"`{name}`" in readme for name in shipped)


def test_a_missing_font_is_named(qapp: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fonts.register.cache_clear()
    monkeypatch.setattr(fonts, "resources", lambda: tmp_path)
    with pytest.raises(ReportError, match=r"The font NotoSans-Regular.ttf that belongs to Hilum could not be loaded"):
        fonts.register()
