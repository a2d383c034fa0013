"""The tree inside the study list: how its rows look, and the search over them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCursor, QFont, QKeyEvent, QPainter, QPaintEvent, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from viewer.imaging.text_search import searchable
from viewer.widgets import icons, theme

THUMBNAIL_PX = 48
DOCUMENT_PX = 24
EMPTY = "Nothing is open yet.\n\nDrop films or folders anywhere in the window."
NO_MATCH = "Nothing that is open matches the search."

SECOND_LINE = Qt.ItemDataRole.UserRole + 1
COUNT = Qt.ItemDataRole.UserRole + 2
"""Images of a series; absent on patients and studies."""
SEARCHED = Qt.ItemDataRole.UserRole + 3
ICON = Qt.ItemDataRole.UserRole + 4
"""Name of the icon of a document; absent on everything else."""

KEY = Qt.ItemDataRole.UserRole + 5
"""Key of what a row chooses, an instance or a document; absent on patients and studies."""

Index = QModelIndex | QPersistentModelIndex


class StudyTree(QTreeView):
    """Rows of two lines with thumbnails; Enter chooses a row, typing in the search field hides the others."""

    entered_by_key = Signal(QModelIndex)

    def __init__(self, model: QStandardItemModel) -> None:
        super().__init__()
        self._items = model
        self._wanted: tuple[str, ...] = ()
        self.setModel(model)
        self.setItemDelegate(_Rows(self))
        self.setHeaderHidden(True)
        self.setIndentation(14)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setExpandsOnDoubleClick(False)
        self.setAccessibleName("Studies")

    def search(self, text: str) -> None:
        """Hide what does not have every word in itself and what it stands under, nor in what stands under it."""
        self._wanted = tuple(searchable(text).split())
        for row in range(self._items.rowCount()):
            self._filter(self._items.item(row), "")
        self.viewport().update()

    def search_again(self, item: QStandardItem) -> None:
        """Search the patient under whom a row has just been added."""
        if self._wanted:
            while item.index().parent().isValid():
                item = item.parent()
            self._filter(item, "")

    def _filter(self, item: QStandardItem, above: str) -> bool:
        text = f"{above}\n{item.data(SEARCHED)}"
        below = [self._filter(item.child(row), text) for row in range(item.rowCount())]
        is_kept = any(below) or all(word in text for word in self._wanted)
        self.setRowHidden(item.row(), item.index().parent(), not is_kept)
        return is_kept

    def _has_rows(self) -> bool:
        return any(not self.isRowHidden(row, QModelIndex()) for row in range(self._items.rowCount()))

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the ground of a whole row, its chevron included, so that a chosen row is one piece."""
        is_chosen = self.selectionModel().isSelected(index)
        is_hovered = index == self.indexAt(self.viewport().mapFromGlobal(QCursor.pos())) and self.underMouse()
        if not is_chosen and not is_hovered:
            return
        box = QRectF(option.rect.adjusted(0, 1, -4, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("accent") if is_chosen and self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_surface" if is_chosen else "raised"))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self._draw_ground(painter, option, index)
        super().drawRow(painter, option, index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.entered_by_key.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._has_rows():
            painter = QPainter(self.viewport())
            painter.setPen(theme.color("text_secondary"))
            box = self.viewport().rect().adjusted(4, 12, -12, -12)
            text = NO_MATCH if self._items.rowCount() else EMPTY
            painter.drawText(box, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, text)


class _Rows(QStyledItemDelegate):
    """Draws a patient in two lines, a study in one, a series beside its thumbnail."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        if index.data(COUNT) is not None or index.data(ICON):
            return QSize(120, THUMBNAIL_PX + 10)
        return QSize(120, 44 if index.data(SECOND_LINE) else 28)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = option.rect.adjusted(4, 0, -10, 0)
        if index.data(COUNT) is not None:
            box = self._draw_series(painter, box, index)
        elif index.data(ICON):
            box = self._draw_document(painter, box, index)
        is_patient = not index.parent().isValid()
        self._draw_lines(painter, box, index, is_patient)
        painter.restore()

    def _draw_series(self, painter: QPainter, box: QRect, index: Index) -> QRect:
        """Draw the thumbnail, moved to where a chevron would be, and the count; return what is left for the text."""
        box = box.adjusted(-12, 0, 0, 0)
        frame = QRect(box.x(), box.y() + 5, THUMBNAIL_PX, THUMBNAIL_PX)
        painter.fillRect(frame, theme.color("canvas"))
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(picture, QPixmap):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(frame.topLeft(), size)
            target.moveCenter(frame.center())
            painter.drawPixmap(target, picture)
        painter.setFont(theme.small_font())
        painter.setPen(theme.color("text_secondary"))
        count = f"{index.data(COUNT):,}"
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, count)
        return box.adjusted(THUMBNAIL_PX + 10, 0, -painter.fontMetrics().horizontalAdvance(count) - 8, 0)

    def _draw_document(self, painter: QPainter, box: QRect, index: Index) -> QRect:
        """Draw the icon of a document where a series has its thumbnail; return what is left for the text."""
        box = box.adjusted(-12, 0, 0, 0)
        frame = QRect(box.x(), box.y() + 5, THUMBNAIL_PX, THUMBNAIL_PX)
        painter.fillRect(frame, theme.color("raised"))
        drawn = icons.pixmap(index.data(ICON), DOCUMENT_PX, painter.device().devicePixelRatioF(), theme.DARK.text_secondary)
        at = QRect(0, 0, DOCUMENT_PX, DOCUMENT_PX)
        at.moveCenter(frame.center())
        painter.drawPixmap(at, drawn)
        return box.adjusted(THUMBNAIL_PX + 10, 0, 0, 0)

    def _draw_lines(self, painter: QPainter, box: QRect, index: Index, is_patient: bool) -> None:
        second = index.data(SECOND_LINE)
        middle = box.center().y()
        weight = QFont.Weight.DemiBold if is_patient else QFont.Weight.Normal
        first_box = QRect(box.x(), middle - 18, box.width(), 18) if second else box
        is_study = not is_patient and index.data(COUNT) is None and not index.data(ICON)
        ink = "text_secondary" if is_study else "text"
        font = theme.small_font() if is_study else theme.number_font(theme.BODY_PX, weight)
        _draw_elided(painter, first_box, index.data(Qt.ItemDataRole.DisplayRole), font, ink)
        if second:
            second_box = QRect(box.x(), middle + 1, box.width(), 17)
            _draw_elided(painter, second_box, second, theme.small_font(), "text_secondary")


def _draw_elided(painter: QPainter, box: QRect, text: str, font: QFont, ink: str) -> None:
    painter.setFont(font)
    painter.setPen(theme.color(ink))
    shown = painter.fontMetrics().elidedText(text.replace("\n", " "), Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
