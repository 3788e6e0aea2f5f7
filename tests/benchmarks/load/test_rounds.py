"""How a measured service is started."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from benchmarks.load.questions import Cast
from benchmarks.load.rounds import product
from benchmarks.load.shop import Shop
from features.home import Home


def test_a_clock_never_starts_before_what_any_run_on_the_shop_was_told(tmp_path):
    shop = Shop(Home.open(tmp_path), datetime(2025, 3, 1, tzinfo=UTC), Cast([], []), "key")
    one, two = product(shop), product(shop, workers=2)
    starts = [start()(8000) for start in (one, one, two, two)]
    clocks = [datetime.fromisoformat(command[command.index("--clock-from") + 1]) for command in starts]
    assert clocks[0] == shop.moment
    assert all(later - earlier >= timedelta(minutes=15) for earlier, later in pairwise(clocks))
