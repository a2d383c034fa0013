"""Loading torch and its followers while the window stays awake, and speaking of inference's errors as the viewer's."""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from inference.errors import InferenceError
from viewer.errors import SecondReaderError, ViewerError
from viewer.reading import ReadingProgress

Result = TypeVar("Result")
Told = TypeVar("Told")


@contextmanager
def spoken(kind: type[ViewerError] = SecondReaderError) -> Iterator[None]:
    """Let inference's known errors leave as the viewer's, of the kind that is named."""
    try:
        yield
    except InferenceError as error:
        raise kind(str(error)) from error


def followed(work: Generator[Any, None, Result], told: Callable[[Any], Told]) -> Generator[Told, None, Result]:
    """Hand on the progress of inference in the viewer's words, and return what it returns; closing this closes the work."""
    try:
        while True:
            try:
                step = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield told(step)
    finally:
        work.close()


def use_half_of_the_processors() -> None:
    """Let torch compute on half of the processors: with all of them a busy two-core workstation answers many times slower."""
    importlib.import_module("torch").set_num_threads(max(1, (os.cpu_count() or 1) // 2))


def load_torch() -> Generator[ReadingProgress, None, None]:
    """Import torch without stopping the window: its big libraries are mapped while the interpreter lock is free.

    ``import torch`` calls dlopen with the lock held, and the static initialisers of its libraries take some hundred
    milliseconds in which no event is served. Called through ctypes, the same dlopen runs with the lock released; the
    import then finds the libraries in place.
    """
    if "torch" in sys.modules:
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise SecondReaderError("The network library (torch) is not installed; the second reader cannot answer.")
    folder = Path(spec.origin).parent / "lib"
    yield ReadingProgress("Loading the network library", 0.1)
    if sys.platform.startswith("linux"):
        _map_libraries(folder, ("libc10.so", "libtorch_cpu.so", "libtorch.so"))
    yield ReadingProgress("Loading the network library", 0.2)
    import_calmly("torch")


def import_calmly(name: str) -> Any:
    """Import a large library with the garbage collector at rest, and keep what came out of its later rounds.

    Each full collection in the midst of such an import holds the interpreter lock for some 200 ms (torchvision alone makes
    three), in which the window stands still.
    """
    if name in sys.modules:
        return importlib.import_module(name)  # which waits where another thread is in the midst of it
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _map_libraries(folder: Path, names: tuple[str, ...]) -> None:
    loader = ctypes.CDLL(None).dlopen
    loader.argtypes, loader.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name in names:
        if (folder / name).is_file():
            loader(str(folder / name).encode(), 1)  # RTLD_LAZY
            time.sleep(0)
