"""Declare torchvision's C++ operators where its library did not load, so that ``import torchvision`` works.

torchvision's wheel on PyPI for Linux is linked to CUDA. Beside a CPU build of torch its library does not load, and
``import torchvision`` (which grad-cam does unconditionally) stops with "operator torchvision::nms does not exist": the
Python side registers meta kernels for operators nobody declared. Declaring the schemas of the two it asks for is enough;
nothing here calls them. Where the library loads, this module does nothing.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _library_loads() -> bool:
    """Return whether torchvision's compiled operators are there and match this torch."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for library in sorted(Path(spec.origin).parent.glob("_C.*")):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            return False
    return _declared("nms")


def _declared(name: str) -> bool:
    return bool(torch._C._jit_get_schemas_for_operator(f"torchvision::{name}"))


@lru_cache(maxsize=1)
def declare_missing_operators() -> torch.library.Library | None:
    """Define ``nms`` and ``qnms`` if they are missing; the library is kept alive for the process by the cache."""
    if _library_loads():
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not _declared(name):
            library.define(f"{name}{_SCHEMA}")
    return library
