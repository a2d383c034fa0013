"""The words of a command line as what a window opens."""

from pathlib import Path

import pytest

from viewer.window_request import StudyRequest, WindowRequest, WrongUse, is_uid, parse_request


def test_paths_are_taken_from_the_present_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_request(["a b.dcm", "/x/y"]).paths == (tmp_path / "a b.dcm", Path("/x/y").absolute())


def test_a_study_names_its_server_and_its_series():
    request = parse_request(["--study-uid", "1.2.3", "--from=pacs", "--series-uid", "1.2.3.4"])
    assert request == WindowRequest(study=StudyRequest("1.2.3", "pacs", "1.2.3.4"))


def test_behind_two_dashes_everything_is_a_path():
    assert [path.name for path in parse_request(["--", "--sample"]).paths] == ["--sample"]


@pytest.mark.parametrize(
    ("words", "is_shared"), [([], True), (["a.dcm"], True), (["--sample"], False), (["--new-window", "a.dcm"], False)]
)
def test_the_sample_and_a_new_window_keep_to_themselves(words: list[str], is_shared: bool):
    assert parse_request(words).is_shared is is_shared


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--smaple"], "There is no option --smaple; see --help."),
        (["--study-uid", "1.2"], "A study needs both --study-uid UID and --from SERVER."),
        (["--from", "pacs"], "A study needs both --study-uid UID and --from SERVER."),
        (["--series-uid", "1.2", "a.dcm"], "A study needs both --study-uid UID and --from SERVER."),
        (["--from"], "--from needs a value; see --help."),
        (["--study-uid", "1.2/../3", "--from", "pacs"], "What follows --study-uid is no UID"),
        (["--study-uid", "1.2", "--from", "pacs", "--series-uid", "x"], "What follows --series-uid is no UID"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], sentence: str):
    with pytest.raises(WrongUse, match=sentence.replace(".", r"\.")):
        parse_request(words)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1.2.840.10008.1.2", True),
        ("2.25.0012", True),
        ("1." + "2" * 62, True),
        ("1." + "2" * 63, False),
        ("1", False),
        ("1..2", False),
        ("1.2.", False),
        ("1.2\n", False),
        ("1.٢", False),
    ],
)
def test_a_uid_is_digits_and_dots(text: str, is_one: bool):
    assert is_uid(text) is is_one
