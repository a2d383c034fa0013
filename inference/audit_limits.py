"""How much an answer changes under the audit when nothing is wrong: measured on held-out films that were answered rightly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from inference.audit import TITLES, Audit, AuditLimits, audit_film, judge_lines, outside_above_lungs
from inference.dataset import Sample, load_grey, read_manifest
from inference.errors import DatasetError
from inference.generators import finished
from inference.lungs.segment import LungFinder
from inference.predict import Predictor

QUANTILE = 0.975
"""Of the changes of right answers. Five limits are looked at, so that some one right answer in ten is spoken of."""
LEAST, MOST = 0.1, 0.5
"""No smaller change is ever spoken of and every larger one is, whatever was measured."""
FEWEST = 20
"""Films with markers below which the limit for markers is taken from all films."""
UNLIMITED = AuditLimits(math.inf, math.inf, math.inf, math.inf, math.inf)


def measure_audits(
    predictor: Predictor, finder: LungFinder, manifest: Path, films_per_class: int, seed: int = 0
) -> Generator[int, None, list[tuple[Sample, Audit]]]:
    """Audit some held-out films of each class, each by the member that never saw its patient; yield how many are done.

    Raises
    ------
    DatasetError
        If no film of the manifest is among the model's held-out ones.
    """
    member_of = _members(predictor)
    samples = [s for s in read_manifest(manifest, predictor.bundle.class_names, allow_empty=True) if s.sha256 in member_of]
    if not samples:
        raise DatasetError(f"{manifest.name} holds no film that the model {predictor.bundle.name} was judged on.")
    audits = []
    for sample in _some_of_each(samples, films_per_class, seed):
        grey = load_grey(sample.path)
        work = audit_film(predictor, grey, finder.find(grey), UNLIMITED, members=(member_of[sample.sha256],))
        audits.append((sample, finished(work)))
        yield len(audits)
    return audits


def fit_limits(audits: Sequence[Audit]) -> AuditLimits:
    """Return the limits from audits of rightly answered films: the 97.5th percentile of each change, between 0.1 and 0.5.

    Raises
    ------
    DatasetError
        If there is none.
    """
    if not audits:
        raise DatasetError("No film was answered rightly; the limits of the audit cannot be measured.")
    marked = [audit for audit in audits if audit.markers]
    found = [outside_above_lungs(audit.lines) for audit in audits if audit.lungs_found]
    return AuditLimits(
        markers=_limit(_sizes(marked if len(marked) >= FEWEST else audits, "markers")),
        outside=_limit(found),
        border=_limit(_sizes(audits, "border")),
        mirrored=_limit(_sizes(audits, "mirrored")),
        compressed=_limit(_sizes(audits, "compressed")),
    )


def summarise(audited: Sequence[tuple[Sample, Audit]], predictor: Predictor) -> dict[str, Any]:
    """Return what a lung network's card says of the audit: the limits, and what they were measured on.

    ``changes`` holds the 2.5th, 50th and 97.5th percentile of each line's change among right answers; ``verdicts`` counts what
    the limits say of the same films, right and wrong answers apart.
    """
    right = [audit for sample, audit in audited if audit.shown == sample.label]
    wrong = [audit for sample, audit in audited if audit.shown != sample.label]
    limits = fit_limits(right)
    model = {"name": predictor.bundle.name, "weights_sha256": predictor.bundle.weights_sha256}
    films = {"films": len(audited), "right": len(right), "lungs_found": sum(audit.lungs_found for _, audit in audited)}
    return {
        "limits": asdict(limits),
        "model": model,
        "quantile": QUANTILE,
        **films,
        "with_markers": sum(audit.markers > 0 for _, audit in audited),
        "changes": {name: _spread(right, name) for name in TITLES},
        "verdicts": {"right": _verdicts(right, limits), "wrong": _verdicts(wrong, limits)},
        "milliseconds": float(np.median([audit.milliseconds["audit"] for _, audit in audited])),
    }


def _members(predictor: Predictor) -> dict[str, int]:
    """Return by SHA-256 which member never saw a held-out film."""
    fold = predictor.bundle.embeddings().fold
    return {row.sha256: int(member) for row, member in zip(predictor.bundle.examples(), fold, strict=True)}


def _some_of_each(samples: Sequence[Sample], per_class: int, seed: int) -> list[Sample]:
    order = np.random.default_rng(seed).permutation(len(samples))
    labels = sorted({s.label for s in samples})
    return [s for label in labels for s in [samples[i] for i in order if samples[i].label == label][:per_class]]


def _sizes(audits: Sequence[Audit], name: str) -> list[float]:
    return [abs(change) for change in _changes(audits, name)]


def _changes(audits: Sequence[Audit], name: str) -> list[float]:
    return [line.change for audit in audits for line in audit.lines if line.name == name]


def _limit(values: Sequence[float]) -> float:
    """Return the quantile, kept between the least and the most; the most where nothing was measured."""
    return float(np.clip(np.quantile(values, QUANTILE), LEAST, MOST)) if len(values) else MOST


def _spread(audits: Sequence[Audit], name: str) -> list[float]:
    values = _changes(audits, name)
    return [round(float(v), 4) for v in np.quantile(values, [0.025, 0.5, 0.975])] if values else []


def _verdicts(audits: Sequence[Audit], limits: AuditLimits) -> dict[str, int]:
    return dict(Counter(judge_lines(audit.lines, limits, audit.lungs_found) for audit in audits))
