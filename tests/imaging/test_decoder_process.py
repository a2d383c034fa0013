"""Decoders behind a process boundary: what crashes, hangs or lies there costs one picture and nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate

from viewer.errors import UnreadableFile
from viewer.imaging import decoder_process, decoder_worker
from viewer.imaging.decoder_process import DecoderFailed, DecoderPool, DecoderStopped
from viewer.imaging.reader import read_file

ROOT = Path(__file__).resolve().parents[2]
FAULTY = [sys.executable, str(Path(__file__).with_name("decoder_worker_with_faults.py"))]
JPEG_LS = "1.2.840.10008.1.2.4.80"
GREY = np.arange(64, dtype=np.uint16).reshape(8, 8) * 100

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal or limit")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pool = DecoderPool(FAULTY, deadline_s=1.5)
    yield pool
    pool.close()


@pytest.fixture
def film(write_dicom) -> Path:
    return write_dicom("film.dcm", GREY, JPEG_LS, PixelData=encapsulate([imagecodecs.jpegls_encode(GREY)]))


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(process: int) -> None:
    for _ in range(600):
        if not is_running(process):
            return
        time.sleep(0.05)
    pytest.fail("the worker is still there")


def test_a_worker_is_kept_and_used_again(faulty):
    first, second = (faulty.perform("misbehave", b"ok").facts["process"] for _ in range(2))
    assert first == second != os.getpid()


def test_an_array_comes_back_as_it_was_sent(faulty):
    sent = bytes(range(256)) * 40_000
    assert faulty.perform("misbehave", sent).values.tobytes() == sent


@pytest.mark.parametrize(
    "fault", [b"CRASH", b"HANG", b"LIE", *(pytest.param(f, marks=posix_only) for f in (b"STOP", b"STALL"))]
)
def test_a_decoder_that_stops_costs_one_picture(faulty, fault):
    before = faulty.perform("misbehave", b"ok").facts["process"]
    with pytest.raises(DecoderStopped, match="stopped working on it; other films are not affected"):
        faulty.perform("misbehave", fault)
    assert faulty.perform("misbehave", b"ok").facts["process"] != before


@pytest.mark.skipif(sys.platform != "linux", reason="the system holds no process to a limit")
def test_a_decoder_that_eats_memory_is_refused_it(faulty):
    with pytest.raises(DecoderFailed, match="not enough memory to decompress its picture"):
        faulty.perform("misbehave", b"EAT")


def test_a_worker_that_died_while_idle_is_replaced_without_a_word(faulty):
    process = faulty.perform("misbehave", b"ok").facts["process"]
    worker = faulty._idle.queue[0].process
    worker.kill()
    worker.wait()
    assert faulty.perform("misbehave", b"ok").facts["process"] != process


@posix_only
def test_a_worker_that_is_stopped_before_it_has_read_a_picture_is_given_up(faulty):
    process = faulty.perform("misbehave", b"ok").facts["process"]
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(DecoderStopped):
        faulty.perform("misbehave", bytes(2**24))
    assert faulty.perform("misbehave", b"ok").facts["process"] != process


def test_a_fault_of_our_own_is_not_blamed_on_the_picture(faulty):
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a fault of our own"):
        faulty.perform("misbehave", b"BUG")


def test_a_missing_codec_is_named(faulty):
    with pytest.raises(DecoderFailed, match="install the package imagecodecs"):
        faulty.perform("codec", b"")


def test_threads_have_a_worker_each(faulty):
    with ThreadPoolExecutor(4) as threads:
        sent = [bytes([n]) * 1_000_000 for n in range(16)]
        answers = list(threads.map(lambda payload: faulty.perform("misbehave", payload), sent))
    assert [answer.values.tobytes() for answer in answers] == sent
    assert len({answer.facts["process"] for answer in answers}) <= 4


@pytest.mark.parametrize("command", [["/nowhere/python"], [sys.executable, "-c", "pass"], [sys.executable, "-c", "print(1)"]])
def test_where_no_worker_can_be_started_pictures_are_decoded_here(command):
    segment = imagecodecs.packbits_encode(b"abc")
    answer = DecoderPool(command).perform("segments", segment, bounds=[(0, len(segment))], size=3)
    assert answer.values.tobytes() == b"abc"


def test_a_worker_loads_neither_qt_nor_torch_nor_pydicom():
    watched = {"PySide6", "torch", "pydicom", "viewer.imaging.reader"}
    program = f"import viewer.imaging.decoder_worker, sys; print(sorted({watched} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_frozen_program_is_its_own_worker():
    with subprocess.Popen([sys.executable, "main.py", decoder_worker.FLAG], cwd=ROOT, stdin=-1, stdout=-1) as worker:
        assert decoder_worker.receive_facts(worker.stdout)[0] == {"ready": True}
        segment = imagecodecs.packbits_encode(b"abc")
        arguments = {"bounds": [(0, len(segment))], "size": 3}
        decoder_worker.send(worker.stdin, {"task": "segments", "arguments": arguments, "deadline_s": 60}, segment)
        assert decoder_worker.receive_facts(worker.stdout) == ({"facts": {}, "dtype": "|u1", "shape": [1, 3]}, 3)
        assert worker.stdout.read(3) == b"abc"
        worker.stdin.close()
        assert worker.wait() == 0


CRASHES_AT_ONCE = """
import os, sys
from viewer.imaging import decoder_worker
decoder_worker.send(sys.stdout.buffer, {"ready": True})
sys.stdin.buffer.read(9)
os.abort()
"""


def test_a_film_whose_decoder_crashes_is_refused_and_the_next_one_opens(film, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    hostile = tmp_path / "hostile.dcm"
    hostile.write_bytes(film.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(decoder_process, "_pool", DecoderPool([sys.executable, "-c", CRASHES_AT_ONCE], deadline_s=60))
        with pytest.raises(UnreadableFile) as refused:
            read_file(hostile)
    assert str(refused.value) == (
        "hostile.dcm could not be opened: the decoder of its compressed picture stopped working on it; "
        "other films are not affected (JPEG-LS Lossless Image Compression)."
    )
    assert np.array_equal(read_file(film).pixels, GREY)


PROGRAM = """
import sys
from viewer.imaging import decoder_process
from viewer.imaging.reader import read_file
read_file(sys.argv[1])
print(decoder_process._pool._idle.queue[0].process.pid, flush=True)
sys.stdin.read()
"""


@posix_only
@pytest.mark.parametrize("end", ["kill", "exit"])
def test_no_worker_outlives_the_program(film, end):
    with subprocess.Popen([sys.executable, "-c", PROGRAM, film], cwd=ROOT, stdin=-1, stdout=-1) as program:
        worker = int(program.stdout.readline())
        assert is_running(worker)
        program.send_signal(signal.SIGKILL) if end == "kill" else program.stdin.close()
        program.wait()
        wait_until_gone(worker)


@posix_only
def test_a_worker_that_hangs_does_not_outlive_a_killed_program(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with subprocess.Popen(FAULTY, stdin=-1, stdout=-1) as worker:
        decoder_worker.receive_facts(worker.stdout)
        decoder_worker.send(worker.stdin, {"task": "misbehave", "arguments": {}, "deadline_s": 0.3}, b"HANG")
        assert worker.wait() != 0


def test_uncompressed_films_need_no_worker(write_dicom):
    path = write_dicom("plain.dcm", GREY)
    program = PROGRAM.replace(
        "print(decoder_process._pool._idle.queue[0].process.pid", "print(decoder_process._pool._idle.qsize()"
    )
    done = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, input="", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize("verb", ["render", "info"])
def test_the_command_line_decodes_in_a_worker_too(film, tmp_path, verb):
    command = [sys.executable, "main.py", verb, film, *(["--out", tmp_path / "a.png"] if verb == "render" else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
