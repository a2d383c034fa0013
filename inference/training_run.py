"""From a recipe and films to an installed model: start, training, judging, run report. What window and command line share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.assemble import assemble
from inference.bundle import Bundle
from inference.class_folders import refuse_thin_classes
from inference.dataset import Sample, label_indices
from inference.files import make_folder
from inference.films import Films, grouped
from inference.gate.bundled import find_lender
from inference.map_scales import ReadCount
from inference.members import Member, MemberProgress, plan_members, read_history, train_members
from inference.networks.registry import build_network
from inference.predict import CPU, Device
from inference.recipe import Recipe
from inference.run_report import RunRecord, write_run_report
from inference.transfer import starting_weights

MEMBERS, RUN = "members", "run"


def train_bundle(
    recipe: Recipe,
    films: Films | Sequence[Sample],
    folder: Path,
    device: Device = CPU,
    seed: int = 0,
    manifest: Path | None = None,
    weights: str | None = None,
    data: Path | None = None,
    bundles: Sequence[Path] = (),
) -> Generator[MemberProgress | ReadCount, None, Bundle]:
    """Train every network of the recipe, judge each on films it never saw, and write the bundle and its run report.

    What an earlier, broken run left in ``folder`` is taken up: finished networks are kept, an unfinished one goes on.

    Parameters
    ----------
    manifest
        Table the films were read from; None for a folder of class folders.
    weights
        Where training starts, instead of the recipe's ``weights``.
    data
        Folder that holds the pool of chest films, needed where training starts from "chest" and no model of ours will do.
    bundles
        Folders of models of ours: "chest" may start from one, and a model of chest films borrows the sense networks of the
        first that has some.

    Raises
    ------
    InferenceError
        One sentence: an empty class, a class of one patient, a film that cannot be read, a full disk.
    """
    films = films if isinstance(films, Films) else grouped(films)
    make_folder(folder)
    groups = films.all_groups[: len(films.samples)]
    refuse_thin_classes(films.samples, recipe.class_names, recipe.data.folds, groups)
    members = plan_members(recipe, films, seed)
    on = str(device.torch_device)
    lender = find_lender(recipe, bundles)  # before the training: a damaged gate is said now, not hours later
    choice = recipe.weights if weights is None else weights
    start = yield from starting_weights(choice, recipe, films, data or folder, folder / "chest", on, bundles)
    trained = yield from train_members(recipe, films, members, folder / MEMBERS, on, start)
    bundle = yield from assemble(recipe, films, members, trained, manifest, folder, device, lender)
    write_run_report(run_record(bundle, films, members, folder), folder / RUN)
    return bundle


def run_record(bundle: Bundle, films: Films, members: Sequence[Member], folder: Path) -> RunRecord:
    """Return what the run report shows of a finished bundle: its held-out answers, and how its networks learned."""
    rows = bundle.examples()
    metrics: dict[str, Any] = bundle.card["metrics"]["cross_validation"]
    parameters = sum(p.numel() for p in build_network(bundle.recipe).parameters())
    return RunRecord(
        title=f"{bundle.card['title']} ({bundle.name})",
        recipe=bundle.recipe,
        histories={m.name: read_history(folder / MEMBERS / f"{m.name}.json") for m in members if m.name.startswith("fold-")},
        truth=label_indices(films.samples, bundle.recipe),
        probabilities=np.array([row.probabilities for row in rows], dtype=np.float64),
        patients=[s.patient for s in films.samples],
        metrics=metrics,
        facts=(
            ("Films", f"{len(films.samples):,} of {metrics['patients']:,} patients"),
            ("Networks", f"{len(members)}, each of {parameters:,} parameters"),
            ("Held-out answers", "each film read by the one network that never saw its patient"),
        ),
    )
