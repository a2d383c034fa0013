"""The Checklist for Artificial Intelligence in Medical Imaging (CLAIM, 2024 update), item by item: what this card answers.

The items are named in our own words. "partly" and "no" are answers, too: a reader learns what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inference.model_card.markup import note, section, share, table
from inference.model_card.source import AUDIT, FAITHFULNESS, GATE_RECORD, OUTSIDE, RANDOMISED, CardSource

YES, PARTLY, NO = "yes", "partly", "no"
Said = tuple[str, str]
"""Whether an item is answered, and where or how."""


@dataclass(frozen=True)
class Item:
    """An item of the list by its number: what it asks for, and the answer for a model."""

    number: int
    asked: str
    answer: Callable[[CardSource], Said]


def _fixed(done: str, where: str) -> Callable[[CardSource], Said]:
    return lambda source: (done, where)


def _outside(source: CardSource) -> Said:
    return (YES, "Other hospitals") if source.card.get(OUTSIDE) else (NO, "Other hospitals: none; `hilum evaluate` does it")


def _robustness(source: CardSource) -> Said:
    controls, _ = source.controls()
    where = "Controls; Pictures it must refuse" if source.card.get(GATE_RECORD) else "Controls; no gate is recorded"
    where += "; Maps and audit: what changes of the film do to the answer" if source.card.get(AUDIT) else ""
    return (YES if controls and source.card.get(GATE_RECORD) else PARTLY if controls else NO), where


def _start(source: CardSource) -> Said:
    weights = source.card.get("recipe_record", {}).get("weights", "fresh")
    words = {"fresh": "at random, by seed", "imagenet": "from ImageNet", "chest": "from other chest films"}
    return YES, f"How it was made: {words.get(weights, weights)}"


def _partitions(source: CardSource) -> Said:
    return YES, f"Films: {len(source.card['members'])} folds by patient, seeded, balanced by class"


def _explainability(source: CardSource) -> Said:
    method = source.card.get("heatmap", {}).get("method", "class activation maps")
    found = source.card.get(FAITHFULNESS)
    if not found:
        return PARTLY, f"{method}, on a fixed scale; whether a map is faithful is checked film by film in the program"
    own = found["maps"][0]
    passed = f"Maps and audit: {own['title']}, passed for {share(own['right'])} of right answers"
    return (YES, passed) if source.card.get(RANDOMISED) else (PARTLY, f"{passed}; not compared with random weights")


def _uncertainty(source: CardSource) -> Said:
    return YES, "On held-out films: Wilson's intervals, areas by drawing patients; no hypothesis is tested"


ITEMS = (
    Item(1, "Named as AI, with the kind of technique", _fixed(YES, "Title; How it was made: a convolutional network")),
    Item(2, "Structured summary", _fixed(PARTLY, "In short; On held-out films")),
    Item(3, "Background, intended use and role", _fixed(YES, "In short: a second reader for research and education")),
    Item(4, "Aims and hypotheses", _fixed(PARTLY, "In short; no hypothesis was set down beforehand")),
    Item(5, "Prospective or retrospective", _fixed(YES, "Retrospective, public films")),
    Item(6, "Goal of the study", _fixed(YES, "Making a model and showing its limits; no test of superiority")),
    Item(7, "Sources of data", _fixed(YES, "Films; each film's address in examples.csv")),
    Item(8, "Inclusion and exclusion", _fixed(PARTLY, "Manifest by hash; how the collections chose is not documented")),
    Item(9, "Preprocessing", _fixed(YES, "How it was made: preprocessing")),
    Item(10, "Selection of subsets", _fixed(YES, "Manifest; the model sees the largest centred square of a film")),
    Item(11, "De-identification", _fixed(PARTLY, "By the collections; this model names patients by hashes only")),
    Item(12, "Missing data", _fixed(YES, "What is known of bias: not known; rows \"unknown\" in the tables by group")),
    Item(13, "Image acquisition", _fixed(NO, "The collections state the view, and neither device nor exposure")),
    Item(14, "Reference standard: definition", _fixed(PARTLY, "The collections' labels, published or mined from reports")),
    Item(15, "Reference standard: why this one", _fixed(PARTLY, "No other is public for these films")),
    Item(16, "Reference standard: who annotated", _fixed(NO, "Authors of publications; a program at the NIH Clinical Center")),
    Item(17, "Annotation of the test films", _fixed(NO, "The same labels; nobody read the films anew")),
    Item(18, "Variability between annotators", _fixed(NO, "Not measurable: one label a film")),
    Item(19, "Assignment to partitions", _partitions),
    Item(20, "Level at which partitions are disjoint", _fixed(YES, "Films: the patient; copies of a film are one patient's")),
    Item(21, "Intended sample size", _fixed(NO, "All films there were; the intervals say what that is worth")),
    Item(22, "Model described", _fixed(YES, "How it was made")),
    Item(23, "Software", _fixed(YES, "The program's own list of pinned packages")),
    Item(24, "Start of the parameters", _start),
    Item(25, "Training", _fixed(YES, "How it was made: optimisation, augmentation")),
    Item(26, "Choice of the final model", _fixed(PARTLY, "That no recipe was chosen by these folds is not recorded")),
    Item(27, "Ensembling", _fixed(YES, "Mean of the logits of the folds' networks")),
    Item(28, "Metrics", _fixed(YES, "On held-out films; Calibration")),
    Item(29, "Uncertainty and significance", _uncertainty),
    Item(30, "Robustness", _robustness),
    Item(31, "Explainability", _explainability),
    Item(32, "Internal data", _fixed(YES, "On held-out films")),
    Item(33, "External data", _outside),
    Item(34, "Trial registration", _fixed(NO, "None; no patient was enrolled")),
    Item(35, "Numbers included and excluded", _fixed(PARTLY, "Films: included; what was excluded is in the manifest only")),
    Item(36, "Demographics by partition", _fixed(PARTLY, "By source, view, age and sex, over all folds together")),
    Item(37, "Performance with uncertainty", _fixed(YES, "On held-out films; By source, view, age and sex")),
    Item(38, "Diagnostic performance with precision", _fixed(YES, "Operating points")),
    Item(39, "Failure analysis", _fixed(YES, "Its mistakes")),
    Item(40, "Limitations", _fixed(YES, "Warnings; What is known of bias")),
    Item(41, "Implications for practice", _fixed(YES, "None: research and education only")),
    Item(42, "Protocol or technical details", _fixed(YES, "How it was made; card.json in full")),
    Item(43, "Availability of software, model and data", _fixed(YES, "Open source; weights in the bundle; public films")),
    Item(44, "Funding", _fixed(NO, "Not stated")),
)  # fmt: skip


def claim_section(source: CardSource) -> str:
    """Return the list as a table."""
    rows = [(str(item.number), item.asked, *item.answer(source)) for item in ITEMS]
    counted = ", ".join(f"{sum(row[2] == word for row in rows)} {word}" for word in (YES, PARTLY, NO))
    return section(
        "claim",
        "CLAIM 2024",
        note(f"Checklist for Artificial Intelligence in Medical Imaging, update of 2024, 44 items in our words: {counted}."),
        table(("Item", "Asked for", "Answered", "Where, or why not"), rows),
    )
