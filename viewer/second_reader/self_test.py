"""What the self-test and the About box ask of the networks."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from viewer.reading import ReadingProgress
from viewer.second_reader.libraries import import_calmly, load_torch, spoken, use_half_of_the_processors


@dataclass(frozen=True)
class NetworkLibrary:
    """The library that runs the networks: its version, and what it runs them on, in words."""

    version: str
    device: str


def check_stored_answer(folder: Path, device: str = "auto") -> Generator[ReadingProgress, None, float]:
    """Let a model read the test picture and compare the answer with that on its card; return how far one may be off.

    Raises
    ------
    SecondReaderError
        If the model cannot be loaded, its card holds no answer, or the answer is another.
    """
    with spoken():
        yield from load_torch()
        use_half_of_the_processors()
        predict = import_calmly("inference.predict")
        yield ReadingProgress("Loading the model", 0.3)
        bundle = importlib.import_module("inference.bundle").open_bundle(folder)
        predictor = predict.Predictor(bundle, predict.choose_device(device))
        yield ReadingProgress("Reading the test picture", 0.6)
        judge = importlib.import_module("inference.self_test")
        judge.check(bundle, predictor)
        return float(judge.TOLERANCE)


def network_library(device: str = "auto") -> Generator[ReadingProgress, None, NetworkLibrary]:
    """Return the library's version and the device that is used for a setting of the device.

    Raises
    ------
    SecondReaderError
        If the library is not there, or the device is not.
    """
    with spoken():
        yield from load_torch()
        torch = importlib.import_module("torch")
        chosen = import_calmly("inference.predict").choose_device(device)
        if chosen.name == "cuda":
            return NetworkLibrary(torch.__version__, f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda})")
        return NetworkLibrary(torch.__version__, f"Processor ({platform.machine()}, {torch.get_num_threads()} threads)")
