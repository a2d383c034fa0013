"""What can be known of the Windows installer without Windows; packaging/windows/try_under_wine.sh runs it."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packaging" / "windows"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_installer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    return loaded("make_installer")


@pytest.fixture
def make_icon(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    return loaded("make_icon")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a frozen tree as the installer sees one, with names that NSIS has to be careful with."""
    top = tmp_path / "dist" / "hilum"
    for name in ("hilum.exe", "hilum-console.exe", "_internal/with space/胸片.txt", "_internal/$INSTDIR.txt"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name, encoding="utf-8")
    return top


# ------------------------------------------------------------------------------------------------------------ the script


def script() -> str:
    """Return the script without comments, the words it defines for itself put in."""
    text = (FOLDER / "hilum.nsi").read_text(encoding="utf-8")
    text = re.sub(r"\\\n", "", re.sub(r"^\s*;.*$", "", text, flags=re.MULTILINE))
    for _ in range(3):
        for name, value in re.findall(r'^!define (\w+) "([^"]*)"$', text, re.MULTILINE):
            text = text.replace(f"${{{name}}}", value)
    return text


def uninstalling(text: str) -> str:
    return text[text.index('Section "un.Hilum"') : text.index("SectionEnd", text.index('Section "un.Hilum"'))]


def is_deleted(key: str, value: str, uninstaller: str) -> bool:
    whole = re.findall(r'DeleteRegKey SHCTX "([^"]+)"', uninstaller)
    single = re.findall(r'DeleteRegValue SHCTX "([^"]+)" "([^"]*)"', uninstaller)
    return any(key == gone or key.startswith(f"{gone}\\") for gone in whole) or (key, value) in single


def test_every_registry_value_that_is_written_is_deleted_by_the_uninstaller():
    text = script()
    written = re.findall(r'WriteReg\w+ SHCTX "([^"]+)" "([^"]*)"', text)
    assert len(written) == text.count("WriteReg") > 30
    assert [entry for entry in written if not is_deleted(*entry, uninstalling(text))] == []


def test_no_key_is_deleted_whole_that_other_programs_share():
    keys = re.findall(r'DeleteRegKey SHCTX "([^"]+)"', script())
    assert [key for key in keys if "hilum" not in key.rpartition("\\")[2].lower()] == []


def test_every_shortcut_is_deleted_by_the_uninstaller():
    text = script()
    made = set(re.findall(r'CreateShortcut "([^"]+)"', text))
    assert len(made) == 2
    assert made <= set(re.findall(r'Delete "([^"]+)"', uninstalling(text)))


def test_drafts_are_deleted_only_in_the_section_that_is_not_chosen_by_itself():
    text = script()
    purging = text.index('Section /o "un.Drafts')
    assert text.count("RMDir /r") == 1
    assert purging < text.index("RMDir /r") < text.index("SectionEnd", purging)


def test_the_purge_leaves_the_folder_of_the_machine_alone():
    text = script()
    section = text[text.index('Section /o "un.Drafts') :]
    assert section.index("SetShellVarContext current") < section.index("$LOCALAPPDATA")


def test_each_status_is_named_in_the_guide_for_administrators():
    guide = (ROOT / "packaging" / "ADMINISTRATORS.md").read_text(encoding="utf-8")
    statuses = re.findall(r"^!define STATUS_\w+ (\d+)$", (FOLDER / "hilum.nsi").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(statuses) == len(set(statuses)) == 7
    assert [status for status in statuses if not re.search(rf"^\| {status} \|", guide, re.MULTILINE)] == []


def test_the_installer_compiles_with_every_file_of_the_tree(tree: Path, tmp_path: Path):
    if not shutil.which("makensis"):
        pytest.skip("makensis is not here (Debian: apt-get install nsis)")
    out = tmp_path / "hilum-0.0.1-setup.exe"
    command = [sys.executable, str(FOLDER / "make_installer.py"), str(tree), "--version", "0.0.1", "--fast", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert out.read_bytes()[:2] == b"MZ"


# -------------------------------------------------------------------------------------------------------- the file list


def test_the_list_names_files_and_then_folders_the_inner_ones_first(tree: Path, make_installer: ModuleType):
    assert make_installer.file_list(make_installer.listed(tree), "1.0").split("\r\n")[1:] == [
        "_internal\\$INSTDIR.txt",
        "_internal\\with space\\胸片.txt",
        "hilum-console.exe",
        "hilum.exe",
        "_internal\\with space\\",
        "_internal\\",
        "",
    ]


def test_a_dollar_in_a_name_is_no_variable(make_installer: ModuleType):
    lines = make_installer.instructions(Path("t"), [PurePosixPath("$INSTDIR/$0.txt")]).splitlines()
    assert lines[0] == 'SetOutPath "$INSTDIR\\$$INSTDIR"'
    assert '"/oname=$$0.txt"' in lines[1]


@pytest.mark.parametrize("name", ["a*b.txt", "list[1].txt", "ends with a dot.", f"{'long/' * 40}x", "uninstall.exe"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_cannot_be_installed_is_refused(name: str, tree: Path, make_installer: ModuleType):
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text("")
    with pytest.raises(make_installer.NotPossible):
        make_installer.listed(tree)


def test_a_tree_without_the_program_is_refused(tmp_path: Path, make_installer: ModuleType):
    with pytest.raises(make_installer.NotPossible, match=r"no hilum\.exe"):
        make_installer.listed(tmp_path)


@pytest.mark.parametrize(
    ("version", "numbers"), [("0.1.0", "0.1.0.0"), ("1.10", "1.10.0.0"), ("0.2.0rc1", "0.2.0.0"), ("1.2.3.4", "1.2.3.4")]
)
def test_a_version_is_four_numbers_to_windows(version: str, numbers: str, make_installer: ModuleType):
    assert make_installer.quad(version) == numbers


def test_the_version_is_the_program_s_own(make_installer: ModuleType):
    assert re.fullmatch(r"\d+\.\d+\.\d+\w*", make_installer.program_version())


# ------------------------------------------------------------------------------------------------------------- the icon


def test_the_icon_holds_each_size_drawn_and_not_scaled(tmp_path: Path, make_icon: ModuleType):
    make_icon.write_icon(tmp_path / "hilum.ico")
    with Image.open(tmp_path / "hilum.ico") as icon:
        assert sorted(side for side, _ in icon.info["sizes"]) == [16, 20, 24, 32, 40, 48, 64, 128, 256]


def test_the_icon_shows_the_mark_and_has_clear_corners(make_icon: ModuleType):
    drawn = make_icon.draw(64)
    assert drawn.getpixel((0, 0))[3] == 0
    assert len(drawn.convert("RGB").getcolors(4096)) > 20
