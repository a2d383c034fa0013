"""The study list, through its search field, its rows and its keys."""

import gc
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QStandardItem
from PySide6.QtWidgets import QLabel

from viewer.imaging.image import Document, Identity, Instance, Opened
from viewer.imaging.series import Studies
from viewer.widgets.study_list import StudyList
from viewer.widgets.study_tree import COUNT

GREY = np.full((8, 6), 90, np.uint8)


def opened(path="a.dcm", number=1, name="Muller Anna", series="1.1", study="1", thumbnail=GREY, **more):
    who = {"patient_id": name[:2], "patient_name": name, "study_uid": study, "series_uid": series, "modality": "DX"}
    identity = Identity(**who | {"instance_number": number, "study_date": "2020-03-10"} | more)
    return Opened(Instance(Path("/films") / path, 0, 1, 3000, 2500, identity, True), thumbnail)


def picture(name):
    return Opened(Instance(Path("/pictures") / name, 0, 1, 100, 200, Identity(), False), GREY)


class Listed(StudyList):
    """The list with what it shows: a frame is added as the desk adds it."""

    def __init__(self):
        super().__init__()
        self.open = Studies()

    def add(self, *frames):
        for frame in frames:
            self.open.add(frame)
        self.refresh()

    def remove(self, key):
        self.open.remove(key)
        self.refresh()

    def refresh(self):
        for group in self.open.take_changes():
            self.show_group(group)


@pytest.fixture
def studies(qtbot):
    widget = Listed()
    qtbot.addWidget(widget)
    widget.resize(240, 700)
    widget.show()
    return widget


def lines(studies, parent=None, depth=0):
    """Return the visible rows as indented text."""
    model, parent = studies.tree.model(), parent or QModelIndex()
    found = []
    for row in range(model.rowCount(parent)):
        if not studies.tree.isRowHidden(row, parent):
            index = model.index(row, 0, parent)
            count = index.data(COUNT)
            found.append("  " * depth + index.data() + ("" if count is None else f" [{count}]"))
            found += lines(studies, index, depth + 1)
    return found


def test_a_series_is_one_row_with_its_number_of_images(studies):
    for number in range(1, 301):
        studies.add(opened(f"{number}.dcm", number, series_description="Lung"))
    assert lines(studies) == ["Muller Anna", "  2020-03-10 · study", "    Lung [300]"]


def test_pictures_stand_one_row_each_under_their_folder(studies):
    studies.add(picture("a.png"))
    studies.add(picture("b.jpg"))
    assert lines(studies) == ["pictures", "  a.png [1]", "  b.jpg [1]"]


def test_same_name_with_another_id_is_another_patient(studies):
    studies.add(opened("a.dcm", patient_id="1"))
    studies.add(opened("b.dcm", patient_id="2"))
    assert len([line for line in lines(studies) if line == "Muller Anna"]) == 2


def test_adding_the_same_frame_twice_counts_it_once(studies):
    studies.add(opened())
    studies.add(opened())
    assert lines(studies)[-1].endswith("[1]")


