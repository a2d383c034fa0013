"""A bundle's files by name, and its card: read and checked without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inference.errors import BundleError

FORMAT = 1
LUNGS = "lungs"
"""Folder beside the models that holds the lung network (inference.lungs), which is none of them."""
WEIGHTS, PROTOCOL, CARD, EXAMPLES, EMBEDDINGS = (
    "weights.safetensors",
    "protocol.safetensors",
    "card.json",
    "examples.csv",
    "embeddings.npz",
)
_CARD_KEYS = ("format", "name", "title", "version", "recipe", "classes", "positive", "preprocessing", "members",
              "protocol_members", "temperature", "files", "confusion_matrix", "heatmap", "neighbours", "facts", "metrics",
              "thresholds")  # fmt: skip


def read_card(folder: Path) -> dict[str, Any]:
    """Read ``card.json``.

    Raises
    ------
    BundleError
        If it is missing, not JSON, of another format, or lacks a key.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"There is no model called {folder.name}: its card.json was not found.") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"The card of the model {folder.name} could not be read; install the model again.") from error
    missing = [key for key in _CARD_KEYS if key not in card] if isinstance(card, dict) else list(_CARD_KEYS)
    if missing:
        raise BundleError(f"The card of the model {folder.name} lacks {', '.join(missing)}; install the model again.")
    if card["format"] != FORMAT:
        raise BundleError(f"The model {folder.name} has format {card['format']}; this program reads format {FORMAT}.")
    return dict(card)
