"""The gate: plain checks, copies whose labels come for free, distances, and what is said of real pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from inference.dataset import Sample
from inference.errors import BundleError, DatasetError, TrainingError
from inference.gate.copies import COPIES, SIDE, inverted, regraded, shuffled, upside_down
from inference.gate.features import film_vectors, square_vectors, watched_depths
from inference.gate.fitting import (
    CHILDREN,
    LENT_REFUSED,
    OWN_CHILDREN,
    REFUSED,
    GateFilms,
    HeldOutScores,
    OtherPictures,
    SenseLimits,
    choose_thresholds,
    cross_fitted_refusals,
    fit_distances,
    fit_gate,
    refused,
    sense_pictures,
)
from inference.gate.gate import Gate, film_odds, unpack
from inference.gate.made_pictures import PICTURES, made_pictures
from inference.gate.mahalanobis import fit_scale, fit_statistics
from inference.gate.manifests import Source, gate_films, other_pictures
from inference.gate.picture_checks import check_picture, neighbour_likeness
from inference.gate.reasons import SENTENCES, Judgement, joined, reason
from inference.gate.sense import SENSES, SenseNetwork, SensePictures, sense_logits, sense_square, train_sense
from inference.networks.registry import build_network
from inference.recipe import Recipe
from inference.recipes.chest_resnet import RECIPE

GROUPS = ((0,), (1, 2))
TINY = replace(RECIPE, preprocessing=replace(RECIPE.preprocessing, size=32), reading_rotations=(0.0,))


def phantom(seed: int, size: int = 160) -> np.ndarray:
    """Return a chest of sorts: two dark lungs, a bright middle and belly, soft noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    lungs = sum(((x - c) / 0.17) ** 2 + ((y - 0.42 - random.uniform(0, 0.05)) / 0.3) ** 2 < 1 for c in (0.28, 0.72))
    grey = 150 + 60 * y - 100 * lungs + random.normal(0, 4, (size, size))
    return np.clip(grey, 0, 255).astype(np.uint8)


FILMS = np.stack([phantom(n) for n in range(36)])


def phantom_films(size: int = 32) -> GateFilms:
    age = np.full(36, 50.0)
    age[[0, 12, 24]], age[[1, 13]] = 6.0, 15.0
    small = np.stack([sense_square(film)[::2, ::2][:size, :size] for film in FILMS])
    return GateFilms(small, FILMS, np.arange(36) % 3, np.arange(36) // 12, age)


@pytest.fixture(scope="module")
def members() -> tuple[torch.nn.Module, ...]:
    torch.manual_seed(3)
    return tuple(build_network(TINY).eval().requires_grad_(False) for _ in range(3))


@pytest.fixture(scope="module")
def fitted(members: tuple[torch.nn.Module, ...], finish: Callable[[Any], Any]) -> tuple[Gate, HeldOutScores]:
    torch.manual_seed(4)
    senses = [SenseNetwork().eval() for _ in GROUPS]
    return finish(fit_gate(TINY, members, phantom_films(), {}, GROUPS, senses))


@pytest.fixture(scope="module")
def gate(fitted: tuple[Gate, HeldOutScores]) -> Gate:
    return fitted[0]


# Plain checks


def test_a_film_passes_the_plain_checks() -> None:
    assert not check_picture(phantom(0)).refused


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (np.zeros((40, 300), dtype=np.uint8), "too_small"),
        (np.full((200, 200), 77, dtype=np.uint8), "one_grey"),
        (np.where(np.arange(200) < 100, 0, 255).astype(np.uint8)[:, None].repeat(200, 1), "few_greys"),
        (np.random.default_rng(0).integers(0, 256, (160, 160), dtype=np.uint8), "noise"),
    ],
)
def test_what_plain_statistics_refuse(picture: np.ndarray, code: str) -> None:
    assert check_picture(picture).codes == (code,)


def test_a_bright_rim_does_not_make_an_empty_picture_a_film() -> None:
    wide = np.full((100, 400), 60, dtype=np.uint8)
    wide[:, :40] = np.arange(40, dtype=np.uint8) * 6
    assert check_picture(wide).codes == ("one_grey",)


