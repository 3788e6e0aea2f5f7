"""The yardsticks of sessions, by hand."""

import pytest

from benchmarks.yardsticks.vs_knn import VsKnn, session_popularity

SESSIONS = [[1, 2, 3], [1, 4], [5, 6, 6], [5, 6, 1]]


def test_own_items_by_count_and_first_view_then_what_everybody_views() -> None:
    assert session_popularity(SESSIONS, [[4, 2, 3, 4], []], 4) == [[4, 2, 3, 1], [1, 6, 5, 2]]


def test_only_sessions_that_share_an_item_vote() -> None:
    assert set(VsKnn(SESSIONS).lists([[4]], 9)[0]) == {1, 4}


def test_the_newest_view_decides_between_neighbours() -> None:
    forth, back = VsKnn(SESSIONS).lists([[2, 5], [5, 2]], 9)
    assert set(forth[:2]) == {5, 6}
    assert set(back[:2]) == {2, 3}


@pytest.mark.parametrize(("sample", "nearest"), [(1, 9), (9, 1)])
def test_so_many_sessions_are_compared_and_so_many_vote(sample: int, nearest: int) -> None:
    assert set(VsKnn(SESSIONS, sample=sample, nearest=nearest, cosine=False).lists([[1]], 9)[0]) <= {5, 6, 1}


def test_a_long_neighbour_counts_less_by_cosine() -> None:
    sessions = [[1, 2], [1, 3, 4, 5, 6], [7]]
    assert VsKnn(sessions, nearest=1).lists([[1]], 9)[0] == [2, 1]
    assert 3 in VsKnn(sessions, nearest=1, cosine=False).lists([[1]], 9)[0]


def test_nothing_known_gives_nothing() -> None:
    assert VsKnn(SESSIONS).lists([[], [99]], 5) == [[], []]
