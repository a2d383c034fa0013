"""Every setting once: its key, type, default, range and title."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from PySide6.QtCore import QByteArray, QSettings

from viewer.imaging.color_maps import COLOR_MAPS
from viewer.paths import settings_file

Value = TypeVar("Value")


@dataclass(frozen=True)
class Option(Generic[Value]):
    """One setting: what it is called on disk and on screen, its default, and the range or the words it is held to."""

    key: str
    default: Value
    title: str
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()


MODEL = Option("reading/model", "chest_resnet", "Model of the second reader")
DEVICE = Option("reading/device", "auto", "Device: auto, cpu or cuda", words=("auto", "cpu", "cuda"))
HEAT_MAP_OPACITY = Option("heat_map/opacity", 0.55, "Opacity of the heat map", 0.05, 1.0)
HEAT_MAP_COLORS = Option("heat_map/colors", "inferno", "Colour map of the heat map", words=tuple(COLOR_MAPS))
HEAT_MAP_OUTLINE = Option("heat_map/outline", True, "Outline at half height")
HEAT_MAP_CELLS = Option("heat_map/cells", False, "Edges of the heat map's cells")
CORNER_TEXT = Option("view/corner_text", True, "Corner text")
DRAG_DOWN_BRIGHTER = Option("view/drag_down_brighter", True, "Dragging down makes the film brighter")
RECENT = Option[list[str]]("files/recent", [], "Recently opened")
MEMORY_MB = Option("films/memory_mb", 0, "Memory for decoded films (automatic: half of what is free)", 0, 1_000_000)
LAST_FOLDER = Option("files/last_folder", "", "Folder the last file was opened from")
LAST_TRAINING_FOLDER = Option("training/last_folder", "", "Folder the last films to train on were chosen from")
FETCH_LIMIT_MB = Option("examples/limit_mb", 500, "Most megabytes of example films to fetch", 1, 10_000)

RECENT_LENGTH = 10


class Settings:
    """What the user has chosen, kept in an INI file."""

    def __init__(self, path: Path | None = None) -> None:
        self._store = QSettings(str(path or settings_file()), QSettings.Format.IniFormat)

    def get(self, option: Option[Value]) -> Value:
        """Return a setting; its default where the file says nothing or nonsense."""
        stored = self._store.value(option.key)
        if stored is None:
            return option.default
        return _held(option, stored)

    def set(self, option: Option[Value], value: Value) -> None:
        """Keep a setting, held to its range."""
        self._store.setValue(option.key, _held(option, value))

    def add_recent(self, path: str) -> list[str]:
        """Put a path first among the recent ones and return them."""
        paths = [path, *(p for p in self.get(RECENT) if p != path)][:RECENT_LENGTH]
        self._store.setValue(RECENT.key, paths)
        return paths

    def geometry(self, name: str) -> QByteArray | None:
        """Return a stored window geometry or splitter state."""
        stored = self._store.value(f"geometry/{name}")
        return stored if isinstance(stored, QByteArray) else None

    def set_geometry(self, name: str, state: QByteArray) -> None:
        """Keep a window geometry or splitter state."""
        self._store.setValue(f"geometry/{name}", state)

    def sync(self) -> None:
        """Write everything to disk now."""
        self._store.sync()


def _held(option: Option[Value], stored: object) -> Value:
    """Return a stored value as the option's type, held to its range; the default for nonsense."""
    held: object = str(stored) if not option.words or stored in option.words else option.default
    if isinstance(option.default, bool):
        held = {"true": True, "false": False}.get(str(stored).lower(), option.default)
    elif isinstance(option.default, list):
        held = [str(s) for s in stored] if isinstance(stored, list) else [str(stored)] if stored else []
    elif isinstance(option.default, int | float):
        held = _number(option, str(stored))
    return cast(Value, held)


def _number(option: Option[Any], text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        number = option.default
    low, high = (number if bound is None else bound for bound in (option.low, option.high))
    return type(option.default)(min(max(number, low), high))  # type: ignore[no-any-return]
