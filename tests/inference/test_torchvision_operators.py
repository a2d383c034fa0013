"""torchvision can be imported, whichever build of torch it stands beside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, torch
from inference.torchvision_operators import declare_missing_operators as declare
first, second, uncached = declare(), declare(), declare.__wrapped__()
import torchvision
schemas = torch._C._jit_get_schemas_for_operator("torchvision::nms")
from inference.grad_cam import GradCAM
print(json.dumps([torchvision.ops.nms.__name__, GradCAM.__name__, first is second, len(schemas)]))
"""


@pytest.fixture(scope="module")
def said() -> list[Any]:
    """Return what a fresh interpreter says that declared the operators thrice before it imported torchvision."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_torchvision_and_grad_cam_are_imported_in_a_fresh_interpreter(said: list[Any]) -> None:
    assert said[:2] == ["nms", "GradCAM"]


def test_nothing_is_declared_twice(said: list[Any]) -> None:
    assert said[2:] == [True, 1]
