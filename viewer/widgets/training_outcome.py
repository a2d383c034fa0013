"""What came of a training: the model's name, what it is worth, its confusion matrix, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from viewer.training import TrainedModel
from viewer.widgets import theme
from viewer.widgets.confusion_matrix import ConfusionMatrixView
from viewer.widgets.controls import PlainLabel, SectionLabel, SmallPrint, button

NO_REPORT = "This run has left no report."


class TrainingOutcome(QWidget):
    """A finished model; the signals are what its reader wants next."""

    report_requested = Signal()
    read_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title = PlainLabel()
        self._title.setFont(theme.title_font(16))
        self._accuracy = PlainLabel(selectable=True)
        self._accuracy.setFont(theme.number_font(theme.BODY_PX + 1))
        self.matrix = ConfusionMatrixView()
        self._provenance = SmallPrint()
        self.report_button = button("Open report", "report")
        self.read_button = button("Read with this model", "model", "primary")
        self.report_button.clicked.connect(self.report_requested)
        self.read_button.clicked.connect(self.read_requested)
        self.read_button.setToolTip("Choose this model for the second reader and read the film on screen with it")
        self._lay_out()

    def show_model(self, model: TrainedModel) -> None:
        """Show another model."""
        self._title.setText(f"{model.title} is trained and stands in the list of models")
        self._accuracy.setText(f"{model.accuracy}.")
        self.matrix.show_matrix(model.matrix, "")
        self._provenance.setText(model.matrix.provenance)
        self._provenance.setVisible(bool(model.matrix.provenance))
        self.report_button.setEnabled(model.report is not None)
        self.report_button.setToolTip(
            NO_REPORT if model.report is None else "Curves, confusion matrix and calibration of this training, in the browser"
        )

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.report_button)
        buttons.addWidget(self.read_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._title)
        column.addWidget(self._accuracy)
        column.addWidget(SectionLabel("On held-out films"))
        column.addWidget(self.matrix)
        column.addWidget(self._provenance)
        column.addLayout(buttons)
        column.addStretch(1)
