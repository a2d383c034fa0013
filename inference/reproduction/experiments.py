"""What ``reproduce`` trains: for each system the article's way, its corrected twin, and the comparisons that explain both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inference.errors import RecipeError
from inference.recipe import Recipe
from inference.recipes import chest_resnet, ct_cnn, darkcovidnet, resnet34_transfer, small_cnn, vgg16

ARTICLE, CORRECTED, COMPARISON = "article", "corrected", "comparison"


@dataclass(frozen=True)
class Experiment:
    """One row of the table.

    ``kind``: "article" (its own way), "corrected" (its honest twin) or "comparison"; ``folds``: judged by patient-grouped
    folds on every film, else by the manifest's division; ``start``: where training starts; ``seeds`` it is worth.
    """

    system: str
    key: str
    title: str
    kind: str
    recipe: Recipe
    folds: bool = False
    start: str = "fresh"
    seeds: int = 3

    @property
    def name(self) -> str:
        """Return "A/frozen": the folder of its runs."""
        return f"{self.system}/{self.key}"


@dataclass(frozen=True)
class System:
    """A published system: what the article states, and what that number really measured."""

    name: str
    title: str
    article: str
    claimed: str
    target: str
    measured: str


SYSTEMS: tuple[System, ...] = (
    System(
        "A",
        "ResNet34 transfer, 73 v 73 films",
        resnet34_transfer.AS_PUBLISHED.article,
        "86.2 % frozen, 89.7 % fine-tuned (25 and 26 of 29)",
        "accuracy at least 89.7 %",
        "Whether a film comes from journals or from one American hospital, on 29 films that also chose the model: the gain "
        "from fine-tuning is one film.",
    ),
    System(
        "B",
        "17 convolutions, 125 / 500 / 500 films",
        darkcovidnet.RECIPE.article,
        "80.04 % (not a fraction of 317); 87.02 % in the original paper, 98.08 % with two classes",
        "accuracy at least 87 %",
        "Mostly the hospital: COVID-19 films come from journals, the rest from one hospital, and four test films in ten show "
        "a patient of the training films.",
    ),
    System(
        "C",
        "Small networks, 746 lung-CT slices",
        ct_cnn.AS_PUBLISHED.article,
        "accuracy 0.770, F1 0.4625 (0.767 from its own precision and recall)",
        "accuracy and F1 at least 0.80; by patient AUC at least 0.85",
        "Accuracy on slices that stopped the training; the printed F1 compared labels in one order with answers in another.",
    ),
    System(
        "D",
        "VGG16, 94 v 94 films",
        vgg16.AS_PUBLISHED.article,
        "1.0 (40/40)",
        "accuracy 1.0",
        "Adults against children: all normal films but one are of children aged one to five, all pneumonia films of adults.",
    ),
    System(
        "E",
        "Four convolutions, 142 v 142 films",
        small_cnn.AS_PUBLISHED.article,
        "96.4 % (training films); 96.7 % (58/60) held out",
        "accuracy at least 98 %",
        "Adults against children again, and the headline is accuracy on the training films.",
    ),
    System(
        "ours",
        "Residual network, pool of 344 / 500 / 500 films",
        "",
        "none",
        "accuracy at least 0.80, COVID-19 AUC at least 0.985, pneumonia v no finding AUC at least 0.88",
        "Patients apart, but COVID-19 still comes from other hospitals than the rest; pneumonia against no finding is within "
        "one hospital and is the honest figure.",
    ),
)

_A, _C, _E, _V = resnet34_transfer, ct_cnn, small_cnn, vgg16
_BLACK = 0.71
"""Half of the area, the half with the lungs."""


def _single(recipe: Recipe, **changes: object) -> Recipe:
    """Return the recipe judged by one network a seed under the manifest's division."""
    return replace(recipe, data=replace(recipe.data, protocol_members=1, **changes))  # type: ignore[arg-type]


