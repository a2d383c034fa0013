"""What a site's policy does in the window: greyed settings, a banner, nothing fetched, nothing read in spite of a refusal."""

import shutil
import subprocess
from types import SimpleNamespace

import pytest
from dicomweb_server import Archive
from PySide6.QtWidgets import QApplication, QMessageBox

from viewer import command_line
from viewer.app import Program
from viewer.dicomweb.retrieved import window_folder
from viewer.imaging.phantom import write_film
from viewer.imaging.reader import read_file
from viewer.paths import retrieved_folder
from viewer.policy import OVERRIDE_OFF, Policy, Server
from viewer.reading import RefusalReason
from viewer.reporting.compose import FilmLook, compose_report
from viewer.reporting.pdf import write_pdf
from viewer.reporting.report import ReportText
from viewer.settings import DEVICE, MEMORY_MB, MODEL, RECENT, Settings
from viewer.verbs import analyse
from viewer.widgets.controls import PlainLabel
from viewer.widgets.preferences import Preferences
from viewer.widgets.refusal_view import RefusalView
from viewer.window_request import StudyRequest, WindowRequest

# No film is read behind a test.
NO_MODEL = {"settings": {"reading/model": "none"}, "locked": frozenset({"reading/model"})}


@pytest.fixture
def program_with(qtbot, tmp_path):
    """Return a maker of programs under a policy."""
    made = []

    def make(policy: Policy) -> Program:
        program = Program(Settings(tmp_path / "settings.ini", policy))
        qtbot.addWidget(program.window)
        program.window.show()
        made.append(program)
        return program

    yield make
    for program in made:
        program.shut_down()
    QApplication.processEvents()


def texts(widget) -> list[str]:
    return [label.text() for label in widget.findChildren(PlainLabel)]


def test_locked_settings_are_grey_and_say_who_set_them(qtbot, tmp_path):
    policy = Policy(
        settings={"films/memory_mb": 4096, "reading/device": "cpu"}, locked=frozenset({"films/memory_mb", "reading/device"})
    )
    settings = Settings(tmp_path / "settings.ini", policy)
    page = Preferences(settings)
    qtbot.addWidget(page)
    assert not page.field(MEMORY_MB).isEnabled()
    assert page.field(MEMORY_MB).value() == 4096
    assert page.field(DEVICE).text() == "cpu"
    assert sum("Set by your site." in text for text in texts(page)) == 2
    page.save_button.click()
    assert Settings(tmp_path / "settings.ini", Policy()).get(MEMORY_MB) == 0


def test_a_policy_with_errors_is_told_above_the_film(program_with):
    program = program_with(Policy(faults=("[network] has an unknown entry.", "Another.")))
    assert program.window.banner.isVisible()
    assert program.window.banner.text().startswith("The policy of your site has 2 errors. Until that is mended, the network")


def test_without_errors_there_is_no_banner(program_with):
    assert not program_with(Policy()).window.banner.isVisible()


def test_a_model_the_site_has_locked_cannot_be_left(program_with):
    program = program_with(Policy(settings={"reading/model": "darkcovidnet"}, locked=frozenset({"reading/model"})))
    selector = program.window.panel.model_selector
    assert not selector.isEnabled()
    assert program.settings.get(MODEL) == "darkcovidnet"
    assert selector.currentData() == "darkcovidnet"


def test_a_locked_model_that_is_not_here_is_not_replaced_by_another(program_with, synthetic):
    program = program_with(Policy(settings={"reading/model": "gone"}, locked=frozenset({"reading/model"})))
    assert program.readings.model_folder is None
    assert program.window.panel.model_selector.currentIndex() == -1
    program.readings.read(synthetic)
    said = [text for text in texts(program.window.panel) if "gone" in text]
    assert said == ["The model gone, set by your site, is not here, so the second reader cannot answer."]


def test_nothing_is_fetched_where_the_network_is_off(program_with):
    program = program_with(Policy(network_allowed=False))
    program.window.action("fetch-examples").trigger()
    boxes = program.window.findChildren(QMessageBox)
    assert [box.text() for box in boxes] == ["The example films were not fetched. The network is switched off by your site."]
    assert not program.window.progress.isVisible()


