"""The study list: patients, studies and series with a thumbnail, searched as one types."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from viewer.imaging.image import Instance, Opened
from viewer.widgets import icons, raster, theme
from viewer.widgets.controls import SectionLabel, SmallPrint, plain_tool_tip
from viewer.widgets.study_tree import COUNT, SEARCHED, SECOND_LINE, StudyTree, searchable

Path = tuple[str, ...]
SEPARATOR = " \N{MIDDLE DOT} "


@dataclass
class _Series:
    """What a row stands for: its frames by key, and which of them is shown."""

    item: QStandardItem
    frames: dict[str, Opened] = field(default_factory=dict)
    shown: Opened | None = None


class StudyList(QWidget):
    """Patient, study, series: a series is one row with its first image and their number, however many there are.

    Pictures that are not DICOM stand one row each under the folder they came from.
    """

    instance_chosen = Signal(object)
    """Instance: the first of the series that was clicked or entered."""

    def __init__(self) -> None:
        super().__init__()
        self._model = QStandardItemModel(self)
        self._groups: dict[Path, QStandardItem] = {}
        self._series: dict[Path, _Series] = {}
        self._path_of_key: dict[str, Path] = {}
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
        self._groups.clear()
        self._series.clear()
        self._path_of_key.clear()
        self._show_count()

    def add(self, opened: Opened) -> None:
        """Add one frame to its series; costs the same however many are there."""
        path, key = _path(opened.instance), opened.instance.key
        if self._path_of_key.get(key, path) != path:
            self.remove(key)
        series = self._series.get(path) or self._make_series(path, opened.instance)
        series.frames[key] = opened
        self._path_of_key[key] = path
        if series.shown is None or _order(opened) <= _order(series.shown):
            _show_first(series, opened)
        series.item.setData(len(series.frames), COUNT)
        self._show_count()

    def set_current(self, key: str) -> None:
        """Select the row that holds an instance; an unknown key selects nothing. Nothing is signalled."""
        path = self._path_of_key.get(key)
        if path is None:
            self.tree.clearSelection()
            return
        index = self._series[path].item.index()
        self.tree.setCurrentIndex(index)
        self.tree.scrollTo(index)

    def remove(self, key: str) -> None:
        """Take one frame out, and its series, study and patient once they are empty."""
        path = self._path_of_key.pop(key, None)
        if path is None:
            return
        series = self._series[path]
        del series.frames[key]
        if series.frames:
            _show_first(series, min(series.frames.values(), key=_order))
            series.item.setData(len(series.frames), COUNT)
        else:
            del self._series[path]
            self._remove_row(path, series.item)
        self._show_count()

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

    def _make_series(self, path: Path, instance: Instance) -> _Series:
        parent = self._model.invisibleRootItem()
        for depth in range(1, len(path)):
            parent = self._group(path[:depth], parent, instance)
        item = _row(*_series_lines(instance))
        parent.appendRow(item)
        self._series[path] = _Series(item)
        self.tree.search_again(item)
        return self._series[path]

    def _group(self, path: Path, parent: QStandardItem, instance: Instance) -> QStandardItem:
        if path not in self._groups:
            lines = _patient_lines(instance) if len(path) == 1 else _study_lines(instance)
            item = _row(*lines)
            parent.appendRow(item)
            self._groups[path] = item
            self.tree.expand(item.index())
        return self._groups[path]

    def _remove_row(self, path: Path, item: QStandardItem) -> None:
        self._model.removeRow(item.row(), item.index().parent())
        above = path[:-1]
        if above and not self._groups[above].hasChildren():
            self._remove_row(above, self._groups.pop(above))

    def _show_count(self) -> None:
        images = len(self._path_of_key)
        self._count.setText("" if not images else "1 image" if images == 1 else f"{images:,} images")

    def _choose(self, index: QModelIndex) -> None:
        series = next((each for each in self._series.values() if each.item.index() == index), None)
        if series is not None and series.shown is not None:
            self.instance_chosen.emit(series.shown.instance)
        else:
            self.tree.setExpanded(index, not self.tree.isExpanded(index))


def _path(instance: Instance) -> Path:
    """Return patient, study and series of a frame, told apart as in ``viewer.imaging.series``."""
    who = instance.identity
    if not instance.is_dicom:
        return f"folder {instance.path.parent}", str(instance.path)
    study = who.study_uid or str(instance.path.parent)
    is_named = who.patient_id or who.patient_name
    patient = f"patient {who.patient_id}\n{who.patient_name}" if is_named else f"study {study}"
    if not who.series_uid:
        return patient, study, str(instance.path)
    plane = ",".join(f"{cosine:.2f}" for cosine in instance.orientation or ())
    return patient, study, f"{who.series_uid} {plane} {instance.rows}x{instance.columns}" if plane else who.series_uid


def _order(opened: Opened) -> tuple[int, int, str]:
    number = opened.instance.identity.instance_number
    return (1 << 31 if number is None else number, opened.instance.frame, opened.instance.key)


def _joined(*parts: str) -> str:
    return SEPARATOR.join(filter(None, parts))


def _patient_lines(instance: Instance) -> tuple[str, str]:
    who = instance.identity
    if not instance.is_dicom:
        return instance.path.parent.name or str(instance.path.parent), "pictures without a patient"
    return who.patient_name or "No name", _joined(who.patient_id or "no ID", who.sex, who.birth_date)


def _study_lines(instance: Instance) -> tuple[str, str]:
    who = instance.identity
    return _joined(who.study_date or "no date", who.study_description or "study"), ""


def _series_lines(instance: Instance) -> tuple[str, str]:
    who = instance.identity
    if not instance.is_dicom:
        size = f"{instance.columns:,} \N{MULTIPLICATION SIGN} {instance.rows:,}"
        return instance.path.name, _joined(instance.path.suffix.lstrip(".").upper(), size)
    title = who.series_description or who.body_part.capitalize() or "Series"
    number = "" if who.series_number is None else f"series {who.series_number}"
    return title, _joined(who.modality, who.view_position, number)


def _row(first: str, second: str) -> QStandardItem:
    item = QStandardItem(first)
    item.setEditable(False)
    item.setData(second, SECOND_LINE)
    item.setData(searchable(f"{first} {second}"), SEARCHED)
    item.setData("\n".join(filter(None, (first, second))), Qt.ItemDataRole.AccessibleTextRole)
    item.setToolTip(plain_tool_tip("\n".join(filter(None, (first, second)))))
    return item


def _show_first(series: _Series, opened: Opened) -> None:
    if series.shown is not opened:
        series.shown = opened
        picture = QPixmap.fromImage(raster.to_image(opened.thumbnail))
        series.item.setData(picture, Qt.ItemDataRole.DecorationRole)
