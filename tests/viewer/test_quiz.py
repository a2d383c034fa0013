"""Drawing a quiz, going through it, and what came of it, in literal numbers."""

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from viewer.errors import SecondReaderError
from viewer.paths import examples_folder
from viewer.quiz import Area, QuizFilm, QuizPool, QuizRun, draw_films, result_table
from viewer.second_reader.quiz import quiz_pool, roc_points, score, score_quiz

TITLES = (("covid", "COVID-19"), ("normal", "no finding"))
POSITIVE = np.array([1, 1, 1, 0, 0, 0], bool)
CONFIDENCE = np.array([0.75, 0.5, 1.0, 0.0, 0.5, 0.25])


def film(index, is_positive, probability=0.5):
    truth = "covid" if is_positive else "normal"
    answer = "covid" if probability >= 0.5 else "normal"
    return QuizFilm(f"{index:064x}", Path(f"{index}.png"), truth, answer, probability, is_positive)


def films(positives, rest):
    return tuple(film(index, index < positives) for index in range(positives + rest))


def pool(*drawn, missing=0):
    return QuizPool("Chest", "ab" * 32, "covid", TITLES, tuple(drawn), missing)


# ----------------------------------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize(
    ("there", "count", "drawn"),
    [
        ((30, 50), 20, (10, 10)),
        ((30, 50), 21, (10, 11)),
        ((3, 50), 20, (3, 3)),
        ((3, 50), 7, (3, 4)),
        ((50, 3), 20, (3, 3)),
        ((0, 9), 4, (0, 0)),
    ],
)
def test_half_of_the_drawn_films_are_positive_as_far_as_there_are_enough(there, count, drawn):
    found = draw_films(films(*there), count, 7)
    positives = sum(each.is_positive for each in found)
    assert (positives, len(found) - positives) == drawn
    assert len({each.sha256 for each in found}) == len(found)


def test_one_seed_draws_the_same_whatever_order_the_films_are_found_in():
    there = films(30, 50)
    assert draw_films(there, 20, 7) == draw_films(there[::-1], 20, 7)
    assert draw_films(there, 20, 7) != draw_films(there, 20, 8)


def test_positives_and_others_come_in_an_order_of_chance():
    order = [each.is_positive for each in draw_films(films(30, 50), 20, 7)]
    assert order not in (sorted(order), sorted(order, reverse=True))


def test_too_few_films_are_named_and_what_to_do_about_it():
    said = pool(*films(1, 40), missing=1303).why_not
    assert "there are 1 and 40; 1,303 are missing. Link the folder" in said
    assert pool(*films(2, 2)).why_not == ""


# ------------------------------------------------------------------------------------------------------ going through


def test_only_a_rated_film_lets_the_reader_on_and_the_last_one_ends_it():
    run = QuizRun(films(1, 1), 7)
    assert (run.next(), run.at) == (False, 0)
    run.rate(75)
    assert (run.next(), run.at) == (False, 1)
    run.rate(0)
    assert run.next()


def test_going_back_keeps_what_was_said_and_lets_it_be_changed():
    run = QuizRun(films(1, 1), 7)
    run.rate(75)
    run.next()
    run.back()
    assert run.rating == 75
    run.rate(130)
    assert run.ratings == [100, None]


def test_a_film_that_cannot_be_opened_leaves_the_quiz():
    run = QuizRun(films(1, 2), 7)
    run.rate(75)
    run.next()
    assert not run.leave_out()
    assert (run.at, len(run.films), run.left_out) == (1, 2, 1)
    assert run.leave_out()
    assert run.ratings == [75]


# ------------------------------------------------------------------------------------------------------------- scores


def test_the_curve_has_a_point_for_each_confidence_that_was_given():
    third = pytest.approx(1 / 3)
    two = pytest.approx(2 / 3)
    assert roc_points(POSITIVE, CONFIDENCE) == ((0, 0), (0, third), (0, two), (third, 1), (two, 1), (1, 1))


def test_area_and_the_counts_at_half_are_those_worked_by_hand():
    found = score(POSITIVE, CONFIDENCE)
    assert found.area.value == pytest.approx(8.5 / 9)
    assert (found.sensitivity.count, found.sensitivity.total) == (3, 3)
    assert (found.specificity.count, found.specificity.total) == (2, 3)
    assert (found.specificity.low, found.specificity.high) == pytest.approx((0.2077, 0.9385), abs=5e-5)


