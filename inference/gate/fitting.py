"""Fitting a gate beside a trained model: sense networks, statistics of the members' features, thresholds of held-out films.

Everything a threshold stands on is held out: a film is judged by the sense network and in the features of the member that
never saw its patient. Sense networks that another model's gate lends come with thresholds of their own.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from torch import nn

from inference.errors import DatasetError, TrainingError
from inference.gate.copies import SIDE
from inference.gate.features import Vectors, square_vectors
from inference.gate.gate import Gate, Thresholds, film_odds, log_odds, unpack
from inference.gate.mahalanobis import DepthStatistics, DistanceScale, fit_scale, fit_statistics
from inference.gate.sense import FRONTAL, SENSES, STEPS, SenseNetwork, SensePictures, sense_logits, train_sense
from inference.preprocess import SquareCrop, film_to_square
from inference.recipe import Recipe

Squares = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

REFUSED = 0.02
"""Part of the held-out films of adults that the gate may refuse, all reasons together. Films of other hospitals are refused
more often than those of the hospitals it was fitted on, and one of twenty is the most a reader bears."""
CHILDREN = 0.87
"""Part of the held-out children to be refused, where no more adults than their share are. What tells the children is in part
the hospital they come from; a lower bound would refuse adults of a third hospital."""
DOUBTED = 0.05
CHILD_AGE = 10
"""Up to this age a film is an example of a child's; from 11 to 17 it is none, and none of an adult's: too like either."""
ADULT_AGE = 18
OWN_CHILDREN = 4
"""Times each child of the model's own films stands among the children: few, but of the adults' hospital."""
MOST_FILMS = 600
"""Training films from which the spread of a member's features is taken: more change it little."""
LENT_REFUSED = REFUSED / 2
"""Part that the distance may refuse beside sense networks of another gate, which refuse as many in their own films."""
OTHER_PICTURES = 0.5
"""Where lent sense networks refuse more than this part of a model's own films, it reads pictures they were not made for."""
DISTANCES = "measuring how far films lie from one another"
AT_ONCE = 32
"""Films between two reports of progress, and pictures a sense network is given together."""
SHARES = np.concatenate([[0.0], np.geomspace(0.0005, REFUSED, 40)])


@dataclass(frozen=True, eq=False)
class GateFilms:
    """The films a model was trained on by folds, as its gate needs them, row by row.

    Attributes
    ----------
    squares
        uint8 (films, size, size) at the network's size, as of :func:`~inference.dataset.load_squares`.
    sense_squares
        uint8 (films, 160, 160): their largest centred squares; (0, 160, 160) where no sense network is asked.
    truth, fold
        int64 (films,): class, and the member that never saw the film.
    age
        float64 (films,), years, NaN where it is unknown.
    """

    squares: Squares
    sense_squares: Squares
    truth: Integers
    fold: Integers
    age: Floats

    @property
    def adult(self) -> Booleans:
        """Return which films are of adults, or of unknown age."""
        return ~(self.age < ADULT_AGE)

    @property
    def child(self) -> Booleans:
        """Return which films are of children who look it."""
        return self.age <= CHILD_AGE


@dataclass(frozen=True, eq=False)
class OtherPictures:
    """Pictures of one sense ("lateral", "ct", "child", "other", or further "frontal" films): uint8 (n, 160, 160), and folds.

    ``repeats``: how many times each stands beside others of its sense.
    """

    squares: Squares
    fold: Integers
    repeats: int = 1

    def seen_without(self, folds: Sequence[int]) -> Squares:
        """Return the pictures of all other folds, each as often as it stands."""
        kept = self.squares[~np.isin(self.fold, list(folds))]
        return np.concatenate([kept] * self.repeats)


@dataclass(frozen=True)
class GateProgress:
    """What is being done, and how much of it is done: steps of training, or films."""

    work: str
    done: int
    total: int


