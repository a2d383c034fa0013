"""What a reading holds beside the probabilities, and what stands before it: gate, override, map, audit."""

import json
import logging
import shutil

import numpy as np
import pytest
from second_reading import run

from viewer.errors import SecondReaderError
from viewer.paths import shipped_models
from viewer.reading import OperatingPoint, Reading, Share
from viewer.second_reader.prevalence import predictive_values
from viewer.second_reader.reader import SecondReader

ADULT = {"modality": "DX", "body_part": "CHEST", "view_position": "PA", "age": "55 y", "age_years": 55.0}
CLASSES = ("covid", "no_finding", "pneumonia")


@pytest.fixture(scope="module")
def chest_resnet():
    folder = shipped_models() / "chest_resnet"
    if not (folder / "gate.safetensors").is_file():
        pytest.skip("needs the model chest_resnet with its gate in resources/models")
    return folder


@pytest.fixture(scope="module")
def reader():
    return SecondReader("cpu")


@pytest.fixture(scope="module")
def read(reader, chest_resnet, synthetic):
    """Return the whole reading of the synthetic film."""
    return run(reader.read(synthetic, chest_resnet))[1]


def inverted(picture, synthetic):
    """Return the synthetic film with bone dark and a header that knows nothing of it."""
    return picture(synthetic.pixels.max() - synthetic.pixels, **ADULT)


# The answer


def test_each_class_has_an_interval_that_holds_its_probability(read):
    assert tuple(p.name for p in read.probabilities) == CLASSES
    assert all(p.low <= p.probability <= p.high for p in read.probabilities)
    assert read.interval_meaning.startswith("95 % interval: the 5 networks and the temperature drawn again")


def test_the_conformal_set_is_said_in_words_with_its_coverage(read):
    assert read.conformal.level == 0.9
    assert set(read.conformal.names) <= set(CLASSES)
    assert read.conformal.sentence.startswith("compatible with ")
    assert all(abs(share.value - 0.9) < 0.04 for _, share in read.conformal.coverage)


def test_the_decision_is_about_the_class_the_model_is_for_at_a_named_point(read):
    point = read.operating_point()
    assert (read.positive, point.class_name, point.name) == ("covid", "covid", "balanced")
    assert point.called == (read.probability("covid").probability >= point.threshold)
    assert f"{point.sensitivity.count} of {point.sensitivity.total}" in point.sentence
    assert read.operating_point("pneumonia", "few_missed").name == "few_missed"
    assert read.operating_point("pneumonia", "none") is None


def test_the_model_saw_the_central_square_of_the_film_less_its_margin(read, synthetic):
    seen = read.model_input
    assert (seen.grey.shape, seen.grey.dtype) == ((160, 160), np.uint8)
    assert seen.bounds_row_column == pytest.approx((50 + 35, 35, 550 - 35, 500 - 35))
    assert seen.pixel_mm == pytest.approx(tuple(mm * 430 / 160 for mm in synthetic.spacing_mm))
    assert seen.polarity == "Stored with bone bright (MONOCHROME2), seen so by the model."


def test_of_the_nearest_films_the_right_answers_are_counted(read):
    right = sum(film.truth == film.answer for film in read.examples[:50])
    assert (read.nearest_right.count, read.nearest_right.total) == (right, 50)


def test_a_card_of_an_earlier_version_answers_without_the_newer_parts(reader, chest_resnet, synthetic, tmp_path):
    folder = shutil.copytree(chest_resnet, tmp_path / "older")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    for key in ("calibration", "conformal_sets", "operating_points", "heatmaps", "gate"):
        card.pop(key)
    card["files"].pop("gate.safetensors")
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    found = run(reader.read(synthetic, folder, judges_map=False))[1]
    assert (found.status, found.conformal, found.operating_points, found.operating_point()) == ("read", None, (), None)
    assert found.interval_meaning == "Smallest and largest answer of the model's 5 networks."
    assert found.distance_percentile is None
    assert found.heat_map(found.predicted).method == "Fine contribution, on the scale of this film alone"


# The map


def test_the_cells_of_a_map_in_logits_sum_to_the_logit_less_its_bias(read):
    for heat_map in read.heat_maps:
        assert (heat_map.unit, heat_map.is_two_sided, heat_map.method) == ("logit", True, "Fine contribution")
        assert heat_map.cells.sum() == pytest.approx(heat_map.logit - heat_map.bias, abs=1e-4)
        assert heat_map.cells.min() < 0 < heat_map.cells.max()
    assert len({heat_map.full_scale for heat_map in read.heat_maps}) == 1


def test_a_cell_is_told_in_millimetres_of_film(read, synthetic):
    heat_map = read.heat_map("covid")
    assert heat_map.cell_mm[0] == pytest.approx(heat_map.step_row_column[0] * synthetic.spacing_mm[0])


def test_the_methods_are_offered_with_the_models_own_first(read):
    assert [name for name, _ in read.map_methods] == [
        "fine contribution", "contribution", "GradCAM", "GradCAMPlusPlus", "LayerCAM", "HiResCAM", "ScoreCAM",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "title", "unit"), [("contribution", "Contribution", "logit"), ("LayerCAM", "LayerCAM", "raw")]
)
def test_a_map_is_made_by_the_method_that_is_asked_for(reader, chest_resnet, synthetic, method, title, unit):
    found = run(reader.read(synthetic, chest_resnet, method=method, judges_map=False))[1]
    assert {(m.method, m.unit) for m in found.heat_maps} == {(title, unit)}
    assert found.complete