def test_likeness_is_that_of_the_less_alike_direction() -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (80, 40))
    assert neighbour_likeness(stripes) == pytest.approx(-1)
    assert neighbour_likeness(np.tile(np.arange(80, dtype=np.uint8), (80, 1))) == pytest.approx(1)


# Copies and made pictures


@pytest.mark.parametrize("sense", COPIES)
def test_copies_are_films_of_the_networks_size(sense: str) -> None:
    films = torch.from_numpy(FILMS[:6])[:, None].float() / 255
    drawing = torch.Generator().manual_seed(1)
    copies = regraded(COPIES[sense](films, drawing), drawing)
    assert copies.shape == (6, 1, SIDE, SIDE)
    assert 0 <= float(copies.min()) <= float(copies.max()) <= 1
    assert float(copies.std(dim=(1, 2, 3)).min()) > 0


def test_upside_down_copies_have_the_belly_on_top() -> None:
    films = torch.from_numpy(FILMS)[:, None].float() / 255
    copies = upside_down(films, torch.Generator().manual_seed(1))
    inner = copies[:, 0, 20:-20, 30:-30]
    assert float((inner[:, :10].mean(dim=(1, 2)) > inner[:, -10:].mean(dim=(1, 2))).float().mean()) > 0.9


def test_inverted_copies_have_bright_lungs() -> None:
    films = torch.from_numpy(FILMS)[:, None].float() / 255
    y, x = slice(24, 44), (slice(14, 28), slice(36, 44))  # a lung, and the middle of the chest
    shares = []
    for make in (COPIES["frontal"], inverted):
        copies = make(films, torch.Generator().manual_seed(2))[:, 0]
        lung, middle = (copies[:, y, columns].mean(dim=(1, 2)) for columns in x)
        shares.append(float((lung > middle).float().mean()))
    assert shares[0] < 0.2 < 0.7 < shares[1]


def test_shuffled_pieces_keep_the_greys_and_lose_the_chest() -> None:
    film = torch.from_numpy(FILMS[:4])[:, None].float() / 255
    pieces = shuffled(film, torch.Generator().manual_seed(0))
    assert float(pieces.mean()) == pytest.approx(float(film.mean()), abs=0.03)
    assert float((pieces - torch.nn.functional.avg_pool2d(film, 2)).abs().mean()) > 0.1


