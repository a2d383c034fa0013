"""What a site has decided for its users: one read-only file beside the program or in the machine's own folder.

It is read strictly. A file with an error never stops the program, but as long as it has one, what it may have meant to
forbid is forbidden: the network, and reading a film in spite of a refusal.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from viewer.options import LOCKABLE, SITE_OPTIONS, fault_of
from viewer.paths import policy_files, servers_file

NETWORK_OFF = "The network is switched off by your site."
SET_BY_SITE = "Set by your site."
OVERRIDE_OFF = "Your site does not allow a refused film to be read."
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
MOST_DAYS = 3650
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SERVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Server:
    """A DICOMweb service: its root address, and what opens it."""

    name: str
    url: str
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Certificates that are trusted besides the system's."""


@dataclass(frozen=True)
class SiteModel:
    """A model bundle of the site's own, and what it must be: the SHA-256 of its card, of its weights, or both."""

    folder: Path
    card_sha256: str = ""
    weights_sha256: str = ""


@dataclass(frozen=True)
class Policy:
    """What the site says; without a file everything is allowed and nothing is preset.

    ``settings`` holds values by the key of their option, ``faults`` what is wrong with the file in sentences.
    """

    file: Path | None = None
    institution: str = ""
    report_footer: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    network_allowed: bool = True
    own_servers_allowed: bool = True
    override_allowed: bool = True
    keep_days: int = 0
    """How long films that were brought from a server are kept after the window has closed."""
    servers: tuple[Server, ...] = ()
    models: tuple[SiteModel, ...] = ()
    faults: tuple[str, ...] = ()


def site_policy() -> Policy:
    """Return the policy in force: the first of the places there is a file at, read once and the same until the end."""
    return _policy_in(policy_files())


@cache
def _policy_in(files: tuple[Path, ...]) -> Policy:
    for file in files:
        policy = read_policy(file)
        if policy is not None:
            return policy
    return Policy()


def read_policy(file: Path) -> Policy | None:
    """Return what a policy file says, with its faults; None where there is no such file."""
    content, fault = _content_of(file)
    if fault:
        return Policy(file, network_allowed=False, override_allowed=False, faults=(fault,))
    return None if content is None else _policy_of(file, content)


def own_servers(file: Path | None = None) -> tuple[tuple[Server, ...], tuple[str, ...]]:
    """Return the servers in the user's own file and what is wrong with it, in sentences."""
    file = file or servers_file()
    content, fault = _content_of(file)
    faults = [fault] if fault else []
    top = _Table("", content or {}, faults)
    servers = _servers(top, file.parent)
    top.close()
    return servers, tuple(faults)


def _content_of(file: Path) -> tuple[dict[str, Any] | None, str]:
    """Return what a TOML file holds and "", or None and why it cannot be read; None and "" where there is none."""
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig")), ""
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, f"It cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        return None, "It is not text in UTF-8."
    except tomllib.TOMLDecodeError as error:
        return None, f"It is not TOML: {error}."


def _policy_of(file: Path, content: dict[str, Any]) -> Policy:
    faults: list[str] = []
    top = _Table("", content, faults)
    report, network = top.table("report"), top.table("network")
    second_reader, retrieved = top.table("second_reader"), top.table("retrieved")
    settings, locked = _settings(top.table("settings"))
    policy = Policy(
        file,
        institution=report.line("institution"),
        report_footer=report.line("footer"),
        settings=settings,
        locked=locked,
        network_allowed=network.flag("allowed", True),
        own_servers_allowed=network.flag("own_servers", True),
        override_allowed=second_reader.flag("override_allowed", True),
        keep_days=retrieved.whole("keep_days", 0, MOST_DAYS),
        servers=_servers(top, file.parent),
        models=tuple(_model(table, file.parent) for table in top.tables("model")),
    )
    for table in (report, network, second_reader, retrieved, top):
        table.close()
    if not faults:
        return policy
    kept = {**vars(policy), "network_allowed": False, "override_allowed": False, "faults": tuple(faults)}
    return Policy(**kept)


