"""The study list: patients, studies and series with a thumbnail, searched as one types."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from viewer.imaging.image import Document, Identity, Instance, Opened
from viewer.imaging.series import Path, Series, SeriesGroup, series_order
from viewer.imaging.text_search import searchable
from viewer.widgets import icons, raster, theme
from viewer.widgets.controls import SectionLabel, SmallPrint, plain_tool_tip
from viewer.widgets.study_tree import COUNT, ICON, KEY, SEARCHED, SECOND_LINE, StudyTree

Order = tuple[float, ...]
SEPARATOR = " \N{MIDDLE DOT} "
_DOCUMENTS_LAST = (float("inf"), float("inf"))


@dataclass(eq=False)
class _Row:
    """A row that can be chosen: a series, whose ``keys`` are those of its frames, or a document."""

    item: QStandardItem
    chosen: Instance | Document
    keys: tuple[str, ...] = ()
    thumbnail: object = field(default=None, repr=False)


class _Branch:
    """A patient, a study or the root: what stands under it, kept in order.

    The root is held by the model itself, never by its ``invisibleRootItem``: Qt deletes that item without a word to Python,
    which would then take whatever comes to lie in its memory for it.
    """

    def __init__(self, holder: QStandardItem | QStandardItemModel) -> None:
        self.holder = holder
        self._orders: list[Order] = []

    def insert(self, item: QStandardItem, order: Order) -> None:
        """Put a row after those of the same or an earlier order."""
        at = bisect_right(self._orders, order)
        self._orders.insert(at, order)
        self.holder.insertRow(at, item)

    def move(self, item: QStandardItem, order: Order) -> None:
        """Put a row where another order has it; nothing happens where it has that already."""
        row = item.row()
        if self._orders[row] != order:
            del self._orders[row]
            self.holder.takeRow(row)
            self.insert(item, order)

    def remove(self, item: QStandardItem) -> None:
        """Take a row out."""
        row = item.row()
        del self._orders[row]
        # Taken, not removed: insertRow has left the item to Python, which deletes it once nothing names it.
        self.holder.takeRow(row)


class StudyList(QWidget):
    """Patient, study, series: a series is one row with its first image and their number, however many there are.

    Pictures that are not DICOM stand one row each under the folder they came from; documents stand last in their study.
    """

    instance_chosen = Signal(object)
    """Instance: the first of the series that was clicked or entered."""
    document_chosen = Signal(object)
    """Document that was clicked or entered."""

    def __init__(self) -> None:
        super().__init__()
        self._model = QStandardItemModel(self)
        self._branches: dict[tuple[str, ...], _Branch] = {(): _Branch(self._model)}
        self._rows: dict[Path, dict[str, _Row]] = {}
        self._row_of_key: dict[str, _Row] = {}
        self._images = 0
        self.search_field = QLineEdit()
        self.tree = StudyTree(self._model)
        self._count = SmallPrint(wrap=False)
        self._lay_out()
        self.search_field.textChanged.connect(self.tree.search)
        self.tree.clicked.connect(self._choose)
        self.tree.entered_by_key.connect(self._choose)

    def clear(self) -> None:
        """Forget everything."""
        self._model.clear()
        self._branches = {(): _Branch(self._model)}
        self._rows.clear()
        self._row_of_key.clear()
        self._images = 0
        self._show_count()

    def show_group(self, group: SeriesGroup) -> None:
        """Show what stands under one series now, in the place of what stood there before; an empty group goes."""
        before = self._rows.pop(group.path, {})
        current = self._current_key()
        wanted: dict[str, Series | Document] = {series.key: series for series in group.series}
        wanted |= {document.key: document for document in group.documents}
        for key in before.keys() - wanted.keys():
            self._forget(before[key])
            self._remove(_parent(group.path), before[key].item)
        if wanted:
            rows = {key: self._show(group.path, before.get(key), content) for key, content in wanted.items()}
            self._rows[group.path] = rows
        if current and self.tree.currentIndex().data(KEY) != self._key_of_row(current):
            self.set_current(current)
        self._show_count()

    def set_current(self, key: str) -> None:
        """Select the row that holds an instance or is a document; an unknown key selects nothing. Nothing is signalled."""
        row = self._row_of_key.get(key)
        if row is None:
            self.tree.clearSelection()
            self.tree.setCurrentIndex(QModelIndex())
            return
        index = row.item.index()
        self.tree.setCurrentIndex(index)
        self.tree.scrollTo(index)

    def _current_key(self) -> str:
        return str(self.tree.currentIndex().data(KEY) or "")

    def _key_of_row(self, key: str) -> str | None:
        row = self._row_of_key.get(key)
        return None if row is None else row.chosen.key

    def _lay_out(self) -> None:
        self.search_field.setPlaceholderText("Search name, ID, date")
        self.search_field.setAccessibleName("Search the study list")
        self.search_field.setClearButtonEnabled(True)
        mark = icons.icon("search", theme.DARK.text_secondary)
        self.search_field.addAction(mark, QLineEdit.ActionPosition.LeadingPosition)
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 12, 0)
        head.addWidget(SectionLabel("Studies"))
        head.addStretch(1)
        head.addWidget(self._count)
        field_row = QHBoxLayout()
        field_row.setContentsMargins(12, 0, 12, 0)
        field_row.addWidget(self.search_field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(field_row)
        tree_row = QHBoxLayout()
        tree_row.setContentsMargins(theme.GRID, 0, 0, 0)
        tree_row.addWidget(self.tree)
        column.addLayout(tree_row, 1)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "panel")
        self.setMinimumWidth(200)

    # Rows

    def _show(self, path: Path, row: _Row | None, content: Series | Document) -> _Row:
        if isinstance(content, Document):
            return row or self._add_document(path, content)
        first = content.opened[0]
        if row is None:
            row = _Row(_item(*_series_lines(content)), first.instance)
            self._insert(path, row, first.instance.identity, first.instance, series_order(content))
        else:
            self._forget(row)
            _set_lines(row.item, *_series_lines(content))
            self._branches[_parent(path)].move(row.item, series_order(content))
        row.chosen, row.keys = first.instance, tuple(opened.instance.key for opened in content.opened)
        self._row_of_key |= dict.fromkeys(row.keys, row)
        self._images += len(row.keys)
        row.item.setData(row.chosen.key, KEY)
        row.item.setData(len(row.keys), COUNT)
        _show_thumbnail(row, content.opened)
        return row

    def _add_document(self, path: Path, document: Document) -> _Row:
        row = _Row(_item(document.title, document.kind.capitalize().replace("Pdf", "PDF")), document, (document.key,))
        row.item.setData(f"document-{document.kind.replace(' ', '-')}", ICON)
        row.item.setData(document.key, KEY)
        self._insert(path, row, document.identity, None, _DOCUMENTS_LAST)
        self._row_of_key[document.key] = row
        return row

    def _insert(self, path: Path, row: _Row, identity: Identity, instance: Instance | None, order: Order) -> None:
        """Put a row where its order has it among its study's; pictures stand right under their folder."""
        above = self._branch(_parent(path), identity, instance)
        above.insert(row.item, order)
        self.tree.search_again(row.item)

    def _branch(self, path: tuple[str, ...], who: Identity, instance: Instance | None) -> _Branch:
        """Return a patient or a study, made where it is not there yet; the root for the empty path."""
        if path not in self._branches:
            above = self._branch(path[:-1], who, instance)
            item = _item(*(_patient_lines(who, instance) if len(path) == 1 else _study_lines(who)))
            above.insert(item, (0.0 if len(path) == 1 else _latest_first(who.study_date),))
            self._branches[path] = _Branch(item)
            self.tree.expand(item.index())
        return self._branches[path]

    def _forget(self, row: _Row) -> None:
        self._images -= len(row.keys) if isinstance(row.chosen, Instance) else 0
        for key in row.keys:
            self._row_of_key.pop(key, None)

    def _remove(self, parent: tuple[str, ...], item: QStandardItem) -> None:
        """Take a row out, and its study and patient once they are empty."""
        branch = self._branches[parent]
        branch.remove(item)
        if isinstance(branch.holder, QStandardItem) and not branch.holder.hasChildren():
            del self._branches[parent]
            self._remove(parent[:-1], branch.holder)

    def _show_count(self) -> None:
        documents = len(self._row_of_key) - self._images
        self._count.setText(_counted(self._images, "image") if self._images else _counted(documents, "document"))

    def _row_at(self, index: QModelIndex) -> _Row | None:
        return self._row_of_key.get(str(index.data(KEY)))

    def _choose(self, index: QModelIndex) -> None:
        row = self._row_at(index)
        if row is None:
            self.tree.setExpanded(index, not self.tree.isExpanded(index))
        elif isinstance(row.chosen, Document):
            self.document_chosen.emit(row.chosen)
        else:
            self.instance_chosen.emit(row.chosen)