@pytest.mark.parametrize("kind", PICTURES)
def test_a_made_picture_is_the_same_for_the_same_seed(kind: str) -> None:
    first, again, other = (PICTURES[kind](80, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (80, 80)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_made_pictures_are_of_all_kinds_in_turn() -> None:
    assert made_pictures(7, 64, 0).shape == (7, 64, 64)


# Sense networks


def test_a_sense_network_is_small() -> None:
    halves = sum(p.numel() for p in SenseNetwork().parameters()) * 2
    assert halves < 200_000


def test_training_takes_films_and_lowers_the_loss(finish: Callable[[Any], Any]) -> None:
    work = train_sense(SensePictures(FILMS, {"child": FILMS[:3]}), seed=0, steps=8)
    losses = []
    while True:
        try:
            losses.append(next(work).loss)
        except StopIteration as end:
            network = end.value
            break
    assert losses[-1] < 0.8 * losses[0]
    assert not network.training
    assert sense_logits([network], np.stack([sense_square(FILMS[0])])).shape == (1, 1, len(SENSES))


def test_training_without_a_film_is_refused(finish: Callable[[Any], Any]) -> None:
    with pytest.raises(TrainingError, match="frontal films"):
        finish(train_sense(SensePictures(FILMS[:0], {}), seed=0))


def test_a_network_sees_no_film_of_its_own_folds_and_no_minor_as_an_adult() -> None:
    laterals = OtherPictures(FILMS[:4], np.array([0, 1, 2, 0]))
    pictures = sense_pictures(
        phantom_films(), {"lateral": [laterals], "frontal": [OtherPictures(FILMS[:2], np.array([0, 1]))]}, (0,)
    )
    assert len(pictures.frontal) == 24 - 3 + 1
    assert len(pictures.others["lateral"]) == 2
    assert len(pictures.others["child"]) == 2 * OWN_CHILDREN


# Distances


def test_distances_are_mahalanobis_by_the_definition() -> None:
    random = np.random.default_rng(1)
    truth = np.arange(400) % 2
    vectors = (random.normal(size=(400, 5)) @ random.normal(size=(5, 5)) + 3 * truth[:, None]).astype(np.float32)
    own = fit_statistics(vectors, truth)
    covariance = sum(np.cov(vectors[truth == k].T, bias=True) for k in (0, 1)) / 2
    shrunk = 0.99 * covariance + 0.01 * np.trace(covariance) / 5 * np.eye(5)
    apart = vectors[:7, None].astype(float) - own.means
    expected = np.sqrt(np.einsum("nki,ij,nkj->nk", apart, np.linalg.inv(shrunk), apart).min(axis=1) / 5)
    assert own.distances(vectors[:7]) == pytest.approx(expected, rel=1e-4)


def test_a_score_is_the_mean_over_the_depths_in_spreads() -> None:
    random = np.random.default_rng(0)
    scale = fit_scale([np.exp(random.normal(1, 0.5, 4000)), np.exp(random.normal(0, 0.1, 4000))])
    scores = scale.scores([np.exp(np.array([1.0, 2.0])), np.exp(np.array([0.3, 0.0]))])
    assert scores == pytest.approx([1.5, 1.0], abs=0.1)


def test_features_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(DatasetError, match="all the same"):
        fit_statistics(np.ones((5, 3), dtype=np.float32), np.zeros(5, dtype=np.int64))


def test_features_are_the_means_of_the_maps_and_leave_no_hook(members: tuple[torch.nn.Module, ...]) -> None:
    network: Any = members[0]
    square = phantom_films().squares[:2]
    early, later, last = square_vectors(network, TINY, square)
    assert (early.shape, later.shape, last.shape) == ((2, 64), (2, 128), (2, 256))
    films = torch.from_numpy(square)[:, None].float() / 255
    films = (films - films.mean(dim=(1, 2, 3), keepdim=True)) / films.std(dim=(1, 2, 3), keepdim=True, correction=0)
    expected = network.target_layer(network.body(films)).mean(dim=(2, 3)).numpy()
    assert last == pytest.approx(expected, abs=1e-4)
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_are_gone_when_the_network_fails(members: tuple[torch.nn.Module, ...]) -> None:
    with pytest.raises(RuntimeError), watched_depths(members[0]):
        members[0](torch.zeros(1, 5, 32, 32))
    assert not any(module._forward_hooks for module in members[0].modules())


# Thresholds


def drawn_scores(films: int = 3000) -> HeldOutScores:
    random = np.random.default_rng(6)
    three = random.normal(size=(3, films))
    children = random.normal(4, 1, 200)
    return HeldOutScores(three[0] + 3, three[1] - 3, three[2], np.arange(films) % 5, children, np.arange(200) % 5)


def test_all_reasons_together_refuse_no_more_than_their_share() -> None:
    scores = drawn_scores()
    share = refused(scores, choose_thresholds(scores)).mean()
    assert 0.8 * REFUSED < share <= REFUSED


def test_films_without_a_part_in_the_thresholds_are_refused_as_often() -> None:
    assert cross_fitted_refusals(drawn_scores()).mean() == pytest.approx(REFUSED, abs=0.01)


def test_children_are_not_chased_beyond_their_part() -> None:
    scores = drawn_scores()
    far = replace(scores, children=scores.children + 10)
    assert (scores.children > choose_thresholds(scores).most_child).mean() >= CHILDREN - 0.01
    assert (far.children > choose_thresholds(far).most_child).mean() == pytest.approx(CHILDREN, abs=0.01)


def test_children_who_look_like_adults_do_not_cost_adults_more_than_their_share() -> None:
    scores = drawn_scores()
    alike = replace(scores, children=scores.children - 10)
    assert (alike.child > choose_thresholds(alike).most_child).mean() < REFUSED


# The gate


def test_a_gate_comes_back_from_its_file(gate: Gate, tmp_path: Path, members: tuple[torch.nn.Module, ...]) -> None:
    gate.save(tmp_path / "gate.safetensors")
    again = Gate.load(tmp_path / "gate.safetensors")
    assert again.thresholds == gate.thresholds
    assert again.left_out == GROUPS
    assert again.judge_picture(FILMS[5]) == gate.judge_picture(FILMS[5])
    vectors = square_vectors(members[1], TINY, phantom_films().squares[:5])
    assert np.array_equal(again.distance_scores(1, vectors), gate.distance_scores(1, vectors))


def test_halves_do_not_change_the_thresholds_meaning(fitted: tuple[Gate, HeldOutScores], members: Any) -> None:
    gate, scores = fitted
    films = phantom_films()
    rows = films.adult & (films.fold == 2)
    again = gate.distance_scores(2, square_vectors(members[2], TINY, films.squares[rows]))
    assert again == pytest.approx(scores.distance[scores.fold == 2], abs=0.05)


def test_a_held_out_film_is_judged_by_the_network_that_never_saw_it(gate: Gate) -> None:
    alone = replace(gate, senses=gate.senses[1:], left_out=gate.left_out[1:])
    assert gate.judge_picture(FILMS[3], fold=2).senses == alone.judge_picture(FILMS[3]).senses
    assert gate.judge_picture(FILMS[3]).senses != alone.judge_picture(FILMS[3]).senses


def test_far_films_are_doubted_and_farther_ones_refused(gate: Gate, members: tuple[torch.nn.Module, ...]) -> None:
    near = tuple(depth[0] for depth in square_vectors(members[0], TINY, phantom_films().squares[2:3]))
    limits = replace(gate.thresholds, doubtful=-100.0, farthest=100.0)
    doubted = replace(gate, thresholds=limits).judge_features([near], [0])
    assert (doubted.codes, [d.code for d in doubted.doubts]) == ((), ["far"])
    refusal = replace(gate, thresholds=replace(limits, farthest=-50.0)).judge_features([near], [0])
    assert refusal.codes == ("unlike",)
    assert 0 <= (refusal.distance_percentile or 0) <= 1


def test_features_of_another_model_are_refused(gate: Gate) -> None:
    with pytest.raises(BundleError, match="another model"):
        gate.judge_features([(np.zeros(7, dtype=np.float32),)], [0])


def test_vectors_collected_while_reading_are_those_of_the_fit(members: tuple[torch.nn.Module, ...]) -> None:
    network: Any = members[0]
    film = torch.randn(2, 1, 32, 32)
    with torch.no_grad(), watched_depths(network) as found:
        network(film)
    assert [v.shape for v in film_vectors(found)] == [(64,), (128,), (256,)]
    assert film_vectors(found)[2] == pytest.approx(found[2].mean(dim=0).numpy())


@pytest.mark.parametrize("content", [b"", b"\x00" * 20, b"not a gate at all, far from it"])
def test_a_damaged_gate_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="gate is damaged"):
        unpack(content)


def test_a_gate_of_another_format_or_without_a_tensor_is_refused(gate: Gate) -> None:
    content = gate.pack()
    facts = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["gate"]
    tensors = dict(load(content))
    with pytest.raises(BundleError, match="format 9"):
        unpack(save(tensors, {"gate": json.dumps(json.loads(facts) | {"format": 9})}))
    del tensors["depth.0.0.means"]
    with pytest.raises(BundleError, match="damaged"):
        unpack(save(tensors, {"gate": facts}))


def test_a_missing_gate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="could not be read"):
        Gate.load(tmp_path / "gate.safetensors")


