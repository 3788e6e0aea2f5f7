"""What a declaration must say, and what is refused with the place and the remedy."""

from typing import Any

import pytest

from features.feature_store.batch_features import BATCH_FEATURES
from features.feature_store.batch_relations.purchases import purchases
from features.feature_store.declaration import ALWAYS, FLOAT, INT, FeatureRegister, windows_days


def _count(rows: Any, inside: Any) -> Any:
    """Purchases."""
    return rows.count(where=inside)


def _declared(name: str = "visits", **said: Any) -> FeatureRegister:
    register = FeatureRegister()
    source, unit = said.pop("source", "purchase"), said.pop("unit", "purchases")
    register.feature(purchases, source, unit, name=name, **said)(_count)
    return register


@pytest.mark.parametrize(
    "said",
    [{}, *({"days": days} for days in (0, -7, float("inf"), float("nan"), 1.5, True, 10**9))],
    ids=str,
)
def test_a_window_that_is_none_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(?s)'visits' \(test_declaration\.py:\d+\).*window"):
        _declared(**said)


def test_a_window_is_said_once() -> None:
    with pytest.raises(ValueError, match=r"said twice. Say days=N"):
        _declared(days=7, since=ALWAYS)
    with pytest.raises(ValueError, match="a window of 0 days"):
        _declared(days=7, edges=(0,))
    with pytest.raises(ValueError, match="its name says 30 days, its window is 90"):
        _declared("visits_30d", days=90)
    with pytest.raises(ValueError, match="its window is all history"):
        _declared("visits_30d", since=ALWAYS)


def test_a_name_used_twice_is_refused_with_both_places() -> None:
    register = _declared(days=7)
    with pytest.raises(ValueError, match=r"(test_declaration\.py:\d+).*already declared at test_declaration\.py:\d+"):
        register.feature(purchases, "purchase", "purchases", name="visits", days=9)(_count)
    assert [spec.days for spec in register.values()] == [7]


@pytest.mark.parametrize("name", ["customer_id", "order_id", "has_purchase", "since_7d", "label"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        _declared(name, days=7)


def test_other_faults_are_refused() -> None:
    for said, fault in (
        ({"name": "loyalty_y"}, "names ending in _y"),
        ({"name": "Visits"}, "lower-case"),
        ({"source": "weather"}, "source is 'weather'"),
        ({"unit": ""}, "needs a unit"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"dtype": FLOAT, "zero": True}, "zero=True needs INT"),
    ):
        with pytest.raises(ValueError, match=fault):
            _declared(**{"days": 7} | said)


def test_a_count_is_zero_for_none_unless_it_says_otherwise() -> None:
    assert _declared(days=7)["visits"].zero
    assert not _declared(days=7, dtype=FLOAT)["visits"].zero
    assert not _declared(days=7, dtype=INT, zero=False)["visits"].zero


def test_windows_follow_from_the_declarations() -> None:
    assert set(windows_days()) == {d for s in BATCH_FEATURES.values() for d in (s.days, *s.edges) if d}
    assert {28, 30, 90, 365} < set(windows_days())
