"""The films behind the confusion matrix: read, found on disk, fetched from a server on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from inference import examples
from inference.download import _HttpOnlyRedirects
from inference.errors import BundleError, ExamplesError
from inference.examples import (
    ExampleProgress,
    ExampleResult,
    ExampleRow,
    fetch,
    install,
    links,
    original_address,
    read_examples,
)

FILMS = {name: name.encode() * 30_000 for name in ("first", "second", "third")}

HEADER = "sha256,origin_sha256,address,url,licence,source,view,age,sex,truth,answer,p_covid,p_other,fold"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_row(name: str, address: str = "") -> ExampleRow:
    own, original = sha256(name.encode() + b"re-encoded"), sha256(FILMS.get(name, b""))
    return ExampleRow(own, original, address, "", "", "", "PA", "55", "F", "covid", "other", (0.3, 0.7), "0")


def finish(work: Generator[ExampleProgress, None, ExampleResult]) -> tuple[list[ExampleProgress], ExampleResult]:
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as end:
            return steps, end.value


@dataclass
class Server:
    """A server on loopback, with the faults a test asks for, that remembers which ranges it was asked for."""

    address: str = ""
    knows_ranges: bool = True
    cut_after: int | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    states_length: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def rows(self, *names: str) -> tuple[ExampleRow, ...]:
        return tuple(make_row(name, f"{self.address}/films/{name}.png") for name in names)


def handler_for(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.asked.append((self.path, asked))
            data = FILMS.get(self.path.rpartition("/")[2].removesuffix(".png"))
            if self.path in server.redirects:
                self.send_response(302)
                self.send_header("Location", server.redirects[self.path])
                self.end_headers()
            elif data is None:
                self.send_error(404)
            else:
                self.send_film(data, int(asked[6:-1]) if asked and server.knows_ranges else 0)

        def send_film(self, data: bytes, start: int) -> None:
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            if server.states_length:
                self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            cut, server.cut_after = server.cut_after, None
            self.wfile.write(data[start:][:cut])

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(state))
    state.address = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield state
    listening.shutdown()
    listening.server_close()
    thread.join()


# The table


def write_table(folder: Path, *lines: str) -> Path:
    path = folder / "examples.csv"
    path.write_text("\n".join((HEADER, *lines)), encoding="utf-8")
    return path


def test_a_table_is_read_with_its_probabilities(tmp_path: Path) -> None:
    line = f'{"a" * 64},{"b" * 64},https://x/y.png,https://page,CC BY,"Hospital, Rome",PA,55,F,covid,other,0.25,0.75,3'
    (row,) = read_examples(write_table(tmp_path, line), ("covid", "other"))
    assert row == ExampleRow(
        *("a" * 64, "b" * 64, "https://x/y.png", "https://page", "CC BY", "Hospital, Rome", "PA", "55", "F"),
        *("covid", "other", (0.25, 0.75), "3"),
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"{'a' * 63},,,,,,,,,covid,other,0.3,0.7,0", "a SHA-256 is not 64 hexadecimal digits"),
        (f"{'a' * 64},../../evil,,,,,,,,covid,other,0.3,0.7,0", "a SHA-256 is not 64 hexadecimal digits"),
        (f"{'a' * 64},,,,,,,,,tb,other,0.3,0.7,0", "its truth 'tb' is none of covid, other"),
        (f"{'a' * 64},,,,,,,,,covid,other,high,0.7,0", "a probability is not a number"),
        (f"{'a' * 64},,,,,,,,,covid,other,0.9,0.7,0", "not between 0 and 1 with a sum of 1"),
        (f"{'a' * 64},,,,,,,,,covid,other,nan,nan,0", "not between 0 and 1 with a sum of 1"),
        (f"{'a' * 64},,,,,,,,,covid,other,0.3,0.7", "as many fields as the first line"),
        (f"{'a' * 64},,,,,,,,,covid,other,0.3,0.7,0,more", "as many fields as the first line"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(BundleError, match=rf"^The table of example films examples.csv is damaged in line 2: .*{fault}"):
        read_examples(write_table(tmp_path, line), ("covid", "other"))


def test_a_table_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"lacks the columns p_pneumonia\.$"):
        read_examples(write_table(tmp_path), ("covid", "pneumonia"))


def test_a_missing_or_undecodable_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"could not be read: No such file"):
        read_examples(tmp_path / "examples.csv", ("covid",))
    (tmp_path / "examples.csv").write_bytes(b"\xff\xfe\x00sha256")
    with pytest.raises(BundleError, match=r"is damaged"):
        read_examples(tmp_path / "examples.csv", ("covid",))


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        (
            "darkcovid/X-Ray Image DataSet/Covid-19/a b%.jpeg",
            "https://raw.githubusercontent.com/muhammedtalo/COVID-19/ee3e2cffc0824711bed675275506b26f19be7198"
            "/X-Ray%20Image%20DataSet/Covid-19/a%20b%25.jpeg",
        ),
        (
            "ieee_A73/auntminnie-a.jpeg",
            "https://raw.githubusercontent.com/ieee8023/covid-chestxray-dataset"
            "/2cd9015763c43231da288635a69f58d387f03bfa/images/auntminnie-a.jpeg",
        ),
        ("recovered/COVID-19 (1).png", ""),
        ("unheard_of/film.png", ""),
        ("", ""),
    ],
)
def test_an_origin_becomes_its_public_address(origin: str, address: str) -> None:
    assert original_address(origin) == address


# On this machine


def test_films_are_found_by_either_hash_at_any_depth_and_not_copied(tmp_path: Path) -> None:
    deep = tmp_path / "films" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "renamed.png").write_bytes(FILMS["first"])
    (tmp_path / "films" / "NO_SUFFIX").write_bytes(b"secondre-encoded")
    (tmp_path / "films" / "notes.txt").write_bytes(FILMS["third"])
    rows = tuple(make_row(name) for name in FILMS)
    _, result = finish(install(rows, tmp_path / "films", tmp_path / "store"))
    assert result == ExampleResult(linked=2, missing=1)
    assert links(tmp_path / "store") == {
        rows[0].sha256: deep / "renamed.png",
        rows[1].sha256: tmp_path / "films" / "NO_SUFFIX",
    }
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["links.json"]


def test_a_second_folder_is_added_to_the_first_and_a_film_gone_is_left_out(tmp_path: Path) -> None:
    rows = tuple(make_row(name) for name in ("first", "second"))
    for name in ("first", "second"):
        (tmp_path / f"{name}.png").write_bytes(FILMS[name])
        finish(install(rows, tmp_path / f"{name}.png", tmp_path / "store"))
    assert set(links(tmp_path / "store")) == {rows[0].sha256, rows[1].sha256}
    (tmp_path / "first.png").unlink()
    assert links(tmp_path / "store") == {rows[1].sha256: tmp_path / "second.png"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match=r"^The folder nowhere does not exist"):
        finish(install((), tmp_path / "nowhere", tmp_path / "store"))


def test_links_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "first.png").write_bytes(FILMS["first"])
    with pytest.raises(ExamplesError, match=r"^The links to the example films could not be written: File exists\.$"):
        finish(install((make_row("first"),), tmp_path / "first.png", tmp_path / "first.png"))


@pytest.mark.parametrize("damage", ["", "[1, 2]", '{"a": 5}', "{"])
def test_a_damaged_file_of_links_counts_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "links.json").write_text(damage)
    assert links(tmp_path) == {}


def test_real_films_are_found_by_their_hash(shared_data: Path, tmp_path: Path) -> None:
    film = min((shared_data / "cxr" / "films").glob("*.jpg"))
    row = replace(make_row("first"), sha256=sha256(film.read_bytes()))
    _, result = finish(install((row,), film, tmp_path))
    assert result == ExampleResult(1, 0)
    assert links(tmp_path) == {row.sha256: film.resolve()}


# From a server


def test_films_are_fetched_checked_and_linked(server: Server, tmp_path: Path) -> None:
    rows = server.rows("first", "second", "third")
    steps, result = finish(fetch(rows, tmp_path, limit_bytes=10_000_000))
    assert result == ExampleResult(3, 0)
    there = links(tmp_path)
    assert [there[row.sha256].read_bytes() for row in rows] == list(FILMS.values())
    assert there[rows[0].sha256] == tmp_path / "films" / f"{rows[0].origin_sha256}.png"
    assert steps[-1] == ExampleProgress(3, 3)
    assert (steps[0].name, steps[0].bytes_total) == ("first.png", 150_000)


def test_links_to_fetched_films_move_with_their_folder(server: Server, tmp_path: Path) -> None:
    (row,) = server.rows("first")
    finish(fetch((row,), tmp_path / "old", limit_bytes=10_000_000))
    (tmp_path / "old").rename(tmp_path / "new")
    assert links(tmp_path / "new")[row.sha256].parent == tmp_path / "new" / "films"


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    rows = server.rows("first", "second")
    finish(fetch(rows[:1], tmp_path, limit_bytes=10_000_000))
    _, result = finish(fetch(rows, tmp_path, limit_bytes=10_000_000))
    assert result == ExampleResult(2, 0)
    assert [path for path, _ in server.asked] == ["/films/first.png", "/films/second.png"]


def test_a_broken_line_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = 100_000
    _, result = finish(fetch(server.rows("first"), tmp_path, limit_bytes=10_000_000))
    assert result == ExampleResult(1, 0)
    assert server.asked == [("/films/first.png", None), ("/films/first.png", "bytes=100000-")]


def test_a_cancelled_film_goes_on_at_the_next_call(server: Server, tmp_path: Path) -> None:
    rows = server.rows("first", "second")
    work = fetch(rows, tmp_path, limit_bytes=10_000_000)
    while next(work).name == "first.png":
        pass
    work.close()
    assert set(links(tmp_path)) >= {rows[0].sha256}
    (part,) = (tmp_path / "films").glob("*.part")
    begun = part.stat().st_size
    assert finish(fetch(rows, tmp_path, limit_bytes=10_000_000))[1] == ExampleResult(2, 0)
    assert server.asked[-1] == ("/films/second.png", f"bytes={begun}-")


def test_a_server_without_ranges_is_asked_from_the_start(server: Server, tmp_path: Path) -> None:
    server.knows_ranges, server.cut_after = False, 50_000
    (row,) = server.rows("second")
    assert finish(fetch((row,), tmp_path, limit_bytes=10_000_000))[1] == ExampleResult(1, 0)
    assert links(tmp_path)[row.sha256].read_bytes() == FILMS["second"]


def test_a_film_that_had_arrived_whole_is_accepted(server: Server, tmp_path: Path) -> None:
    (row,) = server.rows("first")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / f"{row.origin_sha256}.png.part").write_bytes(FILMS["first"])
    assert finish(fetch((row,), tmp_path, limit_bytes=10_000_000))[1] == ExampleResult(1, 0)


def test_other_bytes_are_refused_and_removed(server: Server, tmp_path: Path) -> None:
    row = replace(server.rows("first")[0], origin_sha256="0" * 64)
    _, result = finish(fetch((row,), tmp_path, limit_bytes=10_000_000))
    assert (result.linked, result.missing) == (0, 1)
    assert result.failed[0].startswith(f"first.png was refused: its SHA-256 is {sha256(FILMS['first'])[:16]}…")
    assert list((tmp_path / "films").iterdir()) == []


@pytest.mark.parametrize("states_length", [True, False])
def test_the_limit_on_size_holds_for_the_whole_call(server: Server, tmp_path: Path, states_length: bool) -> None:
    server.states_length = states_length
    _, result = finish(fetch(server.rows("first", "second", "third"), tmp_path, limit_bytes=200_000))
    assert result == ExampleResult(1, 2, ("The limit on size was reached: 2 films were not fetched.",))
    assert sum(path.stat().st_size for path in (tmp_path / "films").iterdir()) <= 200_000


@pytest.mark.parametrize("states_length", [True, False])
def test_a_film_that_is_too_large_is_left_and_the_next_fetched(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states_length: bool
) -> None:
    monkeypatch.setattr(examples, "FILE_LIMIT_BYTES", 160_000)
    server.states_length = states_length
    _, result = finish(fetch(server.rows("second", "first"), tmp_path, limit_bytes=10_000_000))
    assert result == ExampleResult(1, 1, ("second.png was not fetched: it is larger than 0.2 MB.",))
    assert len(list((tmp_path / "films").iterdir())) == 1


def test_a_film_that_is_gone_is_listed_and_the_others_come(server: Server, tmp_path: Path) -> None:
    _, result = finish(fetch(server.rows("gone", "first"), tmp_path, limit_bytes=10_000_000))
    assert result == ExampleResult(1, 1, ("gone.png was not fetched: the server answered 404 Not Found.",))


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/film.png", "http://[bad", "http:///film.png"])
def test_other_schemes_are_refused(tmp_path: Path, address: str) -> None:
    _, result = finish(fetch((make_row("first", address),), tmp_path, limit_bytes=10_000_000))
    (sentence,) = result.failed
    assert sentence.endswith("was not fetched: its address is neither http nor https.")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/film.png", "data:text/plain,film"])
def test_a_redirect_to_another_scheme_is_refused(server: Server, tmp_path: Path, target: str) -> None:
    server.redirects["/films/first.png"] = target
    _, result = finish(fetch(server.rows("first"), tmp_path, limit_bytes=10_000_000))
    assert (result.linked, result.missing, len(result.failed)) == (0, 1, 1)
    assert list((tmp_path / "films").iterdir()) == []


def test_a_redirect_from_https_to_http_is_refused() -> None:
    handler = _HttpOnlyRedirects()
    secure = Request("https://raw.example.org/film.png")
    with pytest.raises(HTTPError, match="a refused redirect to http"):
        handler.redirect_request(secure, BytesIO(), 302, "Found", HTTPMessage(), "http://raw.example.org/film.png")


def test_a_redirect_to_another_page_of_the_web_is_followed(server: Server, tmp_path: Path) -> None:
    server.redirects["/moved.png"] = f"{server.address}/films/first.png"
    row = replace(make_row("first"), address=f"{server.address}/moved.png")
    assert finish(fetch((row,), tmp_path, limit_bytes=10_000_000))[1] == ExampleResult(1, 0)


def test_without_a_network_it_gives_up_after_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    closed.server_close()
    rows = tuple(
        replace(make_row("first", f"http://127.0.0.1:{closed.server_port}/{number}.png"), sha256=f"{number:064x}")
        for number in range(7)
    )
    _, result = finish(fetch(rows, tmp_path, limit_bytes=10_000_000))
    assert result.missing == 7
    assert result.failed[0] == "0.png was not fetched: the network could not be reached (Connection refused)."
    assert result.failed[3:] == ("Three in a row did not answer: 4 films were not tried.",)


def test_a_mirror_takes_the_place_of_scheme_and_host(server: Server, tmp_path: Path) -> None:
    row = make_row("first", "https://raw.example.org/films/first.png?raw=1")
    finish(fetch((row,), tmp_path, limit_bytes=10_000_000, base=server.address + "/"))
    assert server.asked == [("/films/first.png?raw=1", None)]


def test_a_folder_that_cannot_be_made_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ExamplesError, match=r"^The folder for example films could not be made: Not a directory\.$"):
        finish(fetch(server.rows("first"), tmp_path / "taken", limit_bytes=10_000_000))


def test_rows_without_an_address_stay_missing_in_silence(tmp_path: Path) -> None:
    assert finish(fetch((make_row("first"),), tmp_path, limit_bytes=1))[1] == ExampleResult(0, 1)
    assert not (tmp_path / "links.json").exists()


def test_a_fetched_film_that_was_not_linked_any_more_is_known_by_its_original_hash(tmp_path: Path) -> None:
    film = tmp_path / "films" / f"{sha256(FILMS['first'])}.png"
    film.parent.mkdir()
    film.write_bytes(FILMS["first"])
    assert links(tmp_path) == {sha256(FILMS["first"]): film}


def test_the_file_of_links_is_json_by_hash(tmp_path: Path) -> None:
    (tmp_path / "first.png").write_bytes(FILMS["first"])
    finish(install((make_row("first"),), tmp_path / "first.png", tmp_path / "store"))
    stored = json.loads((tmp_path / "store" / "links.json").read_text(encoding="utf-8"))
    assert stored == {make_row("first").sha256: str(tmp_path / "first.png")}
