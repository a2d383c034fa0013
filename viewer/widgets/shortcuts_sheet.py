"""Every key and mouse gesture on one sheet, searched as one types."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from viewer.imaging.text_search import searchable
from viewer.widgets import icons, theme
from viewer.widgets.controls import PlainLabel, SectionLabel

Shortcut = tuple[str, str, str]
"""Section, keys, what they do."""


class ShortcutsSheet(QDialog):
    """Two columns of sections; a row stays while its keys, its text or its section match the search."""

    def __init__(self, shortcuts: Sequence[Shortcut], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.resize(820, 600)
        self.search_field = QLineEdit()
        self.search_field.setPlaceholderText("Search keys and what they do")
        self.search_field.setClearButtonEnabled(True)
        mark = icons.icon("search", theme.DARK.text_secondary)
        self.search_field.addAction(mark, QLineEdit.ActionPosition.LeadingPosition)
        self._nothing = PlainLabel("No key matches the search.", "secondary")
        self._sections = _sections(shortcuts)
        self._lay_out()
        self.search_field.textChanged.connect(self._search)
        self._search("")

    def shown(self) -> list[str]:
        """Return what the rows that match do, in reading order."""
        return [row.text for section in self._sections for row in section.rows if not row.is_hidden()]

    def _search(self, text: str) -> None:
        for section in self._sections:
            section.search(searchable(text))
        self._nothing.setVisible(not self.shown())

    def _lay_out(self) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(40)
        for sections in _balanced(self._sections):
            column = QVBoxLayout()
            column.setSpacing(20)
            for section in sections:
                column.addWidget(section)
            column.addStretch(1)
            columns.addLayout(column, 1)
        inside = QWidget()
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(24, 8, 24, 24)
        inner.addWidget(self._nothing)
        inner.addLayout(columns, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        top = QHBoxLayout()
        top.setContentsMargins(24, 20, 24, 12)
        top.addWidget(self.search_field)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(top)
        outer.addWidget(scroll, 1)


class _Row:
    """Keys and text of one line, shown and hidden together."""

    def __init__(self, keys: str, text: str) -> None:
        self.text = text
        self.searched = searchable(f"{keys} {text}")
        self.keys_label = PlainLabel(keys, wrap=False)
        self.keys_label.setProperty("role", "key")
        self.keys_label.setFont(theme.number_font())
        self.text_label = PlainLabel(text, "secondary")

    def is_hidden(self) -> bool:
        """Return whether the search left this row out."""
        return self.text_label.isHidden()

    def set_hidden(self, is_hidden: bool) -> None:
        """Hide or show the row."""
        for label in (self.keys_label, self.text_label):
            label.setHidden(is_hidden)


class _Section(QWidget):
    """A heading and its rows."""

    def __init__(self, title: str, rows: list[_Row]) -> None:
        super().__init__()
        self.rows = rows
        self._searched = searchable(title)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, 128)
        grid.addWidget(SectionLabel(title), 0, 0, 1, 2)
        for index, row in enumerate(rows, start=1):
            grid.addWidget(row.keys_label, index, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(row.text_label, index, 1, Qt.AlignmentFlag.AlignVCenter)

    def search(self, wanted: str) -> None:
        """Keep the rows that match, all of them when the heading does."""
        is_whole = wanted in self._searched
        for row in self.rows:
            row.set_hidden(not (is_whole or wanted in row.searched))
        self.setHidden(all(row.is_hidden() for row in self.rows))


def _sections(shortcuts: Sequence[Shortcut]) -> list[_Section]:
    rows: dict[str, list[_Row]] = {}
    for title, keys, text in shortcuts:
        rows.setdefault(title, []).append(_Row(keys, text))
    return [_Section(title, each) for title, each in rows.items()]


def _balanced(sections: list[_Section]) -> tuple[list[_Section], list[_Section]]:
    """Return the sections in two columns of about the same number of lines, in order."""
    lines = [len(section.rows) + 2 for section in sections]
    cut = min(range(len(sections) + 1), key=lambda at: abs(sum(lines[:at]) - sum(lines[at:])))
    return sections[:cut], sections[cut:]
