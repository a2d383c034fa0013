"""The sections of the report, top to bottom, each as pieces for :mod:`viewer.reporting.typesetting`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from viewer.imaging.image import Identity
from viewer.reading import ClassProbability, Reading
from viewer.reporting.answer import audit, decision, overridden
from viewer.reporting.matrix import matrix_section
from viewer.reporting.report import Report
from viewer.reporting.typesetting import (
    ACCENT,
    AMBER,
    INK,
    LEFT,
    MUTED,
    RIGHT,
    Piece,
    Style,
    barred,
    height_of,
    lines,
    mm,
    picture,
    row,
    rows,
    rule,
    space,
    together,
)

CONTENT_WIDTH = mm(174)
COLUMN_WIDTH = mm(84)
SECOND_COLUMN = CONTENT_WIDTH - COLUMN_WIDTH
FILM_MAX_HEIGHT = mm(76)
FILM_DPI = 220
"""Films are sampled down to this at their printed size: sharper than a printer's screen, small enough to send."""

NAME = Style(13, QFont.Weight.DemiBold, leading=1.3)
SECTION = Style(9.5, QFont.Weight.DemiBold, ACCENT)
BODY = Style(9.5, leading=1.5)
VALUE = Style(9)
SMALL = Style(8)
LABEL = Style(7.5, color=MUTED)
STRONG = Style(9, QFont.Weight.DemiBold)
QUIET = Style(9, color=MUTED)

BAR = "#3f82a8"
TRACK = "#eaeff3"


def content(report: Report) -> list[Piece]:
    """Return the whole report as pieces for pages :data:`CONTENT_WIDTH` wide."""
    return [
        *identity_section(report.identity),
        *films_section(report),
        *text_section("Indication", report.text.indication, "None stated."),
        *text_section("Findings", report.text.findings, "None written."),
        *text_section("Impression", report.text.impression, "None written.", color=ACCENT),
        *warnings_section(report.all_warnings),
        *reading_section(report.reading),
        *provenance_section(report),
    ]


def identity_section(identity: Identity) -> list[Piece]:
    """Return the patient's name, then what the file says of patient and study in three columns."""
    age = f"{identity.age} at the study" if identity.age else ""
    projection = (identity.modality, identity.body_part, identity.view_position, identity.laterality)
    fields = (
        ("Patient ID", identity.patient_id),
        ("Sex", identity.sex),
        ("Born", _joined(identity.birth_date, age)),
        ("Study date", _joined(identity.study_date, identity.study_time)),
        ("Accession number", identity.accession_number),
        ("Institution", identity.institution),
        ("Study", identity.study_description),
        ("Series", identity.series_description),
        ("Projection", " ".join(part for part in projection if part)),
    )
    pieces = lines(identity.patient_name or "Name not stated", NAME, CONTENT_WIDTH, LEFT)
    for start in range(0, len(fields), 3):
        pieces.append(space(mm(1.4)))
        pieces += rows([(column * mm(59), _field(*field)) for column, field in enumerate(fields[start : start + 3])])
    return [*pieces, space(mm(2.5)), rule(CONTENT_WIDTH)]


def films_section(report: Report) -> list[Piece]:
    """Return the film as windowed beside the film with its heat map, or beside the reason why there is none."""
    width, height = _film_size(report.film, report.aspect_ratio)
    film = picture(_printed(report.film, width, height), width, height)
    left = [film, *_caption("Film as windowed on screen", report.voi_text)]
    if report.overlay_film is None:
        right = lines(_no_heat_map(report), QUIET, COLUMN_WIDTH)
    else:
        right = [
            picture(_printed(report.overlay_film, width, height), width, height),
            *_caption("Film with heat map", report.heat_map_caption),
            *_legend(report, width),
        ]
    return [space(mm(5)), row([(0, together(left)), (SECOND_COLUMN, together(right))])]


def text_section(title: str, text: str, when_empty: str, color: str | None = None) -> list[Piece]:
    """Return one part of what the radiologist typed; with a colour, beside a bar of it."""
    indent = mm(3.5) if color else 0.0
    body = lines(text, BODY, CONTENT_WIDTH - indent) if text.strip() else lines(when_empty, QUIET, CONTENT_WIDTH)
    return [*_heading(title), *(barred(body, color, indent) if color else body)]


