"""The jobs behind the training window: what films are found, how progress is told, where a finished model goes."""

import shutil

import pytest
from PySide6.QtWidgets import QMessageBox
from training_films import write_class_folders, write_table

from inference.map_scales import ReadCount
from inference.members import MemberProgress
from inference.train import EpochReport
from viewer.desk.training import TrainingDesk
from viewer.errors import TrainingFailed
from viewer.jobs import JobQueue
from viewer.paths import own_models, shipped_models, training_folder
from viewer.second_reader.libraries import import_calmly
from viewer.second_reader.own_films import look_at_films
from viewer.second_reader.training import Follower, install, name_fault, usable_name
from viewer.settings import LAST_TRAINING_FOLDER, Settings
from viewer.widgets.main_window import MainWindow


def run(work):
    """Return what a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["mine", "Mine-2", "a_b", "2024"])
def test_a_name_that_every_disk_takes_is_allowed(name):
    assert name_fault(name) == ""


@pytest.mark.parametrize("name", ["", "a b", "../up", "con", "ä", "a" * 65, ".hidden"])
def test_a_name_that_some_disk_refuses_is_refused(name):
    assert name_fault(name) != ""


def test_the_name_of_a_model_that_ships_is_taken_in_any_letters(shipped_model):
    assert name_fault(shipped_model.name.upper()).startswith("A model that ships is called")
    assert usable_name(shipped_model.name) == "my-model"


@pytest.mark.parametrize(
    ("wished", "name"), [("Films of 2024", "films-of-2024"), ("--a  b--", "a-b"), ("Röntgen", "r-ntgen"), ("影", "my-model")]
)
def test_a_name_is_suggested_that_can_be_used(wished, name):
    assert usable_name(wished) == name
    assert name_fault(name) == ""


# -------------------------------------------------------------------------------------------------------------- films


def test_a_table_is_counted_by_class_and_patient(tmp_path):
    found = run(look_at_films(write_table(tmp_path, films=6)))
    assert [(c.name, c.films, c.patients) for c in found.classes] == [("scar", 6, 6), ("normal", 6, 6)]
    assert (found.films, found.patients, found.data) == (12, 12, tmp_path / "films.csv")


def test_a_folder_of_class_folders_is_counted_and_what_is_no_film_is_said(tmp_path):
    folder = write_class_folders(tmp_path / "films", ("Scar (old)", "normal"), films=6)
    (folder / "normal" / "letter.txt").write_text("Dear colleague")
    found = run(look_at_films(folder))
    assert [(c.name, c.title, c.films) for c in found.classes] == [("Scar_old", "Scar (old)", 6), ("normal", "normal", 6)]
    assert any("1 file was left out" in note for note in found.notes)
    assert any("could not be told apart" in note for note in found.notes)


def test_classes_a_recipe_knows_stand_in_its_order(tmp_path):
    found = run(look_at_films(write_table(tmp_path, ("pneumonia", "no_finding", "covid"), 6)))
    assert [c.title for c in found.classes] == ["Covid", "No finding", "Pneumonia"]


def test_no_class_borrows_the_title_of_a_recipe_that_means_other_films(tmp_path):
    found = run(look_at_films(write_table(tmp_path, ("normal", "covid"), 6)))
    assert [c.title for c in found.classes] == ["Covid", "Normal"]


def test_a_class_of_few_patients_makes_fewer_networks(tmp_path):
    found = run(look_at_films(write_table(tmp_path, films=3)))
    assert found.fault(found.recipe("chest_resnet")) == ""
    assert "3 networks instead of 5" in found.recipe("chest_resnet").about


def test_a_single_class_is_counted_and_said_to_be_too_few(tmp_path):
    found = run(look_at_films(write_table(tmp_path, ("scar",), 6)))
    assert found.fault(found.recipe("chest_resnet")).startswith("At least two classes with films are needed")


def test_a_class_whose_name_cannot_be_used_is_one_sentence(tmp_path):
    table = write_table(tmp_path, films=2)
    table.write_text(table.read_text().replace(",scar,", ",a/scar,"))
    with pytest.raises(TrainingFailed, match="'a/scar'"):
        run(look_at_films(table))


def test_a_network_of_one_output_is_offered_for_two_classes_alone(tmp_path):
    two = run(look_at_films(write_table(tmp_path / "two", ("normal", "scar"), 2)))
    three = run(look_at_films(write_table(tmp_path / "three", ("normal", "scar", "stone"), 2)))
    assert two.recipe("small_cnn") is not None and two.recipe("chest_resnet") is not None
    assert three.recipe("small_cnn") is None and three.recipe("chest_resnet") is not None


def test_a_recipe_that_learns_other_chest_films_first_needs_them_beside_the_table(tmp_path):
    table = write_table(tmp_path, films=2)
    assert run(look_at_films(table)).recipe("resnet34_transfer") is None
    shutil.copy(table, tmp_path / "pool_cxr3.csv")
    assert run(look_at_films(table)).recipe("resnet34_transfer") is not None


def test_a_recipe_may_start_from_the_chest_model_that_ships(tmp_path):
    if not (shipped_models() / "chest_resnet" / "card.json").is_file():
        pytest.skip("needs the model chest_resnet in resources/models")
    found = run(look_at_films(write_table(tmp_path, films=2)))
    assert found.recipe("ct_cnn") is not None  # the same network
    assert found.recipe("resnet34_transfer") is None  # another


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,x\n", "The manifest films.csv lacks the columns sha256, split, patient."),
        ("", "The manifest films.csv lists no film."),
        ("\udcff", "The manifest films.csv could not be read as a table"),
    ],
)
def test_a_faulty_table_is_one_sentence(tmp_path, text, said):
    table = tmp_path / "films.csv"
    table.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(TrainingFailed) as failed:
        run(look_at_films(table))
    assert str(failed.value).startswith(said)


def test_a_folder_without_class_folders_is_one_sentence(tmp_path):
    with pytest.raises(TrainingFailed) as failed:
        run(look_at_films(tmp_path))
    assert str(failed.value).endswith(".")


# ----------------------------------------------------------------------------------------------------------- progress


def progress(number, epoch, seconds_left=0.0, epochs=10, member="fold-0"):
    return MemberProgress(member, number, 5, EpochReport(epoch, epochs, 0.5, 0.75, 1e-3, seconds_left, 0.6, 0.7))


def test_the_time_left_is_that_of_all_networks():
    told = Follower().told(progress(1, 2, seconds_left=80.0))  # 10 s an epoch: 8 here, 40 in the four networks to come
    assert told.seconds_left == pytest.approx(480)
    assert (told.network, told.networks, told.epoch, told.epochs) == (1, 5, 2, 10)
    assert (told.point.loss, told.point.held_out_accuracy) == (0.5, 0.7)


def test_one_slow_epoch_does_not_move_the_time_left():
    follower = Follower()
    for epoch in (1, 2, 3):
        follower.told(progress(1, epoch, seconds_left=10.0 * (10 - epoch)))
    assert follower.told(progress(1, 4, seconds_left=600.0)).seconds_left == pytest.approx(460)


def test_epochs_of_which_each_is_the_last_are_timed_by_the_clock():
    times = iter([0.0, 7.0])
    assert Follower(lambda: next(times)).told(progress(1, 1, epochs=1)).seconds_left == pytest.approx(28)


def test_the_bar_only_ever_goes_forward():
    follower = Follower()
    trained = [follower.told(progress(n, e)).fraction for n in range(1, 6) for e in range(1, 11)]
    counts = [ReadCount(n, 3, purpose) for purpose in ("held-out films", "maps") for n in (1, 2, 3)]
    fractions = trained + [follower.told(count).fraction for count in counts]
    assert fractions == sorted(fractions)
    assert fractions[0] > 0 and fractions[-1] < 1


def test_chest_films_learned_first_are_no_network_of_the_model():
    told = Follower().told(progress(1, 3, member="chest"))
    assert (told.network, told.fraction, told.point) == (0, 0.0, None)
    assert told.sentence() == "Learning from other chest films first: epoch 3 of 10"


def imported(name):
    """Yield once a module can be used, and return what stands at its end."""
    yield "importing"
    return import_calmly(name).LAST


def test_two_threads_that_import_one_library_both_get_the_whole_of_it(qtbot, tmp_path, monkeypatch):
    (tmp_path / "slow_library.py").write_text("import time\ntime.sleep(0.3)\nLAST = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    queue, ends = JobQueue(2), []
    for number in range(2):
        job = queue.submit(imported("slow_library"), f"import {number}")
        job.finished.connect(ends.append)
        job.crashed.connect(ends.append)
        queue.start(job)
    qtbot.waitUntil(lambda: len(ends) == 2)
    assert ends == [1, 1]


# ------------------------------------------------------------------------------------------------------- installation


def model_folder(folder, text):
    (folder / "members").mkdir(parents=True)
    (folder / "card.json").write_text(text)
    return folder


def test_a_whole_model_takes_the_place_of_the_old_one():
    old = model_folder(own_models() / "mine", "old")
    install(model_folder(training_folder("mine"), "new"), old)
    assert (old / "card.json").read_text() == "new"
    assert [path.name for path in old.iterdir()] == ["card.json"]
    assert list(training_folder("mine").parent.iterdir()) == []


def test_a_model_that_cannot_be_moved_leaves_the_old_one_where_it_was():
    old = model_folder(own_models() / "mine", "old")
    training_folder("mine").parent.mkdir()
    with pytest.raises(TrainingFailed, match="The model mine was trained but could not be installed"):
        install(training_folder("mine"), old)
    assert (old / "card.json").read_text() == "old"


# --------------------------------------------------------------------------------------------------------------- desk


class Place:
    """The window, its training queue and the desk under test."""

    def __init__(self):
        self.window, self.queue, self.reading, self.settings = MainWindow(), JobQueue(1), JobQueue(1), Settings()
        self.desk = TrainingDesk(self.window, self.queue, self.reading, self.settings)
        self.form = self.desk.dialog.form


@pytest.fixture
def place(qtbot):
    made = Place()
    qtbot.addWidget(made.window)
    made.window.show()
    made.window.action("train").trigger()
    yield made
    assert made.queue.shut_down() and made.reading.shut_down(60_000)


def test_the_menu_tools_opens_a_window_that_leaves_the_other_free(place):
    assert place.desk.dialog.isVisible()
    assert not place.desk.dialog.isModal()
    assert place.window.action("train") in place.window.menuBar().actions()[4].menu().actions()


def test_films_are_looked_at_and_their_place_is_remembered(place, qtbot, tmp_path):
    place.desk.look_at(write_table(tmp_path / "films", films=6))
    qtbot.waitUntil(place.desk.dialog.start_button.isEnabled, timeout=60_000)
    assert place.form.classes.rows()[1] == ("Scar", "6", "6")
    assert place.settings.get(LAST_TRAINING_FOLDER) == str(tmp_path / "films")


def test_of_two_choices_the_last_one_counts(place, qtbot, tmp_path):
    first, last = write_table(tmp_path / "a", films=6), write_table(tmp_path / "b", ("stone", "none"), 7)
    place.desk.look_at(first)
    place.desk.look_at(last)
    qtbot.waitUntil(place.desk.dialog.start_button.isEnabled, timeout=60_000)
    assert place.form.classes.rows()[1] == ("Stone", "7", "7")


def test_films_that_cannot_be_used_are_one_sentence_in_the_window(place, qtbot, tmp_path):
    table = tmp_path / "films.csv"
    table.write_text("file,label\n")
    place.desk.look_at(table)
    qtbot.waitUntil(lambda: place.form.failure() != "", timeout=60_000)
    assert place.form.failure() == "The manifest films.csv lists no film."


def test_the_program_asks_before_it_closes_on_a_training(place, qtbot):
    place.window.ask_before_closing("Close all the same?")
    assert not place.window.close()
    (box,) = place.window.findChildren(QMessageBox)
    assert box.text() == "Close all the same?"
    with qtbot.waitSignal(place.window.closing):
        box.button(QMessageBox.StandardButton.Close).click()


def test_the_words_about_a_hidden_training_open_its_window(place):
    place.desk.dialog.hide()
    place.window.show_training("Training: 43 %")
    place.window.training_button.click()
    assert place.desk.dialog.isVisible()
    assert not place.window.training_button.isVisible()
