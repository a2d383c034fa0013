"""Where a file of the user's is offered to be saved."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths


def in_documents(name: str) -> str:
    """Return the path of a file in the user's folder of documents.

    A bare name would mean the folder the program was started in: its own, often, where nobody may write.
    """
    return str(Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)) / name)
