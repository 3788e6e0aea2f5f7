"""Tells the orders: purchases, deliveries, cases, returns, and what hindered them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.columns import LINE, TIME
from pipelines.shop.arrays import Flags, Floats, Ints
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.fates import CARRIERS, CASE_KINDS, EXCHANGE, FRICTIONS, MAX_ASKS, QUESTION, RETURN
from pipelines.shop.parameters import OFFERS
from pipelines.shop.telling import Coded, Numbered, Told, lists, tell, written
from pipelines.shop.weeks import Life

DAY_US = 86_400_000_000
PROMISE_DAYS = 12.0
DELIVERY_STATUS = ("promised", "shipped", "delayed", "failed", "delivered")
CASE_STATUS = (
    "opened", "customer_asked", "waiting_shop", "waiting_customer", "resolved", "closed", "reopened", "cancelled",
)  # fmt: skip
REASONS = ("fine", "wrong_size", "defect", "late", "failed_delivery", "changed_mind", "question")


@dataclass(frozen=True)
class Names:
    """Ids of the chunk's orders and cases, and the first day's midnight in microseconds."""

    orders: pa.Array
    cases: pa.Array
    items: pa.Array
    epoch_us: int

    @classmethod
    def give(cls, life: Life, catalogue: Catalogue, first_order: int, epoch_us: int) -> "Names":
        """Number the orders from `first_order`."""
        numbers = first_order + np.arange(len(life.orders.who))
        n = len(numbers)
        orders, cases = (written(Numbered(prefix, numbers), n) for prefix in "ok")
        return cls(orders, cases, pa.array(catalogue.ids), epoch_us)

    def instants(self, days: Floats) -> pa.Array:
        """Days from the first day as UTC instants."""
        return pa.array(instants_us(days, self.epoch_us)).cast(TIME)


def instants_us(days: Floats, epoch_us: int) -> Ints:
    """Days from the first day as microseconds since 1970, on whole milliseconds."""
    return epoch_us + np.round(days * 86_400_000).astype(np.int64) * 1000


def order_channel(life: Life, index: Ints) -> Coded:
    """Where the orders were made: a store, the web, and for some customers the app."""
    app = life.orders.who[index] % 5 == 0
    return Coded(np.where(life.orders.store[index], 2, np.where(app, 1, 0)), ("web", "app", "store"))


def purchases(life: Life, catalogue: Catalogue, names: Names) -> Told:
    """One purchase per order."""
    orders, lines = life.orders, life.lines
    n = len(orders.who)
    every = np.arange(n)
    offer = Coded(orders.offer[lines.order], tuple(o.action_id for o in OFFERS))
    rows = pa.StructArray.from_arrays(
        [
            names.items.take(pa.array(lines.item)),
            pa.array(lines.quantity),
            pa.array(catalogue.price[lines.item]),
            pa.array(life.discount),
            pa.nulls(len(lines.item), pa.int64()),
            written(offer, len(lines.item)),
        ],
        fields=list(LINE),
    )
    return tell(
        "purchase",
        orders.at,
        orders.who,
        order_channel(life, every),
        Coded(orders.store.astype(np.int64), ("checkout", "store_visit")),
        order_id=names.orders,
        currency="EUR",
        lines=lists(rows, np.bincount(lines.order, minlength=n)),
    )


def deliveries(life: Life, names: Names) -> Told:
    """Promised with the order, shipped, delivered; some with a notice of delay or a failed attempt before."""
    fates = life.fates
    times = [life.orders.at + 0.0005, fates.shipped, fates.delay_notice, fates.failed, fates.delivered]
    web = ~life.orders.store
    index, status, at = _flatten([np.where(web, t, np.inf) for t in times])
    promised_at = pa.array(instants_us(np.where(web, fates.promised, 0.0), names.epoch_us), mask=~web).cast(TIME)
    return tell(
        "delivery",
        at,
        life.orders.who[index],
        Coded(np.where(status == 0, 0, 1), ("web", "partner")),
        Coded(np.where(status == 0, 0, 1), ("checkout", "delivery")),
        order_id=Coded(index, names.orders),
        status=Coded(status, DELIVERY_STATUS),
        promised_at=promised_at.take(pa.array(index)),
        carrier=Coded(fates.carrier[index], CARRIERS),
    )


def _flatten(times: list[Floats]) -> tuple[Ints, Ints, Floats]:
    """(row, column, time) of the finite entries of several times per row."""
    table = np.column_stack(times)
    row, column = np.nonzero(np.isfinite(table))
    return row, column, table[row, column]


def case_lines(life: Life) -> tuple[Ints, Ints]:
    """The one line of each order with a case that the case is about, as (order, line)."""
    n = len(life.orders.who)
    counts = np.bincount(life.lines.order, minlength=n)
    first = np.cumsum(counts) - counts
    order = np.flatnonzero(life.fates.case >= 0)
    return order, first[order] + np.floor(life.fates.wrong_line[order] * counts[order]).astype(np.int64)


def cases(life: Life, catalogue: Catalogue, names: Names) -> list[Told]:
    """What happens with cases, and the goods that come back with returns and exchanges."""
    fates = life.fates
    order, line = case_lines(life)
    kind, opened, resolved = fates.case[order], fates.opened[order], fates.resolved[order]
    slow, cancelled, reopened = fates.slow[order], fates.cancelled[order], fates.reopened[order]
    never = np.full(len(order), np.inf)
    comes_back = np.where(reopened, resolved + 2.5, never)
    done = np.where(reopened, resolved + 6.0, resolved)
    times = [
        (opened, 0),
        (np.where(slow, opened + 1.2, never), 2),
        (np.where(slow & (fates.wrong_line[order] < 0.3), opened + 3.1, never), 3),
        (np.where(cancelled, never, resolved), 4),
        (comes_back, 6),
        (np.where(reopened & ~cancelled, done, never), 4),
        (np.where(cancelled, resolved, never), 7),
        (np.where(cancelled | (kind == QUESTION), never, done + 1.0 + 2 * fates.wrong_line[order]), 5),
    ]
    asks = [
        (np.where(fates.asks[order] > k, opened + (k + 1) * fates.ask_gap[order], never), 1) for k in range(MAX_ASKS)
    ]
    row, column, at = _flatten([t for t, _ in times + asks])
    status = np.array([s for _, s in times + asks])[column]
    index = order[row]
    promise = names.instants(opened + np.where(kind == QUESTION, 2.0, PROMISE_DAYS))
    by_phone = (status == 1) & (at % 1 < 0.55)
    in_store = life.orders.store[index] & (status == 0)
    told = tell(
        "case",
        at,
        life.orders.who[index],
        Coded(np.where(in_store, 2, np.where(by_phone, 1, 0)), ("web", "phone", "store")),
        Coded(np.where(np.isin(kind[row], (EXCHANGE, RETURN)), 0, 1), ("returns", "support")),
        case_id=Coded(index, names.cases),
        kind=Coded(kind[row], CASE_KINDS),
        status=Coded(status, CASE_STATUS),
        promised_by=promise.take(pa.array(row)),
        order_id=Coded(index, names.orders),
        item_ids=lists(names.items.take(pa.array(life.lines.item[line[row]])), np.ones(len(row), dtype=np.int64)),
        reason=Coded(np.where(kind[row] == QUESTION, 6, fates.cause[index]), REASONS),
    )
    return [told, _goods_back(life, catalogue, names, order, line, kind, done, cancelled)]


def _goods_back(
    life: Life,
    catalogue: Catalogue,
    names: Names,
    order: Ints,
    line: Ints,
    kind: Ints,
    done: Floats,
    cancelled: Flags,
) -> Told:
    """Return events a while before the case is done; an exchange gives no money back."""
    back = np.isin(kind, (RETURN, EXCHANGE)) & ~cancelled
    index, of_line, at = order[back], line[back], np.maximum(done[back] - 0.1, life.fates.opened[order[back]] + 0.2)
    quantity = life.lines.quantity[of_line]
    paid = quantity * catalogue.price[life.lines.item[of_line]] - life.discount[of_line]
    rows = pa.StructArray.from_arrays(
        [
            names.items.take(pa.array(life.lines.item[of_line])),
            pa.array(quantity),
            pa.nulls(len(index), pa.int64()),
            pa.nulls(len(index), pa.int64()),
            pa.array(np.where(kind[back] == RETURN, paid, 0)),
            pa.nulls(len(index), pa.string()),
        ],
        fields=list(LINE),
    )
    return tell(
        "return",
        at,
        life.orders.who[index],
        Coded(life.orders.store[index].astype(np.int64), ("web", "store")),
        "returns",
        order_id=Coded(index, names.orders),
        lines=lists(rows, np.ones(len(index), dtype=np.int64)),
        case_id=Coded(index, names.cases),
    )


def frictions(life: Life, catalogue: Catalogue) -> Told:
    """Orders that were hindered, some given up; `long_wait` has its wait, `out_of_stock` its item."""
    fates = life.fates
    hindered = np.flatnonzero(fates.friction >= 0)
    lost = life.given_up
    kind = np.concatenate([fates.friction[hindered], lost.kind])
    who = np.concatenate([life.orders.who[hindered], lost.who])
    before = np.where(fates.friction[hindered] == 3, 0.003, 0.0011)
    at = np.concatenate([life.orders.at[hindered] - before, lost.at])
    wait = np.concatenate([fates.wait[hindered], np.zeros(len(lost.who))])
    gone = np.flatnonzero(~catalogue.in_stock)
    item = np.where((kind == 4) & (len(gone) > 0), np.resize(gone, len(kind)), -1)
    return tell(
        "friction",
        at,
        who,
        Coded((kind == 3).astype(np.int64), ("web", "store")),
        Coded(np.array([0, 0, 1, 2, 3])[kind], ("checkout", "pickup", "store_visit", "product_page")),
        kind=Coded(kind, FRICTIONS),
        wait_seconds=pa.array(wait, mask=kind != 3),
        item_id=Coded(item, catalogue.ids),
    )
