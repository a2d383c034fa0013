"""The gate beside a model, before its networks: what the picture itself says."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.imaging.image import Image
from viewer.reading import ReadingProgress, RefusalReason
from viewer.second_reader.card import card_time
from viewer.second_reader.fitness import Fitness
from viewer.second_reader.libraries import import_calmly, load_torch


class PictureGate:
    """Judges pictures with the gate of one model at a time; ``gate`` is that gate, or None for a model without one."""

    def __init__(self) -> None:
        self.gate: Any = None
        self._opened: tuple[Path, int] | None = None

    def open(self, folder: Path) -> None:
        """Read the gate of the model in a folder, if it has one. Needs torch."""
        wanted = folder, card_time(folder)
        if self._opened != wanted:
            self.gate = import_calmly("inference.gate.gate").gate_of_bundle(folder)
            self._opened = wanted

    def judge(
        self, grey: npt.NDArray[np.uint8], image: Image, folder: Path, modality: str
    ) -> Generator[ReadingProgress, None, Fitness]:
        """Return what the picture says: whether a slice shows the lungs, then plain statistics, then the gate.

        Parameters
        ----------
        grey
            uint8 (rows, columns), as the networks see the picture.
        modality
            What the model reads, "chest" or "ct".
        """
        if modality == "ct":
            shown = importlib.import_module("inference.gate.lung_slice").check_slice(grey)
            if shown.refused:
                return fitness_of(shown)
        plain = importlib.import_module("inference.gate.picture_checks").check_picture(grey, image.aspect_ratio)
        if plain.refused:
            return fitness_of(plain)
        yield from load_torch()
        self.open(folder)
        return fitness_of(self.gate.judge_picture(grey, image.aspect_ratio)) if self.gate is not None else Fitness()


def fitness_of(judgement: Any) -> Fitness:
    """Return a judgement of the gate as the viewer's record."""
    return Fitness(
        tuple(RefusalReason(reason.code, reason.sentence) for reason in judgement.refusals),
        tuple(doubt.sentence for doubt in judgement.doubts),
    )