@dataclass(frozen=True)
class SenseLimits:
    """Thresholds of the sense networks that are not to be chosen: the lending gate's; or none, where there is no network.

    ``distance_share``: part of the held-out films of adults that is left for the distance to refuse.
    """

    least_frontal: float = -math.inf
    most_child: float = math.inf
    distance_share: float = REFUSED


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Scores of held-out films of adults: of one sense network and one member each, which never saw them.

    ``frontal`` and ``child`` log odds, ``distance`` in spreads: all float64 (films,), ``fold`` int64 (films,). ``children``
    and ``children_fold`` are the log odds "child" of held-out children and their folds. ``limits``: None where the thresholds
    of the senses are to be chosen, too.
    """

    frontal: Floats
    child: Floats
    distance: Floats
    fold: Integers
    children: Floats = field(default_factory=lambda: np.empty(0))
    children_fold: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    limits: SenseLimits | None = None

    def of_folds(self, folds: Integers) -> HeldOutScores:
        """Return the scores of these folds alone."""
        rows, children = np.isin(self.fold, folds), np.isin(self.children_fold, folds)
        return HeldOutScores(
            frontal=self.frontal[rows],
            child=self.child[rows],
            distance=self.distance[rows],
            fold=self.fold[rows],
            children=self.children[children],
            children_fold=self.children_fold[children],
            limits=self.limits,
        )


def fit_gate(
    recipe: Recipe,
    members: Sequence[nn.Module],
    films: GateFilms,
    others: Mapping[str, Sequence[OtherPictures]],
    groups: Sequence[Sequence[int]],
    senses: Sequence[SenseNetwork] = (),
    seed: int = 0,
    steps: int = STEPS,
) -> Generator[GateProgress, None, tuple[Gate, HeldOutScores]]:
    """Fit a gate with sense networks of its own; on one core some minutes for a thousand films.

    Parameters
    ----------
    members
        One network a fold; member k never saw the films of fold k.
    others
        Sense to pictures; their folds keep them out of the same networks as films.
    groups
        For each sense network the folds it does not learn from; every fold stands in one group.
    senses
        Those of another gate of the same films, folds and groups, which need not be trained again: they do not look at the
        model. Empty to train them.

    Returns
    -------
    The gate as its file gives it back, and the scores its thresholds were chosen from.

    Raises
    ------
    TrainingError
        If a fold has no network that never saw it, or there are no films of adults.
    DatasetError
        If the films of adults are too few, or their features all the same.
    """
    _refuse_folds(films, members, groups)
    if not senses:
        senses = yield from train_senses(films, others, groups, seed, steps)
    statistics, distances = yield from _distances(recipe, members, films)
    scale = _scale(distances)
    scores = _scores(films, others, _by_fold(senses, groups), distances, scale)
    gate = Gate(tuple(senses), tuple(map(tuple, groups)), tuple(statistics), scale, choose_thresholds(scores))
    return unpack(gate.pack()), scores


def fit_distances(
    recipe: Recipe,
    members: Sequence[nn.Module],
    films: GateFilms,
    lender: Gate | None = None,
    held_out: Vectors | None = None,
) -> Generator[GateProgress, None, tuple[Gate, HeldOutScores]]:
    """Fit a gate without training sense networks: the distances alone, for any model, of chest films or of CT slices.

    Parameters
    ----------
    members
        One network a fold, as of :func:`fit_gate`.
    lender
        A gate of chest films whose sense networks judge beside the distances, at its own thresholds: they do not look at the
        model. They may have learned from some of these films, of which they then refuse somewhat fewer than of new ones.
        None, or networks that refuse more than OTHER_PICTURES of these films of adults (the model then reads children's
        films, or lateral ones): the gate has no sense network.
    held_out
        Features (films, features) by depth of ``films``, each by the member that never saw it, where they are known already.

    Returns
    -------
    The gate as its file gives it back, and the scores its thresholds were chosen from.

    Raises
    ------
    DatasetError
        If the films of adults are too few, or their features all the same.
    """
    statistics, distances = yield from _distances(recipe, members, films, held_out)
    scale = _scale(distances)
    rows = np.concatenate([np.flatnonzero(films.adult & (films.fold == k)) for k in range(len(members))])
    scores = _without_own_senses(films, rows, np.concatenate([scale.scores(own) for own in distances]), lender)
    senses = lender.senses if lender is not None and scores.limits != SenseLimits() else ()
    gate = Gate(senses, ((),) * len(senses), tuple(statistics), scale, choose_thresholds(scores))
    return unpack(gate.pack()), scores


def _without_own_senses(films: GateFilms, rows: Integers, distance: Floats, lender: Gate | None) -> HeldOutScores:
    """Return the scores of these rows, whose distance is known, with the limits of the lender; or with none."""
    nothing = np.zeros(len(rows))
    alone = HeldOutScores(nothing, nothing, distance, films.fold[rows], limits=SenseLimits())
    if lender is None or not lender.senses:
        return alone
    logits = _logits(lender.senses, films.sense_squares[rows])
    kept = SenseLimits(lender.thresholds.least_frontal, lender.thresholds.most_child, LENT_REFUSED)
    lent = replace(alone, frontal=film_odds(logits), child=log_odds(logits)[:, SENSES.index("child")], limits=kept)
    return lent if refused_by_senses(lent, kept).mean() <= OTHER_PICTURES else alone


def _refuse_folds(films: GateFilms, members: Sequence[nn.Module], groups: Sequence[Sequence[int]]) -> None:
    folds = sorted(np.unique(films.fold).tolist())
    if folds != list(range(len(members))) or sorted(k for group in groups for k in group) != folds:
        raise TrainingError("The gate needs one network a fold, and every fold left out by one sense network.")
    if not films.adult.any():
        raise TrainingError("The gate needs frontal films of adults to learn from; there are none.")


def train_senses(
    films: GateFilms,
    others: Mapping[str, Sequence[OtherPictures]],
    groups: Sequence[Sequence[int]],
    seed: int = 0,
    steps: int = STEPS,
) -> Generator[GateProgress, None, tuple[SenseNetwork, ...]]:
    """Train one sense network a group of folds, on the films of the other folds."""
    networks: list[SenseNetwork] = []
    for group in groups:
        training = train_sense(sense_pictures(films, others, group), seed + len(networks), steps)
        while True:
            try:
                done = next(training)
            except StopIteration as end:
                networks.append(end.value)
                break
            finished = len(networks) * done.steps + done.step
            yield GateProgress("learning to tell films from other pictures", finished, done.steps * len(groups))
    return tuple(networks)


def sense_pictures(films: GateFilms, others: Mapping[str, Sequence[OtherPictures]], group: Sequence[int]) -> SensePictures:
    """Return what the network that leaves out these folds learns from."""
    seen = ~np.isin(films.fold, list(group))
    found = {name: [p.seen_without(group) for p in pictures] for name, pictures in others.items()}
    found.setdefault("child", []).extend([films.sense_squares[seen & films.child]] * OWN_CHILDREN)
    frontal = [films.sense_squares[seen & films.adult], *found.pop(FRONTAL, [])]
    return SensePictures(np.concatenate(frontal), {name: np.concatenate(parts) for name, parts in found.items()})


def _distances(
    recipe: Recipe, members: Sequence[nn.Module], films: GateFilms, held_out: Vectors | None = None
) -> Generator[GateProgress, None, tuple[list[tuple[DepthStatistics, ...]], list[tuple[Floats, ...]]]]:
    """Return each member's statistics, and the distances of its held-out films of adults at each depth."""
    statistics, distances = [], []
    learned = [_learned_from(films, k) for k in range(len(members))]
    judged = [np.flatnonzero(films.adult & (films.fold == k)) for k in range(len(members))]
    read = [own if held_out is not None else np.concatenate([own, rows]) for own, rows in zip(learned, judged, strict=True)]
    done, total = 0, sum(map(len, read))
    for member, own, rows, both in zip(members, learned, judged, read, strict=True):
        vectors = yield from _vectors(recipe, member, films.squares[both], done, total)
        known = tuple(fit_statistics(depth[: len(own)], films.truth[own]) for depth in vectors)
        new = [depth[len(own) :] for depth in vectors] if held_out is None else [depth[rows] for depth in held_out]
        statistics.append(known)
        distances.append(tuple(s.distances(v) for s, v in zip(known, new, strict=True)))
        done += len(both)
    return statistics, distances


