"""The shortcut audit: changes that should not matter, or that take the lungs away, and what each does to the answer."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QCheckBox, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from viewer.reading import Audit, AuditLine
from viewer.widgets import theme
from viewer.widgets.controls import Notice, SmallPrint, button
from viewer.widgets.probability_bars import number

ROW_PX = 36
TEXT_PX = 18
BAR_PX = 5
EXPLANATION = "Reads the film seven times, changed each time, and says whether the answer rests on something beside the lungs."


class AuditView(QWidget):
    """A button, then one line a change, then the verdict."""

    audit_requested = Signal()
    lungs_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._explanation = SmallPrint(EXPLANATION)
        self.audit_button = button("Audit this answer")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._doing = SmallPrint()
        self._subject = SmallPrint(tone="")
        self.lines = _Lines()
        self._verdict_place = QVBoxLayout()
        self.lungs_box = QCheckBox("Lungs on the film")
        self.lungs_box.setToolTip("Draws the lungs that were found, by a network of our own, on the film")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._explanation, self.audit_button, self._doing, self._progress, self._subject, self.lines):
            column.addWidget(widget)
        column.addLayout(self._verdict_place)
        column.addWidget(self.lungs_box)
        self.audit_button.clicked.connect(self.audit_requested)
        self.lungs_box.toggled.connect(self.lungs_toggled)
        self.show_audit(None)

    def show_running(self) -> None:
        """Say that the audit has been asked for."""
        self._explanation.hide()
        self.audit_button.hide()
        self._progress.show()
        self._doing.show()
        self.show_progress("Waiting for the second reader", 0.0)

    def show_progress(self, text: str, fraction: float) -> None:
        """Say what is being done and how far it is, 0 to 1."""
        self._doing.setText(text)
        self._progress.setRange(0, 1000)
        self._progress.setValue(round(1000 * fraction))

    def show_failure(self, sentence: str) -> None:
        """Say why there is no audit, and offer it again."""
        self.show_audit(None)
        self._verdict_place.addWidget(Notice("warning", sentence))

    def show_audit(self, audit: Audit | None, title: str = "") -> None:
        """Show an audit as far as it goes; None offers one. ``title`` names the class whose probability is followed."""
        self._explanation.setVisible(audit is None)
        self.audit_button.setVisible(audit is None)
        for widget in (self._progress, self._doing):
            widget.setVisible(audit is not None and not audit.complete)
        self._subject.setVisible(audit is not None)
        self.lines.setVisible(audit is not None)
        self.lungs_box.setVisible(audit is not None and audit.lungs is not None)
        while item := self._verdict_place.takeAt(0):
            if notice := item.widget():
                notice.hide()
                notice.deleteLater()
        if audit is None:
            self.lungs_box.setChecked(False)
            return
        self._subject.setText(f"Probability of {title or audit.shown}, before and after")
        self.lines.show_lines(audit.lines)
        if audit.complete:
            self._verdict_place.addWidget(Notice("warning" if audit.flags else "quiet", audit.sentence, "Verdict"))


class _Lines(QWidget):
    """One row a change: its title, both numbers, and on a bar the way from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[AuditLine, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_lines(self, lines: tuple[AuditLine, ...]) -> None:
        """Show other lines."""
        self._lines = lines
        self.setAccessibleName("Shortcut audit")
        self.setAccessibleDescription("; ".join(sentence(line) for line in lines))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, len(self._lines) * ROW_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, line in enumerate(self._lines):
            self._draw(painter, line, index * ROW_PX)

    def _draw(self, painter: QPainter, line: AuditLine, top: int) -> None:
        row = QRect(0, top, self.width(), TEXT_PX)
        numbers = f"{number(line.before)} \N{RIGHTWARDS ARROW} {number(line.after)}"
        painter.setFont(theme.number_font(theme.SMALL_PX))
        painter.setPen(theme.color("text"))
        painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, numbers)
        room = row.width() - painter.fontMetrics().horizontalAdvance(numbers) - 8
        painter.setFont(theme.small_font())
        shown = painter.fontMetrics().elidedText(line.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        self._draw_way(painter, line, QRectF(0, top + TEXT_PX + 4, self.width(), BAR_PX))

    def _draw_way(self, painter: QPainter, line: AuditLine, bar: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("control"))
        painter.drawRoundedRect(bar, 2, 2)
        start, end = (bar.x() + bar.width() * value for value in (line.before, line.after))
        painter.fillRect(QRectF(min(start, end), bar.y(), abs(end - start), bar.height()), theme.color("accent_quiet"))
        painter.setPen(QPen(theme.color("text_secondary"), 1.5))
        painter.drawLine(QPointF(start, bar.top() - 2), QPointF(start, bar.bottom() + 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent"))
        middle, reach = bar.center().y(), 4.5
        painter.drawPolygon(
            QPolygonF([QPointF(end - reach, middle), QPointF(end, middle - reach), QPointF(end + reach, middle),
                       QPointF(end, middle + reach)])
        )  # fmt: skip


def sentence(line: AuditLine) -> str:
    """Return one line in words: "Mirrored left to right: from 0.81 to 0.77"."""
    return f"{line.title}: from {number(line.before)} to {number(line.after)}"