def test_folds_without_a_network_are_refused(members: Any, finish: Callable[[Any], Any]) -> None:
    for networks, groups in ((members[:2], GROUPS), (members, ((0,), (1,)))):
        with pytest.raises(TrainingError, match="one network a fold"):
            finish(fit_gate(TINY, networks, phantom_films(), {}, groups))


# Gates without sense networks of their own


@pytest.fixture(scope="module")
def bare(members: tuple[torch.nn.Module, ...], finish: Callable[[Any], Any]) -> tuple[Gate, HeldOutScores]:
    """Return a gate that knows the features only, and the scores it was fitted on."""
    return finish(fit_distances(TINY, members, phantom_films()))


@pytest.fixture(scope="module")
def lender(gate: Gate) -> Gate:
    """Return a gate whose sense networks let every phantom through but the least frontal."""
    odds = [film_odds(sense_logits(gate.senses, sense_square(film)[None]).mean(axis=0)[0]) for film in FILMS[2:]]
    limits = replace(gate.thresholds, least_frontal=float(np.sort(odds)[3]), most_child=50.0, farthest=77.0)
    return replace(gate, thresholds=limits)


def test_a_gate_of_features_makes_the_plain_checks_alone(bare: tuple[Gate, HeldOutScores]) -> None:
    judge = bare[0].judge_picture
    assert judge(FILMS[3]) == judge(255 - FILMS[3]) == judge(FILMS[3], fold=2) == Judgement()
    assert judge(np.random.default_rng(0).integers(0, 256, (160, 160), dtype=np.uint8)).codes == ("noise",)


