"""A model judged on films it has never seen: which films those are, what is counted, what is written."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from inference.bundle import Bundle, open_bundle
from inference.command_line import Places, main
from inference.conformal import ConformalSets
from inference.dataset import Sample, hash_of_patient
from inference.duplicates import copies_across
from inference.errors import DatasetError
from inference.evaluate import Proportion
from inference.external.films import (
    LISTED_TWICE,
    SAME_FEATURES,
    SAME_FILE,
    SAME_LOOK,
    SAME_ORIGINAL,
    SAME_PATIENT,
    Labels,
    linked_training_films,
    outside_films,
    understand_labels,
)
from inference.external.folder import Question, evaluate_outside
from inference.external.judging import Answers, judged, refusals
from inference.external.reading import MINOR, OutsideAnswer, read_outside
from inference.gate.gate import gate_of_bundle
from inference.gate.reasons import SENTENCES
from inference.operating_point import OperatingPoint
from inference.predict import CPU, Predictor

Said = pytest.CaptureFixture[str]
Rows = list[dict[str, str]]
Finish = Callable[..., Any]
CLASSES = ("covid", "no_finding", "pneumonia")
COLUMNS = ("file", "sha256", "label", "split", "patient", "view", "age", "sex", "source", "origin_sha256")


def new_film(folder: Path, number: int) -> Path:
    """Write a film of the kind the small model has seen, its bright field where none of theirs has it."""
    grey = np.random.default_rng(100 + number).integers(20, 90, (130, 110), dtype=np.uint8)
    top, left = 12 * number, 30 + 4 * number
    grey[top : top + 50, left : left + 50] += 120
    path = folder / f"new-{number}.png"
    PillowImage.fromarray(grey).save(path)
    return path


def write_manifest(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="")
        table.writeheader()
        table.writerows(rows)
    return path


def listed(path: Path, label: str, **more: str) -> dict[str, str]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": str(path), "sha256": digest, "label": label, "patient": f"new-{path.stem}", "source": "clinic:A"} | more


@pytest.fixture
def outside_rows(tmp_path: Path) -> Rows:
    """Return rows of six new films, three of each of two classes."""
    labels = ["covid", "pneumonia"] * 3
    return [listed(new_film(tmp_path, n), label, age="50", sex="F") for n, label in enumerate(labels)]


# Which films


def film(name: str, **changes: str) -> Sample:
    known = {"sha256": hashlib.sha256(name.encode()).hexdigest(), "label": "covid", "split": "", "patient": name}
    return Sample(Path(name), **(known | changes))


def test_training_films_are_known_by_file_original_and_patient(gateless_bundle: Bundle) -> None:
    row = gateless_bundle.examples()[0]
    own = [
        film("same", sha256=row.sha256),
        film("original", origin_sha256="b" * 64),
        film("later film", patient="patient-3"),
        film("new"),
        film("again", sha256=film("new").sha256),
    ]
    rows = [row.__class__(**{**vars(row), "origin_sha256": "b" * 64})]
    found = outside_films(own, rows, [hash_of_patient("patient-3")])
    assert [why for _, why in found.excluded] == [SAME_FILE, SAME_ORIGINAL, SAME_PATIENT, LISTED_TWICE]
    assert [sample.path.name for sample in found.films] == ["new"]


def chest_like(seed: int) -> np.ndarray:
    """Return two dark lungs with a texture of their own, uint8 (320, 280)."""
    noise = np.random.default_rng(seed).normal(0, 1, (40, 35)).astype(np.float32)
    texture = np.asarray(PillowImage.fromarray(noise).resize((280, 320), PillowImage.Resampling.BICUBIC))
    rows, columns = np.mgrid[-1:1:320j, -1:1:280j]
    lungs = np.exp(-(((np.abs(columns) - 0.45) / 0.3) ** 4) - (rows / 0.7) ** 4)
    return np.clip(190 - 140 * lungs + 12 * texture, 0, 255).astype(np.uint8)


def saved(folder: Path, name: str, grey: np.ndarray, **how: Any) -> Sample:
    path = folder / name
    PillowImage.fromarray(grey).save(path, **how)
    return film(str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_copy_is_known_by_its_look_where_the_training_films_are_here(tmp_path: Path) -> None:
    training = [saved(tmp_path, f"training-{n}.png", chest_like(n)) for n in range(3)]
    copy = saved(tmp_path, "copy.jpg", chest_like(1)[9:], quality=60)
    other = saved(tmp_path, "other.png", chest_like(9))
    assert copies_across([other, copy], training) == [(1, 1)]
    found = outside_films([other, copy], (), (), training)
    assert [(s.path.name, why) for s, why in found.excluded] == [("copy.jpg", SAME_LOOK)]


def test_linked_films_are_those_of_the_model_that_are_here(gateless_bundle: Bundle, tiny_samples: tuple[Sample, ...]) -> None:
    rows = gateless_bundle.examples()
    linked = linked_training_films(rows, {rows[0].sha256: tiny_samples[0].path, "f" * 64: Path("else")})
    assert [(s.path, s.sha256) for s in linked] == [(tiny_samples[0].path, rows[0].sha256)]


# What labels mean


def test_labels_are_classes_by_name_or_as_said() -> None:
    labels = understand_labels(["covid", "normal"], CLASSES, "covid", same_as={"normal": "no_finding"})
    assert labels == Labels("covid", {"covid": "covid", "normal": "no_finding"})
    assert labels.knows_all(["covid", "normal"])


def test_one_label_against_the_rest_keeps_what_it_knows() -> None:
    labels = understand_labels(["ill", "pneumonia", "tb", "covid"], CLASSES, "covid", called="ill")
    assert labels.class_of == {"ill": "covid", "pneumonia": "pneumonia"}
    assert [labels.is_positive(name) for name in ("ill", "covid", "tb")] == [True, False, False]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "The model does not know tb; it knows covid, no_finding, pneumonia."),
        ({"called": "flu"}, "There is no label flu; there are covid, tb."),
        ({"same_as": {"tb": "lung"}}, "There is no class lung; there are covid, no_finding, pneumonia."),
    ],
)
def test_labels_that_mean_nothing_are_refused(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DatasetError) as refused:
        understand_labels(["covid", "tb"], CLASSES, "covid", **said)
    assert str(refused.value).startswith(sentence)


# What is counted


def answer(label: str, covid: float, other: float = 0.0, refused: tuple[str, ...] = (), **changes: str) -> OutsideAnswer:
    name = f"{label}-{covid}-{other}-{changes}"
    rest = 1 - covid - other
    return OutsideAnswer(film(name, label=label, **changes), np.array([covid, rest, other]), refused, (), 1.0, 1.0)


POINT = OperatingPoint("balanced", 0.5, Proportion(9, 10), Proportion(8, 10))
SETS = ConformalSets(0.9, (0.4, 0.4, 0.4), (100, 100, 100))
IN_CLASSES = Labels("covid", {name: name for name in CLASSES})
SOME = (answer("covid", 0.9), answer("covid", 0.45), answer("no_finding", 0.1), answer("pneumonia", 0.6, 0.3))


def test_a_stored_point_is_counted_on_the_new_films() -> None:
    found = judged(Answers(SOME, IN_CLASSES, CLASSES), [POINT], SETS)
    (point,) = found["operating_points"]
    assert (point["sensitivity"]["count"], point["sensitivity"]["total"]) == (1, 2)
    assert (point["specificity"]["count"], point["specificity"]["total"]) == (1, 2)
    assert point["held_out"]["sensitivity"] == Proportion(9, 10).record()
    assert found["auc"]["value"] == 0.75
    assert (found["accuracy"]["count"], found["accuracy"]["total"]) == (2, 4)


def test_sets_are_counted_by_class() -> None:
    own = judged(Answers(SOME, IN_CLASSES, CLASSES), [POINT], SETS)["conformal"]
    assert own["coverage"] == {
        "covid": Proportion(2, 2).record(),
        "no_finding": Proportion(1, 1).record(),
        "pneumonia": Proportion(0, 1).record(),
    }
    assert own["sizes"] == [0, 3, 1, 0]


def test_labels_of_no_class_leave_the_finding_against_the_rest() -> None:
    rows = (answer("covid", 0.9), answer("tb", 0.2), answer("tb", 0.7))
    found = judged(Answers(rows, Labels("covid", {"covid": "covid"}), CLASSES), [POINT], SETS)
    assert found["accuracy"] is None
    assert found["calibration"]["about"] == "the finding against the rest"
    assert found["calibration"]["expected_calibration_error"] == pytest.approx((0.1 + 0.2 + 0.7) / 3)
    assert found["confusion"] == {"labels": ["covid", "tb"], "answers": list(CLASSES), "counts": [[1, 0, 0], [1, 1, 0]]}
    assert list(found["conformal"]["coverage"]) == ["covid"]


def test_refusals_are_counted_by_code_and_label() -> None:
    rows = (*SOME, answer("covid", 0.8, refused=("child", MINOR)), answer("pneumonia", 0.2, refused=("child",)))
    found = refusals(Answers(rows, IN_CLASSES, CLASSES), has_gate=True)
    assert (found["refused"]["count"], found["refused"]["total"]) == (2, 6)
    assert {code: own["count"] for code, own in found["by_code"].items()} == {"child": 2, MINOR: 1}
    assert found["by_label"]["pneumonia"] == Proportion(1, 2).record()


def test_no_film_at_all_is_judged_without_a_number() -> None:
    found = judged(Answers((), IN_CLASSES, CLASSES), [POINT], SETS)
    assert (found["auc"], found["calibration"], found["groups"]) == (None, None, {})


# The whole of it


def test_new_films_are_judged_and_written(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, tiny_samples: tuple[Sample, ...], finish: Finish
) -> None:
    outside_rows[0]["age"] = "12"
    own = listed(tiny_samples[0].path, tiny_samples[0].label)
    manifest = write_manifest(tmp_path / "clinic.csv", [*outside_rows, own])
    record = finish(evaluate_outside(gateless_bundle, Question(manifest), tmp_path / "out", CPU))
    assert record["excluded"][SAME_FILE] == 1
    assert record["films_listed"] == 7
    assert record["refusals"]["by_code"][MINOR]["count"] == 1
    assert (record["not_refused"]["films"], record["all"]["films"]) == (5, 6)
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8")) == record


def test_the_table_names_no_patient_and_the_page_fetches_nothing(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, finish: Finish
) -> None:
    manifest = write_manifest(tmp_path / "clinic.csv", outside_rows)
    finish(evaluate_outside(gateless_bundle, Question(manifest), tmp_path / "out", CPU))
    table = (tmp_path / "out" / "answers.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert len(rows) == 6
    assert "new-new-0" not in table and rows[0]["patient_hash"] == hash_of_patient("new-new-0")
    assert sum(float(rows[0][f"p_{name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-5)
    page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert "The model has no gate" in page and "src=" not in page and "<script" not in page


def test_a_film_with_the_features_of_a_training_film_is_left_out(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, tiny_samples: tuple[Sample, ...], finish: Finish
) -> None:
    again = tmp_path / "again.bmp"
    with PillowImage.open(tiny_samples[5].path) as picture:
        picture.save(again)
    manifest = write_manifest(tmp_path / "clinic.csv", [*outside_rows, listed(again, "covid")])
    record = finish(evaluate_outside(gateless_bundle, Question(manifest), tmp_path / "out", CPU))
    assert record["excluded"][SAME_FEATURES] >= 1
    table = (tmp_path / "out" / "answers.csv").read_text(encoding="utf-8")
    assert hashlib.sha256(again.read_bytes()).hexdigest() not in table


def test_noise_is_refused_even_without_a_gate(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, finish: Finish
) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (130, 110), dtype=np.uint8)
    PillowImage.fromarray(grey).save(tmp_path / "noise.png")
    manifest = write_manifest(tmp_path / "clinic.csv", [*outside_rows, listed(tmp_path / "noise.png", "covid")])
    record = finish(evaluate_outside(gateless_bundle, Question(manifest), tmp_path / "out", CPU))
    assert record["refusals"]["by_code"]["noise"]["count"] == 1
    assert record["not_refused"]["films"] <= record["all"]["films"] - 1


def test_the_gate_of_a_shipped_model_looks_first(tmp_path: Path, finish: Finish) -> None:
    folder = Path(__file__).parents[2] / "resources" / "models" / "chest_resnet"
    gate = gate_of_bundle(folder)
    if gate is None:
        pytest.skip("the shipped model has no gate")
    upside_down = saved(tmp_path, "film.png", chest_like(1)[::-1])
    (found,) = finish(read_outside(Predictor(open_bundle(folder), CPU), gate, [upside_down]))
    assert found.refused
    assert set(found.refusals) <= set(SENTENCES)


def test_a_manifest_of_training_films_alone_is_refused(
    tmp_path: Path, gateless_bundle: Bundle, tiny_manifest: Path, finish: Finish
) -> None:
    work = evaluate_outside(gateless_bundle, Question(tiny_manifest), tmp_path / "out", CPU)
    with pytest.raises(DatasetError, match="none is new to the model: 24 the same file as a training film"):
        finish(work)


def test_a_film_that_is_not_the_manifests_is_refused(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, finish: Finish
) -> None:
    outside_rows[2]["sha256"] = "0" * 64
    manifest = write_manifest(tmp_path / "clinic.csv", outside_rows)
    with pytest.raises(DatasetError, match=r"new-2\.png is missing or is not the one its manifest describes"):
        finish(evaluate_outside(gateless_bundle, Question(manifest), tmp_path / "out", CPU))


# The verb


def test_the_verb_tells_new_films_from_its_own(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, tiny_manifest: Path, capsys: Said
) -> None:
    places = Places(gateless_bundle.folder.parent, tmp_path / "own", tmp_path / "examples")
    manifest, out = write_manifest(tmp_path / "clinic.csv", outside_rows), tmp_path / "out"
    assert main(["evaluate", "darkcovidnet", "--data", str(manifest), "--out", str(out), "--device", "cpu"], places) == 0
    said = capsys.readouterr().out
    assert said.startswith("6 films listed; left out: none; read: 6\n")
    assert said.endswith(f"The page is {out / 'evaluation.html'}.\n")
    assert main(["evaluate", "darkcovidnet", "--data", str(tiny_manifest), "--device", "cpu"], places) == 0
    assert "Cross-validation grouped by patient, every film held out once" in capsys.readouterr().out


def test_the_verb_takes_one_label_against_the_rest(
    outside_rows: Rows, tmp_path: Path, gateless_bundle: Bundle, capsys: Said
) -> None:
    for entry in outside_rows:
        entry["label"] = "ill" if entry["label"] == "covid" else "well"
    places = Places(gateless_bundle.folder.parent, tmp_path / "own", tmp_path / "examples")
    manifest = write_manifest(tmp_path / "clinic.csv", outside_rows)
    given = ["evaluate", "darkcovidnet", "--data", str(manifest), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(given, places) == 1
    assert capsys.readouterr().err.startswith("The model does not know ill, well;")
    assert main([*given, "--positive", "ill"], places) == 0
    assert "expected calibration error (the finding against the rest)" in capsys.readouterr().out
