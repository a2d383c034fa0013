"""The report of a training run: one page that needs nothing but itself, and its figures as files beside it.

The page holds no script and no address that a browser would fetch; every word from a recipe or a manifest is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure

from inference.evaluate import Floats, Integers, confusion_counts
from inference.figures import (
    accuracy_figure,
    confusion_matrix_figure,
    learning_rate_figure,
    loss_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    save_figure,
)
from inference.files import make_folder, write_bytes
from inference.recipe import Recipe, flat, record

REPORT = "report.html"


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What a training run was and what came of it.

    ``histories`` holds of each member its epochs, as records of ``EpochReport``. ``truth`` int64 (films,) and
    ``probabilities`` float64 (films, classes) are of the held-out films; ``metrics`` is what :func:`inference.evaluate.judge`
    says of them, with ``groups`` of :func:`inference.groups.judge_groups` if wanted; ``facts`` are name and value.
    """

    title: str
    recipe: Recipe
    histories: dict[str, list[dict[str, Any]]]
    truth: Integers
    probabilities: Floats
    patients: Sequence[str]
    metrics: dict[str, Any]
    facts: tuple[tuple[str, str], ...] = ()


CAPTIONS = {
    "loss": "Loss, a line a network. Training films are seen changed at random, and with dropout and smoothed labels where the "
    "recipe has them: their loss may lie above that of patients set aside.",
    "accuracy": "Part of the films that is answered rightly while training goes on, a line a network.",
    "learning-rate": "Learning rate of the head at the end of each epoch.",
    "confusion-matrix": "Counts of held-out films; below each the part of its row, by which the cell is shaded.",
    "roc": "Sensitivity over the part of false alarms, of each class against all others. Intervals are 95 %, drawn by patient.",
    "precision-recall": "Precision over sensitivity, of each class against all others. The dotted line is what chance reaches.",
    "reliability": "How often the answer is right over how sure it is. The dots are of 10 bins of confidence, the error in the "
    "title of 15, as in the table.",
}
GROUPS = {
    "source": "By source",
    "hospital": "By hospital",
    "view": "By view",
    "age": "By age in years",
    "sex": "By sex",
}
NOTES = {
    "summary": "Summary",
    "trained_on": "Trained on",
    "never_tested_on": "Never tested on",
    "not_for": "Not for",
}


def write_run_report(run: RunRecord, folder: Path) -> Path:
    """Write each figure as PNG and SVG and, last, ``report.html`` to ``folder``; return the report's path.

    The figures over the epochs are left out where no epoch is known.

    Raises
    ------
    TrainingError
        If the disk is full or the folder cannot be made or written to.
    """
    make_folder(folder)
    drawings = {name: save_figure(figure, folder / name)[1].read_bytes() for name, figure in draw_figures(run).items()}
    write_bytes(folder / REPORT, report_page(run, drawings).encode())
    return folder / REPORT


def draw_figures(run: RunRecord) -> dict[str, Figure]:
    """Return the figures by name, in the order of the report."""
    titles = run.recipe.class_titles
    counts = confusion_counts(run.truth, run.probabilities.argmax(axis=1), len(titles))
    figures = {
        "confusion-matrix": confusion_matrix_figure(counts, titles),
        "roc": roc_figure(titles, run.truth, run.probabilities, run.patients),
        "precision-recall": precision_recall_figure(titles, run.truth, run.probabilities),
        "reliability": reliability_figure(run.truth, run.probabilities),
    }
    if any(run.histories.values()):
        figures["loss"] = loss_figure(run.histories)
        figures["accuracy"] = accuracy_figure(run.histories)
        figures["learning-rate"] = learning_rate_figure(run.histories)
    return figures


def report_page(run: RunRecord, drawings: Mapping[str, bytes]) -> str:
    """Return the page; ``drawings`` are the figures' SVG files by name."""
    recipe = run.recipe
    sections = [
        _section("The run", _table((), [(name, value) for name, value in run.facts])) if run.facts else "",
        _section("Held-out films", _measures(run), _of_each_class(run), f"<p class='note'>{_escape(INTERVALS)}</p>"),
        _section("Figures", *(_figure(name, svg) for name, svg in drawings.items())),
        *_group_sections(run),
        _section("What the article claims", _table((), recipe.claims)) if recipe.claims else "",
        _section("Where this departs from the article", _list(recipe.departures)) if recipe.departures else "",
        _section("About the model", _notes(recipe)) if recipe.notes else "",
        _section("The recipe", f"<p class='note'>{_escape(RECIPE_NOTE)}</p>", _recipe_table(recipe)),
    ]
    return PAGE.substitute(title=_escape(run.title), verdict=_escape(verdict(run)), body="\n".join(filter(None, sections)))


