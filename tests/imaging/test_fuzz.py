"""Damaged files, for half a minute and always the same ones first: no crash, no hang, no memory beyond 2 GiB."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz_reader.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs an alarm, which Windows has not")


def test_damaged_files_are_opened_or_refused_in_a_sentence():
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, FUZZ, "--minutes", "0.5", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 50


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import fuzz_reader
fuzz_reader.LONGEST_S, fuzz_reader.MOST_MEMORY = 3, 2**29
def damaged(path):
    {damage}
fuzz_reader.read_file = damaged
sys.argv = ["fuzz", "--minutes", "0.0001", "--keep", {keep!r}]
sys.exit(fuzz_reader.main())
"""

DAMAGES = [
    ("raise ZeroDivisionError", "ZeroDivisionError"),
    ("while True: pass", "hang"),
    ("memory = b'x' * 2**29; raise fuzz_reader.ViewerError('large')", "more than 2 GiB of memory"),
    ("raise fuzz_reader.ViewerError('no\\nsentence')", "AssertionError"),
]


@pytest.mark.parametrize(("damage", "name"), DAMAGES)
def test_the_fuzz_bites(damage, name, tmp_path):
    program = PROGRAM.format(folder=str(FUZZ.parent), damage=damage, keep=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert name in done.stdout.splitlines()[-2]
    assert len(list(tmp_path.iterdir())) == 1
