"""The truth behind the log, for judging what was learnt from it; no pipeline reads it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from features.columns import TIME
from pipelines.shop.arrays import Floats, Ints
from pipelines.shop.catalogue import FACTORS, Catalogue
from pipelines.shop.chunk import Chunk
from pipelines.shop.deeds import REASONS, instants_us
from pipelines.shop.letters import SENT_AT
from pipelines.shop.parameters import OFFERS, SEGMENTS
from pipelines.shop.telling import Coded, written


def truth_tables(chunk: Chunk, catalogue: Catalogue) -> Iterator[tuple[str, pa.Table]]:
    """(name, table) of each kind of truth."""
    yield "customers", _customers(chunk)
    yield "satisfaction", _satisfaction(chunk)
    yield "offer_effects", _offer_effects(chunk)
    yield "letters", _letters(chunk)
    yield "orders", _orders(chunk)
    yield "anonymous", _anonymous(chunk)
    if chunk.number == 0:
        yield "items", _items(catalogue)


def _vectors(values: Floats) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]).cast(pa.list_(pa.float32()))


def _moments(chunk: Chunk, days: Floats) -> pa.Array:
    known = np.isfinite(days) & (instants_us(np.where(np.isfinite(days), days, 0), chunk.names.epoch_us) < chunk.end_us)
    return pa.array(instants_us(np.where(known, days, 0), chunk.names.epoch_us), mask=~known).cast(TIME)


def _customers(chunk: Chunk) -> pa.Table:
    c = chunk.customers
    return pa.table(
        {
            "customer_id": chunk.customer_ids,
            "segment": written(Coded(c.segment, SEGMENTS), c.size),
            "dropped_at": _moments(chunk, chunk.life.dropped),
            "joined_week": pa.array(c.join_week),
            "order_rate": c.rate,
            "own_satisfaction": c.own_level,
            "touchiness": c.touchiness,
            "dropout_hazard": c.hazard,
            "price_sensitivity": c.price_sensitivity,
            "store_share": c.store_share,
            "taste": _vectors(c.taste),
            "factors": _vectors(c.factors),
            "staples": pa.array([[int(v) for v in row if v >= 0] for row in c.staple], pa.list_(pa.int64())),
            "cycle_days": _vectors(c.cycle),
        }
    )


def _satisfaction(chunk: Chunk) -> pa.Table:
    """One row a customer: by week, satisfaction at the letter, and activity: 0 before joining and after leaving."""
    return pa.table(
        {
            "customer_id": chunk.customer_ids,
            "satisfaction": _vectors(np.round(chunk.life.satisfaction.T, 3)),
            "activity": _vectors(chunk.life.activity.T),
        }
    )


def _offer_effects(chunk: Chunk) -> pa.Table:
    """What each letter changes in the chance of a planned order in its week, at satisfaction 0 and mean season."""
    c = chunk.customers
    base = c.rate[:, None]
    effect = np.exp(-base) - np.exp(-np.maximum(base + c.uplift, 0))
    rows = np.repeat(np.arange(c.size), len(OFFERS))
    offers: Ints = np.tile(np.arange(len(OFFERS)), c.size)
    return pa.table(
        {
            "customer_id": chunk.customer_ids.take(pa.array(rows)),
            "action_id": written(Coded(offers, tuple(o.action_id for o in OFFERS)), len(rows)),
            "effect": effect.ravel(),
        }
    )


def _letters(chunk: Chunk) -> pa.Table:
    """Each planned letter with the true chances of an order in its week, without and with it."""
    letters = chunk.life.letters
    return pa.table(
        {
            "customer_id": chunk.customer_ids.take(pa.array(letters.who)),
            "planned_at": _moments(chunk, (7.0 * letters.week + SENT_AT).astype(np.float64)),
            "action_id": written(Coded(letters.offer, tuple(o.action_id for o in OFFERS)), len(letters.who)),
            "sent": letters.sent,
            "in_trouble": letters.in_trouble,
            "order_chance_without": letters.without,
            "order_chance_with": letters.with_letter,
        }
    )


def _orders(chunk: Chunk) -> pa.Table:
    """What truly went wrong with each order, known to nobody at its time."""
    fates = chunk.life.fates
    return pa.table(
        {
            "order_id": chunk.names.orders,
            "customer_id": chunk.customer_ids.take(pa.array(chunk.life.orders.who)),
            "cause": written(Coded(fates.cause, REASONS), len(fates.cause)),
            "slow_case": fates.slow,
            "asked": fates.asks,
        }
    )


def _anonymous(chunk: Chunk) -> pa.Table:
    """Who is behind each anonymous id (null: somebody who never becomes a customer), and when the log could know."""
    return pa.table(
        {
            "anonymous_id": chunk.device_ids,
            "customer_id": chunk.customer_ids.take(pa.array(chunk.owner, mask=chunk.owner < 0)),
            "linked_at": _moments(chunk, chunk.linked),
        }
    )


def _items(catalogue: Catalogue) -> pa.Table:
    factors = catalogue.factors.reshape(-1, FACTORS)
    names = pa.array([*catalogue.ids])
    return pa.table(
        {
            "item_id": names,
            "appeal": catalogue.appeal,
            "factors": _vectors(factors),
            "defect_rate": catalogue.defects,
            "goes_with": names.take(pa.array(catalogue.complement[:, 0], mask=catalogue.complement[:, 0] < 0)),
        }
    )