INTERVALS = (
    "Intervals in parentheses are 95 %. Those behind a count are Wilson's, which take films for independent; all others are of "
    "whole patients, drawn again and again."
)
RECIPE_NOTE = "A number that is not listed has its usual value."


def verdict(run: RunRecord) -> str:
    """Return one sentence: accuracy with Wilson's interval and area under the curve with its interval."""
    accuracy, area = run.metrics["accuracy"], run.metrics["auc"]
    if not accuracy["total"]:
        return "No film was held out: nothing can be said about what the model is worth."
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    right = f"{accuracy['count']:,} of {accuracy['total']:,} held-out films are answered rightly"
    rate = f"accuracy {100 * accuracy['value']:.1f} % (95 % interval {low:.1f} to {high:.1f})"
    title = _title_of(run.recipe, area["class"])
    if area["value"] is None:
        return f"{right}: {rate}; there is no area under the ROC curve for {title}, because the films do not allow one."
    return f"{right}: {rate}; area under the ROC curve for {title} against all others {_number(area)}."


# Tables


def _measures(run: RunRecord) -> str:
    found = run.metrics
    rows: list[tuple[str, str]] = [
        ("Films", f"{found['films']:,} of {found['patients']:,} {'patient' if found['patients'] == 1 else 'patients'}"),
        ("Accuracy", _proportion(found["accuracy"])),
    ]
    if by_patient := _bounds(found.get("accuracy_interval")):
        rows.append(("Accuracy, interval by patient", _percent(found["accuracy"] | by_patient)))
    rows += [
        (f"{name}, {_between(run.recipe, found[key])}", _number(found[key]))
        for key, name in (
            ("auc", "Area under the ROC curve"),
            ("auc_without_positive", "Area under the ROC curve"),
            ("average_precision", "Average precision"),
        )
        if found.get(key)
    ]
    rows += [
        (name, _number({"value": found[key]} | _bounds(found.get(f"{key}_interval"))))
        for key, name in (
            ("macro_f1", "Macro F1"),
            ("negative_log_likelihood", "Negative log likelihood"),
            ("brier", "Brier score, 0 to 2"),
            ("expected_calibration_error", "Expected calibration error, 15 bins"),
        )
        if key in found
    ]
    return _table((), rows)


def _between(recipe: Recipe, found: Mapping[str, Any]) -> str:
    against = _title_of(recipe, found["against"]) if "against" in found else "all others"
    return f"{_title_of(recipe, found['class'])} against {against}"


def _of_each_class(run: RunRecord) -> str:
    recall, precision, f1 = run.metrics["recall"], run.metrics["precision"], run.metrics.get("f1")
    rows = []
    for name, title in zip(run.recipe.class_names, run.recipe.class_titles, strict=True):
        row = (title, _proportion(recall[name]), _proportion(precision[name]))
        rows.append((*row, _number(f1[name])) if f1 else row)
    return _table(("Class", "Sensitivity", "Precision", "F1")[: 4 if f1 else 3], rows)


def _group_sections(run: RunRecord) -> list[str]:
    """Return a section for each division of the films into groups that the metrics hold."""
    sections = []
    area = f"Area, {_between(run.recipe, run.metrics['auc'])}"
    for kind, rows in run.metrics.get("groups", {}).items():
        head = ("Group", "Films", "Patients", "Films by class", "Accuracy", area)
        if rows:
            sections.append(_section(GROUPS.get(kind, f"By {kind}"), _table(head, [_group(run.recipe, row) for row in rows])))
    return sections


def _group(recipe: Recipe, row: Mapping[str, Any]) -> tuple[str, ...]:
    by_class = ", ".join(f"{_title_of(recipe, name)} {films:,}" for name, films in row.get("by_class", {}).items() if films)
    accuracy = _proportion(row["accuracy"])
    return row["group"], f"{row['films']:,}", f"{row['patients']:,}", by_class or "not known", accuracy, _number(row.get("auc"))


