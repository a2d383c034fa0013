"""What the second reader will not read, and what it answers where it may."""

import json
import os
import shutil
from hashlib import sha256

import numpy as np
import PIL.Image
import pytest
from second_reading import run

from viewer.errors import SecondReaderError
from viewer.imaging.grayscale import to_display
from viewer.imaging.image import Window
from viewer.imaging.reader import read_file
from viewer.reading import Reading, ReadingProgress, RefusalReason
from viewer.second_reader.answer import display_grey
from viewer.second_reader.card import confusion_matrix
from viewer.second_reader.fitness import Fitness, judge_distance, judge_header
from viewer.second_reader.reader import SecondReader

GREYS = np.arange(10_000).reshape(100, 100)
CHEST = {"modality": "DX", "body_part": "CHEST", "view_position": "PA", "age": "55 y", "age_years": 55.0}
CLASSES = ("covid", "no_finding", "pneumonia")


@pytest.fixture
def chest(picture):
    """Return a maker of frontal chest films of an adult; any field may be another."""
    return lambda pixels=GREYS, dtype="uint16", **fields: picture(pixels, dtype, **{**CHEST, **fields})


@pytest.fixture(scope="module")
def reader():
    return SecondReader("cpu")


@pytest.fixture(scope="module")
def read(reader, shipped_model, synthetic):
    """Return what the reading of the synthetic film yields, and the whole reading."""
    return run(reader.read(synthetic, shipped_model))


def copy_of(model, tmp_path, **changed):
    """Copy a bundle with some files' bytes changed; the card names the new hash where ``rehash`` says so."""
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    rehash = changed.pop("rehash", False)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    for name, data in changed.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(data)
        if rehash:
            card["files"][path.name] = sha256(data).hexdigest()
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        ({"modality": "CT"}, "modality",
         "This is a CT picture; the model reads frontal chest radiographs (CR, DX) only."),
        ({"modality": "MG"}, "modality",
         "This is a MG picture; the model reads frontal chest radiographs (CR, DX) only."),
        ({"body_part": "HAND"}, "body_part",
         "The header says that this film shows HAND; the model reads chest films only."),
        ({"view_position": "LL"}, "lateral",
         "This is a lateral film (view LL); the model reads frontal films only."),
        ({"view_position": "Lateral"}, "lateral",
         "This is a lateral film (view Lateral); the model reads frontal films only."),
        ({"age": "7 y", "age_years": 7.0}, "child",
         "The patient is 7 y; the model was made for adults and calls most healthy children COVID-19."),
        ({"pixels": GREYS[:63]}, "too_small", "The picture has 100 x 63 pixels; the model needs 64 at least."),
        ({"pixels": np.full((100, 100), 7)}, "one_grey",
         "The picture is one even grey; there is nothing to read."),
        ({"pixels": np.stack([GREYS % 256] * 3, -1), "dtype": "uint8"}, "colour",
         "This picture has colours; the model reads grey chest films only."),
    ],
)  # fmt: skip
def test_what_is_no_frontal_chest_film_of_an_adult_is_refused_by_code_and_why_is_said(chest, fields, code, sentence):
    assert judge_header(chest(**fields)).refusals == (RefusalReason(code, sentence),)


def test_a_film_with_several_faults_is_refused_for_each(chest):
    found = judge_header(chest(modality="CT", body_part="HEAD", age="7 y", age_years=7.0))
    assert [reason.code for reason in found.refusals] == ["modality", "body_part", "child"]


def test_of_two_judges_who_name_one_code_the_first_says_it():
    first, second = RefusalReason("child", "The patient is 7 y."), RefusalReason("child", "It looks like a child.")
    both = Fitness((first,), ("One.",)) + Fitness((second, RefusalReason("lateral", "A lateral film.")), ("One.", "Two."))
    assert both.refusals == (first, RefusalReason("lateral", "A lateral film."))
    assert both.warnings == ("One.", "Two.")


@pytest.mark.parametrize(
    "fields",
    [{}, {"modality": "CR"}, {"view_position": "AP"}, {"view_position": ""}, {"body_part": ""}, {"body_part": "Thorax PA"},
     {"age": "18 y", "age_years": 18.0}, {"age": "", "age_years": None}, {"pixels": GREYS[:64, :64]}],
)  # fmt: skip
def test_a_frontal_chest_film_of_an_adult_is_read_without_a_warning(chest, fields):
    assert judge_header(chest(**fields)) == Fitness()


@pytest.mark.parametrize("modality", ["", "OT", "SC"])
def test_a_header_that_does_not_name_a_radiograph_is_warned_about(chest, modality):
    assert judge_header(chest(modality=modality)).warnings == (
        "The header does not say that this is a radiograph; the answer holds only for frontal chest films.",
    )


def test_a_picture_that_is_no_dicom_file_is_warned_about(picture):
    assert judge_header(picture(GREYS, name="lungs.png", is_dicom=False)).warnings == (
        "Not a DICOM file: age, view and body part are unknown and were not checked.",
    )