def warnings_section(warnings: Sequence[str]) -> list[Piece]:
    """Return the warnings beside an amber bar; nothing where there are none."""
    if not warnings:
        return []
    indent = mm(3.5)
    body = [piece for warning in warnings for piece in lines(warning, VALUE, CONTENT_WIDTH - indent)]
    return [*_heading("Warnings"), *barred(body, AMBER, indent)]


def reading_section(reading: Reading | None) -> list[Piece]:
    """Return the second reader's numbers, its refusal, or the sentence that it was not asked."""
    heading = _heading("Second reader")
    if reading is None:
        return [*heading, *lines("Not read by the second reader.", VALUE, CONTENT_WIDTH)]
    if reading.status == "refused":
        indent = mm(3.5)
        verdict = lines("The second reader gave no answer for this film.", STRONG, CONTENT_WIDTH - indent)
        reason = lines(reading.reason, VALUE, CONTENT_WIDTH - indent)
        codes = lines(f"Code: {', '.join(refusal.code for refusal in reading.refusals)}", LABEL, CONTENT_WIDTH - indent)
        return [*heading, *barred([*verdict, *reason, *codes], AMBER, indent)]
    return [*heading, *overridden(reading), *_unfinished(reading), *_numbers(reading), *decision(reading), *audit(reading)]


def provenance_section(report: Report) -> list[Piece]:
    """Return what tells the film and the model from every other: names, versions, hashes."""
    film = (
        ("File", _joined(report.film_name, f"frame {report.frame + 1}" if report.frame else "")),
        ("Film SHA-256", report.film_sha256),
        ("SOP Instance UID", report.sop_instance_uid),
    )
    facts = (*film, *_model_facts(report.reading), ("Program", f"Hilum {report.program_version}"))
    table = [piece for label, value in facts for piece in _fact(label, value or "not stated")]
    # One block wherever it may be: a hash cut off from its label by a page end is no use.
    return [*_heading("Film and model"), *([together(table)] if height_of(table) < mm(120) else table)]


def _model_facts(reading: Reading | None) -> tuple[tuple[str, str], ...]:
    if reading is None:
        return ()
    model = reading.model
    said = (("Trained on", model.trained_on), ("Never tested on", model.never_tested_on), ("Not for", model.not_for))
    measured = "; ".join(f"{name} {value}" for name, value in model.metrics)
    return (
        ("Model", f"{model.title} ({model.name})"),
        ("Version", model.version),
        ("Weights SHA-256", model.weights_sha256),
        ("Device", reading.device),
        *((label, text) for label, text in (*said, ("Measured", measured)) if text),
    )


def _numbers(reading: Reading) -> list[Piece]:
    probabilities = _probabilities(reading)
    if reading.matrix is None:
        return probabilities
    wide = len(reading.matrix.names) > 4
    matrix = matrix_section(reading.matrix, reading.predicted, CONTENT_WIDTH if wide else COLUMN_WIDTH)
    if wide or height_of(probabilities) > mm(120) or height_of(matrix) > mm(120):
        return [*probabilities, space(mm(3)), *matrix]
    return [row([(0, together(probabilities)), (SECOND_COLUMN, together(matrix))])]


def _probabilities(reading: Reading) -> list[Piece]:
    pieces = lines("Probability of each class", SMALL, COLUMN_WIDTH, keep_with_next=True)
    pieces.append(space(mm(1)))
    for entry in reading.probabilities:
        pieces += _probability(entry, STRONG if entry.name == reading.predicted else VALUE)
    if any(entry.low is not None for entry in reading.probabilities):
        meaning = reading.interval_meaning or "the smallest and largest answer of the model's members."
        note = f"In brackets, and as a line on the bar: {meaning[:1].lower()}{meaning[1:]}"
        pieces += [space(mm(1)), *lines(note, LABEL, COLUMN_WIDTH)]
    return pieces


def _probability(entry: ClassProbability, style: Style) -> list[Piece]:
    number = f"{entry.probability:.2f}"
    if entry.low is not None and entry.high is not None:
        number += f" ({entry.low:.2f}\u2013{entry.high:.2f})"
    titles = lines(entry.title or entry.name, style, mm(28), LEFT)
    numbers = lines(number, style, mm(29), RIGHT)
    return [*rows([(0, titles), (mm(29.5), [_bar(entry, mm(24), titles[0])]), (mm(55), numbers)]), space(mm(0.8))]


