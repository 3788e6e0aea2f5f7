"""A process may open no more files: who is connected is answered in time, nobody held is sold to; then as before."""

import resource
from contextlib import ExitStack, closing
from pathlib import Path

from served import SLACK_SECONDS, Asker, exchange, regulars, served, shop_to_serve, sold

DEADLINE_SECONDS = 2.0


def test_no_more_files(tmp_path):
    home = shop_to_serve(tmp_path / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    with served(home) as service, ExitStack() as stack:
        askers = [stack.enter_context(closing(Asker(service))) for _ in range(4)]
        told = [*regulars(["bertta"]), exchange("bertta")]
        assert askers[0].tell(told) == (200, ["accepted"] * len(told))
        for asker in askers:
            asker.ask("GET", "/v1/health/live")
        _, most = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        highest = max(int(one.name) for one in Path(f"/proc/{service.pid}/fd").iterdir())
        before = resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (highest + 1, most))
        for asker in askers * 5:
            held, free = asker.decide("bertta"), asker.decide("aino")
            assert not sold(held)
            assert sold(free) == (free["decision_id"] is not None), free
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, before)
        assert max(asker.slowest for asker in askers) < DEADLINE_SECONDS + SLACK_SECONDS
        assert [sold(askers[0].decide(who)) for who in ("aino", "bertta")] == [True, False]