def _settings(table: _Table) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the settings by key, and the keys of those that are locked."""
    known = {option.key: option for option in SITE_OPTIONS}
    lockable = {option.key for option in LOCKABLE}
    locked = table.texts("locked")
    for key in (key for key in locked if key not in lockable):
        table.fault(f'locked names "{key}", which cannot be locked; what can: {", ".join(sorted(lockable))}')
    settings: dict[str, Any] = {}
    for section in sorted({key.partition("/")[0] for key in known}):
        inner = table.table(section)
        for key in (key for key in known if key.startswith(f"{section}/")):
            value = inner.take(key.partition("/")[2])
            if value is None:
                continue
            if wrong := fault_of(known[key], value):
                inner.fault(f"{key.partition('/')[2]} {wrong}, and is {_shown(value)}")
            else:
                settings[key] = value
        inner.close()
    table.close()
    return settings, frozenset(locked) & lockable


def _servers(top: _Table, folder: Path) -> tuple[Server, ...]:
    found: dict[str, Server] = {}
    for table in top.tables("server"):
        server = _server(table, folder)
        if server.name in found:
            table.fault(f'the name "{server.name}" is there twice')
        elif server.name and server.url:
            found[server.name] = server
    return tuple(found.values())


def _server(table: _Table, folder: Path) -> Server:
    """Return one server; its address is "" where it cannot be used."""
    name, url = table.line("name"), table.line("url").rstrip("/")
    may_be_plain = table.flag("plain_http", False)
    if not _SERVER_NAME.fullmatch(name):
        table.fault("name must be letters, digits, dots, - and _, 64 at most")
        name = ""
    if wrong := _url_fault(url, may_be_plain):
        table.fault(f"url {wrong}")
        url = ""
    token, token_file = table.line("token"), table.path("token_file", folder)
    user, password = table.line("user"), table.line("password")
    if (bool(token) + bool(token_file) + bool(user)) > 1 or (password and not user):
        table.fault("give one way to be let in: token, token_file, or user and password")
    if not all(sign.isprintable() and sign.isascii() for sign in token):
        table.fault("token must be plain letters, digits and signs")
    ca_file = table.path("ca_file", folder)
    table.close()
    return Server(name, url, token, token_file, user, password, ca_file)


def _url_fault(url: str, may_be_plain: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        return "must be the root of the DICOMweb service, as https://HOST/PATH, without user, ? and #"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "must be plain letters, digits and signs"
    if parts.scheme == "http" and host not in LOCAL_HOSTS and not may_be_plain:
        return "is not encrypted (http); use https, or add plain_http = true if that is meant"
    return ""


def _model(table: _Table, folder: Path) -> SiteModel:
    bundle = table.path("folder", folder)
    card, weights = (table.line(key).lower() for key in ("card_sha256", "weights_sha256"))
    if bundle is None:
        table.fault("folder is missing")
    if not card and not weights:
        table.fault("card_sha256 or weights_sha256 is missing")
    for key, value in (("card_sha256", card), ("weights_sha256", weights)):
        if value and not _SHA256.fullmatch(value):
            table.fault(f"{key} must be 64 hexadecimal digits")
    table.close()
    return SiteModel(bundle or folder, card, weights)


class _Table:
    """A table of the file while it is read: what has been taken is known, what is left at the end is not."""

    def __init__(self, name: str, content: dict[str, Any], faults: list[str]) -> None:
        self._name, self._left, self._faults = name, dict(content), faults
        self._known: list[str] = []

    def fault(self, text: str) -> None:
        self._faults.append(f"{self._name} {text}.".lstrip())

    def take(self, key: str) -> Any:
        self._known.append(key)
        return self._left.pop(key, None)

    def _taken(self, key: str, kind: type[Any] | tuple[type[Any], ...], wanted: str, default: Any) -> Any:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            self.fault(f"{key} must be {wanted}, and is {_shown(value)}")
            return default
        return value

    def line(self, key: str) -> str:
        text: str = self._taken(key, str, "a text in quotes", "")
        if not text.isprintable():
            self.fault(f"{key} must be one line of text")
            return ""
        return text.strip()

    def flag(self, key: str, default: bool) -> bool:
        return bool(self._taken(key, bool, "true or false", default))

    def whole(self, key: str, low: int, high: int) -> int:
        number: int = self._taken(key, int, "a whole number", low)
        if not low <= number <= high:
            self.fault(f"{key} must be from {low:,} to {high:,}, and is {number:,}")
            return low
        return number

    def texts(self, key: str) -> list[str]:
        listed = self._taken(key, list, 'a list of texts, as ["a", "b"]', [])
        if not all(isinstance(one, str) for one in listed):
            self.fault(f'{key} must be a list of texts, as ["a", "b"]')
        return [one for one in listed if isinstance(one, str)]

    def path(self, key: str, folder: Path) -> Path | None:
        text = self.line(key)
        return folder / text if text else None

    def table(self, key: str) -> _Table:
        return _Table(f"[{self._inner(key)}]", self._taken(key, dict, "a table", {}), self._faults)

    def tables(self, key: str) -> list[_Table]:
        listed = self._taken(key, list, f"a list of tables, each under [[{key}]]", [])
        if not all(isinstance(one, dict) for one in listed):
            self.fault(f"{key} must be a list of tables, each under [[{key}]]")
        inner = [one for one in listed if isinstance(one, dict)]
        return [_Table(f"[[{key}]] number {number}:", one, self._faults) for number, one in enumerate(inner, 1)]

    def _inner(self, key: str) -> str:
        return f"{self._name.strip('[]')}.{key}".lstrip(".")

    def close(self) -> None:
        """Name what nobody knows."""
        for key in self._left:
            self.fault(f'{"has" if self._name else "There is"} an unknown entry "{key}"; known are {", ".join(self._known)}')


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
