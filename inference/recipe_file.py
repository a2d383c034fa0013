"""A recipe as plain values: a user's TOML file, a model's card. Read strictly, written so that it reads the same. No torch.

Which fields there are, which are needed and of which type, is said once, by the records of :mod:`inference.recipe`; what
a field may hold beyond its type in :mod:`inference.recipe_limits`; here stands only what no single field can say.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from inference.errors import RecipeError
from inference.files import write_bytes
from inference.recipe import DataSetting, FilmClass, Recipe, record
from inference.recipe_limits import LIMITS, Limit, Span

LARGEST_FILE = 1_000_000
"""Bytes; the longest recipe here has some 6,000."""
USABLE_NAME = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)$)[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
"""A name that every file system takes for a folder; Windows keeps some words for itself."""
FILE_NAME = re.compile(r"(?!\.)[^/\\:*?\"<>|\[\]\x00-\x1f]+")
"""One file without its folder, and no pattern: it is looked for in a folder and all those below."""

_WORDS: dict[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_KINDS: dict[type, str] = {
    dict: "a table",
    list: "a list",
    date: "a date",
    datetime: "a date",
    time: "a time",
    type(None): "nothing",
}
_NEEDED_TEXTS = ("name", "title", "network", "positive")


@dataclass(frozen=True)
class _Place:
    """Where in which recipe a value stands, as an error says it."""

    origin: str
    path: str = ""

    def field(self, name: str) -> _Place:
        """Return the place of a field of the table here."""
        nested = f"{name} of {self.path}" if self.path.startswith("entry ") else f"{self.path}.{name}"
        return replace(self, path=nested if self.path else name)

    def entry(self, number: int) -> _Place:
        """Return the place of an entry of the list here, counted from 1."""
        return replace(self, path=f"entry {number} of {self.path}")

    def wrong(self, said: str) -> RecipeError:
        """Return the error that says what is wrong here."""
        return RecipeError(
            f"In the recipe {self.origin}, {self.path} {said}." if self.path else f"The recipe {self.origin} {said}."
        )


def recipe_from_record(values: Mapping[str, object], origin: str) -> Recipe:
    """Build a recipe from plain values, as :func:`inference.recipe.record` or a TOML file gives them.

    Classes may be a list of names alone; ``article`` and tables that need nothing may be left out.

    Parameters
    ----------
    values
        Tables as mappings, tuples as lists.
    origin
        Names where they come from in errors: "my.toml".

    Raises
    ------
    RecipeError
        If a field is unknown, missing, of the wrong type or out of its range, or if two fields contradict each other.
    """
    place = _Place(origin)
    recipe: Recipe = _record(Recipe, values, place)
    for path, said in (*_name_faults(recipe), *_contradictions(recipe)):
        raise place.field(path).wrong(said)
    return recipe


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Raises
    ------
    RecipeError
        If the file is not there, too large, not text in UTF-8 or not TOML, or for the reasons of :func:`recipe_from_record`.
    """
    text = _read_text(path)
    try:
        values = tomllib.loads(text)
    except ValueError as error:
        raise RecipeError(f"The recipe {path.name} could not be read as TOML: {error}.") from error
    except RecursionError as error:
        raise RecipeError(f"The recipe {path.name} could not be read: its lists are nested too deeply.") from error
    return recipe_from_record(values, path.name)


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as a TOML file that :func:`read_recipe` reads as an equal recipe; TrainingError if it cannot be."""
    write_bytes(path, recipe_as_toml(recipe).encode())


def recipe_as_toml(recipe: Recipe) -> str:
    """Return a recipe as the text of a TOML file, without the fields that have their default."""
    head = f"# The recipe {recipe.name}. A field that is left out has its usual value."
    return "\n".join([head, "", *_toml_lines(record(recipe))]) + "\n"


def recipe_for_classes(recipe: Recipe, name: str, classes: Sequence[str]) -> Recipe:
    """Return the same recipe for a user's own classes and films, the first class being the positive one.

    Article, claims and departures are those of the published system and fall away; so do its manifests and its division.

    Raises
    ------
    RecipeError
        If there are fewer than two classes, or a name cannot name a folder.
    """
    own = replace(
        recipe,
        name=name,
        title=_title(name),
        article="",
        classes=tuple(FilmClass(each, _title(each)) for each in classes),
        positive=next(iter(classes), ""),
        data=DataSetting(manifest="", folds=recipe.data.folds, protocol_members=recipe.data.protocol_members),
        claims=(),
        departures=(),
        notes=_own_notes("slice" if recipe.modality == "ct" else "film"),
    )
    return recipe_from_record(record(own), name)


def _own_notes(film: str) -> dict[str, str]:
    return {
        "summary": f"Says how much a {film} resembles the {film}s of each class it was trained on, and shows where that "
        "comes from.",
        "trained_on": f"A user's own {film}s, in the classes the user gave them. Nobody else has checked these labels.",
        "never_tested_on": f"Any {film} outside that set: other hospitals, machines and patients. Where the classes come "
        "from different places, the network may be telling the places apart.",
        "not_for": "Diagnosis, triage or treatment.",
    }


def _title(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


# From plain values to records


def _record(kind: Any, values: object, place: _Place) -> Any:
    if kind is FilmClass and isinstance(values, str):
        values = {"name": values, "title": _title(values)}
    if not isinstance(values, Mapping):
        raise place.wrong(f"must be {'a name or ' if kind is FilmClass else ''}a table, not {_shown(values)}")
    hints, limits = get_type_hints(kind), LIMITS.get(kind, {})
    for key in values:
        if key not in hints:
            raise _unknown(str(key), hints, place)
    found = {}
    for entry in fields(kind):
        own = place.field(entry.name)
        if entry.name in values:
            found[entry.name] = _value(hints[entry.name], values[entry.name], limits.get(entry.name), own)
        elif not _has_default(entry):
            found[entry.name] = _when_absent(kind, entry.name, hints[entry.name], own)
    return kind(**found)


def _has_default(entry: Field[Any]) -> bool:
    return entry.default is not MISSING or entry.default_factory is not MISSING


def _when_absent(kind: type[Any], name: str, hint: Any, place: _Place) -> object:
    """Return what a needed field is when it was left out: a table that needs nothing; no article, where none was followed."""
    if is_dataclass(hint) and all(_has_default(entry) for entry in fields(hint)):
        return _record(hint, {}, place)
    if (kind, name) == (Recipe, "article"):
        return ""
    raise place.wrong(f"is missing; it must be {_wanted(hint, LIMITS.get(kind, {}).get(name))}")


def _unknown(key: str, known: Mapping[str, object], place: _Place) -> RecipeError:
    shown = place.field(_toml_key(_short(key))).path
    return RecipeError(f"The recipe {place.origin} has a field that is not known: {shown}{_advice(key, known, place)}")


def _advice(key: str, known: Mapping[str, object], place: _Place) -> str:
    """Return where a field belongs that stands in the wrong table, or which one is spelt nearly so."""
    top = get_type_hints(Recipe)
    homes = [name for name, hint in top.items() if is_dataclass(hint) and key in get_type_hints(hint)]
    if homes:
        return f"; it belongs to the table {homes[0]}."
    if key in top:
        return "; it belongs to the top of the file, before the first table."
    close = difflib.get_close_matches(key, known, 1)
    return f"; did you mean {close[0]}?" if close else "."


def _value(hint: Any, value: object, limit: Limit | None, place: _Place) -> object:
    if is_dataclass(hint):
        return _record(hint, value, place)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, limit, place)
    if get_origin(hint) is dict:
        return _texts(value, place)
    if type(None) in get_args(hint):
        return _value(get_args(hint)[0], value, limit, place)
    return _scalar(hint, value, limit, place)


def _tuple(entries: tuple[Any, ...], value: object, limit: Limit | None, place: _Place) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise place.wrong(f"must be a list, not {_shown(value)}")
    hints = entries[:1] * len(value) if entries[-1] is Ellipsis else entries
    if len(value) != len(hints):
        raise place.wrong(f"must have {len(hints)} entries, not {len(value)}")
    return tuple(_value(hint, one, limit, place.entry(n)) for n, (hint, one) in enumerate(zip(hints, value, strict=True), 1))


def _texts(value: object, place: _Place) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise place.wrong(f"must be a table, not {_shown(value)}")
    return {str(key): str(_scalar(str, one, None, place.field(_toml_key(str(key))))) for key, one in value.items()}


def _scalar(hint: type, value: object, limit: Limit | None, place: _Place) -> object:
    fits = type(value) is hint or (hint is float and type(value) is int)
    if isinstance(limit, Span):
        fits = fits and isinstance(value, int | float) and limit.holds(value)
    elif limit is not None:
        fits = fits and value in limit
    if not fits:
        raise place.wrong(f"must be {_wanted(hint, limit)}, not {_shown(value)}")
    return hint(value)


def _wanted(hint: Any, limit: Limit | None) -> str:
    if isinstance(limit, tuple):
        return " or ".join(repr(one) for one in limit)
    if hint not in _WORDS:
        return "a list" if get_origin(hint) is tuple else "a table"
    return f"{_WORDS[hint]} {limit}" if limit else _WORDS[hint]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > 10**18:
        return "a number of more than 18 digits"  # Python itself refuses to spell very long ones
    return _KINDS.get(type(value)) or _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


# What no single field can say


def _name_faults(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield field and fault of each name that is empty, taken twice, or no name for a file or folder."""
    allowed = "up to 64 letters A to Z, digits, - and _ (it names files; con, nul and their like are Windows' own), not"
    for name in _NEEDED_TEXTS:
        if not getattr(recipe, name).strip():
            yield name, "is empty"
    if not USABLE_NAME.fullmatch(recipe.name):
        yield "name", f"must be {allowed} {_shown(recipe.name)}"
    seen: set[str] = set()
    for entry in recipe.classes:
        if not USABLE_NAME.fullmatch(entry.name):
            yield "classes", f"must have names of {allowed} {_shown(entry.name)}"
        if entry.name.lower() in seen:
            yield "classes", f"must have names that differ in more than capitals, but {entry.name!r} is there twice"
        if not entry.title.strip():
            yield "classes", f"must give {entry.name!r} a title"
        seen.add(entry.name.lower())
    manifests = [("manifest", name) for name in [recipe.data.manifest] if name]  # "": films are found without one
    for field, name in manifests + [(f, name) for f in ("extra_training", "not_positive") for name in getattr(recipe.data, f)]:
        if not FILE_NAME.fullmatch(name):
            yield f"data.{field}", f"must be the name of a file without its folder, not {_shown(name)}"


