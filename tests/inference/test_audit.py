"""The shortcut audit: each change on a drawn film, the verdict's order, and a model that has learned a corner marker."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from inference.audit import (
    Audit,
    AuditLimits,
    AuditLine,
    audit_film,
    changes,
    compress,
    crop_border,
    judge_lines,
    limits_of_card,
    mask_inside,
    mask_outside,
    outside_above_lungs,
    shrink,
)
from inference.audit_limits import fit_limits, measure_audits, summarise
from inference.bundle import Bundle, pack_members
from inference.errors import BundleError, DatasetError
from inference.lungs.segment import LungFinder, Lungs
from inference.markers import find_markers, paint_over
from inference.networks.registry import build_network
from inference.predict import CPU, Predictor
from inference.preprocess import film_to_square, square_crop
from inference.recipe import FilmClass, Preprocessing
from inference.recipes.darkcovidnet import RECIPE

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "models" / "lungs"
LIMITS = AuditLimits(markers=0.2, outside=0.4, border=0.2, mirrored=0.2, compressed=0.2)
SHAPE = (300, 280)


def lungs_of(shape=SHAPE):
    """Return bool (rows, columns), two ellipses."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    inside = [((y / shape[0] - 0.5) / 0.3) ** 2 + ((x / shape[1] - column) / 0.15) ** 2 < 1 for column in (0.29, 0.71)]
    return inside[0] | inside[1]


def drawn_chest(seed):
    """Return a grey chest without a marker: dark lungs with clouds, a light body that darkens to the sides."""
    random = np.random.default_rng(seed)
    x = np.linspace(-1, 1, SHAPE[1])
    clouds = np.asarray(PillowImage.fromarray(random.uniform(-40, 40, (7, 7)).astype(np.float32)).resize(SHAPE[::-1]))
    grey = 165 - 60 * x**2 - 80 * lungs_of() + clouds + random.normal(0, 4, SHAPE)
    return grey.clip(0, 255).astype(np.uint8)


def with_marker(grey, corner=0):
    """Return the film with a white letter in a corner: 0 upper left, 1 upper right, 2 lower left, 3 lower right."""
    picture = PillowImage.fromarray(grey)
    place = (10 if corner % 2 == 0 else SHAPE[1] - 40, 6 if corner < 2 else SHAPE[0] - 50)
    ImageDraw.Draw(picture).text(place, "R", 255, font=ImageFont.load_default(40))
    return np.asarray(picture)


def found_lungs():
    return Lungs(lungs_of().astype(np.float32), True, "", float(lungs_of().mean()))


NO_LUNGS = Lungs(np.zeros(SHAPE, np.float32), False, "only one lung was found on this film")


def lines_of(**after):
    """Return lines of an answer of 0.9, changed as named."""
    names = ("lungs_only", "outside_only", "markers", "border", "mirrored", "compressed")
    usual = {"lungs_only": 0.8, "outside_only": 0.5}
    return [AuditLine(name, 0.9, after.get(name, usual.get(name, 0.9))) for name in names]


