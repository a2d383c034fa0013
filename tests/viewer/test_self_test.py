"""The self-test: each check passes on what ships, and fails on what is broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from viewer import command_line, paths
from viewer.desk.self_test import SelfTestDesk
from viewer.errors import ReportError, SecondReaderError, UnreadableFile
from viewer.imaging.decoder_process import DecoderPool
from viewer.imaging.decoders import CODECS
from viewer.imaging.grayscale import default_voi
from viewer.jobs import JobQueue
from viewer.reading import ClassProbability, ModelFacts
from viewer.reporting.compose import FilmLook, compose_report
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import ReportText
from viewer.self_test import all_checks, models, paper, streams, surroundings
from viewer.self_test.bench import Bench
from viewer.self_test.rows import Check, CheckFailed, Row, Step, line_of, plain, run_checks, verdict
from viewer.settings import Settings
from viewer.widgets.main_window import MainWindow

JPEG_LS = "1.2.840.10008.1.2.4.80"
RLE = "1.2.840.10008.1.2.5"


def rows_of(checks: list[Check]) -> list[Row]:
    return [found for found in run_checks(checks) if isinstance(found, Row)]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the resources of the self-test and of the fonts, which may be broken."""
    folder = tmp_path / "resources"
    for name in ("self_test", "fonts"):
        shutil.copytree(paths.resources() / name, folder / name)
    for module in (streams, models, paper, surroundings):
        monkeypatch.setattr(module, "resources", lambda: folder)
    return folder


def change_stream(installed: Path, name: str, change) -> None:
    with np.load(installed / "self_test" / "streams.npz") as arrays:
        held = dict(arrays)
    held[name] = change(held[name].copy())
    np.savez_compressed(installed / "self_test" / "streams.npz", **held)


