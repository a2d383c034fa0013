"""The verb ``info``: patients, studies, series and images of files and folders."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from viewer.errors import UnreadableFile, ViewerError
from viewer.imaging.grayscale import voi_text
from viewer.imaging.header import clean
from viewer.imaging.image import Document, Identity, Instance, LookupTable, NotOpened, Opened, Voi
from viewer.imaging.opening import Found, open_paths
from viewer.imaging.reader import read_facts, read_image
from viewer.imaging.series import Patient, Series, Studies, Study
from viewer.verbs.output import write_text


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its options."""
    parser = verbs.add_parser(
        "info",
        help="list patients, studies, series and images",
        description="List what files and folders hold. Exit status 1 where some of them could not be opened.",
    )
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="files and folders of any depth")
    parser.add_argument("--json", metavar="OUT", help="write JSON to a file, or to the standard output with -")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List everything; 1 where some files could not be opened."""
    studies, not_opened = Studies(), []
    damaged: set[Path] = set()
    for found in map(_decoded, open_paths(arguments.paths)):
        if isinstance(found, NotOpened):
            not_opened.append(found)
            damaged.add(found.path)
            print(found.reason, file=sys.stderr)
        elif isinstance(found, Document):
            studies.add_document(found)
        elif isinstance(found, Opened) and found.instance.path not in damaged:
            studies.add(found)
    content = {
        "patients": [_patient(patient) for patient in studies.patients()],
        "not_opened": [{"file": str(one.path), "reason": one.reason} for one in not_opened],
    }
    try:
        if arguments.json:
            write_text(arguments.json, json.dumps(content, indent=2) + "\n")
        else:
            write_text("-", _as_text(content))
    except ViewerError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if not_opened else 0


def _decoded(found: Found) -> Found:
    """Return what was found, or why the first frame of its file cannot be decoded: the header alone does not tell."""
    if not isinstance(found, Opened) or found.instance.frame > 0:
        return found
    try:
        read_image(found.instance)
    except UnreadableFile as error:
        return NotOpened(found.instance.path, str(error))
    return found


def _patient(patient: Patient) -> dict[str, Any]:
    identity = _identity(patient.studies[0])
    return {
        "name": identity.patient_name,
        "id": identity.patient_id,
        "sex": identity.sex,
        "birth_date": identity.birth_date,
        "studies": [_study(study) for study in patient.studies],
    }


def _identity(study: Study) -> Identity:
    return study.series[0].identity if study.series else study.documents[0].identity


def _study(study: Study) -> dict[str, Any]:
    identity = _identity(study)
    return {
        "uid": identity.study_uid,
        "title": study.title,
        "date": identity.study_date,
        "time": identity.study_time,
        "age": identity.age,
        "description": identity.study_description,
        "accession_number": identity.accession_number,
        "institution": identity.institution,
        "series": [_series(series) for series in study.series],
        "documents": [_document(document) for document in study.documents],
    }


def _document(document: Document) -> dict[str, Any]:
    identity = document.identity
    return {
        "file": str(document.path),
        "kind": document.kind,
        "title": document.title,
        "sop_instance_uid": identity.sop_instance_uid,
        "sop_class_uid": identity.sop_class_uid,
        "refers_to": list(document.refers_to),
    }


def _series(series: Series) -> dict[str, Any]:
    identity = series.identity
    return {
        "uid": identity.series_uid,
        "title": series.title,
        "number": identity.series_number,
        "modality": identity.modality,
        "description": identity.series_description,
        "remarks": list(series.remarks),
        "images": [_image(opened.instance) for opened in series.opened],
    }


def _image(instance: Instance) -> dict[str, Any]:
    identity = instance.identity
    entry = {
        "file": str(instance.path),
        "frame": instance.frame,
        "frames": instance.frames,
        "rows": instance.rows,
        "columns": instance.columns,
        "is_dicom": instance.is_dicom,
        "sop_instance_uid": identity.sop_instance_uid,
        "sop_class_uid": identity.sop_class_uid,
        "instance_number": identity.instance_number,
        "transfer_syntax": {"uid": instance.transfer_syntax_uid, "name": instance.transfer_syntax_name},
        "photometric_interpretation": instance.photometric_interpretation,
        "bits_stored": instance.bits_stored,
        "body_part": identity.body_part,
        "view_position": identity.view_position,
        "laterality": identity.laterality,
    }
    try:
        facts = read_facts(instance)
    except UnreadableFile as error:
        # Opened a moment ago, gone or changed since.
        return {**entry, "warnings": [str(error)]}
    return {
        **entry,
        "spacing_mm": facts.spacing_mm,
        "spacing_plane": facts.spacing_plane,
        "unit": facts.unit,
        "windows": [_voi(voi) for voi in facts.vois],
        "lossy": facts.lossy,
        "warnings": list(facts.warnings),
    }


def _voi(voi: Voi) -> dict[str, Any]:
    if isinstance(voi, LookupTable):
        entries = len(voi.entries)
        return {"kind": "lut", "explanation": voi.explanation, "entries": entries, "first": voi.first, "bits": voi.bits}
    return {
        "kind": "window",
        "explanation": voi.explanation,
        "center": voi.center,
        "width": voi.width,
        "function": voi.function,
        "text": voi_text(voi),
    }


def _as_text(content: dict[str, Any]) -> str:
    """Return the listing for people, one indented line a patient, study, series and image."""
    lines = []
    for patient in content["patients"]:
        lines.append(", ".join(part for part in (patient["name"] or "No name", patient["id"], patient["sex"]) if part))
        for study in patient["studies"]:
            lines.append("  " + "  ".join(part for part in (study["date"], study["title"]) if part))
            for series in study["series"]:
                lines.append(f"    {series['title']}  ({len(series['images'])})")
                lines.extend(f"      {remark}" for remark in series["remarks"])
                lines.extend(f"      {_image_line(image)}" for image in series["images"])
            lines.extend(f"    {paper['title']}  ({paper['kind']})" for paper in study["documents"])
    lines.extend(f"not opened: {entry['reason']}" for entry in content["not_opened"])
    return "".join(f"{line}\n" for line in lines)


def _image_line(image: dict[str, Any]) -> str:
    size = f"{image['columns']} x {image['rows']}"
    frame = f", frame {image['frame']}" if image["frames"] > 1 else ""
    syntax = image["transfer_syntax"]["name"] or "not DICOM"
    return f"{clean(Path(image['file']).name)}{frame}: {size}, {image['photometric_interpretation']}, {syntax}"
