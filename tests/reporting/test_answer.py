"""What the answer is worth, read back from the page."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from viewer.reading import Audit, AuditLine, ConformalSet, OperatingPoint, Reading, RefusalReason, Share
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import Report

pytestmark = [
    pytest.mark.usefixtures("qapp"),
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed"),
]

POINT = OperatingPoint(
    "balanced", "Balanced", "covid", "COVID-19", 0.4, Share(90, 100, 0.83, 0.94), Share(80, 100, 0.71, 0.87), True,
    "Called COVID-19 at 0.40 or more: finds 90 of 100 (83 to 94 %).",
)  # fmt: skip
AUDIT = Audit(
    "ab" * 32, 0, "covid", (AuditLine("mirrored", "Mirrored left to right", 0.81, 0.2),), "mirrored", "Mirroring moves it."
)


@pytest.fixture
def printed(make_report: Callable[..., Report], reading: Reading, tmp_path: Path) -> Callable[..., str]:
    def print_and_read(**changes: Any) -> str:
        path = tmp_path / "report.pdf"
        write_pdf(make_report(reading=replace(reading, **changes)), path)
        text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, timeout=60).stdout
        return " ".join(unicodedata.normalize("NFKC", text.decode()).split())

    return print_and_read


def test_an_overridden_answer_is_marked_with_reason_and_code(printed: Callable[..., str]) -> None:
    text = printed(refusals=(RefusalReason("lateral", "This is a lateral film."),), override_reason="Teaching case")
    assert "Read in spite of a refusal; the answer may mean nothing." in text
    assert "This is a lateral film. Reason given: Teaching case Code: lateral" in text


def test_an_answer_that_was_not_refused_has_no_such_mark(printed: Callable[..., str]) -> None:
    assert "in spite of a refusal" not in printed()


def test_the_decision_is_printed_in_words_and_counts(printed: Callable[..., str]) -> None:
    conformal = ConformalSet(0.9, ("covid",), "compatible with COVID-19")
    text = printed(conformal=conformal, operating_points=(POINT,), positive="covid", nearest_right=Share(41, 50, 0.69, 0.91))
    assert "Compatible with COVID-19. Made so that 90 of 100 films of every class have it in their set." in text
    assert "Called COVID-19 at 0.40 or more: finds 90 of 100 (83 to 94 %)." in text
    assert "Of the 50 held-out films most like this one it was right in 41 (69 to 91 %)." in text


def test_the_audit_is_printed_once_it_has_a_verdict(printed: Callable[..., str]) -> None:
    assert "Mirrored left to right 0.81 → 0.20 Mirroring moves it." in printed(audit=AUDIT)
    assert "Mirrored" not in printed(audit=replace(AUDIT, verdict="", sentence=""))


def test_what_the_intervals_mean_is_printed(printed: Callable[..., str]) -> None:
    assert "as a line on the bar: 95 % of the resampled networks lie here." in printed(
        interval_meaning="95 % of the resampled networks lie here."
    )
