"""A model bundle: one folder that holds everything about one trained model, and nothing that can run code.

``weights.safetensors`` (every member, tensors named ``MEMBER.parameter``), ``protocol.safetensors`` (the networks trained
under the article's own division, for ``evaluate`` alone), ``card.json``, ``examples.csv`` (one row a held-out film) and
``embeddings.npz`` (its features, in the same order). Each file's SHA-256 stands on the card; a mismatch is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from inference.card import CARD, EMBEDDINGS, EXAMPLES, LUNGS, PROTOCOL, WEIGHTS, read_card
from inference.errors import BundleError
from inference.examples import ExampleRow, read_examples
from inference.networks.registry import build_network
from inference.recipe import Recipe
from inference.recipe_file import recipe_from_record
from inference.recipes import find_recipe


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Features of the held-out films, each by the member that never saw its patient.

    ``vectors`` float32 (films, features), ``fold`` int64 (films,) the index of that member, ``scale`` float32 (members,)
    the median distance between two held-out films of the member: distances are given in it.
    """

    vectors: npt.NDArray[np.float32]
    fold: npt.NDArray[np.int64]
    scale: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle whose card has been read and whose files match it; networks are built by :meth:`build_members`."""

    folder: Path
    card: dict[str, Any]
    recipe: Recipe
    weights_sha256: str

    @property
    def name(self) -> str:
        """Return the name by which the model is chosen."""
        return str(self.card["name"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the class names in the order of the probabilities."""
        return tuple(entry["name"] for entry in self.card["classes"])

    @property
    def class_titles(self) -> tuple[str, ...]:
        """Return the class titles in the order of the probabilities."""
        return tuple(entry["title"] for entry in self.card["classes"])

    @property
    def reading_rotations(self) -> tuple[float, ...]:
        """Return the degrees a film is turned by, one view each: the card's, because its thresholds hold for no others."""
        return tuple(float(d) for d in self.card["preprocessing"]["reading_rotations"])

    @property
    def reading_mirrored(self) -> bool:
        """Return whether a film is read mirrored, too: the card's; False in cards of before."""
        return bool(self.card["preprocessing"].get("reading_mirrored", False))

    def build_members(self) -> tuple[nn.Module, ...]:
        """Return the members as networks in evaluation mode, single precision, on the CPU."""
        return build_members(self.recipe, read_tensors(self.folder / WEIGHTS), self.card["members"])

    def build_protocol_members(self) -> tuple[nn.Module, ...]:
        """Return the networks trained under the article's division; empty where the bundle has none."""
        path = self.folder / PROTOCOL
        if not path.is_file():
            return ()
        return build_members(self.recipe, read_tensors(path), self.card["protocol_members"])

    def examples(self) -> tuple[ExampleRow, ...]:
        """Return the held-out films in the order of the embeddings."""
        return read_examples(self.folder / EXAMPLES, self.class_names)

    def embeddings(self) -> Embeddings:
        """Return the features of the held-out films."""
        try:
            content = BytesIO((self.folder / EMBEDDINGS).read_bytes())
            with np.load(content, allow_pickle=False) as stored:
                vectors = stored["vectors"].astype(np.float32)
                return Embeddings(vectors, stored["fold"].astype(np.int64), stored["scale"].astype(np.float32))
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise BundleError(f"The features of the model {self.name} could not be read: {error}.") from error


def open_bundle(folder: Path, unchecked: Collection[str] = ()) -> Bundle:
    """Read a bundle's card and check every file against it, but for those that are about to be written anew.

    Raises
    ------
    BundleError
        If a file is missing or is not the one the card describes, or recipe and card disagree.
    """
    card = read_card(folder)
    for name, expected in card["files"].items():
        if name in unchecked:
            continue
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise BundleError(f"The model {card['name']} lacks its file {name}; install the model again.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise BundleError(
                f"The file {name} of the model {card['name']} is not the one its card describes; install the model again."
            )
    unnamed = {WEIGHTS, EXAMPLES, EMBEDDINGS, *([PROTOCOL] if card["protocol_members"] else [])} - set(card["files"])
    if unnamed:
        raise BundleError(
            f"The card of the model {card['name']} does not name {', '.join(sorted(unnamed))}; install the model again."
        )
    recipe = _recipe_of(card)
    if tuple(c["name"] for c in card["classes"]) != recipe.class_names:
        raise BundleError(f"The classes of the model {card['name']} are not those of its recipe {recipe.name}.")
    return Bundle(folder, card, recipe, card["files"][WEIGHTS])


def _recipe_of(card: dict[str, Any]) -> Recipe:
    """Return the recipe a card states in full; cards of version 0.1 named one of ours only."""
    if "recipe_record" in card:
        return recipe_from_record(card["recipe_record"], f"card of the model {card['name']}")
    return find_recipe(str(card["recipe"]))


def list_bundles(*folders: Path) -> list[Path]:
    """Return the folders that hold a card, earlier arguments first, a name only once."""
    found: dict[str, Path] = {}
    for folder in folders:
        for card in sorted(folder.glob(f"*/{CARD}")):
            if card.parent.name == LUNGS:
                continue
            found.setdefault(card.parent.name, card.parent)
    return list(found.values())


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, as stored.

    Raises
    ------
    BundleError
        If the file is damaged.
    """
    try:
        return dict(load(path.read_bytes()))
    except (OSError, SafetensorError) as error:
        raise BundleError(f"The weights {path.name} could not be read: the file is damaged.") from error


def build_members(recipe: Recipe, tensors: dict[str, Tensor], names: list[str]) -> tuple[nn.Module, ...]:
    """Return one network a member name, filled with the tensors ``NAME.parameter``, in evaluation mode."""
    members = []
    for name in names:
        own = {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{name}.")}
        members.append(fill_network(recipe, own))
    return tuple(members)


def fill_network(recipe: Recipe, weights: dict[str, Tensor]) -> nn.Module:
    """Return the recipe's network with these weights, single precision, evaluation mode, no gradients.

    Raises
    ------
    BundleError
        If a tensor is missing, left over, or of another shape.
    """
    network = build_network(recipe)
    single = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    try:
        network.load_state_dict(single)
    except RuntimeError as error:
        raise BundleError(f"The weights do not fit the network of the recipe {recipe.name}: {error}") from error
    return network.eval().requires_grad_(False)


def pack_members(members: dict[str, dict[str, Tensor]]) -> bytes:
    """Return several members' weights as one safetensors file."""
    tensors = {f"{name}.{key}": value.contiguous() for name, own in members.items() for key, value in own.items()}
    return bytes(save(tensors))
