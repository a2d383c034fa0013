"""What the maps of a model show and what the audit says of its answers: a section of the card, from its records. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.card import WEIGHTS
from inference.model_card.markup import FEW, NOT_MEASURED, Row, films, note, paragraph, section, share, subheading, table
from inference.model_card.source import AUDIT, FAITHFULNESS, RANDOMISED, CardSource

AIM = 0.8
"""Part of the right answers whose map is to pass."""
OUTSIDE, OFTEN = "outside", 0.1
"""The audit's verdict that a reader is warned of, from this part of the right answers on."""


def maps_section(source: CardSource) -> str:
    """Return how many maps are faithful, whether they are the network's own, and what the audit found."""
    faithful, changed, audit = (source.card.get(key) for key in (FAITHFULNESS, RANDOMISED, AUDIT))
    if not (faithful or changed or audit):
        return section("maps", "Maps and audit", paragraph(UNKNOWN, "warning"))
    return section(
        "maps",
        "Maps and audit",
        note(SAMPLE),
        subheading("Does a map show where the answer comes from?"),
        *(_faithful(source, faithful) if faithful else [paragraph(f"{NOT_MEASURED.capitalize()}.")]),
        subheading("Does it show what the network has learned?"),
        *(_changed(changed) if changed else [paragraph(f"{NOT_MEASURED.capitalize()}.")]),
        subheading("What the audit says of its answers"),
        *(_audited(source, audit) if audit else [paragraph(f"{NOT_MEASURED.capitalize()}.")]),
    )


UNKNOWN = "Nobody counted how many maps of this model are faithful, or what the audit says of its answers."
SAMPLE = (
    "Counted on held-out films, as many of each class and one of a patient at the most, each read by the one network that "
    "never saw its patient. Grey rows have fewer than 30 right answers."
)


def unfaithful(source: CardSource) -> str:
    """Return a warning where too many maps of right answers do not pass; "" where enough do, or nobody counted."""
    maps = (source.card.get(FAITHFULNESS) or {}).get("maps") or ()
    right = maps[0]["right"] if maps else {}
    if not right.get("total") or right["value"] >= AIM:
        return ""
    failed = right["total"] - right["count"]
    return (
        f"For {failed:,} of {right['total']:,} right answers the map does not show where the answer comes from; the program "
        "withholds such a map."
    )


def outside_lungs(source: CardSource) -> str:
    """Return a warning where the audit says of right answers that they rest on what lies outside the lungs, else ""."""
    verdicts = (source.card.get(AUDIT) or {}).get("verdicts") or ()
    right = next((own["right"] for own in verdicts if own["verdict"] == OUTSIDE), {"count": 0})
    if not right["count"] or right["value"] < OFTEN:
        return ""
    few = f"{right['count']:,} of {right['total']:,}"
    return f"For {few} right answers the audit finds that they rest on what lies outside the lungs."


def _faithful(source: CardSource, found: Mapping[str, Any]) -> list[str]:
    rows = [row for number, own in enumerate(found["maps"]) for row in _map_rows(source, own, detailed=number == 0)]
    return [
        paragraph(
            f"On {films(found['films'])} the hottest {100 * found['deleted_part']:.0f} % of the map of the answer were blurred "
            f"away, and {found['random_regions']} regions of the same shape elsewhere. A map passes if the hot region takes "
            "more from the answer than those do on the average. The program tests the map of every answer and withholds one "
            f"that does not pass. Aim: {100 * AIM:.0f} % of right answers. A map that passes shows where an answer comes from, "
            "not that the answer is right. The first kind is what the program shows unless another is asked for."
        ),
        table(("Map", "Right answers, passed", "Wrong answers, passed", "A region at random would pass"), rows),
    ]


def _map_rows(source: CardSource, own: Mapping[str, Any], detailed: bool) -> list[Row]:
    """Return the row of a kind of map, and of the default one a row for each class that was answered."""
    chance = f"{100 * own['by_chance']:.0f} %" if own.get("by_chance") is not None else ""
    rows = [_row(f"{own['title']}, all answers", own, chance)]
    rows += [_row(f"answered {source.titles.get(n, n)}", part, "") for n, part in own["by_class"].items() if detailed]
    return rows


def _row(title: str, own: Mapping[str, Any], last: str) -> Row:
    return Row((title, share(own["right"]), share(own["wrong"]), last), muted=own["right"]["total"] < FEW)


def _changed(found: Mapping[str, Any]) -> list[str]:
    said = (
        f"On {films(found['films'])} the map ({found['title'].lower()}) was made again by networks whose weights have learned "
        "nothing. Were it the same map, it would show the film and not what the model has learned. Rank correlation of the "
        "two: 1 the same, 0 nothing in common."
    )
    rows = [
        ("Median", f"{found['median']:.2f}"),
        ("Highest", f"{found['highest']:.2f}"),
        (f"Below {found['limit']}", share(found["below"])),
    ]
    return [paragraph(said), table((), rows)]


def _audited(source: CardSource, found: Mapping[str, Any]) -> list[str]:
    flagged, verdicts = found["flagged"], found["verdicts"]
    rows = [("Something speaks against the answer, in all", share(flagged["right"]), share(flagged["wrong"]))]
    rows += [(own["sentence"], share(own["right"]), share(own["wrong"])) for own in verdicts]
    said = (
        f"Changes that should not matter, and the lungs taken away, on {films(found['films'])}; both lungs were found on "
        f"{share(found['lungs_found'])}. One verdict a film, the first that holds."
    )
    return [paragraph(said), table(("Verdict", "Right answers", "Wrong answers"), rows), note(_limits(source, found))]


def _limits(source: CardSource, found: Mapping[str, Any]) -> str:
    of = found.get("limits_of") or {}
    own = of.get("weights_sha256") == source.card["files"].get(WEIGHTS)
    whose = "this model's own right answers" if own else f"right answers of another model ({of.get('name', 'not recorded')})"
    return (
        f"How much an answer may change was measured on {whose}: each limit lets 39 of 40 of them pass, but a change "
        "of 50 points of probability is always told, and one of 10 never."
    )
