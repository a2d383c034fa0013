"""Opened frames to series, studies and patients, in the order a radiologist reads them.

References: DICOM PS3.3 C.7.6.2.1.1 (position and orientation of a plane), C.7.6.16.2.2.4 (concatenations).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from statistics import median

from viewer.imaging.file_names import natural_key
from viewer.imaging.image import Document, Identity, Instance, Opened

Path = tuple[str, str, str]
"""Keys of a patient, a study of it, and a series of that as the file names it."""

_KeyOf = Callable[[Opened], str]
_NameKey = tuple[tuple[int, int | str], ...]

_SAME_DIRECTION = 0.02
"""Greatest difference between the cosines of two planes that still count as one orientation: about a degree."""
_SAME_PLACE_MM = 0.01
_FEWEST_FOR_GAPS = 4
_REGULAR = 0.2
"""Steps that differ by less than this share from the median are one step of a regular stack."""


@dataclass(frozen=True, eq=False)
class Series:
    """Frames that belong together, sorted; ``title`` is what the list shows, ``remarks`` are sentences about its order."""

    key: str
    title: str
    opened: tuple[Opened, ...]
    remarks: tuple[str, ...] = ()

    @property
    def identity(self) -> Identity:
        """Return who and what its first frame shows."""
        return self.opened[0].instance.identity


@dataclass(frozen=True, eq=False)
class SeriesGroup:
    """What stands under one series of one study: the parts it is read in, or the documents of a study."""

    path: Path
    series: tuple[Series, ...] = ()
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, eq=False)
class Study:
    """Series of one visit, by number, and its documents."""

    key: str
    title: str
    date: str
    series: tuple[Series, ...]
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, eq=False)
class Patient:
    """Studies of one patient, the latest first."""

    key: str
    name: str
    studies: tuple[Study, ...]


class Studies:
    """All that is open, grouped; grows a frame at a time, and sorts a series when it is asked for."""

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}
        self._documents: dict[str, Document] = {}
        self._members: dict[Path, dict[str, Opened]] = {}
        self._papers: dict[Path, dict[str, Document]] = {}
        self._sorted: dict[Path, tuple[Series, ...]] = {}
        self._listed: dict[Path, tuple[Series, ...]] = {}
        self._changed: dict[Path, None] = {}

    def add(self, opened: Opened) -> None:
        """Add a frame; one that is already there is replaced, and keeps its place."""
        path = whereabouts(opened.instance)
        before = self._opened.get(opened.instance.key)
        if before is not None and whereabouts(before.instance) != path:
            self.remove(opened.instance.key)
        self._opened[opened.instance.key] = opened
        self._members.setdefault(path, {})[opened.instance.key] = opened
        self._touch(path)

    def add_document(self, document: Document) -> None:
        """Add a document; one that is already there is replaced."""
        path = document_whereabouts(document)
        self._documents[document.key] = document
        self._papers.setdefault(path, {})[document.key] = document
        self._touch(path)

    def remove(self, key: str) -> None:
        """Take out the frame with a key; nothing happens where there is none."""
        opened = self._opened.pop(key, None)
        if opened is not None:
            path = whereabouts(opened.instance)
            del self._members[path][key]
            if not self._members[path]:
                del self._members[path]
            self._listed.pop(path, None)
            self._touch(path)

    def _touch(self, path: Path) -> None:
        self._sorted.pop(path, None)
        self._changed[path] = None

    def take_changes(self) -> tuple[SeriesGroup, ...]:
        """Return the groups that have changed since this was last asked; an empty one has gone."""
        changed, self._changed = list(self._changed), {}
        return tuple(self._group(path) for path in changed)

    def _group(self, path: Path) -> SeriesGroup:
        self._listed[path] = self._series_at(path)
        return SeriesGroup(path, self._listed[path], tuple(self._papers.get(path, {}).values()))

    def _series_at(self, path: Path) -> tuple[Series, ...]:
        if path not in self._members:
            return ()
        if path not in self._sorted:
            self._sorted[path] = series_of_one_uid(path[2], list(self._members[path].values()))
        return self._sorted[path]

    def __len__(self) -> int:
        return len(self._opened)

    def __contains__(self, key: object) -> bool:
        return key in self._opened or key in self._documents

    def find(self, key: str) -> Opened | None:
        """Return the frame with a key, or None."""
        return self._opened.get(key)

    def keys_of(self, path: FilePath) -> list[str]:
        """Return the keys of the frames of a file."""
        return [key for key, opened in self._opened.items() if opened.instance.path == path]

    def find_picture(self, sop_instance_uid: str, frame: int = 1) -> Opened | None:
        """Return a frame, counted from 1, of the picture with this UID, or its first; None where it is not open."""
        found = [o for o in self._opened.values() if o.instance.identity.sop_instance_uid == sop_instance_uid]
        return next((o for o in found if o.instance.frame + 1 == frame), found[0] if found else None)

    def documents(self) -> tuple[Document, ...]:
        """Return every document, in the order they were opened."""
        return tuple(self._documents.values())

    def patients(self) -> tuple[Patient, ...]:
        """Return everything grouped and sorted, patients in the order they were first opened."""
        paths = dict.fromkeys((*map(whereabouts, _instances(self._opened)), *self._papers))
        by_patient = _gathered(paths, lambda path: path[0])
        return tuple(self._patient(key, members) for key, members in by_patient.items())

    def series_of(self, key: str) -> Series | None:
        """Return the series that holds the frame with a key, or None.

        It is the one that :meth:`take_changes` told last: a series is not sorted anew for each frame that comes.
        """
        found = self._opened.get(key)
        if found is None:
            return None
        path = whereabouts(found.instance)
        return _part_with(key, self._listed.get(path, ())) or _part_with(key, self._series_at(path))

    def _patient(self, key: str, paths: list[Path]) -> Patient:
        studies = [self._study(study, members) for study, members in _gathered(paths, lambda path: path[1]).items()]
        identity, first = self._first(paths[0])
        name = identity.patient_name or identity.patient_id
        if not name:
            name = "No name" if first is None or first.is_dicom else first.path.parent.name or str(first.path.parent)
        return Patient(key, name, tuple(sorted(studies, key=lambda study: study.date, reverse=True)))

    def _study(self, key: str, paths: list[Path]) -> Study:
        series = [part for path in paths for part in self._series_at(path)]
        series.sort(key=series_order)
        documents = tuple(paper for path in paths for paper in self._papers.get(path, {}).values())
        identity, first = self._first(paths[0])
        plain = identity.modality or "Study" if first is None or first.is_dicom else "Pictures"
        return Study(key, identity.study_description or plain, identity.study_date, tuple(series), documents)

    def _first(self, path: Path) -> tuple[Identity, Instance | None]:
        """Return whose a group is: by its first frame, else by its first document."""
        if path in self._members:
            instance = next(iter(self._members[path].values())).instance
            return instance.identity, instance
        return next(iter(self._papers[path].values())).identity, None


def _part_with(key: str, parts: Iterable[Series]) -> Series | None:
    return next((part for part in parts if any(o.instance.key == key for o in part.opened)), None)


def _instances(opened: dict[str, Opened]) -> Iterable[Instance]:
    return (one.instance for one in opened.values())


def _gathered(paths: Iterable[Path], key_of: Callable[[Path], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key_of(path), []).append(path)
    return groups


# -------------------------------------------------------------------------------------------------------------- keys


def whereabouts(instance: Instance) -> Path:
    """Return under which patient, study and series a frame stands."""
    if not instance.is_dicom:
        # Each picture stands alone; only the pages of one file belong together.
        folder = f"folder {instance.path.parent}"
        return folder, folder, str(instance.path)
    identity = instance.identity
    study = identity.study_uid or str(instance.path.parent)
    return patient_key(identity, study), study, identity.series_uid or str(instance.path)


def document_whereabouts(document: Document) -> Path:
    """Return under which patient and study a document stands; all documents of a study are one group."""
    study = document.identity.study_uid or str(document.path.parent)
    return patient_key(document.identity, study), study, "documents"


def patient_key(identity: Identity, study: str) -> str:
    """Return what tells a patient: ID and name, for the IDs of two hospitals may be the same; else the study."""
    if identity.patient_id:
        return f"patient {identity.patient_id}\n{identity.patient_name}"
    return f"name {identity.patient_name}" if identity.patient_name else f"study {study}"


# ---------------------------------------------------------------------------------------------------------- splitting


def series_of_one_uid(name: str, members: list[Opened]) -> tuple[Series, ...]:
    """Return the parts in which the frames under one Series Instance UID are read, by orientation, echo, acquisition."""
    parts = {"": members}
    for divide in (_by_plane, _by_echo, _by_acquisition):
        parts = {key + added: part for key, whole in parts.items() for added, part in divide(whole).items()}
    incomplete = _on_concatenations(members)
    made = [_series(f"{name}{key}", part, incomplete) for key, part in parts.items()]
    return tuple(sorted(made, key=series_order))


def series_order(series: Series) -> tuple[float, float]:
    """Return the key that sorts the series of a study: by number, parts of one by the number of their first frame."""
    identity = series.identity
    infinite = float("inf")
    number = infinite if identity.series_number is None else identity.series_number
    numbers = [o.instance.identity.instance_number for o in series.opened]
    return number, min((n for n in numbers if n is not None), default=infinite)


def _by_plane(members: list[Opened]) -> dict[str, list[Opened]]:
    """Divide by orientation and size: a localizer that shares its series with axial slices is still another plane.

    Planes that all differ (turned about an axis one by one) stay together.
    """
    parts: dict[str, list[Opened]] = {}
    for opened in members:
        instance = opened.instance
        if instance.orientation is None:
            key = ""
        else:
            plane = next((k for k, part in parts.items() if k and _is_parallel(part[0].instance, instance)), None)
            cosines = ",".join(f"{cosine:.2f}" for cosine in instance.orientation)
            key = plane or f" plane {cosines} {instance.rows} {instance.columns}"
        parts.setdefault(key, []).append(opened)
    is_turned = len(parts) > 3 and all(len(part) == 1 for part in parts.values())
    return {"": members} if is_turned else parts


def _is_parallel(one: Instance, other: Instance) -> bool:
    if one.orientation is None or other.orientation is None or (one.rows, one.columns) != (other.rows, other.columns):
        return False
    return all(abs(a - b) < _SAME_DIRECTION for a, b in zip(one.orientation, other.orientation, strict=True))


def _by_echo(members: list[Opened]) -> dict[str, list[Opened]]:
    return _divided(members, lambda o: f" echo {o.instance.echo}") if _is_stacked(members) else {"": members}


def _by_acquisition(members: list[Opened]) -> dict[str, list[Opened]]:
    """Divide into acquisitions where each of them is a whole stack of its own, as the phases of a contrast study are.

    Many scanners count each slice as an acquisition: those stay together.
    """
    parts = _divided(members, lambda o: f" acquisition {o.instance.acquisition}")
    is_phases = _is_stacked(members) and all(len(part) > 1 and not _is_stacked(part) for part in parts.values())
    return parts if is_phases else {"": members}


def _divided(members: list[Opened], key_of: _KeyOf) -> dict[str, list[Opened]]:
    parts: dict[str, list[Opened]] = {}
    for opened in members:
        parts.setdefault(key_of(opened), []).append(opened)
    return parts if len(parts) > 1 else {"": members}


def _is_stacked(members: list[Opened]) -> bool:
    """Return whether several frames lie at one place."""
    places = _places(members)
    return places is not None and len(_distinct(places)) < len(places)


# ------------------------------------------------------------------------------------------------------------ records


def _series(key: str, members: list[Opened], remarks: tuple[str, ...]) -> Series:
    frames = sorted_frames(members)
    instance = frames[0].instance
    identity = instance.identity
    parts = (identity.series_description, identity.body_part, identity.view_position)
    title = next((part for part in parts if part), "") or identity.modality or instance.path.name
    return Series(key, title, tuple(frames), (*remarks_on(frames), *remarks))


def sorted_frames(members: list[Opened]) -> list[Opened]:
    """Sort the frames of a series: cross-sections along their normal, all else by number, then by file name.

    Positions decide only where every frame has one and they differ: an instance number may run either way.
    """
    places = _places(members)
    if places is not None and len(_distinct(places)) > 1:
        order = sorted(range(len(members)), key=lambda i: (round(places[i], 2), *_number_and_name(members[i])))
        return [members[i] for i in order]
    return sorted(members, key=_number_and_name)


def remarks_on(frames: list[Opened]) -> tuple[str, ...]:
    """Return what is odd about the places of a stack: images at one place, and places left out of a regular one."""
    places = _places(frames)
    if places is None or len(frames) < _FEWEST_FOR_GAPS:
        return ()
    distinct = _distinct(places)
    if len(distinct) < _FEWEST_FOR_GAPS:
        return ()
    return tuple(filter(None, (_on_duplicates(len(places) - len(distinct)), _on_gaps(distinct))))


def _on_concatenations(members: list[Opened]) -> tuple[str, ...]:
    """Return how many parts of concatenations, long objects cut into several files, are not there."""
    there: dict[str, set[int]] = {}
    stated: dict[str, int] = {}
    for instance in (opened.instance for opened in members if opened.instance.concatenation > 0):
        uid = instance.concatenation_uid
        there.setdefault(uid, set()).add(instance.concatenation)
        stated[uid] = max(stated.get(uid, 0), instance.concatenation, instance.concatenation_parts)
    count = sum(stated.values())
    missing = count - sum(map(len, there.values()))
    parts = "1 part" if missing == 1 else f"{missing:,} parts"
    return (f"{parts} of {count:,} of a concatenation {'is' if missing == 1 else 'are'} missing.",) if missing else ()


def _on_duplicates(extra: int) -> str:
    if extra == 0:
        return ""
    return "One image lies where another one does." if extra == 1 else f"{extra:,} images lie where another one does."


def _on_gaps(places: list[float]) -> str:
    steps = [after - before for before, after in itertools.pairwise(places)]
    step = median(steps)
    regular = [s for s in steps if abs(s - step) <= _REGULAR * step]
    missing = [round(s / step) - 1 for s in steps if s > (2 - _REGULAR) * step]
    # Where most steps are different anyway, a long one says nothing.
    if not missing or 2 * len(regular) < len(steps) or len(regular) + len(missing) < 0.8 * len(steps):
        return ""
    count = sum(missing)
    images = "1 image seems" if count == 1 else f"{count:,} images seem"
    where = "one gap" if len(missing) == 1 else f"{len(missing)} gaps"
    return f"{images} to be missing: {where} in slices {step:.3g} mm apart."


def _places(members: list[Opened]) -> list[float] | None:
    """Return where the planes lie along their normal in mm, or None where not every file says it."""
    places = [position_along_normal(opened.instance) for opened in members]
    known = [place for place in places if place is not None]
    return known if len(known) == len(members) else None


def _distinct(places: list[float]) -> list[float]:
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > _SAME_PLACE_MM:
            found.append(place)
    return found


def position_along_normal(instance: Instance) -> float | None:
    """Return how far a plane lies along its own normal in mm, or None where the file does not say where it is."""
    if instance.position_mm is None or instance.orientation is None:
        return None
    a, b, c, d, e, f = instance.orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(n * p for n, p in zip(normal, instance.position_mm, strict=True))


def _number_and_name(opened: Opened) -> tuple[float, int, _NameKey, int]:
    instance = opened.instance
    number = instance.identity.instance_number
    infinite = float("inf")
    return (infinite if number is None else number, instance.concatenation, natural_key(instance.path), instance.frame)