def test_the_interval_of_the_area_is_of_films_drawn_again():
    generator = np.random.default_rng(1)
    positive = np.arange(200) % 2 == 0
    found = score(positive, generator.normal(positive * 1.0, 1.0)).area
    assert found.low < found.value < found.high
    # Hanley and McNeil 1982: a standard error of 0.035 at 0.75 with 100 films on each side.
    assert found.high - found.low == pytest.approx(4 * 0.035, abs=0.03)


def test_with_films_of_one_side_no_area_is_claimed():
    assert score(np.array([True, True]), np.array([0.2, 0.9])).area == Area(None)


def test_reader_and_model_are_compared_on_the_same_films():
    run = QuizRun([film(0, True, 0.9), film(1, True, 0.2), film(2, False, 0.1), film(3, False, 0.6)], 7)
    run.ratings = [90, 60, 10, 30]
    result = score_quiz(run)
    assert (result.own.area.value, result.model.area.value) == (1.0, 0.75)
    assert result.difference.value == 0.25
    assert (result.model.sensitivity.count, result.model.specificity.count) == (1, 1)


def test_two_readers_of_one_mind_do_not_differ_at_all():
    run = QuizRun([film(n, n % 2 == 0, 0.1 * n) for n in range(8)], 7)
    run.ratings = [10 * n for n in range(8)]
    assert score_quiz(run).difference == Area(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("area", "said"),
    [(Area(0.854, 0.661, 0.98), "0.85 (0.66 to 0.98)"), (Area(None), "cannot be told"), (Area(0.5), "0.50")],
)
def test_an_area_is_said_with_its_interval(area, said):
    assert area.in_words() == said


def test_the_exported_table_holds_truth_rating_and_the_models_answer():
    run = QuizRun([film(0, True, 0.9), film(1, False, 0.25)], 7)
    run.ratings = [75, 0]
    rows = list(csv.DictReader(io.StringIO(result_table(score_quiz(run), pool(*run.films)).decode())))
    assert [(row["truth"], row["own_confidence_percent"]) for row in rows] == [("covid", "75"), ("normal", "0")]
    assert [(row["model_answer"], row["model_probability"]) for row in rows] == [("covid", "0.900000"), ("normal", "0.250000")]
    assert (rows[0]["seed"], rows[0]["positive_class"], rows[0]["weights_sha256"]) == ("7", "covid", "ab" * 32)


# --------------------------------------------------------------------------------------------------------------- pool


def model(folder, hashes):
    """Write the card and the table of a model whose films have these SHA-256."""
    folder.mkdir()
    columns = "sha256,origin_sha256,address,url,licence,source,view,age,sex,truth,answer,p_covid,p_normal,fold"
    rows = [f"{sha},,,,,,,,,{'covid' if n % 2 else 'normal'},covid,0.75,0.25,0" for n, sha in enumerate(hashes)]
    (folder / "examples.csv").write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    files = {"examples.csv": hashlib.sha256((folder / "examples.csv").read_bytes()).hexdigest()}
    classes = [{"name": name, "title": title} for name, title in TITLES]
    said = dict.fromkeys(
        ("version", "recipe", "preprocessing", "members", "protocol_members", "temperature", "confusion_matrix", "heatmap",
         "neighbours", "facts", "metrics", "thresholds"), None,
    )  # fmt: skip
    card = {"format": 1, "name": "chest", "title": "Chest", "positive": "covid", "classes": classes, "files": files}
    (folder / "card.json").write_text(json.dumps(said | card), encoding="utf-8")
    return folder


def exhausted(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_only_films_whose_picture_is_here_can_be_drawn(tmp_path):
    hashes = [f"{n:064x}" for n in range(5)]
    here = examples_folder("chest")
    here.mkdir(parents=True)
    for sha in hashes[:3]:
        (here / f"{sha}.png").write_bytes(b"film")
    (here / "links.json").write_text(json.dumps({sha: f"{sha}.png" for sha in hashes}), encoding="utf-8")
    found = exhausted(quiz_pool(model(tmp_path / "chest", hashes)))
    assert [each.sha256 for each in found.films] == hashes[:3]
    assert (found.missing, found.positive, found.model) == (2, "covid", "Chest")
    assert [(each.truth, each.is_positive, each.probability) for each in found.films[:2]] == [
        ("normal", False, 0.75), ("covid", True, 0.75),
    ]  # fmt: skip


def test_a_table_that_is_not_the_models_own_is_refused(tmp_path):
    folder = model(tmp_path / "chest", ["0" * 64])
    with (folder / "examples.csv").open("a", encoding="utf-8") as table:
        table.write("\n")
    with pytest.raises(SecondReaderError, match="not the one of this model"):
        exhausted(quiz_pool(folder))
