"""Which build this is: the commit, from a resource that the build writes, or from git where this is a checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from viewer.paths import resources

NOT_STATED = "not stated"
_PATIENCE_S = 5


def build_file() -> Path:
    """Return the resource that ``packaging/licences.py`` writes when the program is built."""
    return resources() / "build.json"


@cache
def commit() -> str:
    """Return the commit the program was built from, as git describes it; "not stated" where nothing tells."""
    try:
        return str(json.loads(build_file().read_text(encoding="utf-8"))["commit"])
    except FileNotFoundError:
        return described_by_git() or NOT_STATED
    except (OSError, ValueError, KeyError, TypeError):
        return NOT_STATED


def described_by_git() -> str:
    """Return what git says of the checkout the program runs from; "" where it is none, or git is not here."""
    root = resources().parent
    if is_frozen() or not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def is_frozen() -> bool:
    """Return whether this is an installed program without an interpreter of its own."""
    return bool(getattr(sys, "frozen", False))