def _learned_from(films: GateFilms, fold: int) -> Integers:
    """Return the rows of films of adults that the member of a fold learned from, MOST_FILMS at most; DatasetError if few."""
    rows = np.flatnonzero(films.adult & (films.fold != fold))
    if len(rows) < 2:
        raise DatasetError("The gate needs two films of adults at least beside those of each fold to know what is usual.")
    return rows[:: -(-len(rows) // MOST_FILMS)]


def _vectors(
    recipe: Recipe, member: nn.Module, squares: Squares, done: int, total: int
) -> Generator[GateProgress, None, Vectors]:
    """Return the features of films by depth; ``done`` of ``total`` films were read before."""
    parts = []
    for start in range(0, len(squares), AT_ONCE):
        parts.append(square_vectors(member, recipe, squares[start : start + AT_ONCE]))
        yield GateProgress(DISTANCES, done + min(start + AT_ONCE, len(squares)), total)
    return tuple(np.concatenate(depth) for depth in zip(*parts, strict=True))


def _scale(distances: Sequence[tuple[Floats, ...]]) -> DistanceScale:
    """Return the scale of the distances of all members' held-out films."""
    return fit_scale([np.concatenate(depth) for depth in zip(*distances, strict=True)])


def _by_fold(senses: Sequence[SenseNetwork], groups: Sequence[Sequence[int]]) -> list[SenseNetwork]:
    """Return for each fold the network that never saw it."""
    found = {k: network for network, group in zip(senses, groups, strict=True) for k in group}
    return [found[k] for k in sorted(found)]


def _scores(
    films: GateFilms,
    others: Mapping[str, Sequence[OtherPictures]],
    senses: Sequence[SenseNetwork],
    distances: Sequence[tuple[Floats, ...]],
    scale: DistanceScale,
) -> HeldOutScores:
    adults, children = [], []
    child = SENSES.index("child")
    for k, (network, own) in enumerate(zip(senses, distances, strict=True)):
        logits = _logits([network], films.sense_squares[films.adult & (films.fold == k)])
        adults.append((film_odds(logits), log_odds(logits)[:, child], scale.scores(own), np.full(len(logits), k)))
        small = [films.sense_squares[films.child & (films.fold == k)]]
        small += [pictures.squares[pictures.fold == k] for pictures in others.get("child", ())]
        young = _logits([network], np.concatenate(small))
        children.append((log_odds(young)[:, child], np.full(len(young), k)))
    frontal, as_child, distance, fold = (np.concatenate(part) for part in zip(*adults, strict=True))
    odds, children_fold = (np.concatenate(part) for part in zip(*children, strict=True))
    return HeldOutScores(frontal, as_child, distance, fold, odds, children_fold)


def _logits(networks: Sequence[SenseNetwork], squares: Squares) -> Floats:
    """Return logits (pictures, senses), the mean over networks, of squares uint8 (pictures, 160, 160).

    They are resampled as a picture is that is read.
    """
    whole = SquareCrop(0.0, 0.0, float(squares.shape[1]), float(squares.shape[2]))
    found = [np.empty((0, len(SENSES)))]
    for start in range(0, len(squares), AT_ONCE):
        small = np.stack([film_to_square(square, SIDE, whole) for square in squares[start : start + AT_ONCE]])
        found.append(sense_logits(networks, small).mean(axis=0))
    return np.concatenate(found)


def choose_thresholds(scores: HeldOutScores) -> Thresholds:
    """Return thresholds that each refuse the same share of these films and together no more than REFUSED of them.

    Where those of the senses are given, the distance refuses no more than the share that is left for it.
    """
    if scores.limits is not None:
        return _at_limits(scores, scores.limits)
    best = SHARES[0]
    for share in SHARES:
        if refused(scores, _at(scores, share)).mean() <= REFUSED:
            best = share
    return _at(scores, best)


def _at(scores: HeldOutScores, share: float) -> Thresholds:
    most_child = float(np.quantile(scores.child, 1 - share))
    if len(scores.children):
        most_child = max(most_child, float(np.quantile(scores.children, 1 - CHILDREN)))
    farthest = float(np.quantile(scores.distance, 1 - share))
    return _thresholds(scores.distance, float(np.quantile(scores.frontal, share)), most_child, farthest)


def _at_limits(scores: HeldOutScores, limits: SenseLimits) -> Thresholds:
    # "higher": of a few dozen films none lies beyond, instead of always the farthest.
    farthest = float(np.quantile(scores.distance, 1 - limits.distance_share, method="higher"))
    return _thresholds(scores.distance, limits.least_frontal, limits.most_child, farthest)


def _thresholds(distance: Floats, least_frontal: float, most_child: float, farthest: float) -> Thresholds:
    return Thresholds(
        least_frontal=least_frontal,
        most_child=most_child,
        farthest=farthest,
        doubtful=float(np.quantile(distance, 1 - DOUBTED)),
        quantiles=tuple(np.quantile(distance, np.linspace(0, 1, 101)).tolist()),
    )


def refused(scores: HeldOutScores, thresholds: Thresholds) -> Booleans:
    """Return which films the thresholds refuse."""
    return np.asarray(refused_by_senses(scores, thresholds) | (scores.distance > thresholds.farthest))


def refused_by_senses(scores: HeldOutScores, limits: Thresholds | SenseLimits) -> Booleans:
    """Return which films the limits of the senses refuse."""
    return np.asarray((scores.frontal < limits.least_frontal) | (scores.child > limits.most_child))


def cross_fitted_refusals(scores: HeldOutScores) -> Booleans:
    """Return which films are refused at the thresholds of the other folds: what the gate's false refusals are told by."""
    found = np.zeros(len(scores.fold), dtype=bool)
    for k in np.unique(scores.fold):
        others = choose_thresholds(scores.of_folds(np.setdiff1d(scores.fold, k)))
        found[scores.fold == k] = refused(scores.of_folds(np.array([k])), others)
    return found
