"""Lineage read off expressions: types, payload columns and windows."""

from features.feature_store.batch import BATCH_FEATURES, time_columns_by_type, windows_by_type
from features.feature_store.lineage import payload_by_type, windows_of


def test_what_features_are_made_of() -> None:
    made = {name: payload_by_type(spec) for name, spec in BATCH_FEATURES.items()}
    assert made["purchase_count_30d"] == {"purchase": ()}
    assert made["revenue_total"] == {"purchase": ("lines",)}
    assert made["searches_without_result_30d"] == {"browse": ("action", "result_count")}
    assert made["email_clicks_90d"] == {"contact": ("channel", "status")}
    assert made["last_delivery_at"] == {"delivery": ("order_id", "status")}
    assert made["items_left_in_cart_30d"] == {"browse": ("action", "item_id"), "purchase": ("lines",)}


def test_the_declared_source_is_one_of_them_and_declared_windows_are_used() -> None:
    for name, spec in BATCH_FEATURES.items():
        assert spec.source in payload_by_type(spec), name
        assert windows_of(spec) == {d for d in (spec.days, *spec.edges) if d}, name


def test_windows_and_time_columns_by_type() -> None:
    assert windows_by_type()["feedback"] == {90, 365}
    assert windows_by_type()["delivery"] == {365}
    assert time_columns_by_type() == {"delivery": ("promised_at",)}
