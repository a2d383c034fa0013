"""The models that are installed, from their cards alone. No torch, no Qt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from viewer.paths import own_models, shipped_models


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be chosen; ``thresholds`` are its operating points by class name, ``modality`` is "chest" or "ct"."""

    name: str
    title: str
    folder: Path
    thresholds: dict[str, float] = field(default_factory=dict)
    modality: str = "chest"


def installed_models() -> list[InstalledModel]:
    """Return the models there are, the user's own before the shipped ones, a name once.

    A card that cannot be read is passed over here: choosing the model by name says what is wrong with it.
    """
    found: dict[str, InstalledModel] = {}
    for folder in (own_models(), shipped_models()):
        for card_path in sorted(folder.glob("*/card.json")):
            model = _model(card_path)
            if model is not None:
                found.setdefault(model.name, model)
    return list(found.values())


def model_for(modality: str, models: Sequence[InstalledModel], chosen: Path) -> Path:
    """Return the folder of the model for a picture: the chosen one, or the first for CT slices where the picture is one.

    Parameters
    ----------
    modality
        Of the picture, as in DICOM ("CT", "DX").
    models
        Those that may take the place of the chosen one; none where it was chosen for this very picture.
    """
    if modality != "CT" or any(model.folder == chosen and model.modality == "ct" for model in models):
        return chosen
    return next((model.folder for model in models if model.modality == "ct"), chosen)


def shipped_names() -> frozenset[str]:
    """Return the names of the models that ship, in small letters: Windows keeps no others apart."""
    return frozenset(card_path.parent.name.lower() for card_path in shipped_models().glob("*/card.json"))


def is_own(name: str) -> bool:
    """Return whether the user has a model of that name already."""
    return (own_models() / name / "card.json").is_file()


def _model(card_path: Path) -> InstalledModel | None:
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        thresholds = {name: float(point["threshold"]) for name, point in card["thresholds"].items()}
        modality = str(card.get("recipe_record", {}).get("modality", "chest"))
        return InstalledModel(str(card["name"]), str(card["title"]), card_path.parent, thresholds, modality)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
