"""``analyse``: what the second reader says about films, without a window."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viewer.errors import ReportError, UnreadableFile, ViewerError
from viewer.imaging.grayscale import default_voi, to_display
from viewer.imaging.image import Image, NotOpened
from viewer.imaging.reader import read_file
from viewer.imaging.sources import Listing, list_sources, read_source
from viewer.paths import drafts_database, find_model
from viewer.reading import ModelFacts, Reading
from viewer.reporting.compose import FilmLook, compose_report, overlay_film
from viewer.reporting.drafts import DraftStore, draft_key
from viewer.reporting.report import ReportText
from viewer.second_reader.reader import SecondReader
from viewer.verbs.output import png, write_atomically, write_text

DEFAULT_MODEL = "darkcovidnet"
WITHHELD = "The heat map of the answer is withheld: nothing in it rises above the floor of the model."


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser("analyse", help="read films: probabilities, heat map, report")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="films, or folders of films")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or folder of a model")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", metavar="OUT", help="write the answers as JSON; - is standard output")
    parser.add_argument("--heatmap", metavar="OUT.png", type=Path, help="the film with the heat map of its answer")
    parser.add_argument("--report", metavar="OUT.pdf", type=Path, help="the report as PDF")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every film; 0 if all could be opened, 1 if some could not."""
    reader = SecondReader(arguments.device)
    folder = find_model(arguments.model)
    _finish(reader.warm_up(folder))
    films = _films(arguments.paths)
    failed = not films
    if not films:
        print("There is no film to read in what was named.", file=sys.stderr)
    answers = []
    heat_maps, reports = _named(arguments.heatmap, films), _named(arguments.report, films)
    for film, heat_map, report in zip(films, heat_maps, reports, strict=True):
        outputs = _Outputs(heat_map, report)
        answers.append(_analyse(film, reader, folder, outputs))
        if arguments.json != "-":
            write_text("-", _line(answers[-1]) + "\n")
        failed = failed or outputs.failed or answers[-1]["status"] == "unreadable"
    if arguments.json:
        write_text(arguments.json, json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    return 1 if failed else 0


class _Outputs:
    """Where the pictures of one film go."""

    def __init__(self, heatmap: Path | None, report: Path | None) -> None:
        self.heatmap, self.report = heatmap, report
        self.failed = False


def _films(paths: Sequence[Path]) -> list[Path | NotOpened]:
    """Return the films in files, folders and archives, and what could not be looked into."""
    listing: Listing = _finish(list_sources(paths))
    return [*listing.files, *listing.not_opened]


def _named(out: Path | None, films: Sequence[Path | NotOpened]) -> list[Path | None]:
    """Return the output's name for each film: with the film's own in it when there are several, and never one twice."""
    if out is None or len(films) == 1:
        return [out] * len(films)
    names: dict[str, None] = {}
    for film in films:
        stem = (film.path if isinstance(film, NotOpened) else film).stem
        candidates = (f"{out.stem}-{stem}{n}{out.suffix}" for n in ("", *(f"-{k}" for k in range(2, len(films) + 2))))
        names[next(name for name in candidates if name not in names)] = None
    return [out.with_name(name) for name in names]


def _analyse(film: Path | NotOpened, reader: SecondReader, folder: Path, outputs: _Outputs) -> dict[str, Any]:
    if isinstance(film, NotOpened):
        return _answer(film.path, "", "unreadable", film.reason, reader.facts)
    began = time.perf_counter()
    try:
        image = read_file(film)
    except ViewerError as error:
        return _answer(film, _sha256(film), "unreadable", str(error), reader.facts)
    opened = 1000 * (time.perf_counter() - began)
    reading: Reading = _finish(reader.read(image, folder))
    answer = _answer(film, image.sha256, reading.status, reading.reason, reading.model)
    predicted = reading.heat_map(reading.predicted)
    frames = image.instance.frames
    answer |= {
        "device": reading.device,
        "probabilities": {p.name: p.probability for p in reading.probabilities},
        "predicted": reading.predicted or None,
        "heatmap_peak": predicted.peak if predicted else None,
        "milliseconds": {"open": opened, **reading.milliseconds},
        "warnings": [
            *image.warnings,
            *reading.warnings,
            *([WITHHELD] if predicted and predicted.peak < predicted.floor else []),
            *([f"Only the first of its {frames} frames was read."] if frames > 1 else []),
        ],
    }
    for write, out in ((_write_heat_map, outputs.heatmap), (_write_report, outputs.report)):
        if out is not None:
            try:
                write(out, image, reading)
            except ViewerError as error:
                print(error, file=sys.stderr)
                answer["warnings"].append(str(error))
                outputs.failed = True
    return answer


def _answer(film: Path, sha256: str, status: str, reason: str, model: ModelFacts | None) -> dict[str, Any]:
    named = {"name": model.name, "version": model.version, "weights_sha256": model.weights_sha256} if model else None
    return {
        "file": str(film),
        "sha256": sha256,
        "status": status,
        "reason": reason,
        "model": named,
        "device": "",
        "probabilities": {},
        "predicted": None,
        "heatmap_peak": None,
        "milliseconds": {},
        "warnings": [],
    }


def _sha256(film: Path) -> str:
    try:
        return hashlib.sha256(read_source(film)).hexdigest()
    except UnreadableFile:
        return ""


def _finish(work: Any) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _line(answer: dict[str, Any]) -> str:
    name = Path(answer["file"]).name
    if answer["status"] != "read":
        return f"{name}: {answer['status']}. {answer['reason']}"
    numbers = ", ".join(f"{k} {v:.3f}" for k, v in answer["probabilities"].items())
    return f"{name}: {answer['predicted']} ({numbers})"


def _write_heat_map(out: Path, image: Image, reading: Reading) -> None:
    heat_map = reading.heat_map(reading.predicted)
    if heat_map is None:
        raise ReportError(f"{out.name} was not written: {reading.reason}")
    write_atomically(out, png(overlay_film(to_display(image), image, heat_map, FilmLook(None))))


def _write_report(out: Path, image: Image, reading: Reading) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # Qt is loaded for the report alone: the other answers need no library of the window system.
    from PySide6.QtGui import QGuiApplication

    from viewer.reporting.pdf import write_pdf

    application = QGuiApplication.instance() or QGuiApplication([])
    look = FilmLook(None if image.is_color else default_voi(image))
    write_pdf(compose_report(image, look, reading, _draft(image)), out)
    del application


def _draft(image: Image) -> ReportText:
    """Return what was typed about this film in the window, if anything was."""
    if not drafts_database().is_file():
        return ReportText()
    with DraftStore(drafts_database()) as drafts:
        return drafts.load(draft_key(image.sha256, image.instance.frame)) or ReportText()
