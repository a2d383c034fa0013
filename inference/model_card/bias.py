"""What is known to mislead models of these films: measured traps of the public collections, and what the films say themselves.

The traps were measured on the films' originals or with experimental networks, not with the model of the card; each stands
only on the cards of models that learned from the collections it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inference.examples import ExampleRow
from inference.groups import UNKNOWN, age_group
from inference.model_card.markup import films
from inference.model_card.source import CardSource

IEEE, NIH, KERMANY, CT = "ieee", "NIH Clinical Center", "Kermany Guangzhou paediatric", "UCSD COVID-CT"


@dataclass(frozen=True)
class Trap:
    """A sentence about the collections it names; all of them must have given films."""

    sources: frozenset[str]
    sentence: str


TRAPS = (
    Trap(
        frozenset({IEEE, NIH}),
        'Files: on the originals the rule "not 1024 x 1024 pixels" alone names COVID-19 without an error, because every film '
        "of one collection has that size and no COVID-19 film has. All films were re-encoded alike before training; what the "
        "pictures themselves give away of their origin is still there.",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        "Thumbnails: a logistic regression on 16 x 16 pixels, where no infiltrate can be seen, reaches an area under the curve "
        "of 0.975 for COVID-19 on 125 / 500 / 500 of these films; the outer 6 % of the film alone 0.93 to 0.97.",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        "Lungs painted black: an experimental network that never saw the middle half of a film told COVID-19 as well (area "
        "0.989) as one that saw the lungs (0.983 to 0.987).",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        "Children: an experimental network of this kind, area 0.987 on its own films, called 80 % of 142 healthy children "
        "COVID-19 with a mean confidence of 86 %.",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        'Inverted films: the same network called 98 % of films shown with bone dark "no finding". Its confidence did not fall; '
        "only the distance of the film's features noticed.",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        "New films: of 52 later COVID-19 films of the very same collection the same network found 47 %.",
    ),
    Trap(
        frozenset({IEEE, NIH}),
        "Other hospitals: networks trained on films of these collections reached an area of 0.72 (plain), at the best 0.87, on "
        "films of hospitals that gave no training film, and 0.43 to 0.60, which is chance, on one small clinic alone. The "
        "figures on held-out films of the same collections, on this card, do not foretell that.",
    ),
    Trap(
        frozenset({NIH}),
        "Labels: those of the NIH Clinical Center were mined from reports by a program; 384 of 500 films called pneumonia "
        "there carry other findings as well. No radiologist looked at them for this purpose.",
    ),
    Trap(
        frozenset({IEEE}),
        "Markings: about a quarter of the COVID-19 films, cut from journals and web pages, bear arrows, letters or captions.",
    ),
    Trap(frozenset({NIH}), "Markings: films of the NIH Clinical Center bear burned-in L, R and PORTABLE tokens."),
    Trap(
        frozenset({IEEE}),
        "Selection: films in journals and teaching collections are printed because they show something; mild disease and "
        "normal films of infected patients are nearly absent. How COVID-19 was proven is not stated film by film.",
    ),
    Trap(
        frozenset({KERMANY}),
        "Age: all films of the Guangzhou collection are of children of one to five years, those of the other class of adults: "
        "the outer frame of the film alone tells them apart with an area of 0.98.",
    ),
    Trap(
        frozenset({CT}),
        "Slices: pictures of CT slices were cut from papers; several slices show one patient, and two stand in both classes.",
    ),
)


def known_traps(source: CardSource) -> tuple[str, ...]:
    """Return the sentences about the collections this model learned from."""
    given = {row.source.partition(":")[0] for row in source.rows} | set(
        source.card.get("training_data", {}).get("by_source", {})
    )
    return tuple(trap.sentence for trap in TRAPS if all(any(g.startswith(s) for g in given) for s in trap.sources))


def imbalances(source: CardSource) -> tuple[str, ...]:
    """Return what the films' own table shows: classes that do not share sources, views or ages. Sentences."""
    own = [row for row in source.rows if row.truth == source.positive]
    rest = [row for row in source.rows if row.truth != source.positive]
    if not own or not rest:
        return ()
    return tuple(filter(None, (_sources(source, own, rest), _views(source), _ages(source), _missing(source.rows))))


def shares_no_source(source: CardSource) -> bool:
    """Return whether no source gave films with the positive class and films without it."""
    of = {True: set[str](), False: set[str]()}
    for row in source.rows:
        of[row.truth == source.positive].add(_source(row))
    return bool(of[True] and of[False]) and not of[True] & of[False]


def _sources(source: CardSource, own: Sequence[ExampleRow], rest: Sequence[ExampleRow]) -> str:
    title = source.positive_title
    shared = {_source(row) for row in own} & {_source(row) for row in rest}
    if not shared:
        return (
            f"No source gave held-out films with {title} and films without it. Whatever tells the sources apart (scanner, "
            f"processing, cropping, writing on the film) tells {title} apart as well, and no figure for {title} against the "
            "rest on this card can tell the one from the other."
        )
    both = [row for row in source.rows if _source(row) in shared]
    return f"{len(both):,} of {films(len(source.rows))} come from sources that gave films with {title} and films without it."


def _views(source: CardSource) -> str:
    parts = [f"{title} {_share_of(source, name, 'AP')}" for name, title in source.titles.items()]
    return (
        f"Films taken from front to back (AP, often in bed), by class: {', '.join(parts)}. The view can stand in for the class."
    )


def _share_of(source: CardSource, name: str, start: str) -> str:
    own = [row for row in source.rows if row.truth == name]
    return f"{100 * sum(row.view.startswith(start) for row in own) / len(own):.0f} %" if own else "no films"


def _ages(source: CardSource) -> str:
    minors = Counter(row.truth for row in source.rows if age_group(row.age) == "<18")
    if not minors:
        return ""
    parts = ", ".join(f"{source.titles[name]} {count}" for name, count in minors.most_common())
    return f"{sum(minors.values())} held-out films are of patients under 18, whom the model is not for: {parts}."


def _missing(rows: Sequence[ExampleRow]) -> str:
    unknown = {
        "the age": sum(age_group(row.age) == UNKNOWN for row in rows),
        "the sex": sum(not row.sex.strip() for row in rows),
        "the view": sum(not row.view.strip() for row in rows),
    }
    parts = [f"{name} of {count:,}" for name, count in unknown.items() if count]
    return f"Not known: {', '.join(parts)} films." if parts else ""


def _source(row: ExampleRow) -> str:
    return row.source.partition(":")[0].strip()
