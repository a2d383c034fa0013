"""The window in which a model is trained: what is asked on the left, how it goes and what came of it on the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from viewer.imaging.image import RESEARCH_NOTICE
from viewer.training import FilmsFound, TrainedModel, TrainingProgress
from viewer.widgets import theme
from viewer.widgets.controls import Hairline, Notice, PlainLabel, SmallPrint, button, plain_tool_tip
from viewer.widgets.training_curves import TrainingCurves
from viewer.widgets.training_form import TrainingForm
from viewer.widgets.training_outcome import TrainingOutcome

FORM_PX = 400
MARGIN = 3 * theme.GRID
HOW_IT_GOES = (
    "Several networks are trained, each without a part of the patients. Each then reads the films of the patients it never "
    "saw: their answers, all together, tell what the model is worth. The model is kept on this machine and stands in the list "
    "of models when it is whole.\n\n"
    "The window can be closed meanwhile, and films can be read. A training that is stopped is taken up where it was."
)
RUNNING = "A model is being trained already; one at a time."
STOPPING = "Stopping after the epoch under way. What is finished is kept."
STOPPED = "Stopped. What is finished is kept: with the same films, recipe, epochs and name, Start goes on from there."
FAILED = "The training has stopped"
START_TIP = "Train a model from these films (Enter)"
CANCEL_TIP = "Stop after the epoch under way; what is finished is kept, and Start goes on from there"


class TrainingWindow(QDialog):
    """Every signal is a gesture of the user; one training at a time."""

    folder_requested = Signal()
    table_requested = Signal()
    data_dropped = Signal(object)
    """Path of a folder or a table."""
    start_requested = Signal(object)
    """TrainingRequest."""
    cancel_requested = Signal()
    report_requested = Signal()
    read_requested = Signal()

    def __init__(
        self,
        name_fault: Callable[[str], str],
        suggested_name: Callable[[str], str],
        replaces: Callable[[str], bool],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._replaces = replaces
        self.is_running = False
        self._is_stopping = False
        self._network = 0
        self._failure = ""
        self.form = TrainingForm(name_fault, suggested_name)
        self._doing = PlainLabel()
        self.progress_bar = QProgressBar()
        self._notices = QVBoxLayout()
        self.curves = TrainingCurves()
        self.outcome = TrainingOutcome()
        self._how = PlainLabel(HOW_IT_GOES, "secondary")
        self._pages = QStackedWidget()
        self.why = SmallPrint()
        self.start_button = button("Start training", role="primary")
        self.cancel_button = button("Cancel training")
        self.close_button = button("Close")
        self.setWindowTitle("Train a model")
        self.setModal(False)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._refresh()

    # What is shown

    def show_films(self, found: FilmsFound, device: str) -> None:
        """Show the films that were found and what they can be trained with."""
        self.form.show_films(found, device)

    def show_running(self) -> None:
        """Show that a training has begun."""
        self.is_running, self._is_stopping, self._network = True, False, 0
        self._show_page(self.curves)
        self.curves.clear(1)
        self._say("Preparing", 0.0)
        self._refresh()

    def show_progress(self, progress: TrainingProgress) -> None:
        """Say how far the training is and draw the epoch that was finished."""
        if progress.network and progress.network != self._network:
            self._network = progress.network
            self.curves.clear(progress.epochs)
        if progress.point is not None:
            self.curves.add(progress.point, progress.epochs)
        if not self._is_stopping:
            self._say(progress.sentence(), progress.fraction)

    def show_stopped(self) -> None:
        """Show that the training has been cancelled."""
        self._end()
        self._say(STOPPED, None)

    def show_failure(self, sentence: str) -> None:
        """Show why the training came to nothing."""
        self._end()
        self._say("", None)
        self._failure = sentence
        self._notices.addWidget(Notice("refused", sentence, FAILED))

    def show_model(self, model: TrainedModel) -> None:
        """Show the model that was trained."""
        self._end()
        self._say("", None)
        self.outcome.show_model(model)
        self._show_page(self.outcome)
        self._refresh()
        self.outcome.read_button.setDefault(True)
        self.outcome.read_button.setFocus()

    def failure(self) -> str:
        """Return why the last training came to nothing; "" where it did not."""
        return self._failure

    def doing(self) -> str:
        """Return what is said to be done now."""
        return self._doing.text()

    def _end(self) -> None:
        self.is_running = self._is_stopping = False
        if self.curves.is_empty():
            self._show_page(self._how)
        self._refresh()

    def _say(self, text: str, fraction: float | None) -> None:
        self._doing.setText(text)
        self._doing.setVisible(bool(text))
        self.progress_bar.setVisible(fraction is not None)
        self.progress_bar.setValue(round(1000 * (fraction or 0.0)))
        self.progress_bar.setAccessibleDescription(text)

    def _show_page(self, page: QWidget) -> None:
        while item := self._notices.takeAt(0):
            if notice := item.widget():
                notice.hide()
                notice.deleteLater()
        self._failure = ""
        self._pages.setCurrentWidget(page)

    def _refresh(self) -> None:
        fault = RUNNING if self.is_running else self.form.fault()
        self.form.set_asking(not self.is_running)
        self.start_button.setEnabled(not fault)
        # One button at a time calls for the hand: beside a new model, that is to read with it.
        calls = self._pages.currentWidget() is not self.outcome
        self.start_button.setDefault(calls and not fault)
        self.start_button.setProperty("role", "primary" if calls else "")
        self.start_button.style().polish(self.start_button)
        self.start_button.setToolTip(plain_tool_tip(fault or START_TIP))
        self.cancel_button.setEnabled(self.is_running and not self._is_stopping)
        self.cancel_button.setToolTip(CANCEL_TIP if self.is_running else "Nothing is being trained.")
        self.why.setText("" if self.is_running else fault)

    # Hands

    def _start(self) -> None:
        request = self.form.request()
        if request is None:
            return
        if not self._replaces(request.name):
            self.start_requested.emit(request)
            return
        box = self._question(
            f"You have a model called {request.name} already. When the training has ended, the new one takes its place.",
        )
        box.addButton("Train and replace it", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton("Go back", QMessageBox.ButtonRole.RejectRole))
        box.accepted.connect(self._start_all_the_same)
        box.open()

    def _start_all_the_same(self) -> None:
        request = self.form.request()
        if request is not None:
            self.start_requested.emit(request)

    def _cancel(self) -> None:
        self._is_stopping = True
        self._doing.setText(STOPPING)
        self._refresh()
        self.cancel_requested.emit()

    def _ask_before_closing(self) -> None:
        box = self._question("A model is being trained. Shall the training go on while this window is closed?")
        keep = box.addButton("Keep training", QMessageBox.ButtonRole.AcceptRole)
        stop = box.addButton("Stop training", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Go back", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        keep.clicked.connect(self._hide)
        stop.clicked.connect(self._stop_and_hide)
        box.open()

    def _stop_and_hide(self) -> None:
        if self.is_running and not self._is_stopping:
            self._cancel()
        self._hide()

    def _hide(self) -> None:
        super().reject()

    def _question(self, sentence: str) -> QMessageBox:
        box = QMessageBox(QMessageBox.Icon.Question, "Hilum", sentence, QMessageBox.StandardButton.NoButton, self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return box

    def reject(self) -> None:
        """Close, by Escape or the window's own button; while a training runs, ask first."""
        if self.is_running and not self._is_stopping:
            self._ask_before_closing()
        else:
            self._hide()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event) is not None and not self.is_running:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.data_dropped.emit(path)

    # Building

    def _connect(self) -> None:
        self.form.changed.connect(self._refresh)
        self.form.folder_requested.connect(self.folder_requested)
        self.form.table_requested.connect(self.table_requested)
        self.outcome.report_requested.connect(self.report_requested)
        self.outcome.read_requested.connect(self.read_requested)
        self.start_button.clicked.connect(self._start)
        self.cancel_button.clicked.connect(self._cancel)
        self.close_button.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        columns = QHBoxLayout()
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(self._left())
        columns.addLayout(self._right(), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(columns, 1)
        column.addWidget(Hairline())
        column.addLayout(self._bottom())
        self.setMinimumSize(820, 520)
        self.resize(1000, 660)

    def _left(self) -> QScrollArea:
        inside = QWidget()
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(MARGIN, 20, MARGIN, 16)
        inner.addWidget(self.form)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFixedWidth(FORM_PX)
        scroll.setWidget(inside)
        return scroll

    def _right(self) -> QVBoxLayout:
        self.progress_bar.setRange(0, 1000)
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setAccessibleName("The whole training")
        self.progress_bar.hide()
        self._how.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._doing.hide()
        self._pages.addWidget(self._how)
        self._pages.addWidget(self.curves)
        self._pages.addWidget(self.outcome)
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, 20, MARGIN, 16)
        column.setSpacing(12)
        column.addWidget(self._doing)
        column.addWidget(self.progress_bar)
        column.addLayout(self._notices)
        column.addWidget(self._pages, 1)
        return column

    def _bottom(self) -> QVBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.why, 1)
        for each in (self.close_button, self.cancel_button, self.start_button):
            row.addWidget(each)
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, 12, MARGIN, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(SmallPrint(RESEARCH_NOTICE))
        return column


def _dropped(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """Return the one folder or table that is dropped; None for anything else."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.is_dir() or path.suffix.lower() == ".csv" else None
