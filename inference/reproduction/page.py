"""REPRODUCTION.md: what the articles state, what came out here, and what it is worth; made from the runs' records alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.evaluate import Proportion
from inference.reproduction.experiments import ARTICLE, CORRECTED, EXPERIMENTS, SYSTEMS, Experiment, System
from inference.reproduction.runs import Record, finished_run

Runs = dict[str, list[Record]]
BEGIN, END = "<!-- reproduction: begin -->", "<!-- reproduction: end -->"

CONTROL_TITLES = {
    "thumbnail": "thumbnails of 16 x 16",
    "frame": "outer 6 % frame",
    "lungs_blacked_out": "lungs blacked out",
    "file_facts": "file facts alone",
}

HEAD = """\
# The published systems, reproduced

Made by `hilum reproduce` from the runs whose numbers lie in `resources/reproduction/`; not edited by hand. Every network was
trained here, from fresh weights unless said otherwise, on the films of the manifests. *As published* is the article's own
division and training, with its leaks; *corrected* keeps patients apart. Accuracy is the mean over the seeds, in brackets the
lowest and highest; intervals are 95 %: Wilson's at the mean count for accuracy, patients drawn as a whole for areas under the
curve and F1. Time is processor time of the training of one seed, one core unless said.

**Research and education only.** None of these numbers says that a network is fit for patients: on public data of this kind
they measure to a large part where a film comes from. The controls below say how large.
"""


def collect(out: Path, experiments: Sequence[Experiment] | None = None) -> Runs:
    """Return the finished runs of each experiment (of all there are), by its name, in the order of their seeds."""
    runs: Runs = {}
    for experiment in EXPERIMENTS if experiments is None else experiments:
        found = [finished_run(out, experiment, seed) for seed in range(experiment.seeds)]
        runs[experiment.name] = [run for run in found if run is not None]
    return runs


def page(runs: Runs) -> str:
    """Return the whole page as Markdown."""
    parts = [HEAD, summary(runs)]
    parts += [section(system, runs) for system in SYSTEMS if _of(system, runs)]
    return "\n".join([*parts, *still_to_run(runs)])


def still_to_run(runs: Runs) -> list[str]:
    """Return what is missing of the experiments' seeds, so that a page of few runs does not pass for a whole one."""
    missing = [(e, e.seeds - len(runs.get(e.name, []))) for e in EXPERIMENTS]
    lines = [f"- {e.name}: {e.title}, {count} of {e.seeds} seeds" for e, count in missing if count > 0]
    return ["\n## Still to be run\n", *lines, ""] if lines else []