def _blacked_out(recipe: Recipe) -> Recipe:
    return replace(recipe, preprocessing=replace(recipe.preprocessing, blacked_out=_BLACK))


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment("A", "frozen", "body frozen, from chest films", ARTICLE, _single(_A.FROZEN), start="chest"),
    Experiment("A", "fine-tuned", "fine-tuned, from chest films", ARTICLE, _single(_A.AS_PUBLISHED), start="chest"),
    Experiment("A", "scratch", "from scratch, 30 epochs", COMPARISON, _single(_A.SCRATCH)),
    Experiment("A", "frozen-random", "body frozen at random weights", COMPARISON, _single(_A.FROZEN)),
    Experiment("A", "corrected", "five folds by patient, from chest films", CORRECTED, _A.RECIPE, folds=True, start="chest"),
    Experiment("B", "as-published", "as published, divided by image", ARTICLE, _single(darkcovidnet.AS_PUBLISHED)),
    Experiment(
        "B",
        "by-image",
        "our training, divided by image as in the article",
        COMPARISON,
        _single(darkcovidnet.RECIPE, as_published=True, by_image=True),
    ),
    Experiment("B", "by-patient", "our training, 317 test films of other patients", COMPARISON, _single(darkcovidnet.RECIPE)),
    Experiment("B", "corrected", "five folds by patient", CORRECTED, darkcovidnet.RECIPE, folds=True),
    Experiment("B", "binary", "two classes, as published, divided by image", COMPARISON, _single(darkcovidnet.BINARY)),
    Experiment("C", "as-published", "third network, as published", ARTICLE, _single(_C.AS_PUBLISHED)),
    Experiment("C", "simple", "second network, as published", COMPARISON, _single(_C.SIMPLE)),
    Experiment("C", "basic", "first network, as published", COMPARISON, _single(_C.BASIC), seeds=1),
    Experiment(
        "C",
        "better",
        "our training, the article's division",
        COMPARISON,
        _single(
            _C.OFFICIAL,
            manifest="C_keras598_148.csv",
            training_parts=("train",),
            tested_part="val",
            as_published=True,
            leaves_out_films=(),
        ),
        start="chest",
    ),
    Experiment(
        "C", "corrected", "the set's own division by patient, mean of three networks", CORRECTED, _C.OFFICIAL, start="chest"
    ),
    Experiment("D", "frozen", "convolutions frozen at random weights", ARTICLE, _single(_V.AS_PUBLISHED)),
    Experiment("D", "scratch", "from scratch, as published", ARTICLE, _single(_V.SCRATCH), seeds=1),
    Experiment(
        "D",
        "better",
        "residual network from chest films, the article's division",
        COMPARISON,
        _single(_V.RESIDUAL, as_published=True),
        start="chest",
    ),
    Experiment("D", "corrected", "five folds by patient, from chest films", CORRECTED, _V.RESIDUAL, folds=True, start="chest"),
    Experiment("E", "as-published", "as published", ARTICLE, _single(_E.AS_PUBLISHED)),
    Experiment("E", "better", "our training, the article's division", COMPARISON, _single(_E.RECIPE, as_published=True)),
    Experiment("E", "corrected", "five folds by patient", CORRECTED, _E.RECIPE, folds=True),
    Experiment("ours", "corrected", "five folds by patient", CORRECTED, chest_resnet.POOL, folds=True),
    Experiment(
        "ours",
        "blacked-out",
        "five folds by patient, lungs painted black",
        COMPARISON,
        _blacked_out(chest_resnet.POOL),
        folds=True,
        seeds=1,
    ),
)


def chosen(systems: Sequence[str]) -> tuple[Experiment, ...]:
    """Return the experiments of these systems, of all when none is named.

    Raises
    ------
    RecipeError
        If a system is not known.
    """
    names = [system.name for system in SYSTEMS]
    unknown = [name for name in systems if name not in names]
    if unknown:
        raise RecipeError(f"There is no system called {unknown[0]!r}; there are: {', '.join(names)}.")
    return tuple(e for e in EXPERIMENTS if not systems or e.system in systems)