def _contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield field and fault of each field that another one contradicts."""
    low, high = recipe.augmentation.scale
    data, stopping = recipe.data, recipe.stopping
    if len(recipe.classes) < 2:
        yield "classes", f"must name at least two classes, not {len(recipe.classes)}"
    if recipe.positive not in recipe.class_names:
        yield "positive", f"must be one of the classes ({', '.join(recipe.class_names)}), not {_shown(recipe.positive)}"
    if low > high:
        yield "augmentation.scale", f"must begin with the smaller number, not {low} and {high}"
    if not recipe.reading_rotations:
        yield "reading_rotations", "must have at least one angle; [0.0] reads a film as it is"
    if not data.training_parts:
        yield "data.training_parts", "must name at least one part to learn from"
    if data.tested_part in data.training_parts:
        yield "data.tested_part", f"must not be learned from, but {_shown(data.tested_part)} is one of training_parts"
    for name in (name for name in recipe.class_names if name in data.leaves_out):
        yield "data.leaves_out", f"must not name a class of the recipe, but {_shown(name)} is one"
    if stopping and not (stopping.patience or stopping.accuracy):
        yield "stopping", "sets patients aside but does not say when to stop: state patience or accuracy"


# Files


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise RecipeError(f"There is no file {path}; a recipe is a TOML file.")
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RecipeError(f"The recipe {path.name} could not be read: {error.strerror}.") from error
    if len(content) > LARGEST_FILE:
        raise RecipeError(f"The file {path.name} is larger than {LARGEST_FILE // 10**6} MB; a recipe is a short TOML file.")
    try:
        return content.decode("utf-8-sig")  # editors on Windows begin a file with a mark that is no TOML
    except UnicodeDecodeError as error:
        raise RecipeError(f"The file {path.name} is not text in UTF-8; a recipe is a TOML file.") from error


def _toml_lines(table: Mapping[str, object], above: str = "") -> Iterator[str]:
    """Yield the lines of a table: plain values first, as TOML wants it, then the tables below it."""
    below = {key: tables for key, value in table.items() if (tables := _tables(value))}
    for key, value in table.items():
        if key not in below:
            yield f"{_toml_key(key)} = {_toml_value(value)}"
    for key, tables in below.items():
        path = above + _toml_key(key)
        heading = f"[{path}]" if isinstance(table[key], dict) else f"[[{path}]]"
        for one in tables:
            yield from ("", heading, *_toml_lines(one, f"{path}."))


def _tables(value: object) -> list[dict[str, object]]:
    """Return what TOML writes below a heading: a table, or each table of a list of them; nothing for any other value."""
    listed: list[Any] = value if isinstance(value, list) else [value]
    return listed if all(isinstance(one, dict) for one in listed) else []


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_value(key)


def _toml_value(value: object) -> str:
    """Return a value as TOML, which for texts, numbers, truth and lists of them is JSON, DEL excepted; long lists in lines."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
    if isinstance(value, list) and len(written) > 100:
        return "\n".join(["[", *(f"    {_toml_value(entry)}," for entry in value), "]"])
    return written