def test_a_gate_of_features_comes_back_from_its_file(bare: tuple[Gate, HeldOutScores], tmp_path: Path, members: Any) -> None:
    bare[0].save(tmp_path / "gate.safetensors")
    again = Gate.load(tmp_path / "gate.safetensors")
    assert (again.senses, again.left_out, again.thresholds) == ((), (), bare[0].thresholds)
    assert (again.thresholds.least_frontal, again.thresholds.most_child) == (-math.inf, math.inf)
    vectors = square_vectors(members[1], TINY, phantom_films().squares[:5])
    assert np.array_equal(again.distance_scores(1, vectors), bare[0].distance_scores(1, vectors))


def test_its_distances_are_those_of_a_gate_with_senses(bare: tuple[Gate, HeldOutScores], gate: Gate, members: Any) -> None:
    vectors = square_vectors(members[2], TINY, phantom_films().squares[:9])
    assert bare[0].distance_scores(2, vectors) == pytest.approx(gate.distance_scores(2, vectors))


def test_without_senses_the_distance_may_refuse_the_whole_share() -> None:
    scores = replace(drawn_scores(), limits=SenseLimits())
    found = refused(scores, choose_thresholds(scores))
    assert 0.95 * REFUSED < found.mean() <= REFUSED
    assert found[scores.distance.argmax()]
    assert cross_fitted_refusals(scores).mean() == pytest.approx(REFUSED, abs=0.01)


def test_beside_lent_senses_the_distance_may_refuse_half_of_it() -> None:
    scores = replace(drawn_scores(), limits=SenseLimits(1.5, 20.0, LENT_REFUSED))
    chosen = choose_thresholds(scores)
    assert (chosen.least_frontal, chosen.most_child) == (1.5, 20.0)
    assert 0.9 * LENT_REFUSED < (scores.distance > chosen.farthest).mean() <= LENT_REFUSED
    assert (refused(scores, chosen) == ((scores.frontal < 1.5) | (scores.distance > chosen.farthest))).all()


def test_of_few_films_none_lies_too_far() -> None:
    scores = replace(drawn_scores(24), limits=SenseLimits())
    assert choose_thresholds(scores).farthest == scores.distance.max()


def test_lent_networks_keep_their_thresholds_and_judge_films_of_every_fold(
    lender: Gate, members: Any, finish: Callable[[Any], Any]
) -> None:
    own, scores = finish(fit_distances(TINY, members, phantom_films(), lender))
    assert (own.left_out, own.lent, lender.lent) == (((), ()), True, False)
    assert own.thresholds.least_frontal == lender.thresholds.least_frontal == scores.limits.least_frontal
    assert own.thresholds.farthest == scores.distance.max()
    for fold in (None, 0, 2):
        assert own.judge_picture(FILMS[3], fold=fold) == lender.judge_picture(FILMS[3])


def test_films_are_scored_by_the_mean_of_the_lent_networks(lender: Gate, members: Any, finish: Callable[[Any], Any]) -> None:
    _, scores = finish(fit_distances(TINY, members, phantom_films(), lender))
    films = phantom_films()
    row = np.flatnonzero(films.adult & (films.fold == 0))[0]
    expected = film_odds(sense_logits(lender.senses, sense_square(films.sense_squares[row])[None]).mean(axis=0)[0])
    assert scores.frontal[0] == pytest.approx(float(expected), abs=1e-4)
    assert 0 < refused(scores, replace(lender.thresholds, farthest=math.inf)).mean() < 0.5


def test_networks_that_refuse_most_of_a_models_own_films_are_not_borrowed(
    lender: Gate, members: Any, finish: Callable[[Any], Any]
) -> None:
    strict = replace(lender, thresholds=replace(lender.thresholds, most_child=-50.0))
    own, scores = finish(fit_distances(TINY, members, phantom_films(), strict))
    assert own.senses == ()
    assert (scores.limits, own.thresholds.most_child) == (SenseLimits(), math.inf)


