"""The models that are installed, from their cards alone. No torch, no Qt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from viewer.errors import SecondReaderError
from viewer.paths import find_model, own_models, shipped_models
from viewer.policy import Policy, SiteModel, site_policy

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be chosen; ``thresholds`` are its operating points by class name, ``modality`` is "chest" or "ct"."""

    name: str
    title: str
    folder: Path
    thresholds: dict[str, float] = field(default_factory=dict)
    modality: str = "chest"


def installed_models(policy: Policy | None = None) -> list[InstalledModel]:
    """Return the models there are: the site's, where they are what its policy says, the user's own, the shipped ones.

    A name is there once. A card that cannot be read is passed over here: choosing the model by name says what is wrong
    with it.
    """
    found: dict[str, InstalledModel] = {}
    for listed in (policy or site_policy()).models:
        model = None if fault_of_model(listed) else _model(listed.folder / "card.json")
        if model is not None:
            found.setdefault(model.name, model)
    for folder in (own_models(), shipped_models()):
        for card_path in sorted(folder.glob("*/card.json")):
            model = _model(card_path)
            if model is not None:
                found.setdefault(model.name, model)
    return list(found.values())


def model_faults(policy: Policy) -> tuple[str, ...]:
    """Return what keeps models of the site from being offered, in sentences."""
    return tuple(fault for fault in map(fault_of_model, policy.models) if fault)


def fault_of_model(listed: SiteModel) -> str:
    """Return why a model of the site is refused, in a sentence; "" where it is the one its policy lists.

    The card states the hash of every other file, and a file that has another is refused when the model is loaded.
    """
    name = listed.folder.name
    try:
        content = (listed.folder / "card.json").read_bytes()
        weights = json.loads(content)["files"][WEIGHTS]
    except (OSError, ValueError, KeyError, TypeError):
        return f"The model {name}, which your site lists, is not offered: its card.json cannot be read."
    found = hashlib.sha256(content).hexdigest()
    for what, wanted, has in (("card.json", listed.card_sha256, found), (WEIGHTS, listed.weights_sha256, weights)):
        if wanted and has != wanted:
            return (
                f"The model {name}, which your site lists, is refused: the SHA-256 of its {what} is {str(has)[:16]}… and "
                f"should be {wanted[:16]}…, so it is not the model that was approved."
            )
    return ""


def require_listed(folder: Path) -> None:
    """Raise SecondReaderError if a model of the site has been changed since it was approved."""
    for listed in site_policy().models:
        if listed.folder == folder and (fault := fault_of_model(listed)):
            raise SecondReaderError(fault)


def find_installed(name_or_folder: str) -> Path:
    """Return the folder of a model given by name or by path: a folder on disk, the site's, the user's own, a shipped one.

    Raises
    ------
    SecondReaderError
        If it is one of the site's and not what its policy says.
    """
    if not (Path(name_or_folder) / "card.json").is_file():
        for listed in site_policy().models:
            if name_or_folder in (listed.folder.name, getattr(_model(listed.folder / "card.json"), "name", "")):
                require_listed(listed.folder)
                return listed.folder
    return find_model(name_or_folder)


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
