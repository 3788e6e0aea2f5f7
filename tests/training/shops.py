"""Small made-up shops whose patterns are known, as purchase tables and as canonical events."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from training.purchases import PURCHASE_SCHEMA

START = datetime(2025, 1, 1, tzinfo=UTC)


def day(n: float) -> datetime:
    """`n` days after the shop opened."""
    return START + timedelta(days=n)


def lines(rows: list[tuple[str, str, str, int, float]]) -> pa.Table:
    """Purchase lines from (customer, order, item, paid, day); one piece each, received at once."""
    moments = [day(row[4]) for row in rows]
    columns = {
        "customer_id": [r[0] for r in rows],
        "order_id": [r[1] for r in rows],
        "item_id": [r[2] for r in rows],
        "quantity": [1] * len(rows),
        "paid": [r[3] for r in rows],
        "occurred_at": moments,
        "received_at": moments,
    }
    return pa.table(columns, schema=PURCHASE_SCHEMA)


def rhythmic(customers: int = 160, days: int = 200, seed: int = 1) -> list[tuple[str, str, str, int, float]]:
    """Customers with an own rhythm and own favourites, a third of whom stop on a day of their own.

    Every order has one of four favourites, its companion (item `a3` goes with `b3`), and now and then a popular item.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for c in range(customers):
        gap = generator.choice([5.0, 10.0, 20.0])
        ends = generator.uniform(days * 0.3, days * 0.9) if generator.random() < 1 / 3 else days
        favourites = generator.choice(20, 4, replace=False)
        now, order = generator.uniform(0, 30), 0
        while now < ends:
            item = favourites[order % 4]
            basket = [f"a{item}", f"b{item}"] + (["popular"] if generator.random() < 0.3 else [])
            rows += [(f"c{c:03d}", f"o{c:03d}-{order}", i, 500 + 10 * int(item), round(now, 3)) for i in basket]
            now, order = now + gap * generator.uniform(0.7, 1.3), order + 1
    return rows


def events(rows: list[tuple[str, str, str, int, float]]) -> pa.Table:
    """The same as purchase events, one an order."""
    orders: dict[str, list[tuple[str, str, str, int, float]]] = {}
    for row in rows:
        orders.setdefault(row[1], []).append(row)
    told = [
        {
            "event_id": f"p-{order}",
            "type": "purchase",
            "customer_id": own[0][0],
            "occurred_at": day(own[0][4]),
            "received_at": day(own[0][4]),
            "channel": "web",
            "source": "test",
            "schema_version": 1,
            "order_id": order,
            "currency": "EUR",
            "lines": [{"item_id": r[2], "quantity": 1, "unit_price": r[3], "discount": 0} for r in own],
        }
        for order, own in orders.items()
    ]
    return pa.Table.from_pylist(told, schema=EVENT_SCHEMA)
