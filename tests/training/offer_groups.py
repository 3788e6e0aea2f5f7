"""Windows of a made-up shop, as the next offer is trained on them."""

from datetime import datetime, timedelta

from tests.training.shops import day, lines
from training.ranker import OfferRows, offer_rows
from training.retrieval import bought_between, connect, histories, item_table

Rows = list[tuple[str, str, str, int, float]]


def offer_groups(
    rows: Rows, cutoffs: int = 3, *, as_of: datetime | None = None, window_days: int = 28
) -> list[OfferRows]:
    """The newest `cutoffs` windows that end by `as_of` (the 200th day), newest first."""
    end, groups = as_of or day(200), []
    with connect(lines(rows)) as con:
        for g in range(1, cutoffs + 1):
            cutoff = end - timedelta(days=window_days * g)
            table = item_table(con, cutoff)
            names, own = histories(con, cutoff, table)
            truth = bought_between(con, names, table, cutoff, cutoff + timedelta(days=window_days), end)
            groups.append(offer_rows(names, own, table, cutoff, truth))
    return groups