def test_the_synthetic_film_is_one_the_model_may_read(synthetic):
    assert judge_header(synthetic) == Fitness()


def test_a_ct_of_the_shared_films_is_refused(shared_dicom):
    image = read_file(shared_dicom / "DICOM-Swift/Tests/DicomCoreTests/Fixtures/DecoderParity/ct_explicit_vr_le_rescale.dcm")
    assert "modality" in [reason.code for reason in judge_header(image).refusals]


def test_a_model_for_slices_reads_ct_and_refuses_films(chest):
    assert judge_header(chest(modality="CT", view_position=""), "ct") == Fitness()
    (refused,) = judge_header(chest(), "ct").refusals
    assert refused.sentence == "This is a DX picture; the model reads axial CT slices of the lungs only."
    assert judge_header(chest(modality="OT"), "ct").warnings == (
        "The header does not say that this is a CT slice; the answer holds only for axial slices of the lungs.",
    )


def test_a_slice_is_read_in_the_lung_window_whatever_the_file_says(chest):
    units = np.tile(np.linspace(-2000, 1000, 100), (100, 1))
    grey = display_grey(chest(units, "float32", modality="CT", vois=(Window(40, 400),)))
    assert grey[0, 0] == 0
    assert 120 < grey[0, np.argmin(np.abs(units[0] + 600))] < 135
    assert grey[0, -1] == 255


# ---------------------------------------------------------------------------------------------------------- answers


def test_a_refused_film_gets_no_number_no_map_and_no_example(reader, shipped_model, chest):
    _, reading = run(reader.read(chest(modality="CT"), shipped_model))
    assert (reading.status, reading.predicted, reading.complete) == ("refused", "", True)
    assert (reading.probabilities, reading.heat_maps, reading.examples) == ((), (), ())
    assert reading.reason == "This is a CT picture; the model reads frontal chest radiographs (CR, DX) only."


def test_the_answer_comes_first_without_maps_and_then_whole(read):
    yielded, whole = read
    answer, with_maps = [step for step in yielded if isinstance(step, Reading)]
    assert all(isinstance(step, Reading | ReadingProgress) for step in yielded)
    assert (answer.complete, answer.heat_maps) == (False, ())
    assert (with_maps.complete, len(with_maps.heat_maps)) == (False, 3)
    assert (whole.complete, len(whole.heat_maps)) == (True, 3)
    assert answer.probabilities == whole.probabilities


def test_the_map_of_the_answer_is_judged_once_it_is_shown(read):
    yielded, whole = read
    last = [step for step in yielded if isinstance(step, Reading)][-1]
    shown, judged = (reading.heat_map(whole.predicted) for reading in (last, whole))
    assert shown.faithfulness is None
    assert judged.faithfulness.sentence.startswith("hot ")
    assert judged.faithfulness.passes == (judged.faithfulness.hot < min(0, judged.faithfulness.random_mean))
    assert all(m.faithfulness is None for m in whole.heat_maps if m.class_name != whole.predicted)


def test_the_probabilities_of_the_classes_add_up_to_one_and_lie_among_those_of_the_members(read):
    probabilities = read[1].probabilities
    assert tuple(p.name for p in probabilities) == CLASSES
    assert sum(p.probability for p in probabilities) == pytest.approx(1, abs=1e-6)
    assert all(0 <= p.low <= p.high <= 1 for p in probabilities)
    assert read[1].predicted == max(probabilities, key=lambda p: p.probability).name


def test_the_reading_belongs_to_the_film_it_was_made_of(read, synthetic):
    reading = read[1]
    assert (reading.sha256, reading.frame) == (synthetic.sha256, 0)
    assert reading.sop_instance_uid == synthetic.identity.sop_instance_uid
    assert set(reading.milliseconds) == {"gate", "preprocess", "forward", "heatmap", "faithfulness"}


def test_the_maps_of_all_classes_lie_over_the_central_square_of_the_film(read):
    maps = read[1].heat_maps
    assert tuple(m.class_name for m in maps) == CLASSES
    assert [m.bounds_row_column for m in maps] == [(50, 0, 550, 500)] * 3
    for heat_map in maps:
        first, step = np.array(heat_map.first_cell_row_column), np.array(heat_map.step_row_column)
        last = first + step * (np.array(heat_map.cells.shape) - 1)
        assert heat_map.cells.min() >= 0
        assert all(first <= (50, 0) + step / 2)
        assert all(last >= (550, 500) - step / 2)


def test_the_examples_come_nearest_first_and_are_those_of_the_matrix(read):
    reading = read[1]
    distances = [example.distance for example in reading.examples]
    assert distances == sorted(distances)
    assert len(distances) == sum(map(sum, reading.matrix.counts))


def test_the_networks_see_the_film_as_stored_whatever_the_window_on_screen(synthetic):
    assert np.array_equal(display_grey(synthetic), to_display(synthetic, Window(2050, 2500)))


