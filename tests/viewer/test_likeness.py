"""How often the model was right on the films most like this one."""

import pytest

from viewer.reading import ConfusionExample, Share
from viewer.second_reader.likeness import likeness_sentence, nearest_right


def films(right, wrong):
    """Return films of which the first ``right`` were answered rightly."""
    answers = ["covid"] * right + ["normal"] * wrong
    return [ConfusionExample("", "covid", answer, (), "0", float(n)) for n, answer in enumerate(answers)]


def test_only_the_nearest_fifty_count():
    share = nearest_right(films(41, 30))
    assert (share.count, share.total) == (41, 50)
    assert (share.low, share.high) == pytest.approx((0.692, 0.902), abs=5e-4)


def test_where_there_are_fewer_all_count():
    share = nearest_right(films(2, 1))
    assert (share.count, share.total) == (2, 3)
    assert (share.low, share.high) == pytest.approx((0.2077, 0.9385), abs=5e-5)


def test_without_films_nothing_is_said():
    assert nearest_right([]) is None


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (Share(41, 50, 0.692, 0.902), "Of the 50 held-out films most like this one it was right in 41 (69 to 90 %)."),
        (Share(1, 1, 0.2065, 1.0), "Of the 1 held-out film most like this one it was right in 1 (21 to 100 %)."),
    ],
)
def test_it_is_said_in_a_sentence(share, said):
    assert likeness_sentence(share) == said
