"""The door: which words lead where, and how it closes."""

import subprocess
import sys
from pathlib import Path

import pytest

import main

ROOT = Path(__file__).resolve().parent.parent


def hilum(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    command = [sys.executable, str(ROOT / "main.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment or None, check=False, timeout=60)


def test_help_names_every_verb():
    words = hilum("--help").stdout.split()
    assert {*main.VIEWER_VERBS, *main.INFERENCE_VERBS} <= set(words)


def test_version_is_printed():
    assert hilum("--version").stdout == "hilum 0.1.0\n"


def test_without_a_display_and_without_films_it_says_what_to_do(capsys):
    assert main.read_without_window([]) == 2
    assert capsys.readouterr().err == (
        "There is no display here, so no window is opened.\nName the films to be read, or use --sample.\n"
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_a_display_is_known_by_each_of_three_names(name: str, monkeypatch: pytest.MonkeyPatch):
    for other in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(other, raising=False)
    assert not main.has_display()
    monkeypatch.setenv(name, "something")
    assert main.has_display()


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch):
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "dispatch", interrupted)
    assert main.main(["analyse", "film.dcm"]) == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe closes with another error there")
def test_a_closed_pipe_ends_quietly():
    program = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read(); import main; sys.exit(main.main(['--help']))"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program.stdout.close()
    program.stdin.close()
    assert program.stderr.read() == b""
    assert program.wait(timeout=60) == 141
    program.stderr.close()
