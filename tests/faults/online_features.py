"""Online features of two customers that a served shop has, loses and has again."""

import time

from served import sold

from tests.features.online_stores import write

WHO = ("aino", "bertta")
"""One who may be sold to, and one whose exchange drags on."""


def recorded(home):
    """Fresh features of both."""
    for who in WHO:
        write(home, who, 3)


def until_used(asker):
    """Wait until features are read again."""
    end = time.monotonic() + 20
    while "features" not in asker.decide("aino")["versions"]:
        assert time.monotonic() < end, "the features never came back"
        time.sleep(0.05)


def decided_without(asker, times=6):
    """Ask for both: the one is sold to, the other is held, and what is not there was not used."""
    asker.slowest = 0.0
    for _ in range(times):
        free, held = (asker.decide(who) for who in WHO)
        assert free["state_status"] == held["state_status"] == "ok"
        assert "features" not in free["versions"], "what is not there was used"
        assert sold(free) and not sold(held)
        assert [hold["kind"] for hold in held["holds"]] == ["open_case"]
