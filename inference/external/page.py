"""A judgement on unseen films as one page: by the template of the model card, from the record that is written as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from inference.calibration import ReliabilityBin
from inference.evaluate import Proportion
from inference.external.films import REST
from inference.external.judging import Answers
from inference.external.reading import MINOR
from inference.gate.reasons import SENTENCES
from inference.model_card.markup import (
    FEW,
    Row,
    figure,
    interval,
    listed,
    note,
    number,
    paragraph,
    section,
    share,
    subheading,
    table,
)
from inference.model_card.page import NOTICE, whole_page
from inference.model_card.plots import reliability_svg, roc_curve, roc_svg
from inference.model_card.sections import WILSON, confusion_table, reliability_table
from inference.model_card.source import CardSource
from inference.model_card.subgroups import HEAD, KINDS, Subgroup, subgroup_rows
from inference.operating_point import TITLES

Record = Mapping[str, Any]
ENOUGH = 100
"""Films with, and films without, the finding below which the page says that they are few (Vergouwe et al. 2005)."""
MINOR_SENTENCE = "The manifest says that the patient is under 18; the model was made for adults."
NO_GATE = (
    "The model has no gate: films are refused only for plain faults of the picture, for a great distance from the training "
    "films, and for the age in the manifest."
)
INTERVALS = WILSON + "those of areas and calibration errors are of whole patients drawn again and again."


def evaluation_page(record: Record, source: CardSource, answers: Answers) -> str:
    """Return the page; ``answers`` are those the record was made from, for the curves."""
    kept = answers.only([not row.refused for row in answers.rows])
    head = [
        paragraph(f"{source.card['name']}, version {source.card['version']}, on {record['manifest']}", "note"),
        paragraph(NOTICE, "purpose"),
        paragraph(verdict(record, source), "verdict"),
        section("warnings", "Warnings", listed(warnings(record, source))),
    ]
    body = [
        _films(record, source),
        _refusals(record),
        _worth("worth", "Among the films that were not refused", record["not_refused"], record, source, kept),
        _calibration(record["not_refused"], source),
        _groups(record["not_refused"], record, source),
        _all(record, source),
        section("files", "Files, SHA-256", table((), [(n, record[f"{n}_sha256"]) for n in ("weights", "manifest")])),
    ]  # fmt: skip
    return whole_page(f"Judged on other films: {source.card['title']}", head, body)


def verdict(record: Record, source: CardSource) -> str:
    """Return the sentence that matters: what the model is worth here, and what it was among its held-out films."""
    found, title = record["not_refused"], source.titles[record["positive"]]
    area, before = found["auc"], record["held_out"]["auc"]
    said = f"{found['films']:,} films of {found['patients']:,} patients the model had never seen were not refused. "
    if found["films"] and found["operating_points"]:
        point = found["operating_points"][0]
        said += f'At the point "{_short(point["name"])}": sensitivity {share(point["sensitivity"])}, '
        said += f"specificity {share(point['specificity'])}. "
    if not area or area["value"] is None:
        return said + f"They allow no area under the curve for {title}: films with it and without it are needed."
    return said + (
        f"Area under the curve for {title} against the rest {number(area)}; among its own held-out films {number(before)}."
    )


def _short(name: str) -> str:
    return TITLES.get(name, name).partition(":")[0]


def warnings(record: Record, source: CardSource) -> list[str]:
    """Return what a reader must know before the first number."""
    found, title = record["not_refused"], source.titles[record["positive"]]
    said = []
    positives = sum(count for label, count in found["by_label"].items() if record["labels"][label] == record["positive"])
    rest = found["films"] - positives
    if min(positives, rest) < ENOUGH:
        said.append(f"Few films: {positives:,} with {title} and {rest:,} without. At least {ENOUGH} of each are wanted.")
    sides = [label for label, name in record["labels"].items() if name == REST]
    if sides:
        said.append(f"Not among the model's answers, and judged as films without {title} only: {', '.join(sides)}.")
    if not record["refusals"]["gate"]:
        said.append(NO_GATE)
    if record["films_known_by_patient_alone"]:
        said.append(
            f"{record['films_known_by_patient_alone']:,} training films are recognised by their patient alone: the model keeps "
            "neither their hash nor their features."
        )
    low = [n for n, own in found["conformal"]["coverage"].items() if own["high"] < found["conformal"]["level"]]
    if low:
        said.append(f"The sets of answers hold the truth less often than promised: {', '.join(source.titles[n] for n in low)}.")
    if (found["auc"] or {}).get("low") is not None and found["auc"]["low"] <= 0.5:
        said.append("The area under the curve may be chance: its interval holds 0.5.")
    if positives and rest and _sources_split(found):
        said.append(
            f"No source here gave films with {title} and films without it: the area may measure the source, not the disease."
        )
    return said


def _sources_split(found: Record) -> bool:
    groups = found["groups"].get("source", ())
    return not any(group["sensitivity"]["total"] and group["specificity"]["total"] for group in groups)


def _films(record: Record, source: CardSource) -> str:
    left = [(f"Left out: {reason}", f"{count:,}") for reason, count in record["excluded"].items() if count]
    labels = [
        (label, source.titles.get(name, f"no answer of the model's: {name}"), f"{record['all']['by_label'][label]:,}")
        for label, name in record["labels"].items()
    ]
    return section(
        "films",
        "Films",
        table((), [("Listed in the manifest", f"{record['films_listed']:,}"), *left, ("Read", f"{record['all']['films']:,}")]),
        table(("Label", "Taken for", "Films read"), labels),
        note(
            "A training film is known again by its hash, by its patient, by the features the model keeps of it and, where the "
            "training films are on this machine, by its look. Crops, and films changed a lot, can be missed by features alone."
        ),
    )


def _refusals(record: Record) -> str:
    found = record["refusals"]
    rows = [("Refused in all", share(found["refused"]))]
    codes = [(code, _sentence(code), share(own)) for code, own in found["by_code"].items()]
    labels = [Row((label, share(own)), muted=own["total"] < FEW) for label, own in found["by_label"].items()]
    return section(
        "refusals",
        "Refused",
        paragraph(NO_GATE, "warning") if not found["gate"] else "",
        table((), rows),
        table(("Code", "Said", "Films"), codes),
        subheading("By label"),
        table(("Label", "Refused"), labels),
        table(("Read with a doubt", "Films"), [(code, share(own)) for code, own in found["doubts"].items()]),
    )


def _sentence(code: str) -> str:
    """Return what a code says, with dots in the place of a film's own figures."""
    return MINOR_SENTENCE if code == MINOR else re.sub(r"{\w+}", "...", SENTENCES.get(code, code))


