"""Counting different customers by group and window."""

from hypothesis import given
from hypothesis import strategies as st

from features.instants import DAY, SECOND
from serving.alarms.counts import Group, count
from serving.alarms.signals import Sign, Signs

HOUR = 3600 * SECOND
NOW = 20_000 * DAY + 15 * HOUR
CHECKOUT, STORE = Group("touchpoint", touchpoint="checkout"), Group("store", touchpoint="pickup", channel="store")


def sign(hours_ago, customer="aino", touchpoint="checkout", channel="web", **more):
    at = NOW - round(hours_ago * HOUR)
    fields = {"carrier": None, "void_at": None, **more}
    return Sign(at, f"{customer}-{hours_ago}-{touchpoint}", customer, channel, touchpoint, **fields)


def counted(*signs, hours=24, orders=(), gap_days=1):
    known = Signs(list(signs), {}, {None: sorted(orders)}, first_at=NOW - 400 * DAY)
    return count(known, now=NOW, hours=hours, baseline_days=28, gap_days=gap_days)


def row(counts, group):
    place = counts.groups.index(group)
    return counts.now[place], counts.before[place].tolist()


def test_a_customer_counts_once_however_often_she_writes():
    now, _ = row(counted(*(sign(hours) for hours in (1, 2, 3, 4)), sign(1, "bertta")), CHECKOUT)
    assert now == 2


def test_windows_are_the_same_hours_of_earlier_days_after_a_day_apart():
    signs = [
        sign(0),
        sign(23.9, "b"),
        sign(24, "gap"),
        sign(47.9, "gap"),
        sign(48, "c"),
        sign(71.9, "d"),
        sign(72, "e"),
    ]
    now, before = row(counted(*signs), CHECKOUT)
    assert now == 2
    assert before == [2, 1] + [0] * 26


def test_six_hours_are_compared_with_the_same_six_hours():
    signs = [sign(5.9), sign(6, "too early"), sign(53.9, "c"), sign(54, "earlier that day")]
    now, before = row(counted(*signs, hours=6), CHECKOUT)
    assert (now, before[:2]) == (1, [1, 0])


def test_the_oldest_day_is_in_and_the_one_before_it_is_out():
    _, before = row(counted(sign(29 * 24 + 23), sign(30 * 24, "too old")), CHECKOUT)
    assert before == [0] * 27 + [1]


def test_a_store_a_carrier_and_a_touchpoint_are_groups():
    found = counted(sign(1, channel="store", touchpoint="pickup"), sign(2, touchpoint=None, carrier="Posti"))
    assert set(found.groups) == {STORE, Group("touchpoint", touchpoint="pickup"), Group("carrier", carrier="Posti")}


def test_a_parcel_that_came_in_time_but_was_heard_of_late_counts_as_it_looked_then():
    in_time = [sign(50, "a", void_at=NOW - 49 * HOUR), sign(50, "b", void_at=NOW - 40 * HOUR), sign(1, "c")]
    now, before = row(counted(*in_time), CHECKOUT)
    assert (now, before[0]) == (1, 1)  # two days ago b's parcel still looked late, a's did no longer


def test_what_goes_on_is_a_weeks_purchases_before_each_windows_end():
    orders = [NOW - round(days * DAY) for days in (0, 1, 6.9, 7, 8.5, 9)]
    activity = counted(sign(1), orders=orders).activity[0]
    assert activity[:3].tolist() == [50 + 3, 50 + 3, 50 + 4]  # now; two days ago: those of the week before; three


def test_nothing_is_known_of_an_empty_shop():
    found = count(Signs([], {}, {}, None), now=NOW, hours=24, baseline_days=28, gap_days=1)
    assert found.groups == () and found.before.shape == (0, 28)


signs = st.builds(
    sign,
    st.floats(0, 800),
    st.sampled_from(["aino", "bertta", "cecilia"]),
    st.sampled_from(["checkout", "pickup"]),
    st.sampled_from(["web", "store"]),
)


@given(st.lists(signs, max_size=30).flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_in_which_signs_are_read_changes_no_count(both):
    first, second = (counted(*told) for told in both)
    assert first.groups == second.groups
    assert (first.now == second.now).all() and (first.before == second.before).all()
