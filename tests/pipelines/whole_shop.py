"""One small shop with purchases, rated texts and browsing: enough to learn every model from."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from tests.pipelines.test_train_dissatisfaction import reviews
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, Trees

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = day(196)
CUSTOMERS, ONCE, SESSIONS = 120, 120, 900
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=3, trees=Trees(rounds=30, min_data_in_leaf=20)),
    next_offer=OfferParams(cutoffs=3, k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30)),
    promotion=PromotionParams(min_customers=30, max_offer_ece=0.05),
)


def whole_shop(folder: Path) -> Home:
    """Its log, nothing trained; some customers come once, and half of these once more."""
    home = Home.open(folder)
    with EventLog(home) as log:
        log.append_history([events([*rhythmic(CUSTOMERS), *once()]), reviews(400), browsing()], source="test", now=NOW)
    return home


def once() -> list[tuple[str, str, str, int, float]]:
    """First-time buyers, one every day and a half; every second comes back after some days."""
    rows = [(f"n{n:03d}", f"n{n:03d}-0", "popular", 900, 10.0 + 1.5 * n) for n in range(ONCE)]
    again = [
        (who, f"{who}-1", "popular", 900, at + 3 + 7 * number % 40) for number, (who, _, _, _, at) in enumerate(rows)
    ]
    return rows + [row for row in again[::2] if row[4] < 199]


def browsing() -> pa.Table:
    """Visitors who look at a thing nobody buys with it, then at what is sold together with that; all the time."""
    draw = np.random.default_rng(4)
    told = []
    for number in range(SESSIONS):
        first = int(draw.integers(20))
        for place, item in enumerate((f"a{first}", f"b{(first + 7) % 20}", f"a{(first + 3) % 20}", f"b{first}")):
            moment = day(1 + number * 194.9 / SESSIONS + place / 1440)
            told.append({
                "event_id": f"b-{number}-{place}", "type": "browse", "anonymous_id": f"v{number}",
                "occurred_at": moment, "received_at": moment, "channel": "web", "source": "test", "schema_version": 1,
                "action": "view", "session_id": f"s{number}", "item_id": item,
            })  # fmt: skip
    return pa.Table.from_pylist(told, schema=EVENT_SCHEMA)
