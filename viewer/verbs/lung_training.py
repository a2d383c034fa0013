"""The work of ``train-lungs``: the synthetic films drawn, the lung network trained on them too, the audit's limits measured.

Here and not in inference, which knows no synthetic film: what is drawn is written to a folder that is thrown away.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image as PillowImage

from inference.audit_limits import measure_audits, summarise
from inference.bundle import open_bundle
from inference.dataset import find_manifest
from inference.lungs.films import POOL, SYNTHETIC_MASK
from inference.lungs.folder import add_to_card, make_lung_folder
from inference.lungs.segment import LungFinder
from inference.lungs.train import LungProgress, LungTraining
from inference.predict import CPU, Predictor
from viewer.imaging.phantom import WINDOW_CENTER, WINDOW_WIDTH, synthetic_film

Result = TypeVar("Result")

SYNTHETIC_FILMS = 16
ROWS = (720, 640, 600, 760)
"""Of films 600 pixels wide: more and less of neck and belly on them."""


def train_and_measure(data: Path, out: Path, seed: int) -> None:
    """Train on the folder's films and on synthetic ones, write the network to ``out``, print its Dice; InferenceError."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="hilum-lungs-") as drawn:
        draw_synthetic_films(Path(drawn))
        card = _finish(make_lung_folder(data, Path(drawn), out, LungTraining(seed=seed)))
    found = card["metrics"]["dice_held_out"]
    print(
        f"Dice {found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f}) on {found['films']} films of "
        f"{found['patients']} patients it never saw; {found['milliseconds']:.0f} ms a film."
    )


def measure_audit_limits(data: Path, out: Path, model: Path, films: int) -> None:
    """Audit held-out films of each class and put the limits on the card in ``out``; print them; InferenceError."""
    torch.set_num_threads(1)
    predictor, finder = Predictor(open_bundle(model), CPU), LungFinder(out)
    audited = _finish(measure_audits(predictor, finder, find_manifest(data, POOL), films))
    summary = summarise(audited, predictor)
    add_to_card(out, "audit", summary)
    limits = ", ".join(f"{name} {value:.2f}" for name, value in summary["limits"].items())
    print(f"Limits of the audit from {summary['right']} right answers of {summary['films']}: {limits}.")


def draw_synthetic_films(folder: Path, count: int = SYNTHETIC_FILMS) -> None:
    """Write synthetic films and their lungs as ``NAME.png`` and ``NAME-lungs.png``, as the window shows them."""
    for number in range(count):
        film = synthetic_film(number, bool(number // 4 % 2), ROWS[number % 4], 600)
        shown = (film.pixels.astype(np.float32) - (WINDOW_CENTER - WINDOW_WIDTH / 2)) / WINDOW_WIDTH
        grey = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        PillowImage.fromarray(grey).save(folder / f"synthetic-{number:02d}.png")
        PillowImage.fromarray(film.lungs.astype(np.uint8) * 255).save(folder / f"synthetic-{number:02d}{SYNTHETIC_MASK}.png")


def _finish(work: Generator[LungProgress | int, None, Result]) -> Result:
    """Run the work to its end, a line on the standard error for each report, and return its result."""
    while True:
        try:
            report = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if isinstance(report, LungProgress):
            loss = "" if report.loss is None else f", loss {report.loss:.3f}"
            print(f"{report.part}: {report.step} of {report.steps}{loss}", file=sys.stderr)
        elif report % 20 == 0:
            print(f"audited: {report}", file=sys.stderr)