def _worth(anchor: str, heading: str, found: Record, record: Record, source: CardSource, answers: Answers) -> str:
    if not found["films"]:
        return section(anchor, heading, paragraph("No film is left to be judged.", "warning"))
    title = source.titles[record["positive"]]
    points = [(1 - o["specificity"]["value"], o["sensitivity"]["value"]) for o in found["operating_points"]
              if o["specificity"]["total"] and o["sensitivity"]["total"]]  # fmt: skip
    curve = roc_curve(f"{title} against the rest", answers.positive, answers.score, points)
    caption = f"ROC of {title} against the rest. Dots: the operating points, at the thresholds stored with the model."
    return section(
        anchor,
        heading,
        _measures(found, record, title),
        subheading("Operating points of the model"),
        points_table(found, title),
        note("Thresholds as the model's card records them." if record["operating_points_recorded"] else POINTS_WORKED_OUT),
        figure(roc_svg([curve], caption), caption) if curve else "",
        subheading("Most likely class"),
        _confusion(found, source),
        subheading("Sets of answers"),
        _coverage(found, record, source),
        note(INTERVALS),
    )


POINTS_WORKED_OUT = (
    "The model's card records no operating points: thresholds worked out from its held-out answers, not from these."
)


def _measures(found: Record, record: Record, title: str) -> str:
    held_out = record["held_out"]
    rows = [
        ("Films", f"{found['films']:,} of {found['patients']:,} patients", f"{held_out['films'] or 0:,}"),
        (f"Area under the ROC curve, {title} against the rest", number(found["auc"]), number(held_out["auc"])),
    ]
    if found["accuracy"]:
        rows.append(("Rightly answered", share(found["accuracy"]), share(held_out["accuracy"])))
    return table(("", "These films", "The model's held-out films"), rows)


def points_table(found: Record, title: str) -> str:
    """Return a line an operating point: here, and among the held-out films."""
    rows = [
        (
            _short(own["name"]),
            f"{100 * own['threshold']:.1f} %",
            share(own["sensitivity"]),
            share(own["specificity"]),
            f"{_percent(own['held_out']['sensitivity'])} and {_percent(own['held_out']['specificity'])}",
        )
        for own in found["operating_points"]
    ]
    return table((f"{title} is called", "at or above", "Sensitivity", "Specificity", "Held-out films"), rows)


def _percent(own: Record) -> str:
    return "none" if own["value"] is None else f"{100 * own['value']:.1f} %"