def test_a_refusal_offers_no_way_round_where_the_site_allows_none(qtbot, reading):
    refused = reading(status="refused", refusals=(RefusalReason("lateral", "This is a lateral film."),))
    view = RefusalView(refused, override_allowed=False)
    qtbot.addWidget(view)
    view.show()
    assert not view.override_button.isVisible()
    assert OVERRIDE_OFF in texts(view)


def test_the_window_reads_nothing_in_spite_of_a_refusal_then(program_with, synthetic):
    program = program_with(Policy(override_allowed=False))
    program.session.choose(synthetic.instance)
    program.session.take_image(synthetic)
    program.window.panel.override_requested.emit("because")
    assert program.readings._job is None
    assert not program.window.panel.override_allowed


def test_neither_does_the_command_line(tmp_path, monkeypatch, capsys):
    file = tmp_path / "policy.toml"
    file.write_text("[second_reader]\noverride_allowed = false", encoding="utf-8")
    monkeypatch.setenv("HILUM_POLICY", str(file))
    assert command_line.main(["analyse", "film.dcm", "--override", "because"]) == 1
    assert capsys.readouterr().err == f"{OVERRIDE_OFF}\n"


def test_the_site_chooses_the_model_and_the_device_of_the_command_line(tmp_path, monkeypatch):
    file = tmp_path / "policy.toml"
    file.write_text('[settings.reading]\nmodel = "darkcovidnet"\ndevice = "cpu"', encoding="utf-8")
    monkeypatch.setenv("HILUM_POLICY", str(file))
    assert (analyse._site_default(MODEL), analyse._site_default(DEVICE)) == ("darkcovidnet", "cpu")


def test_the_report_bears_the_institution_and_the_sites_footer_on_each_page(qapp, synthetic, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler is not installed")
    policy = Policy(institution="Example Hospital, Radiology", report_footer="Not part of the record.")
    text = ReportText(findings="line\n" * 150)
    write_pdf(compose_report(synthetic, FilmLook(None), None, text, policy), tmp_path / "report.pdf")
    said = subprocess.run(["pdftotext", "-layout", tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True)
    pages = said.stdout.split("\f")[:-1]
    assert len(pages) > 1
    assert all("Not part of the record." in page for page in pages)
    assert "Example Hospital, Radiology" in pages[0]


# A study from a server


@pytest.fixture
def archive(tmp_path):
    write_film(tmp_path / "film.dcm", rows=64, columns=48)
    with Archive([tmp_path / "film.dcm"]) as running:
        identity = read_file(tmp_path / "film.dcm").identity
        yield SimpleNamespace(server=running, study=StudyRequest(identity.study_uid, "pacs"))
    window_folder.cache_clear()


def test_a_study_from_the_server_is_shown_and_leaves_nothing(program_with, archive, qtbot):
    window_folder.cache_clear()
    program = program_with(Policy(servers=(Server("pacs", archive.server.url),), **NO_MODEL))
    program.open(WindowRequest(study=archive.study))
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)
    assert program.window.canvas.image.identity.study_uid == archive.study.study_uid
    assert list(retrieved_folder().iterdir())
    program.shut_down()
    assert not list(retrieved_folder().iterdir())


def test_a_study_that_is_not_there_is_told_in_the_window(program_with, archive, qtbot):
    program = program_with(Policy(servers=(Server("pacs", archive.server.url),), **NO_MODEL))
    program.open(WindowRequest(study=StudyRequest("1.2.3", "pacs")))
    said = "The server pacs does not have the study 1.2.3."
    qtbot.waitUntil(lambda: program.window.doing.text() == said, timeout=10_000)


def test_what_is_brought_is_not_among_the_recent_files(program_with, archive, qtbot):
    program = program_with(Policy(servers=(Server("pacs", archive.server.url),), **NO_MODEL))
    program.open(WindowRequest(study=archive.study))
    qtbot.waitUntil(lambda: program.window.canvas.image is not None, timeout=10_000)
    assert program.settings.get(RECENT) == []
