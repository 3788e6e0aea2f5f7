"""A file of a store hangs: who asks gets an answer in time and no sale; when it hangs no more, all is as before."""

import fcntl
import time
from contextlib import closing, contextmanager

import pytest
from online_features import WHO, recorded, until_used
from served import SLACK_SECONDS, Asker, exchange, regulars, served, shop_to_serve, sold

from tests.features.online_stores import home_with

DEADLINE_SECONDS = 1.0
FIRST, HOW_MANY = 120, 8
"""The bytes of the index of a log of writes that SQLite locks: https://www.sqlite.org/walformat.html, 2.3."""


@contextmanager
def hung(path):
    """Every lock of a SQLite file is another process': a read waits some ten seconds, whatever patience it has."""
    with path.with_name(f"{path.name}-shm").open("r+b") as index:
        fcntl.lockf(index, fcntl.LOCK_EX, HOW_MANY, FIRST)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("file", ["live_db", "online_db"])
def test_a_file_that_hangs_costs_the_sale_and_not_the_answer(tmp_path, file):
    home = shop_to_serve(tmp_path / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    home_with(home.root, store="sqlite", read_deadline_ms=100)
    recorded(home)
    with served(home) as service, closing(Asker(service)) as asker:
        told = [*regulars(["bertta"]), exchange("bertta")]
        assert asker.tell(told) == (200, ["accepted"] * len(told))
        until_used(asker)
        with hung(getattr(home, file)):
            assert not sold(asker.decide("aino")), "who asks as it begins waits as long as SQLite does"
            asker.slowest = 0.0
            answers = [asker.decide(who) for who in WHO * 4]
            assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
            assert not any(sold(answer) for answer in answers)
            states = {answer["state_status"] for answer in answers}
            assert states <= {"unknown:deadline", "unknown:overloaded", "unknown:unreadable"}, states
            assert asker.ask("GET", "/v1/health/live")[0] == 200
        until, again = time.monotonic() + 30, False
        while not again and time.monotonic() < until:
            free, held = (asker.decide(who) for who in WHO)
            assert not sold(held)
            again = sold(free) and "features" in free["versions"]
        assert again