def test_a_method_the_network_does_not_allow_is_refused_in_a_sentence(reader, shipped_model, synthetic):
    with pytest.raises(SecondReaderError, match="cannot be divided exactly among the cells"):
        run(reader.read(synthetic, shipped_model, method="contribution"))


# The gate


def test_a_refusal_by_the_header_needs_no_model(chest_resnet, picture):
    fresh = SecondReader("cpu")
    yielded, found = run(fresh.read(picture(np.arange(10_000).reshape(100, 100), **ADULT | {"modality": "MG"}), chest_resnet))
    assert (yielded, found.status, fresh.facts) == ([], "refused", None)
    assert found.model.name == "chest_resnet"


def test_an_inverted_film_is_refused_by_the_gate_before_the_model_is_loaded(chest_resnet, picture, synthetic):
    fresh = SecondReader("cpu")
    _, found = run(fresh.read(inverted(picture, synthetic), chest_resnet))
    assert ([reason.code for reason in found.refusals], fresh.facts) == (["inverted"], None)
    assert found.reason.startswith("The film seems to be inverted")
    assert (found.probabilities, found.heat_maps, found.examples, found.model_input) == ((), (), (), None)


def test_a_film_that_is_read_says_how_far_off_it_lies(read):
    assert 0 < read.distance_percentile < 0.95
    assert read.refusals == ()
    assert not read.is_overridden


def test_a_refused_film_is_read_on_request_and_marked_and_the_reason_is_not_logged(
    reader, chest_resnet, picture, synthetic, caplog
):
    with caplog.at_level(logging.WARNING):
        yielded, found = run(reader.read(inverted(picture, synthetic), chest_resnet, "Mr Doe asked", judges_map=False))
    assert (found.status, found.is_overridden, found.override_reason) == ("read", True, "Mr Doe asked")
    assert found.refusals[0].code == "inverted"
    assert next(step for step in yielded if isinstance(step, Reading)).is_overridden
    assert "inverted" in caplog.text
    assert "Doe" not in caplog.text


def test_noise_read_on_request_is_told_apart_by_its_distance_as_well(chest_resnet, picture):
    noise = np.random.default_rng(0).integers(0, 4000, (400, 400))
    found = run(SecondReader("cpu").read(picture(noise, **ADULT), chest_resnet, "to see", judges_map=False))[1]
    assert [reason.code for reason in found.refusals] == ["noise", "unlike"]
    assert found.distance_percentile > 0.99


def test_an_override_of_a_film_that_is_not_refused_leaves_no_mark(reader, chest_resnet, synthetic):
    found = run(reader.read(synthetic, chest_resnet, "in haste", judges_map=False))[1]
    assert (found.is_overridden, found.override_reason) == (False, "")


def test_a_slice_without_lungs_is_refused_by_a_model_for_slices(chest_resnet, picture, tmp_path):
    card = json.loads((chest_resnet / "card.json").read_text(encoding="utf-8"))
    card["recipe_record"]["modality"] = "ct"
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    rows, columns = np.mgrid[:256, :256]
    abdomen = np.where((rows - 128) ** 2 + (columns - 128) ** 2 < 90**2, 40 + rows % 5, -1000)
    found = run(SecondReader("cpu").read(picture(abdomen, "int16", modality="CT", unit="HU"), tmp_path))[1]
    assert [reason.code for reason in found.refusals] == ["no_lung"]


# The audit and the lungs


def test_the_audit_tells_what_each_change_does_and_gives_a_verdict(reader, chest_resnet, synthetic, read):
    steps, audit = run(reader.audit(synthetic, chest_resnet))
    assert (audit.sha256, audit.frame, audit.shown) == (synthetic.sha256, 0, read.predicted)
    assert [line.name for line in audit.lines] == [
        "lungs_only", "outside_only", "markers", "border", "mirrored", "compressed",
    ]  # fmt: skip
    assert audit.complete
    assert audit.lungs.shape == synthetic.pixels.shape
    assert steps[-1].text == "Audit: Compressed again as JPEG, quality 40"


def test_the_lungs_of_a_film_are_found_without_a_model(synthetic, picture):
    reader = SecondReader("cpu")
    lungs, reason = run(reader.find_lungs(synthetic))[1]
    assert (lungs.shape, lungs.dtype, reason, reader.facts) == ((600, 500), bool, "", None)
    nothing, why = run(reader.find_lungs(picture(np.arange(10_000).reshape(100, 100))))[1]
    assert nothing is None
    assert why


# Prevalence

NINE_IN_TEN = Share(90, 100, 0.826, 0.945)


def test_a_call_means_as_much_as_the_finding_is_frequent():
    point = OperatingPoint("balanced", "Balanced", "covid", "COVID-19", 0.5, NINE_IN_TEN, NINE_IN_TEN, True, "Called.")
    assert predictive_values(point, 0.1).positive.value == pytest.approx(0.5)
    assert predictive_values(point, 0.5).positive.value == pytest.approx(0.9)
    assert predictive_values(point, 0.1).negative.sentence.startswith("of 100 like this, 99 ")
    with pytest.raises(SecondReaderError, match="prevalence lies between 0 and 100 %"):
        predictive_values(point, 0)