def settle(network, squares):
    """Give the network statistics of the films themselves: after a few steps it still has those of its start."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network(squares)


@pytest.fixture(scope="module")
def marker_predictor(tmp_path_factory):
    """Return a model trained for some seconds on films whose class is the letter in their upper left corner."""
    classes = (FilmClass("covid", "COVID-19"), FilmClass("no_finding", "No finding"))
    how = Preprocessing(size=48)
    recipe = replace(RECIPE, network="resnet18_w32", classes=classes, preprocessing=how, reading_rotations=(0.0,))
    torch.manual_seed(0)
    network = build_network(recipe).train()
    films = [drawn_chest(seed) for seed in range(48)]
    films = [with_marker(film) if number % 2 == 0 else film for number, film in enumerate(films)]
    crop = square_crop(*SHAPE)
    squares = torch.from_numpy(np.stack([film_to_square(film, 48, crop) for film in films]))[:, None].float() / 255
    squares = (squares - squares.mean((1, 2, 3), keepdim=True)) / squares.std((1, 2, 3), keepdim=True)
    truth = torch.arange(48) % 2
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for step in range(40):
        rows = torch.arange(step % 3, 48, 3)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(squares[rows]), truth[rows]).backward()
        optimiser.step()
    settle(network, squares)
    folder = tmp_path_factory.mktemp("marker-model")
    (folder / "weights.safetensors").write_bytes(pack_members({"one": network.state_dict()}))
    card = {
        "name": "marker",
        "members": ["one"],
        "temperature": 1.0,
        "classes": [asdict(c) for c in classes],
        "preprocessing": {"reading_rotations": [0.0]},
    }
    return Predictor(Bundle(folder, card, recipe, ""), CPU)


# The changes


def test_outside_the_lungs_all_is_one_grey():
    grey = drawn_chest(0)
    masked = mask_outside(grey, lungs_of())
    assert set(masked[:20].ravel()) == {round(float(grey.mean()))}
    assert (masked[150, 70:90] == grey[150, 70:90]).all()


def test_inside_the_lungs_all_is_one_grey():
    grey = drawn_chest(0)
    masked = mask_inside(grey, lungs_of())
    assert set(masked[150, 70:90]) == {round(float(grey.mean()))}
    assert (masked[:20] == grey[:20]).all()


def test_the_border_is_cropped_by_six_percent():
    grey = drawn_chest(0)
    assert (crop_border(grey) == grey[18:282, 17:263]).all()


def test_compression_changes_a_little():
    grey = drawn_chest(0)
    difference = np.abs(compress(grey).astype(int) - grey)
    assert 0.5 < difference.mean() < 6


def test_a_large_film_is_audited_at_512_pixels():
    assert shrink(np.zeros((3000, 1500), np.uint8)).shape == (512, 256)
    small = np.zeros((300, 200), np.uint8)
    assert shrink(small) is small


def test_all_six_changes_are_made_in_their_order():
    made = list(changes(drawn_chest(0), lungs_of()))
    assert [c.name for c in made] == ["lungs_only", "outside_only", "markers", "border", "mirrored", "compressed"]
    assert (made[4].grey == drawn_chest(0)[:, ::-1]).all()


# Markers


@pytest.mark.parametrize("corner", [0, 1, 2, 3])
def test_a_letter_in_a_corner_is_found_and_painted_over(corner):
    plain = drawn_chest(1)
    grey = with_marker(plain, corner)
    pieces = find_markers(grey, lungs_of())
    assert pieces[grey != plain].mean() > 0.7
    assert np.abs(paint_over(grey, pieces).astype(int) - plain)[grey != plain].mean() < 25


def test_a_film_without_markers_stays_as_it_is():
    grey = drawn_chest(1)
    assert not find_markers(grey, lungs_of()).any()
    assert paint_over(grey, find_markers(grey, lungs_of())) is grey


def test_a_square_in_the_very_corner_is_found():
    grey = drawn_chest(1)
    grey[:36, :36] = 250
    pieces = find_markers(grey, lungs_of())
    assert pieces[:36, :36].mean() > 0.95
    assert not pieces[50:].any()


def test_what_is_bright_on_the_lungs_is_no_marker():
    grey = drawn_chest(1)
    grey[140:160, 75:90] = 255
    assert not find_markers(grey, lungs_of()).any()
    assert find_markers(grey, np.zeros(SHAPE, bool)).any()


def test_a_large_white_field_is_no_marker():
    grey = drawn_chest(1)
    grey[:80] = 255
    assert not find_markers(grey, lungs_of()).any()


def test_a_soft_bright_hill_is_no_marker():
    y, x = np.ogrid[:300, :280]
    hill = 120 * np.exp(-((y - 40) ** 2 + (x - 40) ** 2) / (2 * 12**2))
    assert not find_markers((100 + hill).clip(0, 255).astype(np.uint8), lungs_of()).any()


def test_without_lungs_only_the_outer_fifth_is_searched():
    grey = drawn_chest(1)
    grey[140:160, 75:90] = 255
    assert not find_markers(grey, None).any()
    assert find_markers(with_marker(grey), None).any()


# The verdict


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ({}, "stays"),
        ({"markers": 0.5, "outside_only": 0.9, "lungs_only": 0.1}, "marker"),
        ({"outside_only": 0.85, "lungs_only": 0.4}, "outside"),
        ({"outside_only": 0.1, "lungs_only": 0.1}, "stays"),
        ({"border": 0.6, "compressed": 0.1}, "border"),
        ({"mirrored": 0.6}, "mirrored"),
        ({"compressed": 0.6}, "compressed"),
    ],
)
def test_the_verdict_is_the_first_that_holds(after, verdict):
    assert judge_lines(lines_of(**after), LIMITS, lungs_found=True) == verdict


def test_a_gain_counts_as_a_loss_does():
    lines = [replace(line, before=0.4, after=0.4) for line in lines_of()]
    lines[2] = AuditLine("markers", 0.4, 0.7)
    assert judge_lines(lines, LIMITS, lungs_found=True) == "marker"


def test_without_lungs_the_other_lines_are_judged_all_the_same():
    assert judge_lines(lines_of()[2:], LIMITS, lungs_found=False) == "no_lungs"
    assert judge_lines(lines_of(mirrored=0.5)[2:], LIMITS, lungs_found=False) == "mirrored"


# A model that has learned the marker


def test_the_audit_flags_planted_corner_markers_of_a_model_that_uses_them(marker_predictor):
    films = [with_marker(drawn_chest(seed)) for seed in range(100, 120)]
    audits = [audit(marker_predictor, film) for film in films]
    assert [a.shown for a in audits].count("covid") >= 18
    assert sum(a.verdict in ("marker", "outside") for a in audits) >= 18


def test_the_marker_s_line_shows_what_it_does(marker_predictor):
    found = audit(marker_predictor, with_marker(drawn_chest(130)))
    line = next(line for line in found.lines if line.name == "markers")
    assert (found.verdict, found.sentence) == ("marker", "A marker moves the answer.")
    assert found.markers >= 1
    assert line.change < -0.3


def test_a_marker_the_program_does_not_see_lies_outside_the_lungs(marker_predictor):
    """A marker too large to be called one: the answer still stands without the lungs and falls with them alone."""
    grey = with_marker(drawn_chest(131))
    lines = {line.name: line for line in audit(marker_predictor, grey).lines}
    hidden = [replace(line, after=line.before) if line.name == "markers" else line for line in lines.values()]
    assert judge_lines(hidden, LIMITS, lungs_found=True) == "outside"


def test_without_lungs_four_lines_are_left_and_the_reason_is_said(marker_predictor):
    found = audit(marker_predictor, drawn_chest(132), NO_LUNGS, AuditLimits(1, 1, 1, 1, 1))
    assert [line.name for line in found.lines] == ["markers", "border", "mirrored", "compressed"]
    assert found.sentence == "The audit is not complete: only one lung was found on this film."


def test_a_film_without_markers_is_not_read_again_for_them(marker_predictor):
    found = audit(marker_predictor, drawn_chest(133))
    assert next(line.change for line in found.lines if line.name == "markers") == 0.0


def test_each_line_is_handed_over_and_the_audit_can_be_given_up(marker_predictor):
    work = audit_film(marker_predictor, drawn_chest(134), found_lungs(), LIMITS)
    assert next(work).name == "lungs_only"
    assert next(work).name == "outside_only"
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_the_record_can_be_written_as_json(marker_predictor):
    record = json.loads(json.dumps(audit(marker_predictor, drawn_chest(135)).record()))
    assert list(record) == ["shown", "verdict", "sentence", "lines", "lungs_found", "markers", "milliseconds"]
    assert record["lines"][3]["title"] == "Border cropped by 6 %"


def audit(predictor, grey, lungs=None, limits=LIMITS):
    work = audit_film(predictor, grey, lungs or found_lungs(), limits)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# The limits


def right_answers(count=40, markers=1):
    lines = [lines_of(border=0.9 - n / 100, markers=0.9 - n / 400, mirrored=0.89) for n in range(count)]
    return [Audit("covid", 0.9, tuple(own), "stays", "", True, markers) for own in lines]


def test_limits_are_quantiles_of_right_answers_within_bounds():
    limits = fit_limits(right_answers())
    assert limits.border == pytest.approx(0.38, abs=0.01)
    assert limits.mirrored == 0.1
    assert limits.outside == 0.1


def test_no_limit_is_above_one_half():
    audits = [replace(a, lines=tuple(lines_of(compressed=0.0))) for a in right_answers()]
    assert fit_limits(audits).compressed == 0.5


def test_the_marker_limit_is_taken_from_films_with_markers():
    audits = [*right_answers(20), *(replace(a, lines=tuple(lines_of()), markers=0) for a in right_answers(400))]
    assert fit_limits(audits).markers == pytest.approx(0.1, abs=0.001)
    strong = [replace(a, lines=tuple(lines_of(markers=0.6))) for a in right_answers(20)]
    assert fit_limits([*strong, *audits[20:]]).markers == pytest.approx(0.3)


def test_limits_need_a_right_answer():
    with pytest.raises(DatasetError, match="answered rightly"):
        fit_limits([])


def test_the_outside_above_the_lungs_is_a_difference_of_answers():
    assert outside_above_lungs(lines_of(outside_only=0.7, lungs_only=0.2)) == pytest.approx(0.5)


def test_limits_are_read_from_the_card():
    assert limits_of_card({"audit": {"limits": asdict(LIMITS)}}) == LIMITS


@pytest.mark.parametrize("card", [{}, {"audit": {"limits": {"markers": 1}}}, {"audit": {"limits": None}}])
def test_a_card_without_limits_is_refused(card):
    with pytest.raises(BundleError, match="no limits for the audit"):
        limits_of_card(card)


def test_held_out_films_are_audited_by_the_member_that_never_saw_them(tiny_predictor, tiny_manifest, finish):
    audited = finish(measure_audits(tiny_predictor, LungFinder(SHIPPED), tiny_manifest, films_per_class=2))
    assert sorted(sample.label for sample, _ in audited) == ["covid"] * 2 + ["no_finding"] * 2 + ["pneumonia"] * 2
    summary = summarise([(sample, replace(a, shown=sample.label)) for sample, a in audited], tiny_predictor)
    assert (summary["films"], summary["right"], summary["model"]["name"]) == (6, 6, "darkcovidnet")
    assert all(0.1 <= value <= 0.5 for value in summary["limits"].values())


def test_what_ships_holds_limits_that_were_measured():
    limits = limits_of_card(LungFinder(SHIPPED).card)
    assert all(math.isfinite(value) and 0.1 <= value <= 0.5 for value in asdict(limits).values())