def test_features_that_are_known_already_need_not_be_read(
    bare: tuple[Gate, HeldOutScores], members: Any, finish: Callable[[Any], Any]
) -> None:
    films = phantom_films()
    own = [square_vectors(member, TINY, films.squares) for member in members]
    known = tuple(np.stack([own[k][d][row] for row, k in enumerate(films.fold)]) for d in range(3))
    work = fit_distances(TINY, members, films, held_out=known)
    total = next(work).total
    gate, scores = finish(work)
    assert scores.distance == pytest.approx(bare[1].distance, abs=1e-6)
    assert gate.thresholds.farthest == pytest.approx(bare[0].thresholds.farthest, abs=1e-6)
    assert total == 2 * int(films.adult.sum())  # what each member learned from, and no held-out film


def test_a_gate_needs_films_of_adults_beside_those_of_each_fold(members: Any, finish: Callable[[Any], Any]) -> None:
    films = phantom_films()
    for age in (np.full(36, 6.0), np.where(films.fold == 0, 50.0, 6.0)):
        with pytest.raises(DatasetError, match="two films of adults at least beside those of each fold"):
            finish(fit_distances(TINY, members, replace(films, age=age)))


# Reasons


@pytest.mark.parametrize("code", SENTENCES)
def test_every_reason_is_a_sentence(code: str) -> None:
    said = reason(code, rows=40, columns=300, least=64, greys=2, percent=99).sentence
    assert said[0].isupper()
    assert said.endswith(".")
    assert "{" not in said


def test_every_sense_but_the_frontal_one_has_a_reason() -> None:
    assert set(SENSES) - set(SENTENCES) == {"frontal"}


def test_reasons_are_joined_once_each_the_plainest_first() -> None:
    first = Judgement(refusals=(reason("unlike", percent=99),), distance_percentile=0.99)
    second = Judgement(refusals=(reason("turned"),), senses={"turned": 1.0})
    both = joined((first, second, first))
    assert both.codes == ("turned", "unlike")
    assert both.distance_percentile == 0.99
    assert both.record()["senses"] == {"turned": 1.0}
    assert both.refused


# From manifests


def test_pictures_stay_in_the_fold_of_their_patient(tiny_manifest: Path, tiny_samples: tuple[Sample, ...]) -> None:
    fold = np.array([int(s.patient.removeprefix("patient-")) % 2 for s in tiny_samples])
    names = ("covid", "no_finding", "pneumonia")
    source = Source(tiny_manifest.name, names, "covid", "lateral", repeats=3)
    (found,) = other_pictures(tiny_manifest.parent, tiny_samples, fold, [source])["lateral"]
    assert found.squares.shape == (8, 160, 160)
    assert found.fold.tolist() == [int(k) for k, s in zip(fold, tiny_samples, strict=True) if s.label == "covid"]
    assert len(found.seen_without([0])) == 3 * int((found.fold == 1).sum())


def test_manifests_that_are_not_there_are_left_out(tmp_path: Path, tiny_samples: tuple[Sample, ...]) -> None:
    assert other_pictures(tmp_path, tiny_samples, np.zeros(24, dtype=np.int64)) == {}


def test_a_manifest_without_the_label_is_refused(tiny_manifest: Path, tiny_samples: tuple[Sample, ...]) -> None:
    source = Source(tiny_manifest.name, ("covid", "no_finding", "pneumonia", "lateral"), "lateral", "lateral")
    with pytest.raises(DatasetError, match="no film labelled lateral"):
        other_pictures(tiny_manifest.parent, tiny_samples, np.zeros(24, dtype=np.int64), [source])


def test_films_of_a_manifest_are_adults_and_children_by_their_age(
    tiny_recipe: Recipe, tiny_samples: tuple[Sample, ...]
) -> None:
    aged = [replace(s, age=age) for s, age in zip(tiny_samples, ("7", "14", "", "old", "18.5"), strict=False)]
    films = gate_films(aged, tiny_recipe, np.zeros(5, dtype=np.int64))
    assert films.adult.tolist() == [False, False, True, True, True]
    assert films.child.tolist() == [True, False, False, False, False]
