"""What files and folders hold, by their headers alone."""

import zipfile

import numpy as np
import pytest
from PIL import Image as PillowImage

from viewer.imaging.image import Document, NotOpened, Opened, OpenProgress
from viewer.imaging.opening import contents, open_paths, read_document, read_state
from viewer.imaging.reader import read_file
from viewer.imaging.thumbnails import Thumbnail, make_thumbnails, thumbnail_of


def opened(*paths):
    return [found for found in open_paths(paths) if isinstance(found, Opened)]


def refused(*paths):
    return [found for found in open_paths(paths) if isinstance(found, NotOpened)]


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a.png"
    PillowImage.fromarray(np.arange(240 * 120, dtype=np.uint16).reshape(120, 240)).save(path)
    return path


@pytest.fixture
def cut_short(tmp_path):
    path = tmp_path / "b.jpg"
    PillowImage.fromarray(np.random.default_rng(1).integers(0, 255, (200, 300), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-9000])
    return path


def test_nothing_is_decoded_while_a_folder_is_listed(cut_short):
    assert len(opened(cut_short.parent)) == 1


def test_a_thumbnail_keeps_the_proportion(png):
    (made,) = make_thumbnails([opened(png)[0].instance])
    assert isinstance(made, Thumbnail)
    assert (made.key, made.pixels.shape, made.pixels.dtype) == (f"{png}#0", (64, 128), np.uint8)


def test_a_thumbnail_of_a_damaged_picture_is_a_sentence(cut_short):
    (problem,) = make_thumbnails([opened(cut_short)[0].instance])
    assert problem.path == cut_short
    assert problem.reason == "b.jpg could not be opened: its JPEG picture is damaged or cut short."


def test_a_thumbnail_of_a_small_picture_is_not_enlarged(tmp_path):
    PillowImage.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "s.png")
    assert thumbnail_of(read_file(tmp_path / "s.png")).shape == (4, 6)


def test_a_zip_is_opened_like_a_folder(png):
    archive = png.parent / "study.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(png, "inner/one.png")
        made.writestr("inner/readme.txt", "not a film")
    (found,) = opened(archive)
    assert found.instance.path == archive / "inner" / "one.png"
    assert [problem.path.name for problem in refused(archive)] == ["readme.txt"]


def test_the_end_tells_how_much_was_found(png):
    work, said = open_paths([png, png.parent / "gone.dcm"]), []
    while True:
        try:
            said.append(next(work))
        except StopIteration as end:
            summary = end.value
            break
    assert (summary.opened, len(summary.not_opened)) == (1, 1)
    assert said[-1] == OpenProgress(2, 2)


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [
        ("gsps/pr_inverse_rot90_flip.dcm", "presentation state", "pr_inverse_rot90_flip"),
        ("gsps/pr_window_graphics.dcm", "presentation state", "pr_window_graphics"),
    ],
)
def test_a_presentation_state_is_a_document(shared_dicom, name, kind, title):
    found = contents(shared_dicom / "derived" / name)
    assert isinstance(found, Document)
    assert (found.kind, found.title) == (kind, title)
    assert read_document(found).kind == kind
    assert read_state(found).references


def test_a_report_is_read_as_lines(shared_dicom):
    documents = [found for found in open_paths([shared_dicom]) if isinstance(found, Document)]
    reports = [document for document in documents if document.kind == "report"]
    assert len(reports) >= 3
    assert all(len(read_document(report).lines) > 1 for report in reports)
