"""What a card keeps of the held-out answers, and giving it to an older card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference import audit_evidence, map_evidence
from inference.bundle import Bundle, open_bundle
from inference.card import read_card
from inference.errors import BundleError, DatasetError
from inference.gate.gate import GATE, gate_of_bundle
from inference.map_scales import scale_of
from inference.renewal import renew_bundle
from inference.validation import KEYS, Validation, held_out_answers, patients_of, validate

NAMES = ("covid", "no_finding", "pneumonia")
SHIPPED = Path(__file__).parents[2] / "resources" / "models" / "chest_resnet"


def answers(films: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, logits half as sure again as they may be, and fold of films."""
    random = np.random.default_rng(3)
    truth = random.integers(3, size=films)
    logits = random.normal(size=(films, 3)) + 2.0 * np.eye(3)[truth]
    return truth, 3 * logits, random.integers(5, size=films)


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    truth, logits, fold = answers()
    own = validate(NAMES, truth, logits, fold, [f"p{n // 2}" for n in range(len(truth))])
    return {"classes": [{"name": name} for name in NAMES]} | json.loads(json.dumps(own))


def test_a_card_gives_back_what_was_written_on_it(card: dict[str, Any]) -> None:
    found = Validation.of_card(card)
    assert found is not None
    assert list(found.sets.least) == card["conformal_sets"]["least"]
    assert [point.name for point in found.points["covid"]] == ["balanced", "few_missed"]
    assert len(found.drawn_temperatures) == 200
    assert (card["calibration"]["films"], card["calibration"]["patients"]) == (600, 300)


def test_the_temperature_undoes_what_was_too_sure_and_the_sets_keep_their_promise(card: dict[str, Any]) -> None:
    found = Validation.of_card(card)
    assert found is not None
    assert 1.2 < card["calibration"]["temperature"] < 1.9
    assert card["calibration"]["expected_calibration_error"] < 0.06
    assert all(0.85 < covered.value < 0.95 for covered in found.coverage)


def test_an_older_card_holds_none_and_a_damaged_one_is_refused(card: dict[str, Any]) -> None:
    assert all(Validation.of_card({k: v for k, v in card.items() if k != key}) is None for key in KEYS)
    for wrong in ({}, {"covid": []}, {name: [] for name in NAMES}, 7):
        with pytest.raises(DatasetError):
            Validation.of_card(card | {"operating_points": wrong})


def test_probabilities_of_the_table_become_logits_again(tiny_bundle: Bundle) -> None:
    rows = tiny_bundle.examples()
    truth, logits, fold = held_out_answers(rows, tiny_bundle.class_names, 2.0)
    again = np.exp(logits / 2.0)
    assert again / again.sum(axis=1, keepdims=True) == pytest.approx(np.array([row.probabilities for row in rows]), abs=2e-6)
    assert [tiny_bundle.class_names[k] for k in truth] == [row.truth for row in rows]
    assert fold.tolist() == tiny_bundle.embeddings().fold.tolist()


def test_patients_are_those_of_the_manifest_or_unknown(tiny_bundle: Bundle) -> None:
    rows = tiny_bundle.examples()
    known = {row.sha256: f"p{n}" for n, row in enumerate(rows)}
    assert patients_of(rows, known) == tuple(known.values())
    assert patients_of(rows, dict(list(known.items())[1:])) is None


# Renewal


