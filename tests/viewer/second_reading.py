"""What the tests of the second reader share: its generators run to their end, its panel read back."""

from collections.abc import Generator
from typing import Any

from PySide6.QtWidgets import QApplication, QLabel, QWidget


def run(work: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """Return all that a generator yields, then what it returns."""
    yielded = []
    while True:
        try:
            yielded.append(next(work))
        except StopIteration as end:
            return yielded, end.value


def seen(widget: QWidget) -> str:
    """Return every text of a visible label, in one string."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())
