"""What a model's card says, as the records that the panel and the report show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference.card import CARD
from viewer.reading import ConfusionMatrix, ModelFacts


def card_time(folder: Path) -> int:
    """Return when the model in a folder was written (ns; 0: there is none): a name may have got another model meanwhile."""
    card = folder / CARD
    return card.stat().st_mtime_ns if card.is_file() else 0


def model_facts(card: dict[str, Any], weights_sha256: str) -> ModelFacts:
    """Return what the panel and the report say about a model, from its card."""
    facts = card["facts"]
    return ModelFacts(
        name=card["name"],
        title=card["title"],
        version=card["version"],
        weights_sha256=weights_sha256,
        summary=facts.get("summary", ""),
        trained_on=facts.get("trained_on", ""),
        never_tested_on=facts.get("never_tested_on", ""),
        not_for=facts.get("not_for", ""),
        metrics=_metric_lines(card["metrics"]),
        departures=tuple(card.get("departures", ())),
    )


def _metric_lines(metrics: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    titles = {"cross_validation": "Grouped by patient, five folds", "protocol": "The article's own division"}
    lines = []
    for key, title in titles.items():
        if key in metrics:
            found = metrics[key]["accuracy"]
            text = f"{found['count']}/{found['total']} right, {100 * found['value']:.1f} %"
            lines.append((title, f"{text} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"))
    return tuple(lines)


def confusion_matrix(card: dict[str, Any]) -> ConfusionMatrix:
    """Return the matrix of the model's held-out films, from its card."""
    return ConfusionMatrix(
        names=tuple(c["name"] for c in card["classes"]),
        titles=tuple(c["title"] for c in card["classes"]),
        counts=tuple(tuple(int(n) for n in row) for row in card["confusion_matrix"]["counts"]),
        provenance=card["confusion_matrix"]["provenance"],
    )
