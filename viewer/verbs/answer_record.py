"""A reading as plain values: what ``analyse`` writes as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from viewer.imaging.image import Image
from viewer.reading import Audit, ConformalSet, HeatMap, ModelFacts, ModelInput, OperatingPoint, Reading, Share


def answer_record(film: Path, sha256: str, status: str, reason: str, model: ModelFacts | None) -> dict[str, Any]:
    """Return the answer about a film that was not read, every key of the contract in its order."""
    named = {"name": model.name, "version": model.version, "weights_sha256": model.weights_sha256} if model else None
    return {
        "file": str(film),
        "sha256": sha256,
        "status": status,
        "reason": reason,
        "refusals": [],
        "override": None,
        "model": named,
        "device": "",
        "distance_percentile": None,
        "probabilities": {},
        "intervals": {},
        "interval_meaning": "",
        "predicted": None,
        "conformal": None,
        "operating_points": [],
        "nearest_right": None,
        "heatmap_peak": None,
        "heatmap": None,
        "model_input": None,
        "audit": None,
        "milliseconds": {},
        "warnings": [],
    }


def read_record(film: Path, image: Image, reading: Reading, audit: Audit | None, opened_ms: float) -> dict[str, Any]:
    """Return the answer about a film that could be opened, read or refused."""
    shown = reading.heat_map(reading.predicted)
    return answer_record(film, image.sha256, reading.status, reading.reason, reading.model) | {
        "refusals": [{"code": reason.code, "sentence": reason.sentence} for reason in reading.refusals],
        "override": reading.override_reason or None,
        "device": reading.device,
        "distance_percentile": reading.distance_percentile,
        "probabilities": {p.name: p.probability for p in reading.probabilities},
        "intervals": {p.name: [p.low, p.high] for p in reading.probabilities},
        "interval_meaning": reading.interval_meaning,
        "predicted": reading.predicted or None,
        "conformal": _set(reading.conformal) if reading.conformal else None,
        "operating_points": [_point(point) for point in reading.operating_points],
        "nearest_right": share_record(reading.nearest_right) if reading.nearest_right else None,
        "heatmap_peak": shown.peak if shown else None,
        "heatmap": _map(shown) if shown else None,
        "model_input": _input(reading.model_input) if reading.model_input else None,
        "audit": audit_record(audit) if audit else None,
        "milliseconds": {"open": opened_ms, **reading.milliseconds},
        "warnings": _warnings(image, reading, shown),
    }


def _warnings(image: Image, reading: Reading, shown: HeatMap | None) -> list[str]:
    frames = image.instance.frames
    return [
        *image.warnings,
        *reading.warnings,
        *([shown.withheld] if shown and shown.withheld else []),
        *([f"Only the first of its {frames} frames was read."] if frames > 1 else []),
    ]


def share_record(share: Share) -> dict[str, Any]:
    """Return a count of films; the value of nothing is None, because JSON knows no NaN."""
    value = share.value if share.total else None
    return {"count": share.count, "total": share.total, "value": value, "low": share.low, "high": share.high}


def _set(found: ConformalSet) -> dict[str, Any]:
    coverage = {name: share_record(own) for name, own in found.coverage}
    return {"level": found.level, "names": list(found.names), "sentence": found.sentence, "coverage": coverage}


def _point(point: OperatingPoint) -> dict[str, Any]:
    return {
        "name": point.name,
        "class": point.class_name,
        "threshold": point.threshold,
        "called": point.called,
        "sensitivity": share_record(point.sensitivity),
        "specificity": share_record(point.specificity),
        "sentence": point.sentence,
    }


def _map(shown: HeatMap) -> dict[str, Any]:
    judged = shown.faithfulness
    return {
        "class": shown.class_name,
        "method": shown.method,
        "unit": shown.unit,
        "peak": shown.peak,
        "full_scale": shown.full_scale,
        "floor": shown.floor,
        "logit": shown.logit,
        "bias": shown.bias,
        "sum": float(shown.cells.sum(dtype="float64")) if shown.is_two_sided else None,
        "cell_mm": list(shown.cell_mm) if shown.cell_mm else None,
        "withheld": shown.withheld or None,
        "faithfulness": {
            "hot": judged.hot,
            "random_mean": judged.random_mean,
            "random_spread": judged.random_spread,
            "passes": judged.passes,
            "sentence": judged.sentence,
        } if judged else None,
    }  # fmt: skip


def _input(seen: ModelInput) -> dict[str, Any]:
    return {
        "size": list(seen.grey.shape),
        "bounds_row_column": [float(edge) for edge in seen.bounds_row_column],
        "pixel_mm": list(seen.pixel_mm) if seen.pixel_mm else None,
        "polarity": seen.polarity,
    }


def audit_record(audit: Audit) -> dict[str, Any]:
    """Return the audit of a film: its lines and its verdict."""
    return {
        "shown": audit.shown,
        "verdict": audit.verdict,
        "sentence": audit.sentence,
        "lungs_found": audit.lungs is not None,
        "markers": audit.markers,
        "lines": [
            {"name": line.name, "title": line.title, "before": line.before, "after": line.after, "change": line.change}
            for line in audit.lines
        ],
        "milliseconds": audit.milliseconds,
    }
