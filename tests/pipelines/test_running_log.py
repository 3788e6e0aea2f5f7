"""A shop led on week by week tells its log what a log could know by then, and common dice make worlds comparable."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.log.validation import validate
from pipelines.shop.catalogue import make_catalogue
from pipelines.shop.customers import draw_customers
from pipelines.shop.dice import CommonDice, OneStream
from pipelines.shop.letters import SENT_AT, Plan
from pipelines.shop.parameters import PARAMETERS
from pipelines.shop.registrations import contacts
from pipelines.shop.running_log import RunningLog
from pipelines.shop.weeks import Life, Weeks, live, old_letter

CUSTOMERS, WEEKS, START = 120, 20, date(2024, 11, 1)
LONG_AFTER = 1000.0


class World(Weeks):
    """A small shop."""

    def __init__(self, seed: int) -> None:
        shelves, who, life, self.said = np.random.SeedSequence(seed).spawn(4)
        catalogue = make_catalogue(np.random.default_rng(shelves))
        customers = draw_customers(
            np.random.default_rng(who), catalogue, PARAMETERS, first=0, size=CUSTOMERS, weeks=WEEKS
        )
        super().__init__(CommonDice(life), catalogue, customers, PARAMETERS, START, WEEKS)

    def to_all(self) -> Plan:
        """A discount for everybody who may be written to."""
        who = np.flatnonzero(self.minds.email)
        return Plan.to(who, np.zeros(len(who), dtype=np.int64), self.customers, self.trouble)

    def to_nobody(self) -> Plan:
        """No letter."""
        nobody = np.empty(0, dtype=np.int64)
        return Plan.to(nobody, nobody, self.customers, self.trouble)


def led(seed: int, *, mailed_from: int) -> tuple[Life, list[pa.Table], RunningLog]:
    """A life with letters to all from a week on, what was heard at each letter, and the log."""
    shop = World(seed)
    log = RunningLog(shop.said, shop, START)
    heard = []
    for week in range(WEEKS):
        shop.begin()
        heard.append(log.heard_by(7.0 * week + SENT_AT))
        week_told = shop.end(shop.to_all() if week >= mailed_from else shop.to_nobody())
        log.tell(week_told, [contacts(week_told.letters)])
    return shop.life(), heard, log


@pytest.fixture(scope="module")
def mailed() -> tuple[Life, list[pa.Table], RunningLog]:
    return led(7, mailed_from=0)


@pytest.fixture(scope="module")
def unmailed() -> Life:
    return led(7, mailed_from=WEEKS)[0]


def test_at_a_letter_is_heard_what_was_received_before_it_but_for_the_last_hours_and_nothing_else(
    mailed: tuple[Life, list[pa.Table], RunningLog],
) -> None:
    _, heard, log = mailed
    whole = pa.concat_tables([*heard, log.heard_by(LONG_AFTER)])
    assert pc.count_distinct(whole["event_id"]).as_py() == whole.num_rows
    for week in range(WEEKS):
        midnight, letter = (
            set(whole.filter(pc.field("received_at") < log.moment(7.0 * week + at))["event_id"].to_pylist())
            for at in (0.0, SENT_AT)
        )
        assert midnight <= set(pa.concat_tables(heard[: week + 1])["event_id"].to_pylist()) <= letter
    assert pc.all(pc.less_equal(whole["occurred_at"], whole["received_at"])).as_py()


def test_what_is_done_from_some_week_on_is_not_known_before() -> None:
    late, never = (led(7, mailed_from=week)[1] for week in (12, WEEKS))
    for week in range(WEEKS):
        assert late[week].equals(never[week]) == (week <= 12), week


def test_everything_in_it_is_valid(mailed: tuple[Life, list[pa.Table], RunningLog]) -> None:
    _, heard, log = mailed
    events = pa.concat_tables(heard)
    assert validate(events, log.moment(7.0 * WEEKS)).rejected == []
    told = set(events["type"].to_pylist())
    assert told == {
        "purchase", "delivery", "case", "return", "friction", "feedback", "consent", "profile", "identity", "contact",
        "hold", "browse",
    }  # fmt: skip


def test_it_tells_every_order_and_every_case_once(mailed: tuple[Life, list[pa.Table], RunningLog]) -> None:
    life, heard, _ = led(3, mailed_from=4)
    events = pa.concat_tables(heard)
    orders = events.filter(pc.field("type") == "purchase")
    assert pc.count_distinct(orders["order_id"]).as_py() == orders.num_rows > 100
    last_letter = 7.0 * (WEEKS - 1) + SENT_AT
    assert orders.num_rows == pytest.approx((life.orders.at < last_letter).sum(), abs=5)  # some are received days late
    opened = events.filter(pc.field("status") == "opened")
    assert pc.count_distinct(opened["case_id"]).as_py() == opened.num_rows > 5
    of = dict(zip(orders["order_id"].to_pylist(), orders["customer_id"].to_pylist(), strict=True))
    about = zip(opened["order_id"].to_pylist(), opened["customer_id"].to_pylist(), strict=True)
    assert all(of.get(order, customer) == customer for order, customer in about)


def test_who_is_not_written_to_lives_the_same_life_whatever_is_sent_to_others(
    mailed: tuple[Life, list[pa.Table], RunningLog], unmailed: Life
) -> None:
    life = mailed[0]
    alone = World(7).customers.email != 1
    for name in ("satisfaction", "activity"):
        np.testing.assert_array_equal(getattr(life, name)[:, alone], getattr(unmailed, name)[:, alone])
    assert not np.array_equal(life.satisfaction[:, ~alone], unmailed.satisfaction[:, ~alone])
    for first, second in ((life, unmailed), (unmailed, life)):
        hers = alone[first.orders.who]
        others = alone[second.orders.who]
        assert hers.sum() > 20
        np.testing.assert_array_equal(first.orders.at[hers], second.orders.at[others])
        np.testing.assert_array_equal(first.fates.case[hers], second.fates.case[others])
        np.testing.assert_array_equal(first.fates.delivered[hers], second.fates.delivered[others])


def test_the_old_shop_is_this_one_with_its_own_letter_and_one_stream_of_dice() -> None:
    world = World(5)
    parts = world.catalogue, world.customers, PARAMETERS, START, WEEKS
    shop = Weeks(OneStream(np.random.default_rng(1)), *parts)
    for _ in range(WEEKS):
        shop.begin()
        shop.end(old_letter(shop))
    as_ever = live(np.random.default_rng(1), *parts)
    np.testing.assert_array_equal(shop.life().orders.at, as_ever.orders.at)
    np.testing.assert_array_equal(shop.life().satisfaction, as_ever.satisfaction)
    assert len(as_ever.letters.who) > 50