def summary(runs: Runs) -> str:
    """Return the table of all systems, a row each: for the page and for the README."""
    lines = [
        "| system | article | as published | corrected | parameters | training | what the article's number measured |",
        "|---|---|---|---|---|---|---|",
    ]
    for system in SYSTEMS:
        rows = _of(system, runs)
        published = [f"{e.title}: {mean_and_range(found)}" for e, found in rows if e.kind == ARTICLE]
        corrected = [f"{interval(found)}" for e, found in rows if e.kind == CORRECTED]
        runs_of_first = next((found for _, found in rows), [])
        cells = [
            f"**{system.name}** {system.title}",
            system.claimed,
            "<br>".join(published) or "none",
            "<br>".join(corrected) or "not run yet",
            f"{runs_of_first[0]['parameters']:,}" if runs_of_first else "",
            _minutes(runs_of_first) if runs_of_first else "",
            system.measured,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def section(system: System, runs: Runs) -> str:
    """Return one system's part of the page: its experiments, the controls beside them, its departures."""
    rows = _of(system, runs)
    lines = [f"\n## {system.name}: {system.title}\n"]
    if system.article:
        lines.append(f"Article: <{system.article}>. It states {system.claimed}. To reach: {system.target}.\n")
    else:
        lines.append(f"To reach: {system.target}.\n")
    lines += [
        "| experiment | seeds | films held out (patients known) | accuracy: mean (range) | AUC | F1 | parameters | time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_experiment_line(e, found) for e, found in rows]
    lines.append("")
    lines += [text for e, found in rows for text in _details(e, found)]
    return "\n".join(lines) + "\n"


def _of(system: System, runs: Runs) -> list[tuple[Experiment, list[Record]]]:
    return [(e, runs[e.name]) for e in EXPERIMENTS if e.system == system.name and runs.get(e.name)]


def _experiment_line(experiment: Experiment, found: list[Record]) -> str:
    first = found[0]
    positive = first["metrics"]["auc"]["class"]
    cells = [
        f"{experiment.title} ({experiment.kind})",
        str(len(found)),
        f"{first['held_out_films']} ({first['films_of_known_patients']})",
        mean_and_range(found),
        _mean_area([run["metrics"]["auc"] for run in found]),
        _mean_area([run["metrics"]["f1"][positive] for run in found]),
        f"{first['parameters']:,}",
        _minutes(found),
    ]
    return "| " + " | ".join(cells) + " |"


def _details(experiment: Experiment, found: list[Record]) -> list[str]:
    """Return an experiment's matrix, its second area, and the controls beside it."""
    first = found[0]
    matrix = first["metrics"]["confusion_matrix"]
    lines = [f"**{experiment.title}** ({interval(found)}). Seed {first['seed']}, rows truth, columns answer, "
             f"{', '.join(first['classes'])}: {matrix}."]  # fmt: skip
    second = [run["metrics"]["auc_without_positive"] for run in found]
    if second[0]:
        lines.append(f"AUC {second[0]['class']} against {second[0]['against']}: {_mean_area(second)}.")
    lines.append(f"Controls: {controls(found)}\n")
    return lines


def controls(found: list[Record]) -> str:
    """Return what the controls reach beside the network, and whether the network beats the thumbnails."""
    names = [name for name in CONTROL_TITLES if name in found[0]["controls"]]
    told = [f"{CONTROL_TITLES[n]} {100 * _mean([r['controls'][n]['accuracy']['value'] for r in found]):.1f} %" for n in names]
    if not names:
        return "none, the films have no originals to compare."
    beaten = [run["controls"]["thumbnail"]["network_minus_control"] for run in found]
    gain = 100 * _mean([b["difference"] for b in beaten])
    wins = sum(bool(b["beats"]) for b in beaten)
    verdict = (
        "beats the thumbnails beyond its interval"
        if wins == len(beaten)
        else (f"**does not beat the thumbnails by more than its interval** in {len(beaten) - wins} of {len(beaten)} runs")
    )
    return f"{'; '.join(told)}. The network {verdict} ({gain:+.1f} points)."


def mean_and_range(found: list[Record]) -> str:
    """Return "97.8 % (96.7 to 98.3)" of the accuracies of an experiment's seeds."""
    values = [100 * run["metrics"]["accuracy"]["value"] for run in found]
    if len(values) == 1:
        return f"{values[0]:.1f} % (one seed)"
    return f"{_mean(values):.1f} % ({min(values):.1f} to {max(values):.1f})"


def interval(found: list[Record]) -> str:
    """Return the mean accuracy with Wilson's interval at the mean count of films that were right."""
    total = found[0]["metrics"]["accuracy"]["total"]
    mean = _mean([run["metrics"]["accuracy"]["count"] for run in found])
    low, high = Proportion(round(mean), total).interval
    area = _mean_area([run["metrics"]["auc"] for run in found])
    return f"{100 * mean / total:.1f} % ({100 * low:.1f} to {100 * high:.1f}), AUC {area}"


def _mean_area(areas: list[dict[str, Any]]) -> str:
    if any(area["value"] is None for area in areas):
        return "none"
    value, low, high = (_mean([area[key] for area in areas]) for key in ("value", "low", "high"))
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _minutes(found: list[Record]) -> str:
    """Return the processor time of the first seed whose time was measured."""
    seconds = next((run["processor_seconds"] for run in found if run["processor_seconds"] is not None), None)
    if seconds is None:
        return "not measured"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def insert_summary(readme: str, table: str) -> str:
    """Return the README with the table between its two marks; unchanged if it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table}{end}{after}" if begin and end else readme