def _parent(path: Path) -> tuple[str, ...]:
    """Return the path of what a row stands under: its study, or the folder of pictures."""
    return path[:1] if path[0] == path[1] else path[:2]


def _latest_first(date: str) -> float:
    digits = re.sub(r"\D", "", date)[:8]
    return -float(digits or 0)


def _counted(count: int, noun: str) -> str:
    return "" if not count else f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def _joined(*parts: str) -> str:
    return SEPARATOR.join(filter(None, parts))


def _patient_lines(who: Identity, instance: Instance | None) -> tuple[str, str]:
    if instance is not None and not instance.is_dicom:
        return instance.path.parent.name or str(instance.path.parent), "pictures without a patient"
    return who.patient_name or "No name", _joined(who.patient_id or "no ID", who.sex, who.birth_date)


def _study_lines(who: Identity) -> tuple[str, str, str]:
    accession = f"Accession {who.accession_number}" if who.accession_number else ""
    return _joined(who.study_date or "no date", who.study_description or "study"), "", accession


def _series_lines(series: Series) -> tuple[str, str, str]:
    """Return both lines of a row, and what more its tool tip says."""
    instance = series.opened[0].instance
    who = instance.identity
    if not instance.is_dicom:
        size = f"{instance.columns:,} \N{MULTIPLICATION SIGN} {instance.rows:,}"
        return instance.path.name, _joined(instance.path.suffix.lstrip(".").upper(), size), ""
    title = who.series_description or who.body_part.capitalize() or "Series"
    number = "" if who.series_number is None else f"series {who.series_number}"
    mark = "\N{WARNING SIGN}" if series.remarks else ""
    return title, _joined(mark, who.modality, who.view_position, number), "\n".join(series.remarks)


def _item(first: str, second: str, more: str = "") -> QStandardItem:
    item = QStandardItem()
    item.setEditable(False)
    _set_lines(item, first, second, more)
    return item


def _set_lines(item: QStandardItem, first: str, second: str, more: str = "") -> None:
    lines = "\n".join(filter(None, (first, second, more)))
    if item.data(Qt.ItemDataRole.AccessibleTextRole) == lines:
        return
    item.setText(first)
    item.setData(second, SECOND_LINE)
    item.setData(searchable(lines), SEARCHED)
    item.setData(lines, Qt.ItemDataRole.AccessibleTextRole)
    item.setToolTip(plain_tool_tip(lines))


def _show_thumbnail(row: _Row, frames: tuple[Opened, ...]) -> None:
    """Show the thumbnail of the first frame that has one."""
    found = next((opened.thumbnail for opened in frames if opened.thumbnail is not None), None)
    if found is not None and found is not row.thumbnail:
        row.thumbnail = found
        row.item.setData(QPixmap.fromImage(raster.to_image(found)), Qt.ItemDataRole.DecorationRole)
