"""What a model is worth, section by section: each function returns the markup of one, or "" where there is nothing to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.calibration import ReliabilityBin, reliability
from inference.conformal import cross_fitted_sets, judge_sets
from inference.evaluate import Proportion, expected_calibration_error
from inference.model_card.markup import (
    FEW,
    NOT_MEASURED,
    NOT_RECORDED,
    Row,
    figure,
    films,
    interval,
    note,
    number,
    paragraph,
    section,
    share,
    subheading,
    table,
)
from inference.model_card.plots import reliability_svg, roc_curve, roc_svg
from inference.model_card.source import GATE_RECORD, OUTSIDE, CardSource
from inference.model_card.subgroups import HEAD, KINDS, FilmFacts, recorded_areas, subgroup_rows, subgroups
from inference.operating_point import OperatingPoint
from inference.validation import CALIBRATION

CALIBRATED = 0.03
"""Expected calibration error up to which the probabilities pass for calibrated."""
WILSON = (
    "Intervals in parentheses are 95 %. Those behind counts are Wilson's, which take films for independent of one another; "
)
BY_PATIENT = "those of areas are of whole patients drawn again and again."
CONTROL_TITLES = {
    "thumbnail": "Thumbnails of 16 x 16 pixels, logistic regression",
    "frame": "The outer 6 % of the film alone",
    "lungs_blacked_out": "The film with its middle, where the lungs lie, painted black",
    "file_facts": "File facts alone: size of the original in pixels",
    "lungs_masked": "The film with everything but the lungs taken away",
}
EXPECTED_CONTROLS = ("thumbnail", "frame", "lungs_blacked_out")


def cross_validation(source: CardSource) -> Mapping[str, Any]:
    """Return the record of the held-out films, each read by a network that never saw its patient; empty where it is not."""
    found: Mapping[str, Any] = source.card["metrics"].get("cross_validation", {})
    return found


# What it is worth


def worth_section(source: CardSource, drawn: bool) -> str:
    """Return counts, areas, operating points, confusion matrix and, if ``drawn``, the ROC curves."""
    found = cross_validation(source)
    return section(
        "worth",
        "On held-out films",
        note(str(source.card["confusion_matrix"].get("provenance", ""))),
        _measures(source, found),
        subheading("Operating points"),
        _points(source),
        subheading("Confusion matrix"),
        confusion_table(source.card["confusion_matrix"]["counts"], list(source.titles.values()), list(source.titles.values())),
        _of_classes(source, found),
        _roc(source) if drawn else "",
        note(WILSON + BY_PATIENT),
    )


def _measures(source: CardSource, found: Mapping[str, Any]) -> str:
    rows = [("Films", f"{found.get('films', len(source.rows)):,} of {found.get('patients', 0):,} patients")]
    for key in ("auc", "auc_without_positive"):
        if entry := found.get(key):
            against = source.titles.get(entry.get("against", ""), "all others")
            title = f"Area under the ROC curve, {source.titles[entry['class']]} against {against}"
            rows.append((title, number(entry) + _one_source(source, entry)))
    rows.append(("Rightly answered", share(found["accuracy"]) if "accuracy" in found else NOT_RECORDED))
    if "macro_f1" in found:
        rows.append(("Macro F1", number(interval(found["macro_f1"], found.get("macro_f1_interval")))))
    protocol = source.card["metrics"].get("protocol")
    if protocol:
        rows.append(("Rightly answered under the article's own division", share(protocol["accuracy"])))
    return table((), rows)


def _one_source(source: CardSource, entry: Mapping[str, Any]) -> str:
    """Return a remark where two classes come from one source: nothing about sources can have helped there."""
    pair = {entry["class"], entry.get("against")}
    given = {row.source.partition(":")[0] for row in source.rows if row.truth in pair}
    return ", within one source" if len(given) == 1 and None not in pair else ""


def _points(source: CardSource) -> str:
    points = source.points()
    rows = [point_cells(point) for point in points.value]
    stored = source.card["thresholds"].get(source.positive)
    if stored:
        title = "Nine of ten found (its counts are of the films it was chosen on)"
        cells = (f"{100 * stored['threshold']:.1f} %", share(stored["sensitivity"]), share(stored["specificity"]))
        rows.append((title, *cells))
    head = (f"{source.positive_title} is called", "at or above", "Sensitivity", "Specificity")
    return table(head, rows) + note(f"Counts of the named points are cross-fitted; {points.origin}.")


def point_cells(point: OperatingPoint) -> tuple[str, str, str, str]:
    """Return an operating point as cells: title, threshold, sensitivity, specificity."""
    return point.title, f"{100 * point.threshold:.1f} %", share(point.sensitivity), share(point.specificity)


def confusion_table(counts: Sequence[Sequence[int]], truths: Sequence[str], answers: Sequence[str]) -> str:
    """Return counts as a table, rows the truth, columns the answer."""
    rows = [(truth, *(f"{count:,}" for count in row)) for truth, row in zip(truths, counts, strict=True)]
    return table(("Truth \\ answer", *answers), rows)


def _of_classes(source: CardSource, found: Mapping[str, Any]) -> str:
    if "recall" not in found:
        return ""
    rows = [(title, share(found["recall"][n]), share(found["precision"][n])) for n, title in source.titles.items()]
    return table(("Most likely class", "Of its films, called so", "Of those called so, rightly"), rows)


def _roc(source: CardSource) -> str:
    marks = [(1 - p.specificity.value, p.sensitivity.value) for p in source.points().value]
    curves = []
    for index, name in enumerate(source.names):
        own = marks if name == source.positive else []
        curve = roc_curve(source.titles[name], source.truth == index, source.probabilities[:, index], own)
        curves += [curve] if curve else []
    curves.sort(key=lambda curve: curve.title != source.positive_title)
    if not curves:
        return ""
    caption = f"ROC, each class against all others, held-out films. Dots: the operating points for {source.positive_title}."
    return figure(roc_svg(curves, caption), caption)


# Calibration


def calibration_section(source: CardSource, drawn: bool) -> str:
    """Return calibration error, reliability and the coverage of the conformal sets."""
    bins = reliability(source.truth, source.crossed) if len(source.rows) else ()
    caption = "Reliability: how often the answer is right over how sure it is. Bars at the foot: films in each bin."
    return section(
        "calibration",
        "Calibration",
        table((), _calibration_rows(source)),
        figure(reliability_svg(bins, caption), caption) if drawn and bins else "",
        reliability_table(bins),
        subheading("Sets of answers"),
        _coverage(source),
    )


def _calibration_rows(source: CardSource) -> list[tuple[str, str]]:
    found, stored = cross_validation(source), source.card.get(CALIBRATION) or {}
    error = found.get("expected_calibration_error")
    rows = [("Temperature", f"{float(source.card['temperature']):.3f}")]
    if "expected_calibration_error" in stored:
        before = stored.get("expected_calibration_error_before")
        bounds = stored.get("expected_calibration_error_interval")
        rows.append((ERROR_TITLE, number(interval(stored["expected_calibration_error"], bounds))))
        rows.append(("The same before calibration", NOT_RECORDED if before is None else f"{before:.3f}"))
    elif len(source.rows):
        crossed = expected_calibration_error(source.truth, source.crossed)
        rows.append((ERROR_TITLE, f"{crossed:.3f}, worked out from the held-out answers, without an interval"))
    rows.append((
        "The same with the temperature of all films",
        number(interval(error, found.get("expected_calibration_error_interval"))) if error is not None else NOT_RECORDED,
    ))  # fmt: skip
    if "brier" in found:
        rows.append(("Brier score, 0 to 2", number({"value": found["brier"]})))
    return rows


ERROR_TITLE = "Expected calibration error, 15 bins, each fold with the temperature of the others"


def reliability_table(bins: Sequence[ReliabilityBin]) -> str:
    """Return a line a bin of confidence; those of fewer than 30 films are muted."""
    rows = [
        Row(
            (f"{100 * b.low:.0f} to {100 * b.high:.0f} %", f"{100 * b.confidence:.1f} %", share(Proportion(b.right, b.films))),
            muted=b.films < FEW,
        )
        for b in bins
    ]
    return table(("Confidence", "Mean", "Right"), rows)


def _coverage(source: CardSource) -> str:
    if not len(source.rows):
        return paragraph(NOT_MEASURED)
    sets = source.sets()
    level = sets.value.level
    if source.folds < 2:
        return paragraph("Their coverage was not measured: all held-out films are of one fold.")
    held = judge_sets(source.truth, cross_fitted_sets(source.truth, source.crossed, source.fold, level))
    rows = [
        (title, f"{100 * least:.1f} %", share(found))
        for title, least, found in zip(source.titles.values(), sets.value.least, held.coverage, strict=True)
    ]
    sizes = ", ".join(f"{count:,} of {size}" for size, count in enumerate(held.sizes) if count)
    return "\n".join(
        (
            table(("Class", "Belongs to the set from", f"Truth in the set (promised {100 * level:.0f} %)"), rows),
            note(
                f"Classes in a set, films: {sizes}; a set of one class is right in {share(held.one_right)}. Bounds "
                f"{sets.origin}; coverage by folds. The promise holds for films like the held-out ones, not another hospital's."
            ),
        )
    )


# Where it is worth what


def groups_section(source: CardSource) -> str:
    """Return the tables by source, hospital, view, age and sex."""
    points = source.points().value
    if not points:
        return ""
    index = source.names.index(source.positive)
    facts = [FilmFacts(row.source, row.view, row.age, row.sex, row.truth) for row in source.rows]
    right = source.probabilities.argmax(axis=1) == source.truth
    found = subgroups(
        facts,
        source.truth == index,
        source.probabilities[:, index],
        points[0].threshold,
        right,
        areas=recorded_areas(cross_validation(source)),
    )
    parts = [
        part
        for kind, own in found.items()
        if kind != "hospital" or len(own) > len(found["source"])
        for part in (subheading(KINDS[kind]), table(HEAD, subgroup_rows(own, source.titles)))
    ]
    said = f'Sensitivity and specificity for {source.positive_title} at the point "{points[0].title.partition(":")[0]}"'
    return section("groups", "By source, view, age and sex", note(f"{said}; {GROUPS_NOTE}"), *parts)


GROUPS_NOTE = (
    "grey rows have fewer than 30 films, no area is told with fewer than 10 films of a side. A group with one class only says "
    "nothing of how well the classes are told apart in it. All films are called at the threshold chosen on all of them: "
    "together they do somewhat better here than in the cross-fitted counts above."
)


# Controls and pictures from elsewhere


def controls_section(source: CardSource) -> str:
    """Return what thumbnails, frames and films without lungs reach: what the model must beat to have seen disease."""
    controls, origin = source.controls()
    found = cross_validation(source)
    rows = [("The model", share(found.get("accuracy")), number(found.get("auc")), "")]
    measured = controls or {}
    for name in dict.fromkeys((*EXPECTED_CONTROLS, *measured)):
        own = measured.get(name)
        cells = (share(own["accuracy"]), number(own.get("auc")), _ahead(own)) if own else (NOT_MEASURED, NOT_MEASURED, "")
        rows.append((CONTROL_TITLES.get(name, name.replace("_", " ")), *cells))
    auc = f"AUC, {source.positive_title}"
    return section(
        "controls",
        "Controls: the same films without the disease in sight",
        table(("Seen", "Rightly answered", auc, "Model ahead by"), rows),
        note(f"Controls {origin}." if controls else "Nobody measured controls for this model: what it sees is not known."),
    )


def _ahead(own: Mapping[str, Any]) -> str:
    """Return the difference in accuracy in points, with its interval."""
    ahead = own.get("network_minus_control")
    if not ahead:
        return NOT_RECORDED
    return f"{100 * ahead['difference']:+.1f} points ({100 * ahead['low']:+.1f} to {100 * ahead['high']:+.1f})"


def gate_section(source: CardSource) -> str:
    """Return how often the gate refuses pictures of each kind, where the card has a record of it."""
    record = source.card.get(GATE_RECORD) or {}
    found = record.get("refused") or {}
    if not found:
        said = (
            "The gate's refusals were not recorded."
            if record
            else "No gate is recorded for this model: it answers any picture."
        )
        return section("gate", "Pictures it must refuse", paragraph(said, "warning"))
    rows = [Row((str(kind).replace("_", " "), share(own)), muted=int(own["total"]) < FEW) for kind, own in found.items()]
    return section("gate", "Pictures it must refuse", table(("Pictures", "Refused"), rows), note(str(record.get("note", ""))))


def outside_section(source: CardSource) -> str:
    """Return what the model was worth on films of hospitals that gave no training film, where the card says it."""
    found: Sequence[Mapping[str, Any]] = source.card.get(OUTSIDE) or ()
    rows = [(str(own.get("title", "")), films(int(own.get("films", 0))), number(own.get("auc"))) for own in found]
    head = ("Films", "How many", f"AUC, {source.positive_title}")
    said = paragraph(_less_than_inside(source, found[0].get("auc")) if rows else NEVER_OUTSIDE, "warning")
    return section("outside", "Other hospitals", table(head, rows), said)


NEVER_OUTSIDE = "It was never judged on films of a hospital that gave no training film."


def _less_than_inside(source: CardSource, outside: Mapping[str, Any] | None) -> str:
    """Return what is lost when hospitals are left out instead of patients; other networks of the same recipe measured it."""
    inside: Mapping[str, Any] = cross_validation(source).get("auc") or {}
    if not outside or inside.get("value") is None or outside.get("value") is None:
        return "How much is lost beside the held-out films cannot be told: one of the areas is not defined."
    return (
        f"Where patients are left out and not hospitals, the first of these areas is {number(inside)}: "
        f"{inside['value'] - outside['value']:+.3f} of it comes from films of the same hospitals in training. These figures "
        "are of other networks, trained by the same recipe without the hospitals."
    )


def mistakes(source: CardSource, most: int) -> list[int]:
    """Return the rows of held-out films that are answered wrongly, the most confident first, each class's in turn."""
    answer, confidence = source.probabilities.argmax(axis=1), source.probabilities.max(axis=1)
    wrong = [int(i) for i in np.argsort(-confidence, kind="stable") if answer[i] != source.truth[i]]
    by_cell: dict[tuple[int, int], list[int]] = {}
    for i in wrong:
        by_cell.setdefault((int(source.truth[i]), int(answer[i])), []).append(i)
    picked = sorted((i for own in by_cell.values() for i in own[:2]), key=lambda i: -confidence[i])
    filled = picked + [i for i in wrong if i not in picked]
    return sorted(filled[:most], key=lambda i: -confidence[i])
