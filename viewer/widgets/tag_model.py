"""The rows of a header as Qt's item views ask for them; what is folded is neither built nor decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from viewer.imaging.tags import Branch, Row
from viewer.widgets import theme
from viewer.widgets.controls import plain_tool_tip

Index = QModelIndex | QPersistentModelIndex
Place = tuple[int, ...]
"""Where a row stands, from the top down: tags and numbers of items, the same in another file."""

COLUMNS = ("Tag", "Name", "VR", "VM", "Value")
_TAG, _NAME, _VR, _VM, _VALUE = range(5)
_LONGEST_TOOL_TIP = 2000
_INKS = {"value": "text", "remark": "text_secondary", "broken": "refused"}


@dataclass(eq=False)
class _Node:
    """A row with its place in the tree; ``below`` is built when it is first unfolded."""

    number: int
    branch: Branch
    above: _Node | None
    position: int
    below: list[_Node] | None = None


@dataclass(eq=False)
class _Forest:
    """Every node built so far, known by its number: an index outlives no node this way."""

    nodes: list[_Node] = field(default_factory=list)

    def grow(self, branches: Sequence[Branch], above: _Node | None) -> list[_Node]:
        """Build the nodes of branches that stand side by side."""
        first = len(self.nodes)
        made = [_Node(first + at, branch, above, at) for at, branch in enumerate(branches)]
        self.nodes.extend(made)
        return made


class TagModel(QAbstractItemModel):
    """Five columns: tag, name, VR, number of values, value."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._forest = _Forest()
        self._top: list[_Node] = []

    def show(self, branches: Sequence[Branch]) -> None:
        """Show these branches instead of the last ones."""
        self.beginResetModel()
        self._forest = _Forest()
        self._top = self._forest.grow(branches, None)
        self.endResetModel()

    def row_at(self, index: Index) -> Row:
        """Return the element or item of a valid index."""
        return self._node(index).branch.row

    def place_of(self, index: Index) -> Place:
        """Return where a row stands; () for the root."""
        keys: list[int] = []
        node = self._node(index) if index.isValid() else None
        while node is not None:
            keys.append(node.branch.row.key)
            node = node.above
        return tuple(reversed(keys))

    def order_of(self, index: Index) -> Place:
        """Return what sorts rows as the tree shows them."""
        positions: list[int] = []
        node: _Node | None = self._node(index)
        while node is not None:
            positions.append(node.position)
            node = node.above
        return tuple(reversed(positions))

    def index_of(self, place: Place) -> QModelIndex:
        """Return the index of a place, building what is above it; an invalid one where there is no such row."""
        nodes, found = self._top, None
        for key in place:
            found = next((node for node in nodes if node.branch.row.key == key), None)
            if found is None:
                return QModelIndex()
            nodes = self._below(found)
        return self.createIndex(found.position, 0, found.number) if found else QModelIndex()

    def unfolded(self) -> Iterator[QModelIndex]:
        """Yield the rows that a search keeps for the sake of what is under them, from the top down."""
        waiting = list(reversed(self._top))
        while waiting:
            node = waiting.pop()
            if node.branch.branches is not None:
                yield self.createIndex(node.position, 0, node.number)
                waiting.extend(reversed(self._below(node)))

    def _node(self, index: Index) -> _Node:
        return self._forest.nodes[int(index.internalId())]

    def _below(self, node: _Node) -> list[_Node]:
        if node.below is None:
            kept = node.branch.branches
            branches = [Branch(row) for row in node.branch.row.children] if kept is None else kept
            node.below = self._forest.grow(branches, node)
        return node.below

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:
        """Return the index of a cell under ``parent``, building the rows there."""
        nodes = self._below(self._node(parent)) if parent.isValid() else self._top
        if not (0 <= row < len(nodes) and 0 <= column < len(COLUMNS)):
            return QModelIndex()
        return self.createIndex(row, column, nodes[row].number)

    def parent(self, child: Index) -> QModelIndex:  # type: ignore[override]
        above = self._node(child).above if child.isValid() else None
        return QModelIndex() if above is None else self.createIndex(above.position, 0, above.number)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        if not parent.isValid():
            return len(self._top)
        return len(self._below(self._node(parent))) if parent.column() == 0 else 0

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:
        if not parent.isValid():
            return bool(self._top)
        return parent.column() == 0 and self.row_at(parent).has_children

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.row_at(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.color(_ink(row, column))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tool_tip(_tool_tip(row, column))
        return None


def _cell(row: Row, column: int) -> str:
    if column == _TAG:
        return row.tag_text
    if column == _NAME:
        return f"{row.name}  [{row.creator}]" if row.creator else row.name
    if column == _VR:
        return row.vr
    if column == _VM:
        return "" if row.multiplicity is None else f"{row.multiplicity:,}"
    return row.shown


def _ink(row: Row, column: int) -> str:
    if column == _VALUE:
        return _INKS[row.tone]
    return "text" if column == _NAME else "text_secondary"


def _tool_tip(row: Row, column: int) -> str:
    if column == _NAME:
        return "\n".join(filter(None, (row.name, row.keyword, row.creator and f"reserved by {row.creator}")))
    if column == _VALUE and row.tone == "value":
        return row.shown if len(row.value) <= len(row.shown) else row.value[:_LONGEST_TOOL_TIP]
    return ""


def line_of(row: Row) -> str:
    """Return a whole row as it is copied: its columns, values unshortened, parted by tabs."""
    return "\t".join((*(_cell(row, column) for column in range(_VALUE)), row.value))
