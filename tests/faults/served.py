"""A shop behind a real `tahdikas serve` process: asked over HTTP, broken from outside, killed by its id."""

import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from regular_customer import NOON, Shop

from benchmarks.load.server import Service, free_port, python, serving
from features.home import Home
from serving.security import KeyStore

QUESTION = {"channel": "web", "placement": "front_page"}
SLACK_SECONDS = 1.0
"""What the way there and back may add to the deadline on a busy machine."""


class LostError(Exception):
    """The service ended before it answered."""


class Asker:
    """One kept connection to a service, for one thread."""

    def __init__(self, service: Service) -> None:
        self._to = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        self._headers = {"authorization": f"Bearer {service.key}", "content-type": "application/json"}
        self.slowest = 0.0

    def ask(self, method, path, body=None, **headers):
        """Status and content of an answer; raises `LostError`."""
        began = time.monotonic()
        try:
            self._to.request(method, path, None if body is None else json.dumps(body), self._headers | headers)
            answer = self._to.getresponse()
            status, content = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._to.close()
            raise LostError from error
        self.slowest = max(self.slowest, time.monotonic() - began)
        return status, json.loads(content)

    def decide(self, customer_id, key=None):
        """A decision for the front page; it is always answered."""
        headers = {} if key is None else {"idempotency-key": key}
        status, answer = self.ask("POST", "/v1/decisions", QUESTION | {"customer_id": customer_id}, **headers)
        assert status == 200, (status, answer)
        return answer

    def tell(self, events):
        """The status of the answer to some events, and what became of each."""
        status, answer = self.ask("POST", "/v1/events", events)
        return status, [one["status"] for one in answer.get("results", ())]

    def close(self) -> None:
        """Hang up."""
        self._to.close()


def shop_to_serve(root, **settings) -> Home:
    """The data folder of a shop where Aino may be sold to, nobody having it open."""
    shop = Shop(Home.open(root))
    shop.service.close()
    told = {"watch_minutes": 0, "requests_per_second": 0, "decision_deadline_ms": 2_000, **settings}
    (shop.home.config / "serving.yaml").write_text(json.dumps(told))
    return shop.home


@contextmanager
def served(home: Home, clock_from: datetime = NOON) -> Iterator[Service]:
    """The shop served, its clock started at an instant; what is left of the process is stopped at the end."""
    _, key = KeyStore(home).create("shop", ["admin"], now=NOON)
    question = json.dumps(QUESTION | {"customer_id": "nobody", "mode": "simulate"}).encode()
    port = free_port()
    command = ["-m", "pipelines.cli", "--home", str(home.root), "serve", "--port", str(port)]
    with serving(python(*command, "--clock-from", clock_from.isoformat()), port, key, question) as service:
        yield service


def sold(answer) -> bool:
    """Whether an answer sells."""
    return any(action["category"] == "sales" for action in answer["actions"])


def event(event_id, of_type, customer, /, *, days=0.0, **payload):
    """An event of a customer, so many days before `NOON`."""
    at = (NOON - timedelta(days=days)).isoformat()
    return {"event_id": event_id, "type": of_type, "customer_id": customer, "occurred_at": at, "payload": payload}


def exchange(customer):
    """Her exchange begins: from here on nothing is sold to her."""
    return event(f"case {customer}", "case", customer, case_id=f"of {customer}", kind="exchange", status="opened")


def regulars(names):
    """What makes each of these one who may be sold to: consent, and three orders."""
    line = {"item_id": "coffee", "quantity": 1, "unit_price": 1000}
    for who in names:
        yield event(f"consent {who}", "consent", who, days=99, purpose="marketing", status="granted")
        for n in range(3):
            bought = {"order_id": f"o{n} {who}", "currency": "EUR", "lines": [line]}
            yield event(f"order {n} {who}", "purchase", who, days=15 + 20 * n, **bought)


def rows(home: Home, query: str):
    """Rows of the live store as it lies on disk, opened anew."""
    with closing(sqlite3.connect(home.live_db)) as run:
        return run.execute(query).fetchall()


def misses(home: Home, told) -> dict[str, int]:
    """Acknowledged events that are not among the facts exactly once, with how often they are."""
    count = dict(rows(home, "select event_id, count(*) from facts group by event_id"))
    return {one: count.get(one, 0) for one in told if count.get(one) != 1}


def behind(home: Home) -> int:
    """Customers whose record has not seen all her facts."""
    query = """select count(*) from facts left join state on customer_id = origin_id
        where origin_id <> '' and (state.position is null or state.position < facts.position)"""
    return int(rows(home, query)[0][0])
