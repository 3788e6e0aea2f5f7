"""Moments that calendars trip over: the ends of time, and the hour that a clock shows twice or never."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regular_customer import sells

from features.errors import DataError
from serving.core.clock import next_time, zone_of

FAR_EAST = timezone(timedelta(hours=14))


@pytest.mark.parametrize("send_at", [
    datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), datetime(1, 1, 1, tzinfo=FAR_EAST),
])  # fmt: skip
def test_a_letter_for_the_end_of_time_is_refused_by_name_and_no_other_with_it(shop, send_at):
    letter = shop.ask("email", "email")
    with pytest.raises(DataError, match="send_at"):
        shop.ask("email", "email", send_at=send_at)
    with pytest.raises(DataError, match="send_at"):
        shop.service.recheck([letter.decision_id], shop.now, send_at=send_at)
    assert sells(shop.ask("email", "email"))


@given(
    st.integers(0, 19 * 365 * 24 * 60).map(lambda n: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    st.sampled_from(["Europe/Helsinki", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu"]),
    st.times(),
)
def test_the_next_time_a_clock_shows_is_never_past(moment, zone, clock):
    found = next_time(moment, zone, clock)
    assert moment <= found <= moment + timedelta(days=2, hours=2)
    local = found.astimezone(zone_of(zone))
    assert (
        local.time() == clock
        or local.utcoffset() != (local - timedelta(hours=3)).astimezone(UTC).astimezone(zone_of(zone)).utcoffset()
    ), "another time only where the clock skips that one"


def test_quiet_hours_that_end_in_the_hour_that_is_shown_twice():
    second_quarter_past_three = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    found = next_time(second_quarter_past_three, "Europe/Helsinki", time(3, 30))
    assert found == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