def _recipe_table(recipe: Recipe) -> str:
    """Return the recipe's record as names with dots and values, without what the page says elsewhere."""
    rows = [row for row in flat("", record(recipe)) if row[0].partition(".")[0] not in ("claims", "departures", "notes")]
    return _table((), [*rows, ("fingerprint", recipe.fingerprint())])


def _notes(recipe: Recipe) -> str:
    return _table((), [(NOTES.get(key, key.replace("_", " ").capitalize()), text) for key, text in recipe.notes.items()])


def _title_of(recipe: Recipe, name: str) -> str:
    return dict(zip(recipe.class_names, recipe.class_titles, strict=True)).get(name, name)


# Numbers


def _proportion(found: Mapping[str, Any]) -> str:
    """Return "254 of 317: 80.1 % (75.4 to 84.1)"."""
    if not found["total"]:
        return "no films"
    return f"{found['count']:,} of {found['total']:,}: {_percent(found)}"


def _percent(found: Mapping[str, Any]) -> str:
    return f"{100 * found['value']:.1f} % ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _number(found: Mapping[str, Any] | None) -> str:
    """Return "0.981 (0.962 to 0.993)" of a record with value and, where they are known, low and high."""
    if found is None or found["value"] is None:
        return "not defined"
    if found.get("low") is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _bounds(interval: Sequence[float | None] | None) -> dict[str, float]:
    if interval is None or interval[0] is None or interval[1] is None:
        return {}
    return {"low": interval[0], "high": interval[1]}


# Markup


def _escape(text: object) -> str:
    return html.escape(str(text))


def _section(heading: str, *parts: str) -> str:
    return "\n".join((f"<section><h2>{_escape(heading)}</h2>", *parts, "</section>"))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts, the first of each row its heading."""
    top = "".join(f"<th scope='col'>{_escape(cell)}</th>" for cell in head)
    lines = [f"<thead><tr>{top}</tr></thead>"] if head else []
    for first, *others in rows:
        cells = "".join(f"<td>{_escape(cell)}</td>" for cell in others)
        lines.append(f"<tr><th scope='row'>{_escape(first)}</th>{cells}</tr>")
    return "\n".join(("<table>", *lines, "</table>"))


def _list(texts: Iterable[str]) -> str:
    return "\n".join(("<ul>", *(f"<li>{_escape(text)}</li>" for text in texts), "</ul>"))


def _figure(name: str, svg: bytes) -> str:
    caption = CAPTIONS[name]
    return f"<figure>\n{inline_svg(svg, name, caption)}\n<figcaption>{_escape(caption)}</figcaption></figure>"


def inline_svg(svg: bytes, prefix: str, label: str) -> str:
    """Return an SVG file as an element of a page that holds several: its identifiers begin with ``prefix``.

    Names of namespaces go: within a page the element alone says what it is. ``label`` is read aloud in its place.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, f"{prefix}-{value}")
            elif name == "href":
                element.set(name, value.replace("#", f"#{prefix}-", 1))
            else:
                element.set(name, value.replace("url(#", f"url(#{prefix}-"))
    root.attrib |= {"role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode").strip()


PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="only light">
<title>$title</title>
<style>
body { max-width: 960px; margin: 2rem auto; padding: 0 1rem; background: white; color: #1a1a1a;
  font: 15px/1.5 "DejaVu Sans", Verdana, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin-bottom: 0.5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
.verdict { font-size: 1.05rem; }
.purpose { border-left: 4px solid #d55e00; padding-left: 0.75rem; font-weight: bold; }
.note, figcaption { color: #555; font-size: 0.87rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid #e4e4e4; }
tbody th { font-weight: normal; color: #555; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figure { margin: 1rem 0 1.5rem; max-width: 680px; }
figure svg { display: block; width: 100%; height: auto; }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  figure { max-width: 15cm; }
  figure, tr { break-inside: avoid; }
}
</style>
</head>
<body>
<h1>$title</h1>
<p class="verdict">$verdict</p>
<p class="purpose">Research and education only.</p>
$body
</body>
</html>
""")
