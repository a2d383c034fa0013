"""What is asked before a training: the films, the recipe, how long, on what, and the name of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from viewer.training import ClassCount, FilmsFound, RecipeChoice, TrainingRequest
from viewer.widgets import theme
from viewer.widgets.controls import (
    CalmComboBox,
    ElidedLabel,
    Notice,
    PlainLabel,
    SectionLabel,
    SmallPrint,
    button,
    plain_tool_tip,
)

MOST_EPOCHS = 1000
NOTES_SHOWN = 3
NO_FILMS = (
    "Choose a folder that holds one folder of films for each class, or a table (CSV) that lists them, or drop it here. "
    "Films of one patient are kept together."
)
LOOKING = "The films are being looked at."
CHOOSE_FIRST = "Choose films first."
DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "Graphics processor (CUDA)"}
NO_CUDA = "This machine has no graphics processor that can be used (CUDA)."


class TrainingForm(QWidget):
    """Films first, then what they allow; ``request`` is what is asked for, ``fault`` why it cannot be started yet."""

    changed = Signal()
    """Something that decides whether a training can be started."""
    folder_requested = Signal()
    table_requested = Signal()

    def __init__(self, name_fault: Callable[[str], str], suggested_name: Callable[[str], str]) -> None:
        super().__init__()
        self._name_fault, self._suggested_name = name_fault, suggested_name
        self._found: FilmsFound | None = None
        self._failed = ""
        self._epochs_chosen = False
        self.folder_button = button("Folder...", "open-folder")
        self.table_button = button("Table (CSV)...", "open")
        self._place = ElidedLabel(small=True)
        self._said = PlainLabel(NO_FILMS, "secondary")
        self._failure = QVBoxLayout()
        self.classes = ClassTable()
        self._notes = SmallPrint(selectable=True)
        self.recipe_selector = CalmComboBox()
        self._about = SmallPrint()
        self.epochs_field = CalmSpinBox()
        self._own_epochs = SmallPrint()
        self.device_selector = CalmComboBox()
        self.name_field = QLineEdit()
        self._name_said = SmallPrint()
        self._lay_out()
        self._connect()
        self.show_nothing()

    # What is shown

    def show_nothing(self) -> None:
        """Ask for films."""
        self._take(None, NO_FILMS, "secondary")

    def show_looking(self, data: Path) -> None:
        """Say that the films at a place are being looked at."""
        self._show_place(data)
        self._take(None, LOOKING, "secondary")

    def show_step(self, text: str) -> None:
        """Say what is being done with the films that were chosen."""
        self._said.setText(f"{text} ...")

    def show_fault(self, sentence: str) -> None:
        """Say why nothing can be trained from what was chosen."""
        self._take(None, "", "")
        self._failed = sentence
        self._failure.addWidget(Notice("refused", sentence))

    def failure(self) -> str:
        """Return why the films that were chosen cannot be used; "" where they can."""
        return self._failed

    def show_films(self, found: FilmsFound, device: str) -> None:
        """Show what was found and offer what fits it; ``device`` is the one that is chosen where it is there."""
        self._show_place(found.data)
        self._take(found, "", "")
        self._offer_devices(found.devices, device)
        if not self.name_field.isModified():
            self.name_field.setText(self._suggested_name(found.data.stem))
        self._show_recipe()

    def set_asking(self, is_asking: bool) -> None:
        """Take answers, or leave all as it is while a training runs."""
        has_films = self._found is not None
        always: tuple[QWidget, ...] = (self.folder_button, self.table_button, self.name_field)
        with_films: tuple[QWidget, ...] = (self.recipe_selector, self.epochs_field, self.device_selector)
        for control in always:
            control.setEnabled(is_asking)
        for control in with_films:
            control.setEnabled(is_asking and has_films)
            control.setToolTip("" if is_asking and has_films else _reason(is_asking))
        if self._found is not None and "cuda" not in self._found.devices and is_asking:
            self.device_selector.setToolTip(NO_CUDA)
        self.folder_button.setToolTip("A folder that holds one folder of films for each class" if is_asking else _reason(False))
        self.table_button.setToolTip(
            "A table with the columns file, sha256, label, split and patient" if is_asking else _reason(False)
        )

    # What is asked for

    def fault(self) -> str:
        """Return why no training can be started with these answers, in a sentence; "" where one can."""
        if self._found is None:
            return CHOOSE_FIRST
        return self._found.fault(self._recipe()) or self._name_fault(self.name_field.text().strip())

    def request(self) -> TrainingRequest | None:
        """Return what is asked for, or None where it cannot be started."""
        recipe = self._recipe()
        if self._found is None or recipe is None or self.fault():
            return None
        epochs = self.epochs_field.value()
        return TrainingRequest(
            self.name_field.text().strip(),
            recipe.name,
            self._found.data,
            None if epochs == recipe.epochs else epochs,
            str(self.device_selector.currentData()),
        )

    def _recipe(self) -> RecipeChoice | None:
        return self._found.recipe(self.recipe_selector.currentData() or "") if self._found else None

    # Within

    def _take(self, found: FilmsFound | None, said: str, tone: str) -> None:
        self._found, self._failed = found, ""
        while item := self._failure.takeAt(0):
            if notice := item.widget():
                notice.hide()
                notice.deleteLater()
        self._said.setText(said)
        self._said.setVisible(bool(said))
        self.classes.show_classes(found.classes if found else (), found.patients if found else 0)
        notes = found.notes if found else ()
        self._notes.setText(notes_text(notes))
        self._notes.setToolTip(plain_tool_tip("\n".join(notes[:40])))
        self._notes.setVisible(bool(notes))
        self.recipe_selector.clear()
        for recipe in found.recipes if found else ():
            self.recipe_selector.addItem(recipe.title, recipe.name)
            index = self.recipe_selector.count() - 1
            self.recipe_selector.setItemData(index, plain_tool_tip(recipe.about), Qt.ItemDataRole.ToolTipRole)
        choices = self.recipe_selector.view()
        choices.setMinimumWidth(choices.sizeHintForColumn(0) + 32)
        self._epochs_chosen = False
        self.set_asking(True)
        self._show_recipe()

    def _show_place(self, data: Path) -> None:
        self._place.setText(str(data))
        self._place.setToolTip(plain_tool_tip(str(data)))
        self._place.show()

    def _offer_devices(self, devices: Sequence[str], wanted: str) -> None:
        chosen = self.device_selector.currentData() if self.device_selector.count() > 1 else wanted
        self.device_selector.clear()
        for name in devices:
            self.device_selector.addItem(DEVICES[name], name)
        self.device_selector.setCurrentIndex(max(self.device_selector.findData(chosen), 0))

    def _show_recipe(self) -> None:
        recipe = self._recipe()
        self._about.setText(recipe.about if recipe else "")
        self._about.setVisible(recipe is not None)
        if recipe is None:
            self.epochs_field.clear()
        elif not self._epochs_chosen:
            self.epochs_field.blockSignals(True)
            self.epochs_field.setValue(recipe.epochs)
            self.epochs_field.blockSignals(False)
        self._tell()

    def _choose_epochs(self) -> None:
        self._epochs_chosen = True
        self._tell()

    def _tell(self) -> None:
        recipe = self._recipe()
        is_own = recipe is not None and self.epochs_field.value() == recipe.epochs
        self._own_epochs.setText("for each network" if recipe is None or is_own else f"the recipe's own: {recipe.epochs}")
        name = self.name_field.text().strip()
        fault = self._name_fault(name) if name or self._found else ""
        self._name_said.setText(fault or "As it will stand in the list of models.")
        self._name_said.setProperty("tone", "refused" if fault else "secondary")
        self._name_said.style().polish(self._name_said)
        self.changed.emit()

    def _connect(self) -> None:
        self.folder_button.clicked.connect(self.folder_requested)
        self.table_button.clicked.connect(self.table_requested)
        self.recipe_selector.currentIndexChanged.connect(self._show_recipe)
        self.epochs_field.valueChanged.connect(self._choose_epochs)
        self.name_field.textChanged.connect(self._tell)

    def _lay_out(self) -> None:
        self.epochs_field.setRange(1, MOST_EPOCHS)
        self.epochs_field.setMinimumWidth(88)
        self.name_field.setMaxLength(64)
        self._place.hide()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.folder_button)
        buttons.addWidget(self.table_button)
        buttons.addStretch(1)
        epochs = QHBoxLayout()
        epochs.setSpacing(8)
        epochs.addWidget(self.epochs_field)
        epochs.addWidget(self._own_epochs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(SectionLabel("Films"))
        column.addLayout(buttons)
        for widget in (self._place, self._said):
            column.addWidget(widget)
        column.addLayout(self._failure)
        column.addWidget(self.classes)
        column.addWidget(self._notes)
        column.addSpacing(8)
        column.addWidget(SectionLabel("Training"))
        column.addLayout(self._answers(epochs))
        column.addStretch(1)

    def _answers(self, epochs: QHBoxLayout) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = (
            ("Recipe", self.recipe_selector, self.recipe_selector, self._about),
            ("Epochs", self.epochs_field, epochs, None),
            ("Device", self.device_selector, self.device_selector, None),
            ("Name", self.name_field, self.name_field, self._name_said),
        )
        row = 0
        for title, control, shown, said in rows:
            label = SmallPrint(title, wrap=False)
            label.setBuddy(control)
            control.setAccessibleName(title)
            grid.addWidget(label, row, 0)
            grid.addLayout(shown, row, 1) if isinstance(shown, QHBoxLayout) else grid.addWidget(shown, row, 1)
            if said is not None:
                grid.addWidget(said, row + 1, 1)
            row += 2
        return grid


class ClassTable(QWidget):
    """One row a class: its title, its films and its patients; the sum below."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 4, 0, 4)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)

    def show_classes(self, classes: Sequence[ClassCount], patients: int) -> None:
        """Show these classes instead of the last ones."""
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self.setVisible(bool(classes))
        if not classes:
            return
        self._add(0, [SmallPrint(words, wrap=False) for words in ("Class", "Films", "Patients")])
        for row, entry in enumerate(classes, 1):
            title = PlainLabel(entry.title)
            title.setToolTip(plain_tool_tip(entry.name))
            self._add(row, [title, _number(entry.films), _number(entry.patients)])
        films = sum(entry.films for entry in classes)
        self._add(len(classes) + 1, [SmallPrint("Together", wrap=False), _number(films, True), _number(patients, True)])

    def rows(self) -> list[tuple[str, ...]]:
        """Return the texts row by row, as they are read."""
        found: list[tuple[str, ...]] = []
        for row in range(self._grid.rowCount()):
            items = [self._grid.itemAtPosition(row, column) for column in range(3)]
            labels = [item.widget() for item in items if item is not None]
            if labels:
                found.append(tuple(label.text() for label in labels if isinstance(label, PlainLabel)))
        return found

    def _add(self, row: int, labels: Sequence[PlainLabel]) -> None:
        for column, label in enumerate(labels):
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(label, row, column)


class CalmSpinBox(QSpinBox):
    """A number that the wheel does not change while the form around it scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(8, 0, 0, 0)  # the style sheet's padding does not reach the edited text

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def notes_text(notes: Sequence[str]) -> str:
    """Return the first notes, and how many more there are."""
    more = len(notes) - NOTES_SHOWN
    shown = [*notes[:NOTES_SHOWN], *([f"... and {more:,} more."] if more > 0 else [])]
    return "\n".join(shown)


def _number(count: int, is_sum: bool = False) -> PlainLabel:
    label = PlainLabel(f"{count:,}", "secondary" if is_sum else "", wrap=False)
    label.setFont(theme.number_font())
    return label


def _reason(is_asking: bool) -> str:
    return CHOOSE_FIRST if is_asking else "A model is being trained; this stays as it is until it has ended."
