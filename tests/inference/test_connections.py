"""A network that is switched off: what asks is told, and what does not ask is stopped."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TRIED = """
import socket, threading, urllib.request
from inference.connections import ConnectionsForbidden, forbid_connections, require_connections
server = socket.create_server(("127.0.0.1", 0))
forbid_connections("The network is switched off by your site.")
try:
    require_connections()
except ConnectionsForbidden as error:
    print(error)
for address in ("http://192.0.2.1/", "http://example.org/"):
    try:
        urllib.request.urlopen(address, timeout=5)
    except OSError as error:
        print(error)
socket.create_connection(server.getsockname()).close()
left, right = socket.socketpair()
print("within this machine all is well")
"""


def run(program: str) -> list[str]:
    """Run a program in a process of its own: what has been forbidden to one is forbidden for good."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_no_library_gets_out_once_it_is_forbidden():
    stopped = "<urlopen error [Errno 13] The network is switched off by your site>"
    told = ["The network is switched off by your site.", stopped, stopped, "within this machine all is well"]
    assert run(TRIED) == told


def test_example_films_are_not_fetched():
    program = """
from pathlib import Path
from inference.connections import ConnectionsForbidden, forbid_connections
from inference.examples import fetch
forbid_connections("Off.")
try:
    next(fetch([], Path("nowhere"), limit_bytes=1))
except ConnectionsForbidden as error:
    print(error)
"""
    assert run(program) == ["Off."]


def test_weights_that_are_not_here_are_not_fetched(tmp_path):
    program = f"""
import os
os.environ["TORCH_HOME"] = {str(tmp_path)!r}
from inference.connections import ConnectionsForbidden, forbid_connections
from inference.networks.torchvision_weights import imagenet_weights
forbid_connections("Off.")
try:
    imagenet_weights("resnet34")
except ConnectionsForbidden as error:
    print(error)
"""
    assert run(program) == ["Off."]
