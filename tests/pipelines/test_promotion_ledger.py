"""The ledger of judged windows: it only grows, a kill in the middle of a line costs that line alone."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.home import Home
from pipelines.promotion import ledger
from pipelines.promotion.ledger import Judged

FIRST = Judged(
    model="churn", validated_at="2026-08-01T00:00:00+00:00", window="w1", files="f1", log_fingerprint="l1",
    decided_at="2026-10-30T06:00:00+00:00", bundle="20261030-abc", promoted=True,
)  # fmt: skip
SECOND = replace(FIRST, model="next_offer", window="w2", files="f2", promoted=False)


@pytest.fixture
def home(tmp_path):
    found = Home.open(tmp_path)
    found.models.mkdir()
    return found


def test_what_was_written_is_read_in_order(home):
    assert ledger.read(home) == []
    ledger.append(home, [FIRST])
    ledger.append(home, [SECOND, FIRST])
    assert ledger.read(home) == [FIRST, SECOND, FIRST]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_line_torn_anywhere_costs_itself_alone_and_the_next_is_whole(home, data):
    path = ledger.path_of(home)
    path.unlink(missing_ok=True)
    ledger.append(home, [FIRST, SECOND])
    whole = path.read_bytes()
    begins = whole.index(b"\n") + 1
    cut = data.draw(st.integers(begins, len(whole)))
    path.write_bytes(whole[:cut])
    assert ledger.read(home) == ([FIRST, SECOND] if cut >= len(whole) - 1 else [FIRST])
    ledger.append(home, [SECOND])
    assert ledger.read(home)[-1] == SECOND
    assert ledger.read(home)[0] == FIRST
    assert path.read_bytes().startswith(whole[:cut]), "what was there is never rewritten"


def test_lines_that_say_something_else_are_passed_over(home):
    ledger.path_of(home).write_bytes(b'{"model": "churn"}\n\n[1]\nnull\n\xff\n')
    ledger.append(home, [FIRST])
    assert ledger.read(home) == [FIRST]


def test_a_window_judges_one_model_however_that_ended():
    for promoted in (True, False):
        (gate,) = ledger.used_windows([replace(FIRST, promoted=promoted)], [replace(FIRST, files="other")])
        assert (gate.name, gate.passed) == ("churn_window", False)
        assert "2026-08-01" in gate.text and "2026-10-30" in gate.text and "tahdikas retrain --as-of" in gate.text


def test_the_same_files_another_window_or_another_model_may_be_judged():
    assert ledger.used_windows([FIRST], [FIRST]) == []
    assert ledger.used_windows([FIRST], [replace(FIRST, window="later", files="other")]) == []
    assert ledger.used_windows([FIRST], [replace(FIRST, model="next_offer", files="other")]) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=12))
def test_over_any_history_of_tries_a_window_has_judged_one_model(tries):
    known = []
    for window, files in tries:
        one = replace(FIRST, window=window, files=files)
        if not ledger.used_windows(known, [one]):
            known.append(one)
    assert all(len({one.files for one in known if one.window == window}) <= 1 for window in "ab")