def test_a_click_on_a_series_chooses_its_first_image(studies, qtbot):
    for number in (3, 1, 2):
        studies.add(opened(f"{number}.dcm", number))
    studies.set_current("/films/3.dcm#0")
    where = studies.tree.visualRect(studies.tree.currentIndex()).center()
    with qtbot.waitSignal(studies.instance_chosen) as chosen:
        qtbot.mouseClick(studies.tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert chosen.args[0].path.name == "1.dcm"


def test_enter_chooses_the_series_under_the_keyboard(studies, qtbot):
    studies.add(opened("a.dcm", series="1.1"))
    studies.add(opened("b.dcm", series="1.2"))
    studies.set_current("/films/a.dcm#0")
    qtbot.keyClick(studies.tree, Qt.Key.Key_Down)
    with qtbot.waitSignal(studies.instance_chosen) as chosen:
        qtbot.keyClick(studies.tree, Qt.Key.Key_Return)
    assert chosen.args[0].path.name == "b.dcm"


def test_showing_the_current_image_signals_nothing(studies, qtbot):
    studies.add(opened())
    with qtbot.assertNotEmitted(studies.instance_chosen, wait=50):
        studies.set_current("/films/a.dcm#0")
    assert studies.tree.currentIndex().data(COUNT) == 1


@pytest.mark.parametrize(
    ("typed", "name"),
    [("muller", "Müller Anna"), ("СИДОР", "Сидоров Иван"), ("王小", "Wang = 王小东"), ("محمد", "أحمد محمد")],
)
def test_search_finds_names_in_any_script_whatever_their_case_and_accents(studies, qtbot, typed, name):
    studies.add(opened("a.dcm", name=name, study="1"))
    studies.add(opened("b.dcm", name="Someone Else", study="2", series="2.1"))
    studies.search_field.setText(typed)
    assert lines(studies)[0] == name
    assert len(lines(studies)) == 3


def test_search_keeps_the_patient_above_a_series_that_matches(studies, qtbot):
    studies.add(opened("a.dcm", series="1.1", series_description="Lateral"))
    studies.add(opened("b.dcm", series="1.2", series_description="Frontal"))
    qtbot.keyClicks(studies.search_field, "later")
    assert lines(studies) == ["Muller Anna", "  2020-03-10 · study", "    Lateral [1]"]


def test_what_is_added_during_a_search_is_searched_too(studies, qtbot):
    qtbot.keyClicks(studies.search_field, "anna")
    studies.add(opened("a.dcm", name="Berta", study="2", series="2.1"))
    studies.add(opened("b.dcm", name="Anna", study="3", series="3.1"))
    assert lines(studies)[0] == "Anna"
    assert len(lines(studies)) == 3


def test_removing_the_last_image_takes_series_study_and_patient_away(studies):
    studies.add(opened("a.dcm", 1))
    studies.add(opened("b.dcm", 2))
    studies.remove("/films/a.dcm#0")
    assert lines(studies)[-1] == "    Series [1]"
    studies.remove("/films/b.dcm#0")
    assert lines(studies) == []


def test_a_patient_can_come_back_after_being_removed(studies):
    studies.add(opened())
    studies.remove("/films/a.dcm#0")
    studies.add(opened())
    assert lines(studies)[0] == "Muller Anna"


def test_the_thumbnail_is_that_of_the_first_image(studies):
    studies.add(opened("2.dcm", 2, thumbnail=np.full((8, 8), 200, np.uint8)))
    studies.add(opened("1.dcm", 1, thumbnail=np.full((8, 8), 40, np.uint8)))
    studies.set_current("/films/1.dcm#0")
    shown = studies.tree.currentIndex().data(Qt.ItemDataRole.DecorationRole).toImage()
    assert shown.pixelColor(4, 4).red() == 40


def test_two_thousand_patients_are_added_without_a_pause(studies):
    started = time.perf_counter()
    for number in range(2000):
        studies.add(opened(f"{number}.dcm", name=f"Patient {number}", study=str(number), series=f"{number}.1"))
    per_image_ms = (time.perf_counter() - started) / 2000 * 1000
    assert per_image_ms < 5


def test_clearing_forgets_everything(studies):
    studies.add(opened())
    studies.clear()
    studies.add(picture("a.png"))
    assert lines(studies) == ["pictures", "  a.png [1]"]


def test_each_word_is_searched_for_where_it_stands(studies, qtbot):
    studies.add(opened("a.dcm", study="1", study_date="2020-03-10"))
    studies.add(opened("b.dcm", study="2", series="2.1", study_date="2021-04-11"))
    qtbot.keyClicks(studies.search_field, "anna 2021 muller")
    assert lines(studies) == ["Muller Anna", "  2021-04-11 · study", "    Series [1]"]


def test_an_accession_number_is_found(studies, qtbot):
    studies.add(opened("a.dcm", study="1", accession_number="A7"))
    studies.add(opened("b.dcm", name="Someone Else", study="2", series="2.1", accession_number="B8"))
    qtbot.keyClicks(studies.search_field, "b8")
    assert lines(studies)[0] == "Someone Else"
    assert "B8" in studies.tree.model().index(0, 0, studies.tree.model().index(1, 0)).data(Qt.ItemDataRole.ToolTipRole)


def place(z, name=None):
    kind = {"position_mm": (0.0, 0.0, z), "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}
    return replace(opened(name or f"{z}.dcm"), instance=replace(opened(name or f"{z}.dcm").instance, **kind))


def test_the_tool_tip_follows_when_more_is_odd(studies):
    studies.add(*(place(z) for z in (0.0, 1.0, 2.0, 3.0)), place(3.0, "copy.dcm"))
    studies.set_current("/films/0.0.dcm#0")
    assert "One image lies" in studies.tree.currentIndex().data(Qt.ItemDataRole.ToolTipRole)
    studies.add(place(2.0, "another.dcm"))
    assert "2 images lie" in studies.tree.currentIndex().data(Qt.ItemDataRole.ToolTipRole)


def test_a_series_moves_to_its_place_when_its_number_is_known_and_stays_chosen(studies):
    upright = {"orientation": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0), "position_mm": (0.0, 0.0, 0.0)}
    sagittal = opened("s.dcm", 5)
    studies.add(replace(sagittal, instance=replace(sagittal.instance, **upright)), place(1.0, "a.dcm"))
    studies.add(opened("b.dcm", 3, series="1.2", series_number=None, series_description="Other"))
    studies.set_current("/films/s.dcm#0")
    early = opened("early.dcm", 0)
    studies.add(replace(early, instance=replace(early.instance, **upright)))
    assert [line.strip() for line in lines(studies)[2:]] == ["Series [2]", "Series [1]", "Other [1]"]
    assert studies.tree.currentIndex().data(COUNT) == 2


def test_documents_alone_are_counted(studies):
    for name in ("a.dcm", "b.dcm"):
        studies.open.add_document(Document(Path("/films") / name, "report", "Report", Identity()))
    studies.refresh()
    assert any(label.text() == "2 documents" for label in studies.findChildren(QLabel))
    studies.clear()
    assert not any("document" in label.text() for label in studies.findChildren(QLabel))


def test_python_knows_no_row_any_more_once_qt_has_deleted_the_list(qapp):
    def known():
        return {id(each) for each in gc.get_objects() if isinstance(each, QStandardItem) and shiboken6.isValid(each)}

    before, studies = known(), Listed()
    studies.add(opened("a.dcm"), opened("b.dcm", 2, series="1.2"), opened("c.dcm", name="Other Otto", study="2"))
    studies.tree.search("muller")
    assert len(known() - before) == 7
    shiboken6.delete(studies)
    assert known() - before == set()
