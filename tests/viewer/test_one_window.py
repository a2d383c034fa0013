"""One window a user: through real sockets, and through real processes where that is the point."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication, QDialog

from viewer import one_window
from viewer.app import Program
from viewer.desk.callers import WAITING
from viewer.imaging.phantom import write_film
from viewer.one_window import Claim, WindowServer, address, claim_or_hand_over
from viewer.policy import Policy
from viewer.settings import Settings
from viewer.window_request import StudyRequest, WindowRequest

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="named pipes have no files, and processes no SIGSTOP, there")
CALLER = """
import sys
from viewer.one_window import claim_or_hand_over
from viewer.window_request import parse_request
claim, is_taken = claim_or_hand_over(parse_request(sys.argv[1:]))
print("taken" if is_taken else "first" if claim else "alone")
"""
WINDOW = """
import sys
from PySide6.QtCore import QCoreApplication
from viewer.one_window import Claim, WindowServer
application = QCoreApplication([])
claim = Claim()
assert claim.take()
server = WindowServer(claim)
server.listen()
server.requested.connect(lambda request, _: print(*request.paths, flush=True))
print("listening", flush=True)
application.exec()
"""

STRANGER = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
line, _ = listener.accept()
while heard := line.recv(4096):
    print(heard)
    line.sendall(b'{"proof": "0", "nonce": "1", "taken": true}\\n')
"""


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path_factory, monkeypatch):
    """Keep the sockets of the tests away from those of a Hilum that is open on this machine."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def server(qapp):
    claim = Claim()
    assert claim.take()
    made = WindowServer(claim)
    assert made.listen()
    yield made
    made.close()


def start(program: str, *words: str, folder: Path = ROOT) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", program, *words]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=60)[0].strip()


def wait_for_end(qtbot, process: subprocess.Popen[str]) -> str:
    """Let the window of this process serve until the other process has ended."""
    qtbot.waitUntil(lambda: process.poll() is not None, timeout=60_000)
    return said(process)


def test_a_second_start_hands_over_absolute_paths_from_its_own_folder(server, qtbot, tmp_path):
    got = []
    server.requested.connect(lambda request, _: got.append(request))
    caller = start(CALLER, "a film.dcm", "/x/ä.dcm", folder=tmp_path)
    assert wait_for_end(qtbot, caller) == "taken"
    assert got == [WindowRequest((tmp_path / "a film.dcm", Path("/x/ä.dcm")))]


def test_a_study_is_handed_over_too(server, qtbot):
    got = []
    server.requested.connect(lambda request, _: got.append(request))
    assert wait_for_end(qtbot, start(CALLER, "--study-uid", "1.2.3", "--from", "pacs")) == "taken"
    assert got == [WindowRequest(study=StudyRequest("1.2.3", "pacs"))]


def test_who_finds_no_window_is_the_first():
    claim, is_taken = claim_or_hand_over(WindowRequest())
    assert not is_taken
    assert claim is not None
    claim.give_back()


def test_the_next_is_the_first_again_once_the_window_is_closed(server):
    server.close()
    claim, _ = claim_or_hand_over(WindowRequest())
    assert claim is not None
    claim.give_back()


def test_who_comes_while_the_window_starts_waits_for_it(qtbot):
    claim = Claim()
    assert claim.take()
    caller = start(CALLER, "a.dcm")
    qtbot.wait(1500)
    assert caller.poll() is None
    server = WindowServer(claim)
    assert server.listen()
    assert wait_for_end(qtbot, caller) == "taken"
    server.close()


def test_a_window_that_never_comes_up_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(one_window, "STARTING_S", 0.2)
    claim = Claim()
    assert claim.take()
    assert said(start(CALLER.replace("import sys", "import sys, viewer.one_window as w; w.STARTING_S = 0.2"))) == "alone"
    claim.give_back()


@posix
def test_a_window_that_hangs_is_left_alone():
    window = start(WINDOW)
    assert window.stdout.readline() == "listening\n"
    window.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert said(start(CALLER, "a.dcm")) == "alone"
    assert time.monotonic() - began >= one_window.ANSWER_MS / 1000
    window.kill()
    window.communicate()


@posix
def test_what_a_killed_window_has_left_is_no_hindrance(qtbot):
    window = start(WINDOW)
    assert window.stdout.readline() == "listening\n"
    window.kill()
    window.communicate()
    assert Path(address()).exists()
    claim, _ = claim_or_hand_over(WindowRequest())
    server = WindowServer(claim)
    assert server.listen()
    assert wait_for_end(qtbot, start(CALLER, "a.dcm")) == "taken"
    server.close()


@posix
def test_nobody_else_can_open_the_socket_or_read_the_key(server, hilum_home, own_runtime_folder):
    assert Path(address()).parent == own_runtime_folder
    for file in (Path(address()), hilum_home / "window.key"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


@posix
def test_a_runtime_folder_of_others_is_not_used(own_runtime_folder):
    own_runtime_folder.chmod(0o777)
    assert Path(address()).parent != own_runtime_folder
    assert Path(address()).parent.stat().st_uid == os.getuid()


def test_each_settings_folder_has_a_window_of_its_own(tmp_path, monkeypatch):
    first = address()
    monkeypatch.setenv("HILUM_HOME", str(tmp_path))
    assert address() != first


def test_a_caller_without_the_key_opens_nothing(server, qtbot):
    got = []
    server.requested.connect(lambda request, _: got.append(request))
    socket = QLocalSocket()
    socket.connectToServer(address())
    assert socket.waitForConnected(1000)
    socket.write(json.dumps({"nonce": "x"}).encode() + b"\n")
    socket.write(json.dumps({"proof": "0" * 64, "request": '{"paths": ["/etc/passwd"]}'}).encode() + b"\n")
    qtbot.waitUntil(lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState, timeout=5000)
    assert got == []


@pytest.mark.parametrize(
    "words", [b"\n", b"[]\n", b'{"nonce": "\\ud800"}\n', b"\xff" * 100 + b"\n", b'{"proof": 3}\n{"proof": 3}\n']
)
def test_nonsense_on_the_line_is_no_harm(server, qtbot, words: bytes):
    socket = QLocalSocket()
    socket.connectToServer(address())
    socket.write(words)
    socket.flush()
    assert wait_for_end(qtbot, start(CALLER, "a.dcm")) == "taken"


@posix
def test_a_stranger_in_the_place_of_the_window_is_told_nothing():
    claim = Claim()
    assert claim.take()
    stranger = start(STRANGER, address())
    assert stranger.stdout.readline() == "listening\n"
    assert said(start(CALLER, "secret name.dcm")) == "alone"
    heard = said(stranger)
    assert "nonce" in heard
    assert "secret name" not in heard
    claim.give_back()


# In the window


@pytest.fixture
def program(qtbot):
    # Without a model: no film is read behind these tests.
    made = Program(Settings(None, Policy(settings={"reading/model": "none"}, locked=frozenset({"reading/model"}))))
    qtbot.addWidget(made.window)
    made.window.show()
    yield made
    made.shut_down()
    QApplication.processEvents()


@pytest.fixture
def film(tmp_path):
    write_film(tmp_path / "film.dcm", rows=64, columns=48)
    return tmp_path / "film.dcm"


def shows_film(program) -> bool:
    return program.window.canvas.image is not None


def test_what_is_handed_over_is_opened_in_the_window_that_comes_forward(program, film, qtbot):
    program.window.showMinimized()
    program.callers.take(WindowRequest((film,)))
    assert not program.window.isMinimized()
    qtbot.waitUntil(lambda: shows_film(program), timeout=10_000)


def test_what_was_typed_about_the_film_before_is_kept(program, film, qtbot, tmp_path):
    program.callers.take(WindowRequest((film,)))
    qtbot.waitUntil(lambda: shows_film(program), timeout=10_000)
    qtbot.keyClicks(program.window.report_editor.findings, "Clear lungs.")
    write_film(tmp_path / "other.png.dcm", rows=65, columns=48)
    before = program.session.image.sha256
    program.callers.take(WindowRequest((tmp_path / "other.png.dcm",)))
    qtbot.waitUntil(lambda: program.session.image is not None and program.session.image.sha256 != before, timeout=10_000)
    program.callers.take(WindowRequest((film,)))
    qtbot.waitUntil(lambda: program.window.report_editor.text().findings == "Clear lungs.", timeout=10_000)


def test_behind_a_dialog_that_waits_for_an_answer_nothing_changes(program, film, qtbot):
    dialog = QDialog(program.window)
    dialog.open()
    program.callers.take(WindowRequest((film,)))
    qtbot.wait(400)
    assert not shows_film(program)
    assert program.window.doing.text() == WAITING
    dialog.accept()
    qtbot.waitUntil(lambda: shows_film(program), timeout=10_000)


def test_the_door_hands_over_and_ends_without_loading_the_window(tmp_path):
    window = start(WINDOW)
    assert window.stdout.readline() == "listening\n"
    door = "import sys, main; status = main.main(sys.argv[1:]); print(status, {'viewer.app', 'numpy'} & set(sys.modules))"
    assert said(start(door, "film.dcm", folder=tmp_path)) == "0 set()"
    assert window.stdout.readline() == f"{tmp_path / 'film.dcm'}\n"
    window.kill()
    window.communicate()


@pytest.mark.parametrize("words", [["--sample"], ["--new-window", "film.dcm"]])
def test_the_sample_and_a_new_window_ask_nobody(server, words: list[str]):
    door = (
        "import sys, main, viewer.app as app; app.main = lambda request, claim: print(claim, request.sample) or 0;"
        "main.main(sys.argv[1:])"
    )
    assert said(start(door, *words)) == f"None {'--sample' in words}"
