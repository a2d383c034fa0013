"""One run: an experiment and a seed, from the manifest to held-out answers and figures, kept in one folder."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.answers import HeldOutAnswers
from inference.bundle import fill_network
from inference.dataset import label_indices, load_squares
from inference.evaluate import Floats, Integers, judge, softmax
from inference.files import make_folder, write_bytes
from inference.films import Films, read_films
from inference.groups import judge_groups
from inference.members import Member, MemberProgress, hash_of, plan_members, read_history, train_members
from inference.predict import CPU, Device, read_squares
from inference.recipe import Recipe, record
from inference.reproduction.experiments import Experiment
from inference.run_report import RunRecord, write_run_report
from inference.shortcuts import compare_controls, control_squares, judge_controls
from inference.train import Weights
from inference.transfer import starting_weights

RUN, ANSWERS = "run.json", "answers.json"
Record = dict[str, Any]


def run_folder(out: Path, experiment: Experiment, seed: int) -> Path:
    """Return where a run keeps its numbers."""
    return out / experiment.system / experiment.key / f"seed-{seed}"


def finished_run(out: Path, experiment: Experiment, seed: int) -> Record | None:
    """Return the record of a run, if it was finished with the experiment's present recipe."""
    path = run_folder(out, experiment, seed) / RUN
    if not path.is_file():
        return None
    found: Record = json.loads(path.read_text(encoding="utf-8"))
    return found if found["identity"] == identity(experiment) else None


def identity(experiment: Experiment) -> str:
    """Return what must not have changed for a finished run to count."""
    recipe = experiment.recipe
    return f"{recipe.fingerprint()} {experiment.start} {hash_of([json.dumps(record(recipe.data), sort_keys=True)])[:16]}"


def run(
    experiment: Experiment, seed: int, data: Path, out: Path, device: Device = CPU, bundles: Sequence[Path] = ()
) -> Generator[MemberProgress, None, Record]:
    """Train and judge one experiment with one seed, and write ``run.json`` and the run report; a broken run goes on.

    The weights stay in the folder's ``members``; only the numbers need to be kept.
    """
    recipe, folder = experiment.recipe, run_folder(out, experiment, seed)
    films = read_films(data, recipe)
    members = divisions(experiment, films, seed)
    on = str(device.torch_device)
    where = out / experiment.system / f"start-{recipe.network}"
    start = yield from starting_weights(experiment.start, recipe, films, data, where, on, bundles)
    trained = yield from train_members(recipe, films, members, folder / "members", on, start)
    found = judge_run(experiment, seed, films, members, trained, folder, device)
    write_bytes(folder / RUN, (json.dumps(found, ensure_ascii=False) + "\n").encode())
    return found


def divisions(experiment: Experiment, films: Films, seed: int) -> list[Member]:
    """Return the networks of a run: one for the manifest's division, or one a fold."""
    prefix = "fold-" if experiment.folds else "protocol-"
    return [m for m in plan_members(experiment.recipe, films, seed) if m.name.startswith(prefix)]


def judge_run(
    experiment: Experiment,
    seed: int,
    films: Films,
    members: Sequence[Member],
    trained: dict[str, Weights],
    folder: Path,
    device: Device,
) -> Record:
    """Read every held-out film with the network that never saw it, and judge network and controls on the same films."""
    recipe = experiment.recipe
    squares, labels = load_squares(films.samples, recipe), label_indices(films.samples, recipe)
    rows, logits = read_rows(recipe, members, trained, squares, device)
    truth, patients = labels[rows], [films.samples[i].patient for i in rows]
    probabilities = softmax(logits)
    metrics = judge(recipe.class_names, recipe.positive, truth, probabilities, patients)
    groups = judge_groups(recipe.class_names, recipe.positive, truth, probabilities, [films.samples[i] for i in rows])
    histories = {m.name: read_history(folder / "members" / f"{m.name}.json") for m in members}
    network = fill_network(recipe, trained[members[0].name])
    found: Record = {
        "identity": identity(experiment),
        "system": experiment.system,
        "experiment": experiment.key,
        "seed": seed,
        "classes": list(recipe.class_names),
        "parameters": sum(p.numel() for p in network.parameters()),
        "processor_seconds": processor_seconds(histories.values()),
        "epochs": [len(own) for own in histories.values()],
        "training_films": [len(m.training) for m in members],
        "held_out_films": len(rows),
        "films_of_known_patients": known_patients(films, members),
        "metrics": metrics,
        "controls": controls(recipe, films, members, rows, labels, probabilities),
    }
    make_folder(folder)
    HeldOutAnswers.of_samples([films.samples[i] for i in rows], truth, logits).save(folder / ANSWERS)
    facts = (("Seed", str(seed)), ("Parameters", f"{found['parameters']:,}"), ("Division", experiment.title))
    title = f"{experiment.system}: {experiment.title}, seed {seed}"
    told = metrics | {"groups": groups}
    write_run_report(RunRecord(title, recipe, histories, truth, probabilities, patients, told, facts), folder / "report")
    return found


def read_rows(
    recipe: Recipe, members: Sequence[Member], trained: dict[str, Weights], squares: Any, device: Device
) -> tuple[Integers, Floats]:
    """Return the indices of all held-out films and their logits (films, classes), side by side from one pass.

    A film that several networks hold out, those of the article's division, gets the mean of their logits.
    """
    rows = np.unique(np.concatenate([m.held_out for m in members]))
    logits, readers = np.zeros((len(rows), len(recipe.classes))), np.zeros(len(rows))
    for member in members:
        own = np.searchsorted(rows, member.held_out)
        network = fill_network(recipe, trained[member.name])
        logits[own] += read_squares(network, recipe, squares[member.held_out], device.torch_device)
        readers[own] += 1
    return rows, logits / readers[:, None]


def processor_seconds(histories: Iterable[Sequence[Record]]) -> float | None:
    """Return the processor time of all epochs; None if it was not measured."""
    epochs = [epoch for history in histories for epoch in history]
    measured = epochs and all("processor_seconds" in epoch for epoch in epochs)
    return float(sum(epoch["processor_seconds"] for epoch in epochs)) if measured else None


def known_patients(films: Films, members: Sequence[Member]) -> int:
    """Return how many held-out films show a patient (or a duplicate) that their network has learned from."""
    groups = np.array(films.all_groups)
    return sum(int(np.isin(groups[m.held_out], groups[m.training]).sum()) for m in members)


def controls(
    recipe: Recipe, films: Films, members: Sequence[Member], rows: Integers, labels: Integers, probabilities: Floats
) -> Record:
    """Return what thumbnails, frames, films without lungs and file facts reach on the same division."""
    samples = films.samples
    parts = [(m.training[m.training < len(samples)], m.held_out) for m in members]
    answers = judge_controls(samples, labels, parts, len(recipe.classes), control_squares(samples))
    patients = [samples[i].patient for i in rows]
    return compare_controls(recipe.class_names, recipe.positive, labels[rows], probabilities, answers, patients)


def quick(experiment: Experiment, epochs: int) -> Experiment:
    """Return the experiment with fewer epochs, to try the way without the wait."""
    return replace(experiment, recipe=experiment.recipe.with_epochs(epochs))
