"""What engines do not share is refused, with the feature, the operation and the spelling to use instead."""

from collections.abc import Callable
from typing import Any

import ibis
import pytest

from features.errors import DataError
from features.feature_store.batch_relations.browsing import browsing
from features.feature_store.batch_relations.known import Known, whole_seconds
from features.feature_store.batch_relations.purchases import purchase_lines
from features.feature_store.declaration import ALWAYS, FLOAT, FeatureRegister, FeatureSpec, Relation
from features.feature_store.engine_rules import check_engines

Aggregate = Callable[[Any], Any]


def _spec(aggregate: Aggregate, relation: Relation = purchase_lines) -> FeatureSpec:
    def tried(rows: Any, _inside: Any) -> Any:
        """Tried."""
        return aggregate(rows)

    register = FeatureRegister()
    register.feature(relation, "purchase", "tries", since=ALWAYS, dtype=FLOAT)(tried)
    return register["tried"]


def test_every_feature_runs_on_both_engines() -> None:
    check_engines()


@pytest.mark.parametrize(
    ("aggregate", "operation", "remedy"),
    [
        (lambda r: r.paid.first(order_by=r.occurred_at), "first", "argmax"),
        (lambda r: r.paid.last(), "last", "argmax"),
        (lambda r: r.paid.collect(order_by=r.occurred_at).length(), "collect", "sort"),
        (lambda r: r.item_id.approx_nunique(), "approx_count_distinct", "nunique"),
        (lambda r: r.paid.approx_median(), "approx_median", "median"),
        (lambda r: r.item_id.hash().max(), "hash", "sha256"),
        (lambda r: r.occurred_at.max().delta(r.occurred_at.min(), unit="second"), "timestamp_delta", "whole_seconds"),
        (lambda r: (r.occurred_at.max() - r.occurred_at.min()).cast("int64"), "timestamp_diff", "whole_seconds"),
        (lambda r: ibis.now().epoch_seconds() - r.paid.max(), "timestamp_now", "no clock"),
        (lambda r: (r.paid.max() / 2).cast("int64"), "cast from float", "floor"),
        (lambda r: r.paid.sum() / r.quantity.sum(), "division", "nullif"),
        (lambda r: r.paid.sum() % r.quantity.sum(), "division", "nullif"),
        (lambda r: r.item_id.mode(), "mode", "other operations"),
        (lambda r: r.paid.kurtosis(), "kurtosis", "other operations"),
        (lambda r: r.paid.mean(), "mean", "count"),
        (lambda r: r.paid.std(), "standard_dev", "integer sums"),
        (lambda r: (r.paid * 0.5).sum(), "sum of floats", "integer sums"),
        (lambda r: r.paid.max().ln(), "logarithm", "frame.py"),
        (lambda r: r.occurred_at.max().epoch_seconds(), "epoch_seconds", "whole_seconds"),
        (lambda r: r.occurred_at.max().hour(), "extract_hour", "zone"),
        (lambda r: r.occurred_at.max().day_of_week.index(), "day_of_week", "zone"),
    ],
)
def test_refused(aggregate: Aggregate, operation: str, remedy: str) -> None:
    with pytest.raises(DataError, match=rf"(?s)'tried' \(test_engine_rules\.py:\d+\) uses.*{operation}.*{remedy}"):
        check_engines([_spec(aggregate)])


def test_what_a_relation_uses_is_refused_too() -> None:
    def latest_price(known: Known) -> Any:
        return known.of_type("browse").asof_join(purchase_lines(known), "occurred_at", ["customer_id"])

    with pytest.raises(DataError, match=r"asof_join: use a left join and `row_number`"):
        check_engines([_spec(lambda r: r.paid.max(), latest_price)])


def test_what_one_engine_has_no_word_for_is_refused() -> None:
    """Not on the list of operations; the engine's own compiler says so."""
    with pytest.raises(DataError, match=r"'tried' .*(DuckDB|Spark) cannot run it"):
        check_engines([_spec(lambda r: r.session_id.max().host(), browsing)])


def test_a_feature_that_cannot_be_put_together_is_named() -> None:
    with pytest.raises(DataError, match=r"'tried' .* cannot be put together: .*colour"):
        check_engines([_spec(lambda r: r.colour.max())])
    with pytest.raises(DataError, match=r"since_77d"):
        check_engines([_spec(lambda r: r.count(where=r.occurred_at >= r.since_77d))])


def test_a_feature_made_of_the_cutoff_itself_is_refused_since_increments_would_not_see_it_change() -> None:
    since_last = _spec(lambda r: whole_seconds(r.event_timestamp.max()) - whole_seconds(r.occurred_at.max()))
    with pytest.raises(DataError, match=r"'tried'.*event_timestamp as a value.*take its age"):
        check_engines([since_last])
    rounded = _spec(lambda r: r.count(where=whole_seconds(r.occurred_at) >= whole_seconds(r.since_90d)))
    with pytest.raises(DataError, match=r"since_90d as a value"):
        check_engines([rounded])
