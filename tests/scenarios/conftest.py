"""A small shop for the scenarios: things happen at stated times, and the web shop asks over the real HTTP API.

Everything is real (event log, state, decision engine, records, API, list builder); only the clock is ours.
"""

import csv
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from pipelines.campaigns import CampaignReport, build_campaign
from pipelines.export import Export, export_campaign
from serving.api import create_app
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY, PolicyFile, load_policy
from serving.security import KeyStore
from serving.settings import ServingSettings
from tests.eager import eager

PATIENT = ServingSettings(decision_deadline_ms=20_000)  # a busy machine is no part of these stories
NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


class Answer(dict[str, Any]):
    """A decision as the API answered it, with the questions that the stories ask of it."""

    @property
    def categories(self) -> set[str]:
        """The categories of what was answered: empty for silence."""
        return {action["category"] for action in self["actions"]}

    @property
    def actions(self) -> set[str]:
        """The actions answered, but for doing nothing."""
        return {action["action_id"] for action in self["actions"]} - {"no_action"}

    @property
    def sells(self) -> bool:
        """Whether anything was sold."""
        return "sales" in self.categories

    @property
    def holds(self) -> set[str]:
        """The kinds of the holds in force."""
        return {hold["kind"] for hold in self["holds"]}

    @property
    def products(self) -> list[str]:
        """The products shown, in order."""
        return [item["item_id"] for action in self["actions"] for item in action["items"]]

    def hold(self, kind: str) -> dict[str, Any]:
        """The one hold in force of a kind."""
        found: list[dict[str, Any]] = [hold for hold in self["holds"] if hold["kind"] == kind]
        assert len(found) == 1, self["holds"]
        return found[0]


