"""What a decision reads at a moment is what training is told of that moment: over ten thousand moments, on both stores.

Five days are lived through: events come in, every night the features go online, and at moments of the day everybody is
read as a decision would read her. Afterwards training asks for the same customers at the same moments.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_histories import T, table
from online_stores import STORES, home_with, valkey_url
from shop_log import shop_rows

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.customer.hold_rules import HoldRules
from features.customer.state import decode
from features.customer.state_history import Span, state_history
from features.customer.view import state_features
from features.feature_store.batch import BATCH_FEATURES, schema_hash
from features.feature_store.batch_features import TEXT
from features.feature_store.online import OnlineFeatures
from features.feature_store.snapshots import BATCH
from features.home import Home
from features.inputs.frame import to_columns
from features.log.event_log import EventLog
from pipelines.bring_online import bring_online
from pipelines.materialize import build_snapshots
from training.dataset import load_training_set

DAY, RULES = timedelta(days=1), HoldRules()
NIGHTS = [T - number * DAY for number in range(5, 0, -1)]
HOURS = (0, 3, 7, 9, 13, 17, 20, 22)
MOMENTS = [night + timedelta(hours=hours) for night in NIGHTS for hours in HOURS]
WHO = [f"c{number:03}" for number in range(260)]
Read = dict[tuple[str, datetime], dict[str, Any] | None]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, dict[str, Read], Read]]:
    """The data folder at the end, what was read from each store, and the live state at each moment."""
    folder = tmp_path_factory.mktemp("lived") / "home"
    rows = sorted(shop_rows(len(WHO)), key=lambda row: row["received_at"])
    heard = [row["received_at"] for row in rows]
    online: dict[str, Read] = {store: {} for store in STORES}
    states: Read = {}
    with valkey_url() as url:
        for number, moment in enumerate(MOMENTS):
            home = home_with(folder, store="sqlite")
            before = bisect_right(heard, MOMENTS[number - 1]) if number else 0
            with EventLog(home, durable=False) as log:
                log.append_history([table(rows[before : bisect_right(heard, moment)])], source="test", now=T)
            if moment in NIGHTS:
                (newest,) = build_snapshots(home, [moment], kinds=[BATCH])
            for store in STORES:
                home = home_with(folder, store=store, url=url)
                if moment in NIGHTS:
                    bring_online(home, newest, moment)
                online[store].update(_read(home, moment))
            with EventLog(home, durable=False) as log:
                for who in WHO:
                    found = log.state_of(who)
                    states[who, moment] = found and state_features(decode(found[1]), moment, RULES)
        yield home_with(folder, store="sqlite"), online, states


def _read(home: Home, moment: datetime) -> Read:
    reader = OnlineFeatures(home, expected_schema=schema_hash())
    try:
        records = reader.read(WHO, moment)
    finally:
        reader.close()
    assert all(one is None or one.problem is None for one in records)
    return {(who, moment): one and one.values for who, one in zip(WHO, records, strict=True)}


@pytest.mark.parametrize("store", STORES)
def test_batch_features_read_online_are_those_that_training_gets(
    lived: tuple[Home, dict[str, Read], Read], store: str
) -> None:
    home, online, _ = lived
    asked = [(who, moment) for moment in MOMENTS for who in WHO]
    assert len(asked) >= 10_000
    spine = pd.DataFrame(asked, columns=[CUSTOMER_ID, EVENT_TIMESTAMP])
    offline = load_training_set("churn_v1", home=home, spine=spine)
    columns = to_columns(offline)
    for name, spec in BATCH_FEATURES.items():
        served = [None if (values := online[store][key]) is None else values[name] for key in asked]
        if spec.dtype == TEXT:
            assert [value if isinstance(value, str) else None for value in offline[name]] == served, name
        else:
            np.testing.assert_array_equal(columns[name], np.array(served, np.float64), err_msg=name)
    assert offline["purchase_count_total"].notna().mean() > 0.9, "nearly everybody has features"


def test_state_at_a_decision_is_the_state_that_history_tells(lived: tuple[Home, dict[str, Read], Read]) -> None:
    home, _, states = lived
    with EventLog(home) as log:
        facts, spans = log.facts_ever_of(WHO)
    for who in WHO:
        hers = [Span(*span) for span in spans.get(who, [])]
        told = state_history(who, facts.get(who, []), hers, MOMENTS, RULES)
        for moment, replayed in zip(MOMENTS, told, strict=True):
            live = states[who, moment]
            assert live is None or _same(live, replayed), (who, moment)


def _same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and np.array_equal(list(one.values()), [other[n] for n in one], equal_nan=True)
