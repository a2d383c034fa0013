"""Every setting once: its key, type, default, range and title. What keeps them is viewer.settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from viewer.imaging.color_maps import COLOR_MAPS

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

LOCKABLE: tuple[Option[Any], ...] = (MODEL, DEVICE, MEMORY_MB, DRAG_DOWN_BRIGHTER, FETCH_LIMIT_MB)
"""What a site may choose for its users once and for all."""
SITE_OPTIONS: tuple[Option[Any], ...] = (
    *LOCKABLE, HEAT_MAP_OPACITY, HEAT_MAP_COLORS, HEAT_MAP_OUTLINE, HEAT_MAP_CELLS, CORNER_TEXT,
)  # fmt: skip
"""What a site may choose as its users' default."""


def held(option: Option[Value], stored: object) -> Value:
    """Return a stored value as the option's type, held to its range; the default for nonsense."""
    kept: object = str(stored) if not option.words or stored in option.words else option.default
    if isinstance(option.default, bool):
        kept = {"true": True, "false": False}.get(str(stored).lower(), option.default)
    elif isinstance(option.default, list):
        kept = [str(s) for s in stored] if isinstance(stored, list) else [str(stored)] if stored else []
    elif isinstance(option.default, int | float):
        kept = _number(option, str(stored))
    return cast(Value, kept)


def fault_of(option: Option[Any], value: object) -> str:
    """Return what is wrong with a value that was meant for an option, as the end of a sentence; "" where nothing is."""
    if isinstance(option.default, bool):
        return "" if isinstance(value, bool) else "must be true or false"
    if isinstance(option.default, int | float):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_whole = is_number and (isinstance(value, int) or isinstance(option.default, float))
        fits = is_whole and held(option, value) == value
        kind = "number" if isinstance(option.default, float) else "whole number"
        return "" if fits else f"must be a {kind} from {option.low:,} to {option.high:,}"
    if option.words:
        return "" if value in option.words else f"must be one of {', '.join(option.words)}"
    return "" if isinstance(value, str) and value else "must be a text in quotes"


def _number(option: Option[Any], text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        number = option.default
    low, high = (number if bound is None else bound for bound in (option.low, option.high))
    return type(option.default)(min(max(number, low), high))  # type: ignore[no-any-return]
