"""A picture made by a formula and the answer a model gave to it when it was made: the same weights give the same answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inference.bundle import Bundle
from inference.errors import BundleError
from inference.predict import Predictor

SIDE = 320
TOLERANCE = 1e-3
"""Of a probability: processors add in other orders, and half precision is read by single."""
KEY = "self_test"


def picture() -> npt.NDArray[np.uint8]:
    """Return the test picture, uint8 (320, 320): two dark ovals on a bright ground, under waves; no film and no person."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    ground = 170 - 60 * rows + 25 * np.sin(40 * columns) * np.sin(30 * rows)
    for centre in (0.3, 0.7):
        ground -= 110 * np.exp(-(((columns - centre) / 0.13) ** 2 + ((rows - 0.45) / 0.28) ** 2))
    return np.asarray(np.clip(np.round(ground), 0, 255), dtype=np.uint8)


def answer(predictor: Predictor) -> dict[str, float]:
    """Return the model's probability of each class for the test picture, to six decimals: what the card keeps."""
    found = predictor.predict(picture()).probabilities
    return {name: round(float(p), 6) for name, p in zip(predictor.bundle.class_names, found, strict=True)}


def check(bundle: Bundle, predictor: Predictor) -> None:
    """Compare a model's answer with the one on its card.

    Raises
    ------
    BundleError
        If the card has none, or the answer is another.
    """
    stored = bundle.card.get(KEY)
    if not isinstance(stored, dict):
        raise BundleError(f"The card of the model {bundle.name} holds no answer to the test picture.")
    found = answer(predictor)
    if found.keys() != stored.keys() or any(abs(found[name] - stored[name]) > TOLERANCE for name in found):
        raise BundleError(f"The model {bundle.name} answers the test picture with {found}, where its card says {stored}.")
