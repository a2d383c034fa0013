"""What the user has chosen, over what the site has: an INI file of the user's own, and the site's policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from viewer.options import (
    CORNER_TEXT,
    DEVICE,
    DRAG_DOWN_BRIGHTER,
    FETCH_LIMIT_MB,
    HEAT_MAP_CELLS,
    HEAT_MAP_COLORS,
    HEAT_MAP_OPACITY,
    HEAT_MAP_OUTLINE,
    LAST_FOLDER,
    LAST_TRAINING_FOLDER,
    LOCKABLE,
    MEMORY_MB,
    MODEL,
    RECENT,
    SITE_OPTIONS,
    Option,
    Value,
    held,
)
from viewer.paths import settings_file
from viewer.policy import Policy, site_policy

__all__ = [
    "CORNER_TEXT", "DEVICE", "DRAG_DOWN_BRIGHTER", "FETCH_LIMIT_MB", "HEAT_MAP_CELLS", "HEAT_MAP_COLORS", "HEAT_MAP_OPACITY",
    "HEAT_MAP_OUTLINE", "LAST_FOLDER", "LAST_TRAINING_FOLDER", "LOCKABLE", "MEMORY_MB", "MODEL", "RECENT", "SITE_OPTIONS",
    "Option", "Settings",
]  # fmt: skip

RECENT_LENGTH = 10


class Settings:
    """What holds for this user: the site's word where it is locked, else the user's own, else the site's, else ours.

    ``policy`` is the site's, as it was when the program started.
    """

    def __init__(self, path: Path | None = None, policy: Policy | None = None) -> None:
        self._store = QSettings(str(path or settings_file()), QSettings.Format.IniFormat)
        self.policy = policy if policy is not None else site_policy()

    def get(self, option: Option[Value]) -> Value:
        """Return a setting; its default, or the site's, where the user's file says nothing or nonsense."""
        stored = None if self.is_locked(option) else self._store.value(option.key)
        if stored is None:
            stored = self.policy.settings.get(option.key)
        return option.default if stored is None else held(option, stored)

    def is_locked(self, option: Option[Any]) -> bool:
        """Return whether the site has chosen this setting and the user cannot change it."""
        return option.key in self.policy.locked

    def set(self, option: Option[Value], value: Value) -> None:
        """Keep a setting, held to its range; one that is locked stays as it is."""
        if not self.is_locked(option):
            self._store.setValue(option.key, held(option, value))

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