def _confusion(found: Record, source: CardSource) -> str:
    own = found["confusion"]
    return confusion_table(own["counts"], own["labels"], [source.titles[name] for name in own["answers"]])


def _coverage(found: Record, record: Record, source: CardSource) -> str:
    own = found["conformal"]
    rows = [Row((source.titles[name], share(part)), muted=part["total"] < FEW) for name, part in own["coverage"].items()]
    sizes = ", ".join(f"{count:,} of {size}" for size, count in enumerate(own["sizes"]) if count)
    origin = "as recorded" if record["conformal_sets_recorded"] else "worked out from the model's held-out answers"
    head = ("Class", f"Truth in the set (promised {100 * own['level']:.0f} % for films like the held-out ones)")
    return table(head, rows) + note(f"Classes in a set, films: {sizes}. Bounds {origin}.")


def _calibration(found: Record, source: CardSource) -> str:
    own = found["calibration"]
    if not own:
        return ""
    bins = [ReliabilityBin(**entry) for entry in own["reliability"]]
    caption = "Reliability: how often the answer is right over how sure it is. Bars at the foot: films in each bin."
    error = number(interval(own["expected_calibration_error"], own["expected_calibration_error_interval"]))
    return section(
        "calibration",
        "Calibration",
        table((), [(f"Expected calibration error, 15 bins, {own['about']}", error)]),
        figure(reliability_svg(bins, caption), caption),
        reliability_table(bins),
    )


def _groups(found: Record, record: Record, source: CardSource) -> str:
    parts = []
    for kind, rows in found["groups"].items():
        if rows and (kind != "hospital" or len(rows) > len(found["groups"]["source"])):
            own = subgroup_rows([_subgroup(row) for row in rows], _label_titles(record, source))
            parts += [subheading(KINDS[kind]), table(HEAD, own)]
    if not parts:
        return ""
    point = _short(found["operating_points"][0]["name"])
    said = f'Sensitivity and specificity at the point "{point}". Grey rows have fewer than {FEW} films.'
    return section("groups", "By source, view, age and sex", note(said), *parts)


def _label_titles(record: Record, source: CardSource) -> dict[str, str]:
    return {label: source.titles[name] for label, name in record["labels"].items() if label == name}


def _subgroup(row: Record) -> Subgroup:
    parts = {
        key: row[key] and Proportion(row[key]["count"], row[key]["total"]) for key in ("sensitivity", "specificity", "accuracy")
    }
    area = row["auc"] or {}
    return Subgroup(
        row["group"], row["films"], row["by_label"], parts["sensitivity"], parts["specificity"], parts["accuracy"], area
    )


def _all(record: Record, source: CardSource) -> str:
    """Return what the same would be if nothing had been refused; "" where nothing was."""
    found, title = record["all"], source.titles[record["positive"]]
    if not record["refusals"]["refused"]["count"]:
        return ""
    return section(
        "all",
        "If nothing had been refused",
        note("For comparison only: the program shows no number for a refused film."),
        _measures(found, record, title),
        points_table(found, title),
        _confusion(found, source),
    )


def summary_lines(record: Record, titles: Mapping[str, str]) -> Sequence[str]:
    """Return the same in a few plain lines for a terminal."""
    found, title = record["not_refused"], titles[record["positive"]]
    left = ", ".join(f"{count:,} {reason}" for reason, count in record["excluded"].items() if count)
    gate = "" if record["refusals"]["gate"] else " (the model has no gate)"
    codes = ", ".join(f"{code} {own['count']:,}" for code, own in record["refusals"]["by_code"].items())
    lines = [
        f"{record['films_listed']:,} films listed; left out: {left or 'none'}; read: {record['all']['films']:,}",
        f"refused: {share(record['refusals']['refused'])}{f' ({codes})' if codes else ''}{gate}",
        f"among those not refused: {found['films']:,} films of {found['patients']:,} patients",
        f"  area under the curve, {title} against the rest: {number(found['auc'])}",
    ]
    for own in found["operating_points"]:
        lines.append(f"  {own['name']} ({100 * own['threshold']:.1f} %): sensitivity {share(own['sensitivity'])}, "
                     f"specificity {share(own['specificity'])}")  # fmt: skip
    if own := found["calibration"]:
        error = number(interval(own["expected_calibration_error"], own["expected_calibration_error_interval"]))
        lines.append(f"  expected calibration error ({own['about']}): {error}")
    lines += [f"  truth in the set, {titles[name]}: {share(own)}" for name, own in found["conformal"]["coverage"].items()]
    return lines