def damaged(stream: np.ndarray) -> np.ndarray:
    stream[-len(stream) // 3 :] = 0x55
    return stream


# ------------------------------------------------------------------------------------------------------------ running


def test_a_broken_check_does_not_stop_those_behind_it(caplog: pytest.LogCaptureFixture):
    def refuse() -> str:
        raise ReportError("The report could not be saved.")

    checks = [
        Check("divides", plain(lambda: str(1 // 0))), Check("refuses", plain(refuse)), Check("works", plain(lambda: "Yes.")),
    ]  # fmt: skip
    said = [(row.check, row.passed, row.detail) for row in rows_of(checks)]
    assert said == [
        ("divides", False, "A fault of the program (ZeroDivisionError): integer division or modulo by zero"),
        ("refuses", False, "The report could not be saved."),
        ("works", True, "Yes."),
    ]
    assert [record.message for record in caplog.records] == ["self-test: divides"]


def test_each_check_is_announced_before_it_is_done():
    found = list(run_checks([Check("one", plain(lambda: "")), Check("two", plain(lambda: ""))]))
    assert [step for step in found if isinstance(step, Step)][::2] == [Step("one", 0, 2), Step("two", 1, 2)]


def test_the_verdict_names_what_failed():
    rows = [Row("Fonts", False, "None.", 1.0), Row("Icons", True, "All.", 1234.5), Row("Drafts", False, "", 1.0)]
    assert verdict(rows) == "2 of 3 checks failed: Fonts, Drafts."
    assert verdict(rows[1:2]) == "All 1 checks passed."
    assert verdict([]) == "No check was made."
    assert line_of(rows[1]).split() == ["Icons", "passed", "1,234", "All."]


# ------------------------------------------------------------------------------------------------------------ streams


def test_there_is_a_film_of_every_transfer_syntax():
    with np.load(streams.streams_file()) as arrays:
        table = json.loads(str(arrays["table"]))
    assert set(table) == {"1.2.840.10008.1.2", *(f"1.2.840.10008.1.2.{end}" for end in ("1", "1.99", "2")), *CODECS}


def test_every_film_comes_out_as_it_went_in(tmp_path: Path):
    rows = rows_of(streams.stream_checks(tmp_path))
    assert len(rows) == 32
    assert [row.detail for row in rows if not row.passed] == []


def test_only_lossy_syntaxes_may_be_off():
    tolerances = {uid: streams.read_stream(uid).tolerance for uid in streams.SYNTAXES}
    assert {uid for uid, most in tolerances.items() if most} == {uid for uid, codec in CODECS.items() if codec.lossy}
    assert max(most / (255 if streams.read_stream(uid).film.max() < 256 else 4095) for uid, most in tolerances.items()) < 0.04


@pytest.mark.parametrize("uid", [JPEG_LS, RLE, "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.110"])
def test_a_damaged_film_fails(installed: Path, tmp_path: Path, uid: str):
    change_stream(installed, uid, damaged)
    with pytest.raises((UnreadableFile, CheckFailed)):
        streams.decode_one(uid, tmp_path)


def test_one_grey_value_that_is_off_fails_where_nothing_may_be_lost(installed: Path, tmp_path: Path):
    def brighter(film: np.ndarray) -> np.ndarray:
        film[3, 4] += 1
        return film

    change_stream(installed, "film 12 bits", brighter)
    with pytest.raises(CheckFailed, match=r"RLE Lossless came out with grey values up to 1 off; none may be"):
        streams.decode_one(RLE, tmp_path)


def test_films_that_are_missing_or_damaged_are_told(installed: Path):
    with pytest.raises(CheckFailed, match=r"There is no embedded film of 1\.2\.3 to be decoded"):
        streams.read_stream("1.2.3")
    file = installed / "self_test" / "streams.npz"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(CheckFailed, match=r"streams.npz\) are damaged: install the program again"):
        streams.read_stream(RLE)
    file.unlink()
    with pytest.raises(CheckFailed, match=r"streams.npz\) are not there: install the program again"):
        streams.read_stream(RLE)


def test_a_decoder_process_that_cannot_be_started_is_found_out(tmp_path: Path):
    assert DecoderPool([str(tmp_path / "hilum"), "--decoder-worker"]).worker_pid() is None


# ------------------------------------------------------------------------------------------------------------- models


@pytest.fixture
def stored() -> dict:
    """Return the stored answer to the sample film."""
    return json.loads(models.answers_file().read_text(encoding="utf-8"))


@pytest.fixture
def sample_reading(reading, stored):
    """Return a maker of readings of the sample film: the stored answer, but for its first class, which is off by so much."""
    facts = ModelFacts(stored["model"], "Chest", "1.0", stored["weights_sha256"])
    first = next(iter(stored["probabilities"]))
    inwards = 1 if stored["probabilities"][first] < 0.5 else -1

    def make(model: ModelFacts = facts, off: float = 0.0):
        answer = {**stored["probabilities"], first: stored["probabilities"][first] + inwards * off}
        return reading(model=model, probabilities=tuple(ClassProbability(name, name, value) for name, value in answer.items()))

    return make


def test_the_answer_that_is_stored_belongs_to_the_model_that_ships(stored):
    card = json.loads((paths.shipped_models() / stored["model"] / "card.json").read_text())
    remedy = "the default model is another one: run packaging/make_self_test.py answers"
    assert models.shipped_names()[0] == stored["model"], remedy
    assert card["files"]["weights.safetensors"] == stored["weights_sha256"], remedy


def test_the_stored_answer_is_met_within_its_tolerance(sample_reading):
    assert "as stored within 0.01" in models.compare_with_stored(sample_reading(off=0.009))


@pytest.mark.parametrize("off", [0.012, float("nan")])
def test_another_probability_than_is_stored_fails(sample_reading, off: float):
    with pytest.raises(CheckFailed, match=r"chest_resnet reads the sample film as .*, where .* is stored"):
        models.compare_with_stored(sample_reading(off=off))


def test_the_answer_of_another_model_is_not_compared(sample_reading):
    other = ModelFacts("chest_resnet", "Chest", "1.0", "f" * 64)
    with pytest.raises(CheckFailed, match=r"is stored for chest_resnet \w{12}, and .* is chest_resnet ffffffffffff"):
        models.compare_with_stored(sample_reading(other))


def test_a_missing_answer_is_told(sample_reading, installed: Path):
    (installed / "self_test" / "answers.json").write_text("{}")
    with pytest.raises(CheckFailed, match="The stored answer to the sample film is missing or damaged"):
        models.compare_with_stored(sample_reading())


def test_a_model_that_answers_otherwise_than_its_card_says_fails(shipped_model, tmp_path, monkeypatch):
    folder = shutil.copytree(shipped_model, tmp_path / "models" / "darkcovidnet")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["self_test"]["covid"] += 0.01
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setattr(models, "shipped_models", lambda: tmp_path / "models")
    with pytest.raises(SecondReaderError, match="The model darkcovidnet answers the test picture with"):
        list(models.check_model(Bench(tmp_path, "cpu"), "darkcovidnet"))


def test_a_model_without_card_is_not_passed_over(tmp_path, monkeypatch):
    for name in ("empty", "lungs"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(models, "shipped_models", lambda: tmp_path)
    assert models.shipped_names() == ("chest_resnet", "empty")
    with pytest.raises(SecondReaderError, match="empty"):
        list(models.check_model(Bench(tmp_path, "cpu"), "empty"))


def test_a_heat_map_without_colour_fails(reading, one_hot_cell):
    bright = one_hot_cell((4, 4), (1, 2), 10.0)
    assert "4 x 4 cells, 6% of them coloured" in models.look_at_heat_map(reading(predicted="covid", heat_maps=(bright,)))
    dark = one_hot_cell((4, 4), (1, 2), 10.0, full_scale=1000.0, floor=100.0)
    with pytest.raises(CheckFailed, match="The heat map of the sample film is empty"):
        models.look_at_heat_map(reading(predicted="covid", heat_maps=(dark,)))
    with pytest.raises(CheckFailed, match="No heat map was made"):
        models.look_at_heat_map(reading(predicted="covid"))


def test_what_builds_on_a_film_that_was_not_read_says_so(tmp_path: Path):
    bench = Bench(tmp_path, "cpu")
    said = {row.check: row.detail for row in rows_of([*models.model_checks(bench)[-2:], *paper.paper_checks(bench)[-1:]])}
    assert said == {
        "Heat map": "Not done: the sample film was not read.",
        "Lungs": "Not done: the sample film could not be opened.",
        "PDF report": "Not done: the sample film could not be opened.",
    }


# -------------------------------------------------------------------------------------------------- paper, surroundings


def test_a_missing_font_is_named(qapp, installed: Path):
    assert paper.look_at_fonts().startswith("10 fonts, with the letters of Latin, Greek, Cyrillic")
    (installed / "fonts" / "NotoSansThai-Bold.ttf").unlink()
    (installed / "fonts" / "wqy-microhei.ttc").write_bytes(b"no font")
    with pytest.raises(CheckFailed, match=r"missing or damaged: NotoSansThai-Bold.ttf, wqy-microhei.ttc\."):
        paper.look_at_fonts()


def test_a_script_without_letters_is_named(qapp, monkeypatch):
    monkeypatch.setitem(paper.SCRIPTS, "Cuneiform", "\U00012000")
    with pytest.raises(CheckFailed, match="Letters are missing in the fonts of the program: Cuneiform"):
        paper.look_at_fonts()


def test_a_damaged_icon_is_named(qapp, installed: Path):
    (installed / "icons").mkdir()
    with pytest.raises(CheckFailed, match="all of them"):
        paper.look_at_icons()
    (installed / "icons" / "open.svg").write_text("<svg")
    with pytest.raises(CheckFailed, match=r"Icons of the program are missing or damaged: open.svg\."):
        paper.look_at_icons()


def test_a_report_is_read_back_and_what_it_lacks_is_named(qapp, synthetic, tmp_path: Path):
    path, look = tmp_path / "report.pdf", FilmLook(default_voi(synthetic))
    write_pdf(compose_report(synthetic, look, None, paper.TYPED), path)
    assert paper.read_report(path, ["SYNTHETIC"]).startswith("1 page of A4")
    with pytest.raises(CheckFailed, match=r"lacks what was written into it: Chest, three classes\."):
        paper.read_report(path, ["Chest, three classes"])
    write_pdf(compose_report(synthetic, look, None, ReportText("Self-test.")), path)
    with pytest.raises(CheckFailed, match=r"The film is synthetic and shows no person\.; The report can be written\."):
        paper.read_report(path, [])


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HILUM_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(CheckFailed, match=r"The user's folder cannot be written to: .* \(.*file.home\)"):
        surroundings.write_into_folders()


def test_writing_into_the_folders_leaves_nothing(hilum_home: Path):
    (hilum_home / "models").mkdir()
    assert surroundings.write_into_folders().startswith(f"{hilum_home} can be written to; ")
    assert sorted(hilum_home.rglob("*")) == [hilum_home / "models"]


def test_without_translations_it_says_so_and_a_damaged_one_is_named(qapp, installed: Path):
    assert surroundings.look_at_translations() == "English only: the program has no translations."
    (installed / "translations").mkdir()
    (installed / "translations" / "hilum_de.qm").write_bytes(b"no translation")
    with pytest.raises(CheckFailed, match=r"Translations are damaged: hilum_de.qm\."):
        surroundings.look_at_translations()


# ----------------------------------------------------------------------------------------------------- verb and window


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave four checks of the self-test: the decoder's process and three transfer syntaxes."""
    monkeypatch.setattr(all_checks, "all_checks", lambda bench: streams.stream_checks(bench.folder)[:4])


@pytest.mark.usefixtures("qapp", "short")
def test_the_verb_prints_a_table_and_ends_with_0(capsys, tmp_path: Path):
    assert command_line.main(["self-test", "--json", str(tmp_path / "out.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Check", "Result", "ms", "Detail"]
    assert [line.split()[2] for line in lines[1:5]] == ["passed"] * 4
    assert lines[5] == "All 4 checks passed."
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (written["program"], written["passed"], len(written["checks"])) == ("hilum 0.1.0", True, 4)


@pytest.mark.usefixtures("qapp", "short")
def test_the_verb_ends_with_1_where_a_film_is_damaged(installed: Path, capsys):
    change_stream(installed, "1.2.840.10008.1.2.1", lambda stream: stream[:-500])
    assert command_line.main(["self-test"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines[1:5]] == ["passed", "passed", "FAILED", "passed"]
    assert "its pixel data is cut short" in lines[3]
    assert lines[5] == "1 of 4 checks failed: Decoding 1.2.840.10008.1.2.1."


@pytest.mark.usefixtures("qapp", "short")
def test_as_json_on_the_standard_output_nothing_else_is_printed(capsys):
    assert command_line.main(["self-test", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path):
    window = MainWindow()
    qtbot.addWidget(window)
    queue = JobQueue(1, window)
    yield SelfTestDesk(window, queue, Settings(tmp_path / "settings.ini"))
    queue.shut_down()


@pytest.mark.usefixtures("short")
def test_the_window_shows_a_row_for_each_check_and_runs_again(desk: SelfTestDesk, qtbot: QtBot):
    desk.dialog.parent().action("self-test").trigger()
    qtbot.waitUntil(lambda: desk.dialog.said.text() == "All 4 checks passed.", timeout=30_000)
    assert [desk.dialog.table.item(row, 1).text() for row in range(4)] == ["passed"] * 4
    assert desk.dialog.text().splitlines()[-1] == "All 4 checks passed."
    qtbot.mouseClick(desk.dialog.again_button, Qt.MouseButton.LeftButton)
    assert desk.dialog.table.rowCount() == 0
    qtbot.waitUntil(lambda: desk.dialog.table.rowCount() == 4, timeout=30_000)


@pytest.mark.usefixtures("short")
def test_a_failure_is_shown_in_the_window(desk: SelfTestDesk, installed: Path, qtbot: QtBot):
    change_stream(installed, "1.2.840.10008.1.2.1", lambda stream: stream[:-500])
    desk.open()
    qtbot.waitUntil(lambda: desk.dialog.said.text().startswith("1 of 4 checks failed"), timeout=30_000)
    assert desk.dialog.table.item(2, 1).text() == "FAILED"
    assert desk.dialog.said.property("tone") == "refused"


@pytest.mark.usefixtures("short")
def test_stopping_says_so_and_closing_stops(desk: SelfTestDesk, qtbot: QtBot):
    desk.open()
    qtbot.mouseClick(desk.dialog.stop_button, Qt.MouseButton.LeftButton)
    assert desk.dialog.said.text() == "The self-test was stopped."
    assert desk.dialog.again_button.isVisible()
    desk.start()
    qtbot.mouseClick(desk.dialog.close_button, Qt.MouseButton.LeftButton)
    assert not desk.dialog.isVisible()
    assert desk.dialog.said.text() == "The self-test was stopped."
