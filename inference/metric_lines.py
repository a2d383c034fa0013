"""What a model is worth, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inference.bundle import Bundle

TITLES = {
    "protocol": "The article's own division (trained on its training films, judged on its test films)",
    "cross_validation": "Cross-validation grouped by patient, every film held out once",
}


def metric_lines(metrics: dict[str, Any], bundle: Bundle) -> Iterator[str]:
    """Yield what a model is worth under each division there is, and what was published."""
    for key, title in TITLES.items():
        if key in metrics:
            yield from ("", title, *_division(metrics[key], bundle))
    for claim, value in bundle.card.get("claims", []):
        yield from ("", f"Published: {value} ({claim})")


def _division(found: dict[str, Any], bundle: Bundle) -> Iterator[str]:
    yield f"  films {found['films']}, patients {found['patients']}"
    yield f"  accuracy {share_text(found['accuracy'])}"
    for name, title in zip(bundle.class_names, bundle.class_titles, strict=True):
        recall, precision = share_text(found["recall"][name]), share_text(found["precision"][name])
        yield f"  {title:<12} sensitivity {recall}, precision {precision}"
    area = found["auc"]
    yield f"  area under the curve, {area['class']} against the rest: {area_text(area)}"
    other = found.get("auc_without_positive")
    if other:
        yield f"  area under the curve, {other['class']} against {other['against']} (one hospital): {area_text(other)}"
    yield (
        f"  macro F1 {_between(found, 'macro_f1')}, negative log likelihood {found['negative_log_likelihood']:.3f}, "
        f"expected calibration error {_between(found, 'expected_calibration_error')}"
    )
    yield from _matrix(found["confusion_matrix"], bundle.class_titles)
    yield from _groups(found.get("groups", {}))


def _matrix(counts: list[list[int]], titles: tuple[str, ...]) -> Iterator[str]:
    yield "  confusion matrix (rows truth, columns answer)"
    yield "  " + " " * 14 + "".join(f"{title:>14}" for title in titles)
    for title, row in zip(titles, counts, strict=True):
        yield f"  {title:<14}" + "".join(f"{count:>14}" for count in row)


def _groups(groups: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for kind, rows in groups.items():
        if {row["group"] for row in rows} <= {"unknown"}:
            continue
        yield f"  right, by {kind}"
        for row in rows:
            yield f"    {row['group'][:40]:<40} {share_text(row['accuracy'])}"


def _between(found: dict[str, Any], key: str) -> str:
    """Return "0.834 (0.810 to 0.857)", or the number alone where a card of an earlier version has no interval."""
    low, high = found.get(f"{key}_interval") or (None, None)
    return f"{found[key]:.3f}" if low is None else f"{found[key]:.3f} ({low:.3f} to {high:.3f})"


def share_text(record: dict[str, Any]) -> str:
    """Return "254/317 = 80.13 % (75.4 to 84.1)" of the record of a proportion."""
    if record["value"] is None:
        return "0/0"
    low, high = 100 * record["low"], 100 * record["high"]
    return f"{record['count']}/{record['total']} = {100 * record['value']:.2f} % ({low:.1f} to {high:.1f})"


def area_text(record: dict[str, Any]) -> str:
    """Return "0.981 (0.962 to 0.993)" of the record of an area under the curve."""
    if record["value"] is None:
        return "none, for want of films"
    return f"{record['value']:.3f} ({record['low']:.3f} to {record['high']:.3f})"
