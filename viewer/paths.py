"""Where things live, from source and frozen.

Resources lie beside the program and are never written to. What belongs to a user (settings, drafts, logs, links to
example films) lies in the user's own folder, which the environment variable ``HILUM_HOME`` overrides (tests, kiosks).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

if sys.platform == "win32":
    import winreg

APPLICATION = "Hilum"
PROGRAM_VERSION = "0.1.0"
POLICY = "policy.toml"


def resources() -> Path:
    """Return the folder of icons, fonts, theme and model bundles; read-only."""
    frozen = getattr(sys, "_MEIPASS", None)
    root = Path(frozen) if frozen else Path(__file__).resolve().parent.parent
    return root / "resources"


def user_data() -> Path:
    """Return the user's own folder, made if it is not there."""
    override = os.environ.get("HILUM_HOME")
    folder = Path(override) if override else Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings_file() -> Path:
    """Return the INI file that holds every setting."""
    return user_data() / "settings.ini"


def policy_files() -> tuple[Path, ...]:
    """Return where a site's policy may lie, the first that is there being in force; none of them is ours to write.

    The machine's own comes before the one beside the program, which an ordinary user may have installed, and HILUM_POLICY
    (tests, trials) is last: who is bound by a policy cannot unbind himself by naming another.
    """
    beside = (Path(sys.executable) if getattr(sys, "frozen", False) else Path(__file__).resolve().parent).parent
    named = os.environ.get("HILUM_POLICY")
    return (_machine_folder() / POLICY, beside / POLICY, *([Path(named)] if named else []))


def _machine_folder() -> Path:
    """Return the folder of this machine's settings for all users, from no variable that a user can set."""
    if sys.platform == "win32":
        folders = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\Shell Folders"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, folders) as key:
            return Path(winreg.QueryValueEx(key, "Common AppData")[0]) / APPLICATION
    if sys.platform == "darwin":
        return Path("/Library/Application Support") / APPLICATION
    return Path("/etc/hilum")


def servers_file() -> Path:
    """Return the user's own list of DICOMweb servers, which need not exist."""
    return user_data() / "servers.toml"


def retrieved_folder() -> Path:
    """Return the folder of the films that were brought from a server; each window has its own within it."""
    return user_data() / "retrieved"


def drafts_database() -> Path:
    """Return the SQLite database of report drafts."""
    return user_data() / "drafts.sqlite3"


def log_file() -> Path:
    """Return the log; it carries UIDs and hashes, never names, paths or pixels."""
    return user_data() / "hilum.log"


def sample_film() -> Path:
    """Return where the synthetic film is kept once the program has drawn it."""
    return user_data() / "sample-chest.dcm"


def examples_folder(model: str) -> Path:
    """Return the user's folder of confusion-example films for one model bundle (links file and fetched films)."""
    return user_data() / "examples" / model


def shipped_models() -> Path:
    """Return the folder of the model bundles that ship."""
    return resources() / "models"


def own_models() -> Path:
    """Return the folder of the model bundles the user has trained or added."""
    return user_data() / "models"


def training_folder(model: str) -> Path:
    """Return the folder in which a model is trained until it is whole; what a stopped training had finished stays there."""
    return user_data() / "training" / model


def find_model(name_or_folder: str) -> Path:
    """Return the folder of a bundle given by name or by path; it need not exist.

    A folder on disk wins, then the user's own bundles, then the shipped ones.
    """
    as_path = Path(name_or_folder)
    for candidate in (as_path, own_models() / name_or_folder, shipped_models() / name_or_folder):
        if (candidate / "card.json").is_file():
            return candidate
    return as_path
