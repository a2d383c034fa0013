"""Opened frames to series, studies and patients, in the order a radiologist reads them.

References: DICOM PS3.3 C.7.6.2.1.1 (position and orientation of a plane).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from viewer.imaging.image import Identity, Instance, Opened
from viewer.imaging.reader import natural_key

_KeyOf = Callable[[Instance], str]
_NameKey = tuple[tuple[int, int | str], ...]


@dataclass(frozen=True, eq=False)
class Series:
    """Frames that belong together, sorted; ``title`` is what the list shows."""

    key: str
    title: str
    opened: tuple[Opened, ...]

    @property
    def identity(self) -> Identity:
        """Return who and what its first frame shows."""
        return self.opened[0].instance.identity


@dataclass(frozen=True, eq=False)
class Study:
    """Series of one visit, by number."""

    key: str
    title: str
    date: str
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False)
class Patient:
    """Studies of one patient, the latest first."""

    key: str
    name: str
    studies: tuple[Study, ...]


class Studies:
    """All that is open, grouped; grows a frame at a time."""

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}

    def add(self, opened: Opened) -> None:
        """Add a frame; one that is already there is replaced."""
        self._opened[opened.instance.key] = opened

    def __len__(self) -> int:
        return len(self._opened)

    def __contains__(self, key: object) -> bool:
        return key in self._opened

    def find(self, key: str) -> Opened | None:
        """Return the frame with a key, or None."""
        return self._opened.get(key)

    def patients(self) -> tuple[Patient, ...]:
        """Return everything grouped and sorted, patients in the order they were first opened."""
        groups = _group(list(self._opened.values()), _patient_key)
        return tuple(_patient(key, members) for key, members in groups.items())

    def series_of(self, key: str) -> Series | None:
        """Return the series that holds the frame with a key, or None."""
        found = self._opened.get(key)
        if found is None:
            return None
        wanted = _whereabouts(found.instance)
        return _series(wanted[2], [o for o in self._opened.values() if _whereabouts(o.instance) == wanted])


def _whereabouts(instance: Instance) -> tuple[str, str, str]:
    return _patient_key(instance), _study_key(instance), _series_key(instance)


def _group(members: list[Opened], key_of: _KeyOf) -> dict[str, list[Opened]]:
    groups: dict[str, list[Opened]] = {}
    for opened in members:
        groups.setdefault(key_of(opened.instance), []).append(opened)
    return groups


# -------------------------------------------------------------------------------------------------------------- keys


def _patient_key(instance: Instance) -> str:
    """Patients are told apart by ID and name: IDs of two hospitals may be the same."""
    if not instance.is_dicom:
        return f"folder {instance.path.parent}"
    identity = instance.identity
    if identity.patient_id:
        return f"patient {identity.patient_id}\n{identity.patient_name}"
    return f"name {identity.patient_name}" if identity.patient_name else f"study {_study_key(instance)}"


def _study_key(instance: Instance) -> str:
    return instance.identity.study_uid or str(instance.path.parent)


def _series_key(instance: Instance) -> str:
    if not instance.is_dicom or not instance.identity.series_uid:
        # Each picture stands alone; only the pages of one file belong together.
        return str(instance.path)
    if instance.orientation is None:
        return instance.identity.series_uid
    # A localizer that shares its series with axial slices is still another plane.
    plane = ",".join(f"{cosine:.2f}" for cosine in instance.orientation)
    return f"{instance.identity.series_uid} {plane} {instance.rows}x{instance.columns}"


# ----------------------------------------------------------------------------------------------------------- records


def _patient(key: str, members: list[Opened]) -> Patient:
    studies = [_study(study_key, frames) for study_key, frames in _group(members, _study_key).items()]
    first = members[0].instance
    name = first.identity.patient_name or first.identity.patient_id
    if not name:
        name = "No name" if first.is_dicom else first.path.parent.name or str(first.path.parent)
    return Patient(key, name, tuple(sorted(studies, key=lambda study: study.date, reverse=True)))


def _study(key: str, members: list[Opened]) -> Study:
    series = [_series(series_key, frames) for series_key, frames in _group(members, _series_key).items()]
    series.sort(key=lambda one: (one.identity.series_number is None, one.identity.series_number or 0))
    first = members[0].instance
    identity = first.identity
    title = identity.study_description or (identity.modality or "Study" if first.is_dicom else "Pictures")
    return Study(key, title, identity.study_date, tuple(series))


def _series(key: str, members: list[Opened]) -> Series:
    frames = sorted_frames(members)
    identity = frames[0].instance.identity
    parts = (identity.series_description, identity.body_part, identity.view_position)
    title = next((part for part in parts if part), "") or identity.modality or frames[0].instance.path.name
    return Series(key, title, tuple(frames))


# ----------------------------------------------------------------------------------------------------------- sorting


def sorted_frames(members: list[Opened]) -> list[Opened]:
    """Sort the frames of a series: cross-sections along their normal, all else by number, then by file name.

    Positions decide only where every frame has one and they differ: an instance number may run either way.
    """
    places = [position_along_normal(opened.instance) for opened in members]
    by_place = [place for place in places if place is not None]
    if len(by_place) == len(members) and len({round(place, 3) for place in by_place}) > 1:
        order = sorted(range(len(members)), key=lambda i: (by_place[i], *_number_and_name(members[i])))
        return [members[i] for i in order]
    return sorted(members, key=_number_and_name)


def position_along_normal(instance: Instance) -> float | None:
    """Return how far a plane lies along its own normal in mm, or None where the file does not say where it is."""
    if instance.position_mm is None or instance.orientation is None:
        return None
    a, b, c, d, e, f = instance.orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(n * p for n, p in zip(normal, instance.position_mm, strict=True))


def _number_and_name(opened: Opened) -> tuple[float, _NameKey, int]:
    number = opened.instance.identity.instance_number
    return (float("inf") if number is None else number, natural_key(opened.instance.path), opened.instance.frame)
