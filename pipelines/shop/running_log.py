"""The log of a shop that is led on week by week: each week is told when it is over, and read as it was received.

Nothing of weeks to come can be in it, and what a customer will only say later is told when its time has come; what she
does or says on a week's first morning, before its letter, is heard with the next. Visits in which an order of a later
week is thought over are not in it, as these are drawn backwards, nor is anybody who never becomes a customer.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import EVENT_SCHEMA, RECEIVED_AT, TIME
from pipelines.shop import telling
from pipelines.shop.arrays import Flags
from pipelines.shop.deeds import Names, cases, deliveries, frictions, instants_us, purchases
from pipelines.shop.imperfections import received
from pipelines.shop.log import complete, event_rows
from pipelines.shop.moments import Moments, draw_moments
from pipelines.shop.opinions import answers, calls, complaints
from pipelines.shop.registrations import profiles, registered_at, registered_consents, withdrawals
from pipelines.shop.seasons import week_months
from pipelines.shop.sessions import browse
from pipelines.shop.telling import is_value, only
from pipelines.shop.visits import DEVICES
from pipelines.shop.weeks import Life, Orders, Told, Weeks, joined

SESSIONS_A_WEEK = 1_000_000
"""Session ids of a week begin at its number times this."""


class RunningLog:
    """What a shop's customers do, as its log learns of it; those known from the start are in it from the beginning.

    `seed` draws who says what on registering; the rest is drawn from the shop's own dice.
    """

    def __init__(self, seed: np.random.SeedSequence, shop: Weeks, start: date) -> None:
        self._seed = [int(word) for word in seed.generate_state(4)]
        self._shop = shop
        self._epoch_us = round(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * 1_000_000
        first, size = shop.customers.first, shop.customers.size
        self.customer_ids = pa.array([f"c{number:07d}" for number in range(first, first + size)])
        hidden = np.random.default_rng(self._seed).integers(0, 2**62, DEVICES * size, dtype=np.int64)
        self._device_ids = pa.array([f"a{device:016x}" for device in hidden])
        self._months = week_months(start, len(shop.activity))
        self._waiting = EVENT_SCHEMA.empty_table()
        self._later: list[Moments] = []
        self._withdrawn: Flags = np.zeros(size, dtype=np.bool_)
        self._events = self._orders = 0
        nothing = np.empty(0, dtype=np.int64)
        nobody = Orders(nothing, nothing.astype(float), nothing > 0, nothing, nothing > 0)
        self._wait(0, self._registrations(shop.customers.join_week < 0, nobody))

    def tell(self, week: Told, letters: Sequence[telling.Told]) -> None:
        """Tell the week that the shop has just ended, and its letters as their sender calls them."""
        shop, number, p = self._shop, self._shop.number, self._shop.parameters
        life = shop.life()
        names = Names.give(life, shop.catalogue, 0, self._epoch_us)
        its = _alone(week, life)
        its_names = Names.give(its, shop.catalogue, self._orders, self._epoch_us)
        say, draw = shop.dice(number, "say"), shop.dice(number, "moments")
        due = self._due(draw_moments(draw, its, p))
        said, called = answers(say, shop.catalogue, shop.customers, life, names, due)
        gone = np.isfinite(life.email_withdrawn) & ~self._withdrawn
        self._withdrawn |= gone
        told = [
            *self._registrations(shop.customers.join_week == number, life.orders),
            purchases(its, shop.catalogue, its_names),
            deliveries(its, its_names),
            *cases(its, shop.catalogue, its_names),
            frictions(its, shop.catalogue),
            said,
            complaints(say, shop.catalogue, shop.customers, its, its_names),
            calls(say, life, names, due.order[called], due.at[called], p),
            withdrawals(np.flatnonzero(gone), life.email_withdrawn),
            *self._visits(its),
            *letters,
        ]
        self._orders += len(its.orders.who)
        self._wait(number + 1, told)

    def heard_by(self, day: float) -> pa.Table:
        """The events received before `day` (days from the first day) that were not read yet, as they came in."""
        bound = pa.scalar(int(instants_us(np.array([day]), self._epoch_us)[0])).cast(TIME)
        now = pc.less(self._waiting[RECEIVED_AT], bound)
        heard = self._waiting.filter(now)
        self._waiting = self._waiting.filter(pc.invert(now)).combine_chunks()
        return heard.sort_by(RECEIVED_AT)

    def moment(self, day: float) -> datetime:
        """The instant `day` days from the first."""
        return datetime.fromtimestamp(int(instants_us(np.array([day]), self._epoch_us)[0]) / 1e6, UTC)

    def _due(self, drawn: Moments) -> Moments:
        """The moments of this week, whichever week's orders they are about; later ones are kept for their time."""
        every = joined([*self._later, replace(drawn, order=drawn.order + self._orders)])
        come = every.at < 7.0 * (self._shop.number + 1)
        self._later = [_those(every, ~come)]
        return _those(every, come)

    def _visits(self, its: Life) -> list[telling.Told]:
        """The week's sessions: those that end in an order, and those that lead nowhere."""
        shop, number = self._shop, self._shop.number
        activity = np.zeros_like(its.activity)
        activity[number] = its.activity[number]
        alone = replace(shop.parameters, visitors=0.0, research=0.0)
        rng, first = shop.dice(number, "browse"), number * SESSIONS_A_WEEK
        return browse(
            rng, shop.catalogue, shop.customers, replace(its, activity=activity), alone, self._months, first
        ).told

    def _registrations(self, who: Flags, orders: Orders) -> list[telling.Told]:
        rng = np.random.default_rng(self._seed)  # the same draws each week: everybody registers once
        since = registered_at(rng, self._shop.customers, orders)
        told = [
            *registered_consents(rng, self._shop.customers, since),
            *profiles(rng, self._shop.customers, since),
        ]
        return [only(one, np.flatnonzero(who[one.who])) for one in told]

    def _wait(self, week: int, told: Sequence[telling.Told]) -> None:
        """Let what was told be received at its time."""
        rng = self._shop.dice(week, "arrive")
        tables: list[pa.Table] = []
        for one in told:
            if not len(one.at):
                continue
            every = np.arange(len(one.at))
            occurred = instants_us(one.at, self._epoch_us)
            arrived = received(rng, self._shop.parameters, occurred, is_value(one.channel, "store", every))
            ids = self.customer_ids, self._device_ids, self._events
            tables.append(event_rows(one, every, occurred, arrived, *ids))
            self._events += len(every)
        if tables:
            rows = complete(pa.concat_tables(tables, promote_options="default"))
            self._waiting = pa.concat_tables([self._waiting, rows]).combine_chunks()


def _alone(week: Told, life: Life) -> Life:
    """The week's orders, fates and letters alone, with what is known of the customers so far."""
    return replace(
        life,
        orders=week.orders,
        lines=week.lines,
        discount=week.discount,
        fates=week.fates,
        letters=week.letters,
        given_up=week.given_up,
    )


def _those(moments: Moments, rows: Flags) -> Moments:
    return Moments(
        moments.order[rows], moments.at[rows], moments.kind[rows], moments.about_case[rows], moments.tablet[rows]
    )