@pytest.fixture
def older(folder_copy: Path) -> Path:
    """Return a bundle as version 0.1 made it."""
    card = read_card(folder_copy)
    for key in (*KEYS, "heatmaps", "gate"):
        card.pop(key, None)
    del card["files"][GATE]
    (folder_copy / GATE).unlink()
    (folder_copy / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder_copy


def test_an_older_card_is_given_what_newer_ones_hold_and_keeps_the_rest(
    older: Path, tiny_manifest: Path, finish: Callable[..., Any]
) -> None:
    before = read_card(older)
    finish(renew_bundle(older, tiny_manifest.parent, with_maps=False))
    after = open_bundle(older).card
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {*KEYS, "heatmaps", "controls"}
    assert after["calibration"]["patients"] == 12
    assert set(after["heatmaps"]) == {"GradCAM", "GradCAMPlusPlus", "LayerCAM", "HiResCAM"}


def test_controls_are_measured_on_the_folds_of_the_bundle_against_its_own_answers(
    older: Path, tiny_manifest: Path, finish: Callable[..., Any]
) -> None:
    card = finish(renew_bundle(older, tiny_manifest.parent, with_scales=False, with_maps=False))
    found, own = card["controls"], card["metrics"]["cross_validation"]["accuracy"]
    assert list(found) == ["thumbnail", "frame", "lungs_blacked_out"]
    assert found["frame"]["accuracy"]["total"] == 24
    ahead = own["value"] - found["frame"]["accuracy"]["value"]
    assert found["frame"]["network_minus_control"]["difference"] == pytest.approx(ahead)


def test_maps_and_audits_are_counted_only_where_they_are_wanted(
    older: Path, tiny_manifest: Path, finish: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for measure in (map_evidence.measure_faithfulness, map_evidence.measure_randomised, audit_evidence.measure_audit):
        monkeypatch.setattr(measure, "__defaults__", (3, 0))
    lungs = SHIPPED.parent / "lungs"
    card = finish(renew_bundle(older, tiny_manifest.parent, with_scales=False, with_maps=False, lungs=lungs))
    assert (card["audit"]["films"], "faithfulness" in card, "randomised" in card) == (3, False, False)
    card = finish(renew_bundle(older, tiny_manifest.parent, with_scales=False))
    assert (card["faithfulness"]["films"], card["randomised"]["films"], card["audit"]["films"]) == (3, 3, 3)
    assert json.loads((older / "card.json").read_text(encoding="utf-8"))["faithfulness"] == card["faithfulness"]


def test_without_films_the_scales_stay_and_patients_are_not_known(older: Path, finish: Callable[..., Any]) -> None:
    card = finish(renew_bundle(older))
    assert card["calibration"]["patients"] is None
    assert "heatmaps" not in card
    assert scale_of(card, "GradCAM") == card["heatmap"]
    assert scale_of(card, "LayerCAM") is None


def test_a_manifest_of_other_films_is_refused(
    older: Path, tmp_path: Path, tiny_manifest: Path, finish: Callable[..., Any]
) -> None:
    shutil.copytree(tiny_manifest.parent, tmp_path / "films")
    lines = (tmp_path / "films" / tiny_manifest.name).read_text(encoding="utf-8").splitlines()
    (tmp_path / "films" / tiny_manifest.name).write_text("\n".join(lines[:-2]), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"^2 of 24 films the model darkcovidnet was judged on are not listed in"):
        finish(renew_bundle(older, tmp_path / "films"))


def test_a_gate_of_another_model_is_refused(older: Path, finish: Callable[..., Any]) -> None:
    if not (SHIPPED / GATE).is_file():
        pytest.skip("the model chest_resnet has no gate yet")
    shutil.copy(SHIPPED / GATE, older / GATE)
    with pytest.raises(BundleError, match="was fitted for another model"):
        finish(renew_bundle(older))


# The gate beside a model


def test_a_model_without_a_gate_has_none(older: Path) -> None:
    assert gate_of_bundle(older) is None


def test_a_gate_other_than_the_card_describes_is_refused(older: Path) -> None:
    card = read_card(older)
    (older / "card.json").write_text(json.dumps(card | {"files": card["files"] | {GATE: "0" * 64}}), encoding="utf-8")
    with pytest.raises(BundleError, match="lacks its file"):
        gate_of_bundle(older)
    (older / GATE).write_bytes(b"no gate")
    with pytest.raises(BundleError, match="is not the one its card describes"):
        gate_of_bundle(older)


def test_the_shipped_gate_is_the_one_of_its_card() -> None:
    if not (SHIPPED / GATE).is_file():
        pytest.skip("the model chest_resnet has no gate yet")
    gate = gate_of_bundle(SHIPPED)
    assert gate is not None
    assert len(gate.statistics) == 5
