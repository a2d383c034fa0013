"""Where a model comes from, what is known to mislead it, its mistakes and its files: sections of the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inference.evaluate import Proportion
from inference.examples import ExampleRow
from inference.groups import UNKNOWN
from inference.model_card.bias import imbalances, known_traps, shares_no_source
from inference.model_card.map_sections import outside_lungs, unfaithful
from inference.model_card.markup import FEW, Markup, Row, escape, listed, note, paragraph, section, share, subheading, table
from inference.model_card.sections import CALIBRATED, EXPECTED_CONTROLS, cross_validation, mistakes
from inference.model_card.source import GATE_RECORD, OUTSIDE, CardSource, hashes
from inference.recipe import flat

MOST_MISTAKES = 18
FACTS = {"summary": "What it does", "trained_on": "Trained on", "never_tested_on": "Never tested on", "not_for": "Not for"}
BLIND = {"lungs_blacked_out": "lungs painted black", "frame": "outer frame", "thumbnail": "16 x 16 pixels"}
Picture = Callable[[str], str]
"""From a film's SHA-256 to the address of its picture for an <img>, or "" where there is none."""


def no_picture(sha256: str) -> str:
    """Return that a film has no picture: what is kept or sent holds none."""
    return ""


def facts_section(source: CardSource) -> str:
    """Return what the model is for and what it is not for."""
    facts = source.card["facts"]
    rows = [(title, str(facts[key])) for key, title in FACTS.items() if facts.get(key)]
    return section("facts", "In short", table((), rows))


def warnings(source: CardSource) -> list[str]:
    """Return what a reader must know before the first number, in sentences."""
    found = cross_validation(source)
    controls, _ = source.controls()
    said = []
    if shares_no_source(source):
        said.append(
            f"Every film with {source.positive_title} comes from another source than every film without it: its area under the "
            "curve may measure the source."
        )
    if controls and (blind := _blind(controls)):
        said.append(
            f"Without a lung in sight, areas of {blind} are reached on the same films; the model's is {_own_area(found)}."
        )
    if not source.card.get(OUTSIDE):
        said.append("No figure here is of a hospital that gave no training film. Expect less there, perhaps chance.")
    if not controls:
        said.append("Controls were not measured.")
    elif missing := [name for name in EXPECTED_CONTROLS if name not in controls]:
        said.append(f"Controls not measured: {', '.join(missing)}.")
    error = found.get("expected_calibration_error")
    if error is not None and error > CALIBRATED:
        said.append(f"Its probabilities are not calibrated: expected calibration error {error:.3f}, above {CALIBRATED}.")
    if not source.card.get(GATE_RECORD):
        said.append("No gate is recorded: an inverted, lateral or child's film gets a number like any other.")
    said += filter(None, (unfaithful(source), outside_lungs(source)))
    few = [title for name, title in source.titles.items() if sum(row.truth == name for row in source.rows) < FEW]
    if few:
        said.append(f"Fewer than {FEW} held-out films: {', '.join(few)}.")
    return said


def _blind(controls: Mapping[str, Any]) -> str:
    """Return the controls' areas: "0.886 (lungs painted black)" and so on."""
    known = [(controls[name]["auc"]["value"], title) for name, title in BLIND.items() if _has_area(controls.get(name))]
    return ", ".join(f"{value:.3f} ({title})" for value, title in sorted(known))


def _has_area(own: Mapping[str, Any] | None) -> bool:
    return own is not None and (own.get("auc") or {}).get("value") is not None


def _own_area(found: Mapping[str, Any]) -> str:
    value = (found.get("auc") or {}).get("value")
    return f"{value:.3f}" if value is not None else "not known"


def data_section(source: CardSource) -> str:
    """Return the films by source and licence, and how they were divided."""
    data: Mapping[str, Any] = source.card.get("training_data", {})
    return section(
        "data",
        "Films it learned from; those listed by source were held out once",
        table((), _data_rows(source, data)),
        table(("Source", "Films", "By class", "Licence, as stated film by film"), _source_rows(source)),
        note(
            "Films of one patient, and copies of one film found by hash or by look, are always on one side of a division. "
            "Films without a stated licence were used for research only. No film is a part of this model."
        ),
    )


