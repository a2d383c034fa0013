"""Pieces find their pages."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPainter

from viewer.reporting.typesetting import Piece, Style, lines, mm, paginate, plain_lines, space, unbroken


def draw_nothing(painter: QPainter, x: float, y: float) -> None:
    """Draw nothing: only heights matter here."""


def piece(height: float, keep_with_next: bool = False) -> Piece:
    return Piece(height, draw_nothing, keep_with_next=keep_with_next)


def tops(pieces: list[Piece], page_height: float) -> list[list[float]]:
    return [[placed.y for placed in page] for page in paginate(pieces, page_height)]


def test_pieces_fill_a_page_and_go_on_on_the_next() -> None:
    assert tops([piece(40), piece(40), piece(40)], 100) == [[0, 40], [0]]


def test_a_heading_goes_with_its_first_line() -> None:
    assert tops([piece(70), piece(20, keep_with_next=True), piece(20), piece(20)], 100) == [[0], [0, 20, 40]]


def test_a_few_sentences_go_to_one_page() -> None:
    assert tops([piece(70), *unbroken([piece(20)] * 3), piece(20)], 100) == [[0], [0, 20, 40, 60]]
    assert unbroken([]) == []


def test_what_must_stay_together_and_is_taller_than_a_page_breaks_after_all() -> None:
    assert tops([piece(30), *[piece(40, keep_with_next=True)] * 4], 100) == [[0, 30], [0, 40], [0]]


def test_white_space_is_left_out_at_the_top_of_a_page() -> None:
    assert tops([space(10), piece(90), space(10), space(10), piece(90)], 100) == [[0, 90], [0]]


def test_a_page_without_anything_is_still_a_page() -> None:
    assert tops([], 100) == [[]]


def test_every_kind_of_line_end_ends_a_line_and_controls_show() -> None:
    assert plain_lines("a\r\nb\rc\u2028d\ne\x00f\tg\ud800") == ["a", "b", "c", "d", "e\ufffdf    g\ufffd"]


@pytest.mark.parametrize(("text", "count"), [("one", 1), ("one\n\ntwo", 3), ("", 0)])
def test_text_is_one_piece_a_line(qapp: object, text: str, count: int) -> None:
    assert len(lines(text, Style(9), mm(174))) == count


def test_a_word_wider_than_the_column_is_broken(qapp: object) -> None:
    assert len(lines("w" * 1000, Style(9), mm(174))) > 10
    assert len(lines("w" * 1000, Style(9), mm(87))) > 20
