"""``analyse``: what the second reader says about films, without a window."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.cam_methods import CAM_METHODS, EXACT_METHODS
from viewer.errors import ReportError, SecondReaderError, UnreadableFile, ViewerError
from viewer.imaging.grayscale import default_voi, to_display
from viewer.imaging.image import Image, NotOpened
from viewer.imaging.reader import read_file
from viewer.imaging.sources import Listing, list_sources, read_source
from viewer.model_list import find_installed, installed_models, model_for
from viewer.options import DEVICE, MODEL, Option
from viewer.paths import drafts_database
from viewer.policy import OVERRIDE_OFF, site_policy
from viewer.reading import Reading
from viewer.reporting.compose import FilmLook, compose_report, overlay_film
from viewer.reporting.drafts import DraftStore, draft_key
from viewer.reporting.report import ReportText
from viewer.second_reader.reader import SecondReader
from viewer.verbs.answer_record import answer_record, read_record
from viewer.verbs.output import png, write_atomically, write_text

METHODS = {name.replace(" ", "-"): name for name in (*EXACT_METHODS, *CAM_METHODS)}


def add_parser(subparsers: Any) -> None:
    """Register the verb."""
    parser = subparsers.add_parser("analyse", help="read films: probabilities, heat map, report")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="films, or folders of films")
    parser.add_argument("--model", help=f"name or folder of a model; {MODEL.default}, or one for CT where the film is CT")
    parser.add_argument("--device", choices=DEVICE.words, default="")
    parser.add_argument("--json", metavar="OUT", help="write the answers as JSON; - is standard output")
    parser.add_argument("--heatmap", metavar="OUT.png", type=Path, help="the film with the heat map of its answer")
    parser.add_argument("--report", metavar="OUT.pdf", type=Path, help="the report as PDF")
    parser.add_argument("--method", choices=METHODS, default="", help="of the heat map; else the model's own")
    parser.add_argument(
        "--faithfulness",
        action="store_true",
        help="test the map, as is done for --heatmap and --report",
    )
    parser.add_argument("--audit", action="store_true", help="find out what changes that should not matter do to the answer")
    parser.add_argument("--lung-mask", metavar="OUT.png", type=Path, help="the lungs that were found: white on black")
    parser.add_argument("--override", metavar="REASON", default="", help="read refused films too; the report gives the reason")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every film; 0 if all could be opened, 1 if some could not."""
    if arguments.override and not site_policy().override_allowed:
        raise SecondReaderError(OVERRIDE_OFF)
    work = _Work(arguments)
    films = _films(arguments.paths)
    failed = not films
    if not films:
        print("There is no film to read in what was named.", file=sys.stderr)
    answers = []
    named = (_named(out, films) for out in (arguments.heatmap, arguments.report, arguments.lung_mask))
    for film, *places in zip(films, *named, strict=True):
        outputs = _Outputs(*places)
        answers.append(work.analyse(film, outputs))
        if arguments.json != "-":
            write_text("-", _line(answers[-1]) + "\n")
        failed = failed or outputs.failed or answers[-1]["status"] == "unreadable"
    if arguments.json:
        write_text(arguments.json, json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    return 1 if failed else 0


class _Outputs:
    """Where the pictures of one film go."""

    def __init__(self, heatmap: Path | None, report: Path | None, lung_mask: Path | None) -> None:
        self.heatmap, self.report, self.lung_mask = heatmap, report, lung_mask
        self.failed = False

    def write(self, warnings: list[str], out: Path | None, make: Callable[[Path], None]) -> None:
        """Write one of them, if it is asked for; what went wrong becomes a warning and fails the run."""
        if out is None:
            return
        try:
            make(out)
        except ViewerError as error:
            print(error, file=sys.stderr)
            warnings.append(str(error))
            self.failed = True


class _Work:
    """The reader with its model, and how films are to be read."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._reader = SecondReader(arguments.device or _site_default(DEVICE))
        self._folder = find_installed(arguments.model or _site_default(MODEL))
        self._models = [] if arguments.model else installed_models()
        _finish(self._reader.warm_up(self._folder))

    def analyse(self, film: Path | NotOpened, outputs: _Outputs) -> dict[str, Any]:
        """Return the answer about one film, and write its pictures."""
        facts = self._reader.facts
        if isinstance(film, NotOpened):
            return answer_record(film.path, "", "unreadable", film.reason, facts)
        began = time.perf_counter()
        try:
            image = read_file(film)
        except ViewerError as error:
            return answer_record(film, _sha256(film), "unreadable", str(error), facts)
        return self._read(film, image, outputs, 1000 * (time.perf_counter() - began))

    def _read(self, film: Path, image: Image, outputs: _Outputs, opened_ms: float) -> dict[str, Any]:
        asked, folder = self._arguments, model_for(image.identity.modality, self._models, self._folder)
        judges_map = bool(asked.faithfulness or asked.heatmap or asked.report)
        method = METHODS.get(asked.method, "")
        reading: Reading = _finish(self._reader.read(image, folder, asked.override, method, judges_map))
        if asked.audit and reading.status == "read":
            reading = replace(reading, audit=_finish(self._reader.audit(image, folder)))
        answer = read_record(film, image, reading, reading.audit, opened_ms)
        warnings = answer["warnings"]
        outputs.write(warnings, outputs.heatmap, lambda out: write_heat_map(out, image, reading))
        outputs.write(warnings, outputs.report, lambda out: _write_report(out, image, reading))
        outputs.write(warnings, outputs.lung_mask, lambda out: self._write_lungs(out, image, warnings))
        return answer

    def _write_lungs(self, out: Path, image: Image, warnings: list[str]) -> None:
        """Write the lungs of a film, read or refused: uint8 of its own size, 255 lung; all black where none were found."""
        lungs, reason = _finish(self._reader.find_lungs(image))
        if lungs is None:
            warnings.append(f"No lungs were found: {reason}.")
        mask = np.zeros((image.rows, image.columns), np.uint8) if lungs is None else lungs.astype(np.uint8) * 255
        write_atomically(out, png(mask))


def _site_default(option: Option[str]) -> str:
    """Return what the site has chosen, or ours; the user's own choice in the window does not reach the command line."""
    return str(site_policy().settings.get(option.key, option.default))


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
    refused = f"; read although refused: {answer['reason']}" if answer["refusals"] else ""
    return f"{name}: {answer['predicted']} ({numbers}){refused}"


def write_heat_map(out: Path, image: Image, reading: Reading) -> None:
    """Write the film with the map of its answer as PNG; the film alone where the map is withheld.

    Raises
    ------
    ViewerError
        If the film was refused, or the file cannot be written.
    """
    heat_map = reading.heat_map(reading.predicted)
    if heat_map is None:
        raise ReportError(f"{out.name} was not written: {reading.reason}")
    film = to_display(image)
    plain = film if film.ndim == 3 else np.repeat(film[..., np.newaxis], 3, axis=2)
    write_atomically(out, png(plain if heat_map.withheld else overlay_film(film, image, heat_map, FilmLook(None))))


def _write_report(out: Path, image: Image, reading: Reading) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # Qt is loaded for the report alone: the other answers need no library of the window system.
    from PySide6.QtGui import QGuiApplication

    from viewer.reporting.pdf import write_pdf

    application = QGuiApplication.instance() or QGuiApplication([])
    look = FilmLook(None if image.is_color else default_voi(image))
    write_pdf(compose_report(image, look, reading, _draft(image), site_policy()), out)
    del application


def _draft(image: Image) -> ReportText:
    """Return what was typed about this film in the window, if anything was."""
    if not drafts_database().is_file():
        return ReportText()
    with DraftStore(drafts_database()) as drafts:
        return drafts.load(draft_key(image.sha256, image.instance.frame)) or ReportText()
