"""torchvision can be imported, whichever build of torch it stands beside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def said_by(*lines: str) -> str:
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_is_imported_in_a_fresh_interpreter() -> None:
    said = said_by(
        "from inference.torchvision_operators import declare_missing_operators",
        "declare_missing_operators()",
        "import torchvision",
        "print(torchvision.ops.nms.__name__)",
    )
    assert said == "nms"


def test_grad_cam_is_imported_in_a_fresh_interpreter() -> None:
    assert said_by("from inference.grad_cam import GradCAM", "print(GradCAM.__name__)") == "GradCAM"


def test_nothing_is_declared_twice() -> None:
    said = said_by(
        "import torch",
        "from inference.torchvision_operators import declare_missing_operators as declare",
        "first, second, uncached = declare(), declare(), declare.__wrapped__()",
        "import torchvision",
        "print(first is second, len(torch._C._jit_get_schemas_for_operator('torchvision::nms')))",
    )
    assert said == "True 1"