def item(item_id: str, title: str, category: str, price: int, **more: Any) -> dict[str, Any]:
    """One article of the shop, half its price being margin."""
    row: dict[str, Any] = dict.fromkeys(ITEM_SCHEMA.names)
    row |= {"item_id": item_id, "title": title, "category": category, "price": price, "margin": price // 2}
    return row | {"in_stock": True, "consumable": False, "valid_from": datetime(2025, 1, 1, tzinfo=UTC)} | more


ARTICLES = [
    item("sneaker-39", "Sneakers, size 39", "clothing/shoes", 8900),
    item("boot-39", "Winter boots, size 39", "clothing/shoes", 12900),
    item("clog-39", "Clogs, size 39", "clothing/shoes", 4900),
    item("wool-socks", "Wool socks", "clothing/socks", 1900),
    item("rain-coat", "Rain coat", "clothing/coats", 15900),
    item("coffee-500", "Coffee, 500 g", "grocery/coffee", 690, consumable=True),
    item("shoe-care", "Shoe care kit", "shoe care", 1500, accessory_of=["sneaker-39", "boot-39"]),
    item("laces", "Laces, white", "shoe care", 500, accessory_of=["sneaker-39"], consumable=True),
    item("sun-hat", "Sun hat", "clothing/hats", 2900, in_stock=False),
]


def who(name: str) -> dict[str, str]:
    """How the shop names her: one whose name begins with "visitor" has not said who she is."""
    return {"anonymous_id" if name.startswith("visitor") else "customer_id": name}


class Shop:
    """A webshop that uses Tahdikas: events in, answers out, at a time that the scenario states."""

    def __init__(self, root: Path, start: Callable[..., Any]) -> None:
        self.home = Home.open(root)
        merge_items(self.home, pa.Table.from_pylist(ARTICLES, schema=ITEM_SCHEMA))
        self.now = NOON
        self.edits_policy(lambda policy: policy["arms"].update(holdout=0.0))  # nobody in these stories is kept apart
        _, key = KeyStore(self.home).create("webshop", ["admin"], now=self.now)
        self.app = create_app(self.home, clock=lambda: self.now, settings=PATIENT)
        self.http = start(self.app, authorization=f"Bearer {key}")
        self._ids = itertools.count(1)

    def wait(self, **duration: float) -> None:
        """Let time pass: `wait(days=3)`."""
        self.now += timedelta(**duration)

    def takes_up(self, bundle_id: str) -> None:
        """Wait until the service goes by a bundle that was promoted, which it loads and tries beside the requests."""
        until = time.monotonic() + 60
        while self.http.get("/v1/health/ready").json()["versions"]["bundle"] != bundle_id:
            assert time.monotonic() < until, f"{bundle_id} is not in force after a minute"
            time.sleep(0.05)

    def post(self, event: dict[str, Any]) -> dict[str, Any]:
        """Send one raw event; the API's result for it."""
        answer = self.http.post("/v1/events", json=event)
        assert answer.status_code in (200, 422), answer.text
        result: dict[str, Any] = answer.json()["results"][0]
        return result

    def happens(
        self,
        event_type: str,
        customer: str,
        *,
        ago: timedelta = timedelta(0),
        channel: str = "web",
        touchpoint: str | None = None,
        **payload: Any,
    ) -> str:
        """Something happens to a customer now, or some time ago but told only now; the event must be accepted."""
        if "consent_channel" in payload:  # the envelope has a channel too: where it was said
            payload["channel"] = payload.pop("consent_channel")
        event_id = f"{event_type}-{next(self._ids)}"
        event = {
            "event_id": event_id,
            "type": event_type,
            **who(customer),
            "occurred_at": (self.now - ago).isoformat(),
            "channel": channel,
            "touchpoint": touchpoint,
            "payload": payload,
        }
        result = self.post(event)
        assert result["status"] == "accepted", result
        return event_id

    def logs_in(self, visitor: str, customer: str, action: str = "link") -> None:
        """The visitor turns out to be a customer."""
        event = {
            "event_id": f"identity-{next(self._ids)}", "type": "identity", "occurred_at": self.now.isoformat(),
            "anonymous_id": visitor, "customer_id": customer, "channel": "web", "payload": {"action": action},
        }  # fmt: skip
        assert self.post(event)["status"] == "accepted"

    def logs_out(self, visitor: str, customer: str) -> None:
        """She was not that customer after all."""
        self.logs_in(visitor, customer, "unlink")

    def looks_at(self, customer: str, *items: str) -> None:
        """She looks at products, one after the other, in one visit."""
        for item_id in items:
            self.happens("browse", customer, action="view", session_id=f"visit of {customer}", item_id=item_id)
            self.wait(seconds=10)

    def reports(self, answer: Answer, outcome: str) -> None:
        """The shop tells what became of an answer: `sent`, `impression`, ..."""
        told = {"decision_id": answer["decision_id"], "outcome": outcome, "occurred_at": self.now.isoformat()}
        assert self.http.post("/v1/outcomes", json=told).status_code < 300

    def stocks(self, item_id: str, title: str, category: str, price: int, **more: Any) -> None:
        """Another article in the catalogue."""
        rows = [item(item_id, title, category, price, **more)]
        merge_items(self.home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))

    def orders(
        self, customer: str, *items: str, ago: timedelta = timedelta(0), channel: str = "web", quantity: int = 1
    ) -> str:
        """She orders; gives the order's id."""
        order = f"order-{next(self._ids)}"
        lines = [{"item_id": one, "quantity": quantity, "unit_price": 1000, "discount": 0} for one in items]
        self.happens("purchase", customer, ago=ago, channel=channel, order_id=order, currency="EUR", lines=lines)
        return order

    def delivers(self, customer: str, order: str, status: str = "delivered", **more: Any) -> None:
        """The parcel is on its way, has come, ..."""
        self.happens("delivery", customer, touchpoint="delivery", order_id=order, status=status, **more)

    def agrees(self, customer: str, *purposes: str) -> None:
        """She may be written to, and asked how it went."""
        for purpose in purposes or ("marketing", "feedback"):
            self.happens("consent", customer, ago=timedelta(days=1), purpose=purpose, status="granted")

    def searches(self, customer: str, query: str, results: int) -> None:
        """She searches the shop."""
        session = f"visit of {customer}"
        self.happens("browse", customer, action="search", session_id=session, query=query, result_count=results)
        self.wait(seconds=10)

    def known(self, customer: str) -> dict[str, Any]:
        """What the API tells of a customer."""
        answer = self.http.get(f"/v1/customers/{customer}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def case(self, customer: str, status: str, *, kind: str = "exchange", case_id: str = "case-1", **more: Any) -> None:
        """A step of her case."""
        self.happens("case", customer, touchpoint="support", case_id=case_id, kind=kind, status=status, **more)

    def rates(self, customer: str, score: int, **more: Any) -> None:
        """She answers how it went, 1 to 5."""
        self.happens("feedback", customer, kind="csat", score=score, **more)

    def regular(self, customer: str, *, orders: int = 4, consent: bool = True) -> None:
        """A customer with some purchases behind her, the last two weeks ago, delivered well, who may be written to."""
        if consent:
            for purpose in ("marketing", "feedback"):
                self.happens("consent", customer, ago=timedelta(days=400), purpose=purpose, status="granted")
        for number in range(orders):
            order, ago = f"{customer}-order-{number}", timedelta(days=15 + 30 * number)
            line = {"item_id": "coffee-500", "quantity": 2, "unit_price": 690, "discount": 0}
            self.happens("purchase", customer, ago=ago, order_id=order, currency="EUR", lines=[line])
            delivered = ago - timedelta(days=2)
            self.happens("delivery", customer, ago=delivered, touchpoint="delivery", order_id=order, status="delivered")

    def asks(
        self, customer: str, placement: str, channel: str = "web", idempotency_key: str | None = None, **more: Any
    ) -> Answer:
        """The shop asks what this customer should see here and now."""
        body = {**who(customer), "placement": placement, "channel": channel, **more}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self.http.post("/v1/decisions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return Answer(answer.json())

    def front_page(self, customer: str) -> Answer:
        """What the web shop's front page may show her."""
        return self.asks(customer, "front_page")

    def email(self, customer: str) -> Answer:
        """What the newsletter may send her."""
        return self.asks(customer, "email", "email")

    def why(self, customer: str, placement: str = "front_page", channel: str = "web", **more: str) -> dict[str, Any]:
        """Why she would get what she would get now, or got at the moment `at`, and why not the rest."""
        asked = {"placement": placement, "channel": channel, **more}
        known_as = f"anonymous:{customer}" if customer.startswith("visitor") else customer
        answer = self.http.get(f"/v1/customers/{known_as}/why", params=asked)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def rechecks(self, decision_ids: list[str]) -> list[dict[str, Any]]:
        """A sender asks, just before sending, whether earlier answers still stand."""
        answer = self.http.post("/v1/recheck", json={"decision_ids": decision_ids})
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["results"]
        return rows

    def builds_list(self, name: str) -> CampaignReport:
        """A mailing list for everybody."""
        return build_campaign(self.home, name=name, channel="email", placement="email", now=self.now)

    def mailed(self, report: CampaignReport) -> set[str]:
        """Who is on a list with something to sell."""
        rows = pq.read_table(report.folder / "list.parquet").to_pylist()
        return {row["customer_id"] for row in rows if row["category"] == "sales"}

    def kept_off(self, report: CampaignReport) -> dict[str, dict[str, str]]:
        """Who was kept off a list, with the reason."""
        with (report.folder / "kept_off.csv").open(encoding="utf-8-sig", newline="") as lines:
            return {row["customer_id"]: row for row in csv.DictReader(lines)}

    def exports_list(self, report: CampaignReport) -> Export:
        """The list is exported now."""
        return export_campaign(self.home, report.id, now=self.now)

    @property
    def policy(self) -> PolicyFile:
        """The policy in force."""
        return load_policy(self.home).file

    def edits_policy(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The shop changes its policy file; the running service takes it up."""
        self._edit("policy.yaml", change)

    def edits_action(self, action: str, change: Callable[[dict[str, Any]], object]) -> None:
        """The shop changes one action of its catalogue."""
        self._edit("actions.yaml", lambda catalogue: change(catalogue["actions"][action]))

    def writes_eagerly(self) -> None:
        """Letters have neither caps nor conditions of their own: only holds, consent and the common cap stop one."""
        self._edit("actions.yaml", eager)
        self.edits_policy(lambda policy: policy["contact_cap"].pop("unanswered", None))

    def drops_action_caps(self) -> None:
        """The shop takes away the caps that single actions have of their own."""
        self._edit("actions.yaml", lambda catalogue: [a.pop("cap", None) for a in catalogue["actions"].values()])

    def requires_source(self, source: str, *, within_hours: float) -> None:
        """The shop demands that a source has reported lately before anything is sold."""
        self.edits_policy(lambda policy: policy["clearance"]["required_sources"].update({source: within_hours}))

    def _edit(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        own = self.home.config / name
        shipped = DEFAULT_POLICY if name == "policy.yaml" else DEFAULT_ACTIONS
        content = yaml.safe_load((own if own.exists() else shipped).read_text(encoding="utf-8"))
        change(content)
        own.parent.mkdir(exist_ok=True)
        own.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path, start: Callable[..., Any]) -> Shop:
    """A shop with a few articles and no customers yet, at noon on the first of September."""
    return Shop(tmp_path / "home", start)