def _data_rows(source: CardSource, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    of_class = ", ".join(f"{source.titles.get(n, n)} {count:,}" for n, count in data.get("by_class", {}).items())
    rows = [
        ("Films", f"{data.get('films', len(source.rows)):,} of {data.get('patients', 0):,} patients: {of_class}"),
        ("Films only learned from", f"{data['films_only_learned_from']:,}" if "films_only_learned_from" in data else ""),
        ("Views", ", ".join(f"{view} {count:,}" for view, count in data.get("by_view", {}).items())),
        ("Patients under 18", f"{data['minors']:,} films" if "minors" in data else ""),
        ("Manifest", " ".join(filter(None, (data.get("manifest", ""), f"SHA-256 {data.get('manifest_sha256') or 'unknown'}")))),
        ("Division", f"{len(source.card['members'])} networks, each trained without one fold; folds by patient"),
    ]
    return [row for row in rows if row[1]]


def _source_rows(source: CardSource) -> list[Row]:
    by_source: dict[str, list[ExampleRow]] = {}
    for row in source.rows:
        by_source.setdefault(row.source.partition(":")[0].strip() or UNKNOWN, []).append(row)
    return [
        Row((name, f"{len(own):,}", _counted(source.titles.get(r.truth, r.truth) for r in own),
             _counted(r.licence.strip() or "not stated" for r in own)), muted=len(own) < FEW)
        for name, own in sorted(by_source.items(), key=lambda entry: -len(entry[1]))
    ]  # fmt: skip


def _counted(texts: Iterable[str]) -> str:
    return ", ".join(f"{text} {count:,}" for text, count in Counter(texts).most_common())


def bias_section(source: CardSource) -> str:
    """Return what the films' table shows, and the traps measured on the collections."""
    traps = known_traps(source)
    return section(
        "bias",
        "What is known of bias",
        subheading("From the table of films"),
        listed(imbalances(source)) or paragraph("Nothing stands out."),
        subheading("Measured on these collections") if traps else "",
        note("On the originals or with experimental networks, not with this model.") if traps else "",
        listed(traps),
    )


def failures_section(source: CardSource, picture: Picture = no_picture) -> str:
    """Return the held-out films that were answered wrongly with the highest confidence; pictures only where one is told."""
    picked = mistakes(source, MOST_MISTAKES)
    wrong = sum(row.truth != row.answer for row in source.rows)
    if not picked:
        return section("failures", "Its mistakes", paragraph("No held-out film was answered wrongly."))
    return section(
        "failures",
        "Its mistakes",
        paragraph(f"{wrong:,} of {len(source.rows):,} held-out films are answered wrongly. Those it was surest of:"),
        _failure_table(source, picked, picture),
        note("The SHA-256 is that of the film as it was read. No picture is kept in this file."),
    )


def _failure_table(source: CardSource, picked: list[int], picture: Picture) -> str:
    head = ("Truth", "Answer", "Confidence", "Probability of the truth", "Film", "Address and SHA-256")
    return table(head, (_failure(source, i, picture) for i in picked))


def _failure(source: CardSource, i: int, picture: Picture) -> tuple[str, ...]:
    row, own = source.rows[i], source.probabilities[i]
    return (
        source.titles[row.truth],
        source.titles[row.answer],
        f"{100 * own.max():.1f} %",
        f"{100 * own[source.truth[i]]:.1f} %",
        _film(row, picture(row.sha256)),
        f"{row.address or row.url or 'no public address'} {row.sha256}",
    )


def _film(row: ExampleRow, address: str) -> str:
    """Return where a film comes from and whose it is, under its picture where it has one."""
    person = " ".join(filter(None, (row.view, row.sex, f"{row.age} years" if row.age else "")))
    said = ", ".join(filter(None, (row.source.strip().rstrip(":"), person)))
    return Markup(f'<img src="{escape(address)}"><br>{escape(said)}') if address else said


def making_section(source: CardSource) -> str:
    """Return how the model was made: article, departures, claims, recipe."""
    card = source.card
    recipe = card.get("recipe_record", {})
    left_out = {"claims", "departures", "notes", "title", "article", "classes"}
    rows = list(flat("", {k: v for k, v in recipe.items() if k not in left_out}))
    return section(
        "making",
        "How it was made",
        table((), [row for row in (("Article", card.get("article", "")), ("Recipe", card["recipe"])) if row[1]]),
        subheading("What the article claims") if card.get("claims") else "",
        table((), [(str(claim), str(value)) for claim, value in card.get("claims", ())]),
        subheading("Where it departs from the article") if card.get("departures") else "",
        listed(card.get("departures", ())),
        subheading("Recipe") if rows else "",
        note("A number that is not listed has its usual value.") if rows else "",
        table((), rows),
    )


def files_section(source: CardSource) -> str:
    """Return the hashes of the bundle's files, as its card states them."""
    card = source.card
    rows = (
        [*hashes(card), ("recipe, fingerprint", str(card["recipe_fingerprint"]))]
        if "recipe_fingerprint" in card
        else hashes(card)
    )
    answers = ", ".join(f"{source.titles.get(n, n)} {100 * float(p):.2f} %" for n, p in card.get("self_test", {}).items())
    return section(
        "files",
        "Files, SHA-256",
        table((), rows),
        note(f"Answer to the built-in test film: {answers}.") if answers else "",
    )


def verdict(source: CardSource) -> str:
    """Return one sentence with the counts that matter most."""
    found = cross_validation(source)
    if not found.get("films"):
        return "No film was held out: nothing can be said about what the model is worth."
    points = source.points().value
    if not points:
        return f"Of its held-out films it answered {share(found['accuracy'])} rightly."
    point = points[0]
    return (
        f'At the point "{point.title.partition(":")[0]}" it called {_of(point.sensitivity)} held-out films with '
        f"{source.positive_title} and left {_of(point.specificity)} films without it, all from the collections it learned from."
    )


def _of(found: Proportion) -> str:
    low, high = found.interval
    return f"{100 * found.value:.1f} % ({100 * low:.1f} to {100 * high:.1f}; {found.count:,} of {found.total:,}) of the"