def probabilities(reader, model, image):
    return np.array([p.probability for p in run(reader.read(image, model, judges_map=False))[1].probabilities])


def test_a_film_stored_inverted_gets_the_same_answer(reader, shipped_model, read, synthetic, picture):
    window = Window(4095 - 2050 + 1, 2500)
    inverted = picture(4095 - synthetic.pixels, photometric_interpretation="MONOCHROME1", vois=(window,), **CHEST)
    expected = [p.probability for p in read[1].probabilities]
    assert probabilities(reader, shipped_model, inverted) == pytest.approx(expected, abs=0.01)


def test_a_film_saved_as_png_as_it_is_displayed_gets_the_same_answer(reader, shipped_model, read, synthetic, tmp_path):
    PIL.Image.fromarray(to_display(synthetic)).save(tmp_path / "film.png")
    expected = [p.probability for p in read[1].probabilities]
    assert probabilities(reader, shipped_model, read_file(tmp_path / "film.png")) == pytest.approx(expected, abs=1e-3)


# ------------------------------------------------------------------------------------------------------ bad models


def test_a_model_that_is_not_there_is_named(tmp_path, synthetic):
    with pytest.raises(SecondReaderError) as failed:
        run(SecondReader("cpu").read(synthetic, tmp_path / "nowhere"))
    assert str(failed.value) == "There is no model called nowhere: its card.json was not found."


@pytest.mark.parametrize("rehash", [False, True])
def test_damaged_weights_are_refused_whether_or_not_the_card_agrees(shipped_model, tmp_path, synthetic, rehash):
    weights = (shipped_model / "weights.safetensors").read_bytes()
    cut = weights[: len(weights) // 2] if rehash else weights[:-1] + bytes([weights[-1] ^ 1])
    folder = copy_of(shipped_model, tmp_path, weights__safetensors=cut, rehash=rehash)
    with pytest.raises(SecondReaderError, match=r"weights\.safetensors"):
        run(SecondReader("cpu").read(synthetic, folder))


def test_a_model_that_fails_while_it_is_loaded_does_not_answer_in_the_place_of_the_last(
    shipped_model, tmp_path, synthetic, read
):
    folder = copy_of(shipped_model, tmp_path, embeddings__npz=b"no features", rehash=True)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8")) | {"name": "other"}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    reader = SecondReader("cpu")
    run(reader.warm_up(shipped_model))
    with pytest.raises(SecondReaderError):
        run(reader.read(synthetic, folder))
    assert run(reader.read(synthetic, shipped_model))[1].model.name == "darkcovidnet"


def test_a_model_that_takes_the_place_of_another_of_its_name_is_loaded_anew(shipped_model, tmp_path):
    folder = copy_of(shipped_model, tmp_path)
    reader = SecondReader("cpu")
    run(reader.warm_up(folder))
    card = json.loads((folder / "card.json").read_text(encoding="utf-8")) | {"title": "Trained today"}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    os.utime(folder / "card.json", (1, 1))
    run(reader.warm_up(folder))
    assert reader.facts.title == "Trained today"


def test_an_unknown_device_is_named(shipped_model, synthetic):
    with pytest.raises(SecondReaderError) as failed:
        run(SecondReader("abacus").read(synthetic, shipped_model))
    assert str(failed.value) == "There is no device called 'abacus'; there are auto, cpu and cuda."


def test_the_matrix_of_the_card_counts_each_held_out_film_once(shipped_model):
    card = json.loads((shipped_model / "card.json").read_text(encoding="utf-8"))
    matrix = confusion_matrix(card)
    assert matrix.names == CLASSES
    assert sum(map(sum, matrix.counts)) == card["training_data"]["films"]


# ------------------------------------------------------------------------------------------------- far from what is known

QUANTILES = {"q50": 0.25, "q95": 0.4, "q99": 0.5}


def test_a_film_among_those_the_model_knows_brings_no_warning():
    assert judge_distance(0.4, QUANTILES) == Fitness()


def test_a_film_farther_off_than_most_is_read_with_a_warning():
    (sentence,) = judge_distance(0.41, QUANTILES).warnings
    assert sentence.endswith("its answer may mean nothing.")


def test_a_model_judged_on_too_few_films_to_know_what_is_far_off_says_so():
    (sentence,) = judge_distance(0.1, dict.fromkeys(QUANTILES, float("nan"))).warnings
    assert sentence.startswith("The model was judged on too few films")


def test_a_picture_unlike_any_chest_film_is_refused():
    (refused,) = judge_distance(5.6, QUANTILES).refusals
    assert refused.code == "unlike"
    assert "it lies 5.6 from the nearest of them, where 99 % of those lie within 0.5" in refused.sentence


def test_noise_gets_no_number(reader, shipped_model, chest):
    noise = np.random.default_rng(0).integers(0, 4000, (400, 400))
    _, reading = run(reader.read(chest(noise), shipped_model))
    assert (reading.status, reading.probabilities, reading.heat_maps) == ("refused", (), ())
