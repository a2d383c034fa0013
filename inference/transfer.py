"""Where training starts: fresh weights, torchvision's ImageNet weights, a bundle of ours, or chest films learned first.

Whatever comes from chest films must have been trained on patients that are not in the data it is taken to: what is learned
here first leaves them out, and a bundle that has seen one of them is refused.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.bundle import Bundle, open_bundle, read_tensors
from inference.card import WEIGHTS
from inference.dataset import Sample, hash_of_patient
from inference.duplicates import duplicate_pairs
from inference.errors import TrainingError
from inference.films import Films, read_films
from inference.layers import body_tensors
from inference.members import Member, MemberProgress, train_members
from inference.networks.registry import build_network
from inference.networks.torchvision_weights import adapt, imagenet_weights
from inference.recipe import DataSetting, Recipe
from inference.recipes import chest_resnet
from inference.train import Weights

CHEST_EPOCHS = 12
"""The body is only a start: twelve epochs of 1,200 films are 450 steps."""


def starting_weights(
    choice: str,
    recipe: Recipe,
    films: Films,
    data: Path,
    folder: Path,
    device: str = "cpu",
    bundles: Sequence[Path] = (),
) -> Generator[MemberProgress, None, Weights | None]:
    """Return the tensors of the network's body to start from, or None for fresh weights.

    Parameters
    ----------
    choice
        "fresh", "imagenet", "chest", a file of torchvision's ImageNet weights, or the folder of a bundle.
    films
        The films that will be learned from and judged on: none of their patients may have been seen.
    data
        Folder that holds the pool's manifest, for "chest".
    folder
        Where what "chest" learns is kept; a broken or finished run there is taken up.
    bundles
        Folders of models of ours: "chest" starts from the first of the same network that has seen none of the patients, and
        learns chest films itself only where there is none.

    Raises
    ------
    TrainingError
        If the weights cannot be had, do not fit, or have seen a patient of these films.
    """
    if choice == "fresh":
        return None
    if choice == "imagenet":
        return from_imagenet(recipe)
    if choice == "chest":
        given = from_chest_bundle(recipe, films.all_samples, bundles)
        return given if given is not None else (yield from from_chest_films(recipe, films, data, folder, device))
    path = Path(choice)
    if path.is_dir():
        return from_bundle(open_bundle(path), films.all_samples)
    if path.is_file():
        return from_imagenet(recipe, path)
    raise TrainingError(f"There are no weights called {choice!r}: give fresh, imagenet, chest, a file or a model's folder.")


def from_imagenet(recipe: Recipe, file: Path | None = None) -> Weights:
    """Return the body of torchvision's ImageNet weights, the first layer summed over its channels where ours has one."""
    network = build_network(recipe)
    adapt(network, imagenet_weights(recipe.network, file))
    return {name: tensor.detach().clone() for name, tensor in body_tensors(network).items()}


def from_bundle(bundle: Bundle, samples: Sequence[Sample]) -> Weights:
    """Return the body of a bundle's first network; TrainingError if the bundle has seen one of these films or patients."""
    seen = films_seen(bundle, samples)
    if seen:
        raise TrainingError(
            f"The model {bundle.name} has seen {seen} of these films or their patients; a start from it would tell "
            "nothing about new patients. Choose other weights."
        )
    return _first_network(bundle)


def _first_network(bundle: Bundle) -> Weights:
    first = str(bundle.card["members"][0])
    tensors = read_tensors(bundle.folder / WEIGHTS)
    return {name[len(first) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{first}.")}


def films_seen(bundle: Bundle, samples: Sequence[Sample]) -> int:
    """Return how many of the films a bundle was made with, or with another film of their patient."""
    rows = bundle.examples()
    files = {row.sha256 for row in rows} | {row.origin_sha256 for row in rows if row.origin_sha256}
    patients = set(bundle.card.get("training_data", {}).get("patient_hashes", ()))
    return sum(bool({s.sha256, s.origin_sha256} & files) or hash_of_patient(s.patient) in patients for s in samples)


def from_chest_bundle(recipe: Recipe, samples: Sequence[Sample], bundles: Sequence[Path]) -> Weights | None:
    """Return the body of the first of these models that reads chest films with the recipe's network and knows no patient."""
    bundle = find_chest_bundle(recipe, samples, bundles)
    return None if bundle is None else _first_network(bundle)


def find_chest_bundle(recipe: Recipe, samples: Sequence[Sample], bundles: Sequence[Path]) -> Bundle | None:
    """Return the first of these models that a recipe may start from, or None."""
    for folder in bundles:
        bundle = open_bundle(folder)
        alike = (bundle.recipe.network, bundle.recipe.preprocessing.channels) == (recipe.network, recipe.preprocessing.channels)
        if alike and bundle.recipe.modality == "chest" and not films_seen(bundle, samples):
            return bundle
    return None


def from_chest_films(
    recipe: Recipe, films: Films, data: Path, folder: Path, device: str
) -> Generator[MemberProgress, None, Weights]:
    """Train the recipe's network on the pool's films of other patients and return its weights."""
    first = chest_recipe(recipe)
    pool = read_films(data, first)
    kept = without_patients_of(pool.all_samples, films.all_samples)
    member = Member("chest", np.arange(len(kept)), np.arange(0), seed=0)
    trained = yield from train_members(first, Films(tuple(kept)), [member], folder, device)
    return trained["chest"]


def chest_recipe(recipe: Recipe) -> Recipe:
    """Return how the recipe's network learns chest films first: as ``chest_resnet``, at the recipe's size, for a while."""
    pool = chest_resnet.POOL
    return replace(
        pool,
        name=f"chest_{recipe.network}",
        network=recipe.network,
        preprocessing=replace(recipe.preprocessing, crop="square"),
        optimisation=replace(pool.optimisation, epochs=CHEST_EPOCHS),
        data=DataSetting(pool.data.manifest, folds=2, protocol_members=0, extra_training=pool.data.extra_training),
    )


def without_patients_of(pool: Sequence[Sample], others: Sequence[Sample]) -> list[Sample]:
    """Return the films of the pool that share no patient, no file and no near duplicate with the others."""
    patients = {s.patient for s in others}
    files = {s.sha256 for s in others} | {s.origin_sha256 for s in others if s.origin_sha256}
    kept = [s for s in pool if s.patient not in patients and not {s.sha256, s.origin_sha256} & files]
    pairs = duplicate_pairs((*kept, *others))
    twins = {i for i, j in pairs if i < len(kept) <= j}
    return [s for number, s in enumerate(kept) if number not in twins]
