"""What she sent back."""

from typing import Any

from features.feature_store.batch_relations.returns import return_lines, returns
from features.feature_store.declaration import ALWAYS, TIME, feature


@feature(returns, "return", "returns", days=365)
def return_count_365d(rows: Any, inside: Any) -> Any:
    """Returns."""
    return rows.count(where=inside)


@feature(return_lines, "return", "minor units", days=365)
def returned_amount_365d(rows: Any, inside: Any) -> Any:
    """Money given back."""
    return rows.amount.sum(where=inside)


@feature(return_lines, "return", "pieces", days=365)
def returned_items_365d(rows: Any, inside: Any) -> Any:
    """Quantity given back."""
    return rows.quantity.sum(where=inside)


@feature(returns, "return", "time", since=ALWAYS, dtype=TIME)
def last_return_at(rows: Any, _inside: Any) -> Any:
    """Last return."""
    return rows.occurred_at.max()
