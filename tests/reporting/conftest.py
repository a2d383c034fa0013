"""A report about a film that nobody was ever in front of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from viewer.imaging.image import Identity
from viewer.reading import ClassProbability, ConfusionMatrix, ModelFacts, Reading
from viewer.reporting.report import Report, ReportText

FILM_SHA256 = "ab" * 32


@pytest.fixture
def identity() -> Identity:
    """Who the film is of: nobody."""
    return Identity(
        patient_name="Phantom Adam",
        patient_id="P-0042",
        sex="M",
        birth_date="1965-02-11",
        age="55 y",
        institution="Hospital of the Tests",
        study_date="2020-03-10",
        study_time="14:05:59",
        accession_number="A-77",
        study_description="Chest PA",
        series_description="Thorax, standing",
        modality="DX",
        body_part="CHEST",
        view_position="PA",
        sop_instance_uid="1.2.826.0.1.3680043.8.498.1",
    )


@pytest.fixture
def film() -> np.ndarray:
    """Two dark fields on a gradient, uint8 (480, 400)."""
    rows, columns = np.mgrid[0:480, 0:400].astype(np.float32)
    field = 150 + rows / 8
    for center in (130, 270):
        field -= 130 * np.exp(-(((rows - 240) / 130) ** 2 + ((columns - center) / 55) ** 2))
    return np.clip(field, 0, 255).astype(np.uint8)


@pytest.fixture
def reading() -> Reading:
    """A finished reading with three classes."""
    return Reading(
        sha256=FILM_SHA256,
        sop_instance_uid="1.2.826.0.1.3680043.8.498.1",
        frame=0,
        status="read",
        model=ModelFacts(
            "darkcovidnet",
            "Chest, three classes",
            "1.0",
            "cd" * 32,
            trained_on="1,125 public films of adults and children.",
            not_for="Deciding about a patient.",
            metrics=(("accuracy", "0.80"),),
        ),
        device="CPU",
        probabilities=(
            ClassProbability("covid", "COVID-19", 0.71, 0.62, 0.79),
            ClassProbability("pneumonia", "Pneumonia", 0.22, 0.15, 0.33),
            ClassProbability("no_finding", "No finding", 0.07, 0.02, 0.11),
        ),
        predicted="covid",
        matrix=ConfusionMatrix(
            ("covid", "pneumonia", "no_finding"),
            ("COVID-19", "Pneumonia", "No finding"),
            ((52, 40, 33), (6, 389, 105), (3, 91, 406)),
            "1,125 films, each read by a network that never saw its patient.",
        ),
        warnings=("This film is an AP film; the model saw few of these.",),
    )


@pytest.fixture
def make_report(identity: Identity, film: np.ndarray, reading: Reading) -> Callable[..., Report]:
    """Return a function that makes a whole report, with the fields named replaced."""
    overlay = np.stack([film, film // 2, film // 3], axis=-1)
    legend = np.linspace((0, 0, 4), (252, 255, 164), 256).astype(np.uint8)[None].repeat(8, axis=0)
    whole = Report(
        title="Second-reader report",
        identity=identity,
        film_sha256=FILM_SHA256,
        sop_instance_uid=identity.sop_instance_uid,
        film_name="phantom.dcm",
        film=film,
        text=ReportText("Cough for three days.", "Clear lungs.", "No acute finding."),
        created=datetime(2025, 11, 20, 11, 15, tzinfo=UTC),
        program_version="0.1.0",
        voi_text="W 2000  L 1000",
        overlay_film=overlay,
        heat_map_caption="COVID-19, Grad-CAM, full scale 4.0, peak 3.1",
        color_legend=legend,
        reading=reading,
    )

    def make(**changes: Any) -> Report:
        return replace(whole, **changes)

    return make