def _bar(entry: ClassProbability, width: float, line: Piece) -> Piece:
    def draw(painter: QPainter, x: float, y: float) -> None:
        middle = y + line.height / 2
        painter.fillRect(QRectF(x, middle - mm(1.1), width, mm(2.2)), QColor(TRACK))
        painter.fillRect(QRectF(x, middle - mm(1.1), width * entry.probability, mm(2.2)), QColor(BAR))
        if entry.low is not None and entry.high is not None:
            low, high = x + width * entry.low, x + width * entry.high
            painter.fillRect(QRectF(low, middle - mm(0.15), high - low, mm(0.3)), QColor(INK))
            for end in (low, high):
                painter.fillRect(QRectF(end - mm(0.1), middle - mm(0.7), mm(0.2), mm(1.4)), QColor(INK))

    return Piece(line.height, draw, line.baseline)


def _unfinished(reading: Reading) -> list[Piece]:
    if reading.complete:
        return []
    return lines("The second reader had not finished: this is its answer so far.", VALUE, CONTENT_WIDTH)


def _film_size(pixels: np.ndarray, aspect_ratio: float) -> tuple[float, float]:
    width, height = COLUMN_WIDTH, COLUMN_WIDTH * pixels.shape[0] * aspect_ratio / pixels.shape[1]
    if height > FILM_MAX_HEIGHT:
        width, height = width * FILM_MAX_HEIGHT / height, FILM_MAX_HEIGHT
    return width, height


def _printed(pixels: np.ndarray, width: float, height: float) -> QImage:
    film = PillowImage.fromarray(np.ascontiguousarray(pixels))
    target = [max(1, round(length / mm(25.4) * FILM_DPI)) for length in (width, height)]
    size = (min(film.width, target[0]), min(film.height, target[1]))
    if size != film.size:
        film = film.resize(size, PillowImage.Resampling.LANCZOS)
    return _qimage(np.asarray(film))


def _qimage(pixels: np.ndarray) -> QImage:
    kind = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    rows_, columns = pixels.shape[:2]
    data = np.ascontiguousarray(pixels)
    return QImage(data.tobytes(), columns, rows_, data.strides[0], kind).copy()


def _caption(title: str, text: str) -> list[Piece]:
    return [
        space(mm(1.2)),
        *lines(title, Style(8, QFont.Weight.DemiBold), COLUMN_WIDTH, LEFT),
        *lines(text, LABEL, COLUMN_WIDTH, LEFT),
    ]


def _legend(report: Report, width: float) -> list[Piece]:
    colors = report.color_legend
    if colors is None:
        return []
    two_sided = colors.shape[1] > 256
    first, last = ("against", "for") if two_sided else ("0", "full scale")
    ends = row([(0, lines(first, LABEL, width, LEFT)[0]), (0, lines(last, LABEL, width, RIGHT)[0])])
    return [space(mm(1)), picture(_qimage(colors), width, mm(2.4)), ends]


def _no_heat_map(report: Report) -> str:
    reading = report.reading
    if report.heat_map_withheld:
        return report.heat_map_withheld
    if reading is None:
        return "No heat map: not read by the second reader."
    if reading.status == "refused":
        return "No heat map: the second reader gave no answer for this film."
    return "No heat map."


def _heading(title: str) -> list[Piece]:
    return [space(mm(4)), *lines(title, SECTION, CONTENT_WIDTH, LEFT, keep_with_next=True)]


def _field(label: str, value: str) -> list[Piece]:
    width = mm(55)
    return [
        *lines(label, LABEL, width, LEFT, keep_with_next=True),
        *lines(value or "not stated", VALUE if value else QUIET, width, LEFT),
    ]


def _fact(label: str, value: str) -> list[Piece]:
    label_width = mm(32)
    return rows(
        [
            (0, lines(label, Style(8, color=MUTED), label_width, LEFT)),
            (label_width, lines(value, SMALL, CONTENT_WIDTH - label_width, LEFT)),
        ]
    )


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
