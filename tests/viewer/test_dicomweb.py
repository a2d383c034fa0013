"""A study from a server: brought through a real socket, shown as it comes, and each fault in a sentence of its own."""

import copy
import shutil
import socket
import stat
import subprocess
import sys
from dataclasses import replace

import pydicom
import pytest
from dicomweb_server import Archive, basic
from pydicom.uid import UID

from viewer.dicomweb import line as line_of_ours
from viewer.dicomweb.multipart import NotMultipart, first_part
from viewer.dicomweb.retrieval import retrieve_study
from viewer.dicomweb.retrieved import close_folder, sweep, window_folder
from viewer.imaging.image import NotOpened, Opened, OpenProgress
from viewer.imaging.phantom import write_film
from viewer.paths import retrieved_folder
from viewer.policy import Policy, Server
from viewer.window_request import StudyRequest

STUDY = "1.2.826.0.1.3680043.8.498.1"
WANTED = StudyRequest(STUDY, "pacs")


@pytest.fixture(autouse=True)
def own_folder():
    window_folder.cache_clear()
    yield
    close_folder(0)


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Return three films of one study, two of them of one series."""
    folder = tmp_path_factory.mktemp("archive")
    write_film(folder / "film.dcm", rows=64, columns=48)
    dataset = pydicom.dcmread(folder / "film.dcm")
    dataset.StudyInstanceUID = UID(STUDY)
    made = []
    for number, series in ((2, 1), (1, 1), (3, 2)):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{STUDY}.{series}.{number}")
        dataset.SeriesInstanceUID = UID(f"{STUDY}.{series}")
        dataset.InstanceNumber = number
        made.append(folder / f"{number}.dcm")
        dataset.save_as(made[-1])
    return made


@pytest.fixture
def archive(films):
    with Archive(films) as running:
        yield running


def site(archive: Archive, **fields: object) -> Policy:
    return Policy(servers=(Server("pacs", archive.url, **fields),))


def brought(policy: Policy, request: StudyRequest = WANTED) -> tuple[list[str], list[str]]:
    """Return the SOP Instance UIDs that were opened, in their order, and the sentences about what was not."""
    opened, sentences = [], []
    for found in retrieve_study(request, policy):
        opened += [found.instance.identity.sop_instance_uid] if isinstance(found, Opened) else []
        sentences += [found.reason] if isinstance(found, NotOpened) else []
    return opened, sentences


def test_a_study_comes_in_the_order_of_its_images(archive):
    assert brought(site(archive)) == ([f"{STUDY}.1.1", f"{STUDY}.1.2", f"{STUDY}.2.3"], [])


def test_the_first_image_is_there_before_the_second_is_asked_for(archive):
    work = retrieve_study(WANTED, site(archive))
    assert any(isinstance(found, Opened) for found in iter(lambda: next(work), None))
    assert len([path for path in archive.asked if f"/instances/{STUDY}" in path]) == 1
    work.close()


def test_it_is_told_how_far_it_is(archive):
    steps = [found for found in retrieve_study(WANTED, site(archive)) if isinstance(found, OpenProgress) and found.total]
    assert [(step.done, step.total, step.name) for step in steps][:1] == [(0, 3, "1 of 3 from pacs")]
    assert steps[-1].done == 2


def test_one_series_can_be_asked_for(archive):
    assert brought(site(archive), replace(WANTED, series_uid=f"{STUDY}.2"))[0] == [f"{STUDY}.2.3"]


def test_a_file_may_come_without_parts(archive):
    archive.as_multipart = False
    assert len(brought(site(archive))[0]) == 3


@pytest.mark.parametrize(("most", "forever"), [(1, False), (2, False), (3, True)])
def test_a_server_may_list_in_pages_of_its_own_size_or_know_no_pages(archive, most: int, forever: bool):
    archive.most_a_page, archive.pages_forever = most, forever
    assert len(brought(site(archive))[0]) == 3


def test_the_files_lie_where_only_the_user_looks_and_go_with_the_window(archive):
    brought(site(archive))
    folder = window_folder()
    assert sorted(file.name for file in (folder / STUDY).iterdir()) == [f"{STUDY}.{n}.dcm" for n in ("1.1", "1.2", "2.3")]
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    close_folder(0)
    assert not folder.exists()


def test_a_site_may_keep_the_files_for_days(archive):
    brought(site(archive))
    folder = window_folder()
    close_folder(2)
    sweep(2)
    assert folder.exists()
    sweep(0)
    assert not folder.exists()


def test_what_a_crash_has_left_goes_and_what_is_open_stays(archive):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    brought(site(archive))
    machine = window_folder().name.split("-")[0]
    left = retrieved_folder() / f"{machine}-{gone.stdout.strip()}-abcd"
    left.mkdir()
    elsewhere = retrieved_folder() / "othermachine-1-abcd"
    elsewhere.mkdir()
    sweep(0)
    assert set(retrieved_folder().iterdir()) == {window_folder(), elsewhere}
    elsewhere.rmdir()


@pytest.mark.parametrize(
    ("fields", "secret"),
    [({"token": "abc"}, "Bearer abc"), ({"user": "röntgen", "password": "x:y"}, basic("röntgen", "x:y"))],
)
def test_a_token_or_a_password_lets_in(archive, fields: dict, secret: str):
    archive.secret = secret
    assert len(brought(site(archive, **fields))[0]) == 3


def test_a_token_may_lie_in_a_file(archive, tmp_path):
    archive.secret = "Bearer abc"
    (tmp_path / "token").write_text("abc\n", encoding="ascii")
    assert len(brought(site(archive, token_file=tmp_path / "token"))[0]) == 3
    assert brought(site(archive, token_file=tmp_path / "none"))[1] == [
        "The token of the server pacs could not be read: there is no such file."
    ]


def test_a_server_that_refuses_is_named(archive):
    archive.secret = "Bearer other"
    opened, sentences = brought(site(archive, token="abc"))
    assert opened == []
    assert sentences[0].startswith("The server pacs refused the request (401 Unauthorized): the token")
    assert "abc" not in sentences[0]


@pytest.mark.parametrize(
    ("instead", "sentence"),
    [
        (403, "The server pacs refused the request (403 Forbidden)"),
        (500, "The server pacs answered 500 Internal Server Error."),
        (302, "The server pacs sends on to another address (302 Found), which is not followed"),
        (404, f"The server pacs does not have the study {STUDY}. Or its address is not the root"),
        (b"<html>", "The server pacs did not answer with a list of images"),
        (b"{}", "The server pacs did not answer with a list of images"),
        (b'[{"00080018": {"Value": ["../../etc"]}}, 3, null]', f"The server pacs does not have the study {STUDY}."),
    ],
)
def test_a_list_that_is_none_is_told(archive, instead: object, sentence: str):
    archive.instead["list"] = instead
    opened, sentences = brought(site(archive))
    assert opened == []
    assert len(sentences) == 1
    assert sentences[0].startswith(sentence)


def test_a_study_that_is_not_there_is_told(archive):
    assert brought(site(archive), StudyRequest("1.2.3", "pacs"))[1] == ["The server pacs does not have the study 1.2.3."]
    assert brought(site(archive), replace(WANTED, series_uid="1.9"))[1] == [
        f"The server pacs does not have the series 1.9 of the study {STUDY}."
    ]


def test_a_server_nobody_has_named_is_told(archive):
    sentences = brought(site(archive), StudyRequest(STUDY, "pcas"))[1]
    assert sentences == ["There is no server called pcas: known are pacs. Ask your administrator for its name."]


def test_the_users_own_server_serves_unless_the_site_forbids_it(archive, hilum_home):
    (hilum_home / "servers.toml").write_text(f'[[server]]\nname = "mine"\nurl = "{archive.url}"\n', encoding="utf-8")
    assert len(brought(Policy(), StudyRequest(STUDY, "mine"))[0]) == 3
    assert "There is no server called mine" in brought(Policy(own_servers_allowed=False), StudyRequest(STUDY, "mine"))[1][0]


def test_nothing_is_asked_where_the_network_is_off(archive):
    policy = replace(site(archive), network_allowed=False)
    assert brought(policy)[1] == ["Nothing was brought from pacs. The network is switched off by your site."]
    assert archive.asked == []


def test_a_server_that_is_not_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    policy = Policy(servers=(Server("pacs", f"http://localhost:{port}/dicom-web"),))
    assert brought(policy)[1] == ["The server pacs could not be reached: nothing answers at its address."]


def test_a_server_that_does_not_answer_is_told_and_can_be_left(monkeypatch):
    monkeypatch.setattr(line_of_ours, "ANSWER_S", 0.3)
    monkeypatch.setattr(line_of_ours, "STEP_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        policy = Policy(servers=(Server("pacs", f"http://localhost:{silent.getsockname()[1]}/dw"),))
        work = retrieve_study(WANTED, policy)
        assert isinstance(next(work), OpenProgress)  # each wait is a place to cancel at
        work.close()
        assert brought(policy)[1] == ["The server pacs could not be reached: it does not answer."]


def test_something_other_than_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as other:
        policy = Policy(servers=(Server("pacs", f"http://localhost:{other.getsockname()[1]}/dw"),))
        work = retrieve_study(WANTED, policy)
        next(work)
        line, _ = other.accept()
        line.sendall(b"SSH-2.0\r\n\r\n")
        line.close()
        assert [f.reason for f in work if isinstance(f, NotOpened)] == [
            "The server pacs could not be reached: what it answers is not HTTP."
        ]


def test_a_broken_image_costs_itself_alone(archive, films):
    archive.instead[f"{STUDY}.1.1"] = films[0].read_bytes()[:300]
    archive.instead[f"{STUDY}.1.2"] = 500
    opened, sentences = brought(site(archive))
    assert opened == [f"{STUDY}.2.3"]
    assert f"{STUDY}.1.1.dcm could not be opened" in sentences[0]
    assert sentences[1] == "This instance was not brought. The server pacs answered 500 Internal Server Error."


def test_another_image_than_was_asked_for_is_not_shown(archive, films):
    archive.instead[f"{STUDY}.1.1"] = films[2].read_bytes()
    opened, sentences = brought(site(archive))
    assert opened == [f"{STUDY}.1.2", f"{STUDY}.2.3"]
    assert sentences == ["The server sent another image than the one it was asked for, so it is not shown."]
    assert not (window_folder() / STUDY / f"{STUDY}.1.1.dcm").exists()


def test_a_server_that_goes_away_ends_it_after_three(archive):
    header = archive.films[f"{STUDY}.2.3"][0]
    for number in ("4", "5"):
        more = copy.deepcopy(header)
        more.SOPInstanceUID = UID(f"{STUDY}.2.{number}")
        more.InstanceNumber = number
        archive.films[str(more.SOPInstanceUID)] = (more, b"")
    archive.instead |= dict.fromkeys(archive.films, 503)
    sentences = brought(site(archive))[1]
    assert len(sentences) == 3
    assert sentences[-1].endswith("answered 503 Service Unavailable. The 2 after it were not tried.")


def test_real_files_come_as_they_are(shared_dicom):
    film = next((shared_dicom / "torchxrayvision" / "tests").glob("1.2.276*.dcm"))
    header = pydicom.dcmread(film, stop_before_pixels=True)
    with Archive([film]) as archive:
        brought(site(archive), StudyRequest(str(header.StudyInstanceUID), "pacs"))
        came = window_folder() / str(header.StudyInstanceUID) / f"{header.SOPInstanceUID}.dcm"
        assert came.read_bytes() == film.read_bytes()


@pytest.fixture
def certificate(tmp_path):
    """Return a certificate for localhost with its key, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    key, made = tmp_path / "key.pem", tmp_path / "site-ca.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", made, *names]
    subprocess.run(command, check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_bytes(made.read_bytes() + key.read_bytes())
    return made, both


def test_only_a_certificate_that_is_trusted_is_taken(films, certificate):
    trusted, both = certificate
    with Archive(films, both) as archive:
        assert len(brought(site(archive, ca_file=trusted))[0]) == 3
        opened, sentences = brought(site(archive))
        assert opened == []
        assert "its certificate is not trusted (self-signed certificate)" in sentences[0]
        elsewhere = Policy(servers=(Server("pacs", archive.url.replace("localhost", "127.0.0.1"), ca_file=trusted),))
        assert "its certificate is not trusted" in brought(elsewhere)[1][0]


def test_certificates_that_cannot_be_read_are_named(archive, tmp_path):
    policy = Policy(servers=(Server("pacs", "https://localhost/dw", ca_file=tmp_path / "none.pem"),))
    assert brought(policy)[1] == ["The certificates of the site for the server pacs (none.pem) could not be read."]


ANSWER = b"before\r\n--b\r\nContent-Type: application/dicom\r\n\r\nthe --b file\r\n-\r\n--b--\r\nafter"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_part_is_found_however_it_is_cut(size: int):
    chunks = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    assert b"".join(first_part(chunks, "b")) == b"the --b file\r\n-"


@pytest.mark.parametrize("answer", [b"", b"no parts here", ANSWER[:50], b"--b\r\n" + b"x" * 100_000])
def test_parts_that_cannot_be_told_apart_are_refused(answer: bytes):
    with pytest.raises(NotMultipart):
        list(first_part([answer], "b"))


def test_a_file_that_breaks_off_is_told_and_nothing_of_it_stays(archive):
    archive.cut_short = f"{STUDY}.1.1"
    opened, sentences = brought(site(archive))
    assert opened == [f"{STUDY}.1.2", f"{STUDY}.2.3"]
    assert sentences == ["This instance was not brought. The server pacs broke off."]
    assert len(list((window_folder() / STUDY).iterdir())) == 2
