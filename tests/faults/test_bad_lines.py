"""A slow or garbled line to the store: calls are answered in time, nobody held is sold to; then all is as before."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from tempfile import TemporaryDirectory

import pytest
from bad_line import unix_line
from regular_customer import Shop
from served import SLACK_SECONDS, Asker, exchange, regulars, served, sold
from test_postgres_server import PROMPT

from features.home import Home
from tests.postgres_server import Server, name_postgres, upgrade

DEADLINE_SECONDS, ASKERS = 1.0, 12
SOCKET = ".s.PGSQL.5432"


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A PostgreSQL server, a line to it, and a service that reaches it by that line alone."""
    with (
        TemporaryDirectory(prefix="line-", dir="/tmp") as folder,
        closing(Server()) as server,
        closing(unix_line(f"{folder}/{SOCKET}", f"{server.folder}/{SOCKET}")) as line,
    ):
        home = name_postgres(Home.open(tmp_path_factory.mktemp("shop") / "home"), server, **PROMPT)
        upgrade(home)
        Shop(home).service.close()
        told = json.loads((home.config / "store.yaml").read_text())
        told["url"] = f"postgresql://postgres@/postgres?host={folder}"
        (home.config / "store.yaml").write_text(json.dumps(told))
        settings = {"watch_minutes": 0, "requests_per_second": 0, "decision_deadline_ms": DEADLINE_SECONDS * 1000}
        (home.config / "serving.yaml").write_text(json.dumps(settings))
        with served(home) as service:
            yield service, line


def asked(service, times):
    """Answers for one who may be sold to and one held, by many askers at once, and how long the slowest took."""

    def ask(_):
        with closing(Asker(service)) as asker:
            answers = [(who, asker.decide(who)) for _ in range(times) for who in ("aino", "bertta")]
            return answers, asker.slowest

    with ThreadPoolExecutor(ASKERS) as pool:
        made = list(pool.map(ask, range(ASKERS)))
    return [one for answers, _ in made for one in answers], max(slowest for _, slowest in made)


FAULTS = {"slow": (0.05, False), "slower than any deadline": (2.0, False), "garbled": (0.0, True)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_line_to_postgresql_costs_sales_and_no_answer(everything, fault):
    service, line = everything
    with closing(Asker(service)) as asker:
        assert asker.tell([*regulars(["bertta"]), exchange("bertta")])[0] == 200
        assert sold(asker.decide("aino"))
    line.delay_seconds, line.nonsense = FAULTS[fault]
    answers, slowest = asked(service, 3)
    assert slowest < DEADLINE_SECONDS + SLACK_SECONDS
    assert not any(sold(answer) for who, answer in answers if who == "bertta")
    assert fault == "slow" or not any(sold(answer) for _, answer in answers)
    line.delay_seconds, line.nonsense = 0.0, False
    until = time.monotonic() + 15
    with closing(Asker(service)) as asker:
        while not sold(asker.decide("aino")):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert not sold(asker.decide("bertta"))
