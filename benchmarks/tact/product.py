"""This product as the sender: its own data folder, each week's events taken in, its engine asked about everybody."""

from collections import Counter
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from benchmarks.tact.post import DISCOUNT, NEWS, Mailing, Message, Post
from features.catalogue import merge_items
from features.customer.hold_rules import HoldRule, HoldRules
from features.home import Home
from features.log.event_log import EventLog
from features.log.event_objects import object_of
from pipelines.shop.parameters import OFFERS
from serving.core.catalogue import DEFAULT_ACTIONS, load_catalogue
from serving.core.decision import Decision
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.core.recheck import ListRow
from serving.service import DecisionService


class Product:
    """Decides each week for everybody known; no models are in force.

    `policy` and `actions` are the texts of the shop's own files; without them the shipped ones are in force. Letters
    with an incentive act as the old shop's discount, all others that sell as its news.
    """

    def __init__(self, root: Path, items: pa.Table, *, policy: str | None = None, actions: str | None = None) -> None:
        self._home = Home.open(root)
        self._home.config.mkdir(exist_ok=True)
        for name, text in (("policy", policy), ("actions", actions)):
            if text is not None:
                (self._home.config / f"{name}.yaml").write_text(text, encoding="utf-8")
        merge_items(self._home, items)
        self.service = DecisionService(self._home, durable=False)
        self._log = EventLog(self._home, durable=False)
        self._waiting: list[pa.Table] = []
        self._known: list[str] = []
        catalogue = load_catalogue(self._home, known=KNOWN_FEATURES)
        self._incentive = {action.action: action.incentive_cost > 0 for action in catalogue.actions}

    def hear(self, events: pa.Table) -> None:
        """To be taken in before the next question."""
        self._waiting.append(events)

    def send(self, week: int, now: datetime) -> Post:
        """Take in what was heard, then ask about everybody known."""
        self.take_in(now)
        return self._post(self.service.decide_many(self._asked(now)))

    def held(self, now: datetime) -> set[int]:
        """Customers with a hold on e-mailed offers in force."""
        asked = self._asked(now)
        return {
            number(request.customer_id)
            for request, snapshot in zip(asked, self.service.read(asked), strict=True)
            if any(hold.blocks("sales", "", "email") for hold in snapshot.holds)
        }

    def close(self) -> None:
        """Let go of the data folder."""
        self.service.close()
        self._log.close()

    def take_in(self, now: datetime) -> None:
        """A long history in bulk, later weeks as a shop would post them."""
        events = pa.concat_tables(self._waiting)
        self._waiting = []
        if not self._known:
            rejected = self._log.append_history([events], source="simulated", now=now).rejected
        else:
            results = self._log.append_live([object_of(row) for row in events.to_pylist()], source="simulated", now=now)
            rejected = Counter(str(result.reason) for result in results if result.status == "rejected")
        assert not rejected, rejected
        names = pc.unique(events["customer_id"].drop_null()).to_pylist()
        self._known = sorted({*self._known, *names})

    def _asked(self, now: datetime) -> list[Request]:
        return [
            Request(customer_id=name, channel="email", placement="email", now=now, mode="simulate")
            for name in self._known
        ]

    def _post(self, decisions: list[Decision]) -> Post:
        who, offers, actions, treatments, messages = [], [], [], [], []
        for name, decision in zip(self._known, decisions, strict=True):
            for action in decision.actions:
                if action.category == "sales":
                    who.append(number(name))
                    offers.append(DISCOUNT if self._incentive[action.action_id] else NEWS)
                    actions.append(action.action_id)
                    treatments.append(action.treatment_id)
                elif action.action_id != "no_action":
                    messages.append(Message(number(name), action.action_id, action.treatment_id, action.category))
        return Post(np.array(who, dtype=np.int64), np.array(offers, dtype=np.int64), actions, treatments, messages)


class Rechecked:
    """The weekly mailing of somebody else, who asks this product about each row before sending it."""

    def __init__(self, root: Path, items: pa.Table, mailing: Mailing) -> None:
        self.product = Product(root, items, actions=WEEKLY)
        self._mailing = mailing

    def hear(self, events: pa.Table) -> None:
        """Both are told."""
        self.product.hear(events)
        self._mailing.hear(events)

    def send(self, week: int, now: datetime) -> Post:
        """What is still allowed of the week's mailing."""
        self.product.take_in(now)
        meant = self._mailing.send(week, now)
        rows = [
            ListRow(customer_id=f"c{who:07d}", action_id=action, channel="email", placement="email")
            for who, action in zip(meant.who.tolist(), meant.actions, strict=True)
        ]
        allowed = [answer.allowed for answer in self.product.service.recheck_rows(rows, now)] if rows else []
        return Post.of(meant.who[np.array(allowed, dtype=np.bool_)], self._mailing.offer(week))

    def close(self) -> None:
        """Let go of the data folder."""
        self.product.close()


def number(name: str | None) -> int:
    """The customer's number: c0000012 is 12."""
    return int(str(name)[1:])


WEEKLY = "extends: default\nactions:\n" + "".join(
    f"""  {offer.action_id}:
    name: {{en: "The weekly letter", fi: "Viikkokirje"}}
    category: sales
    group: offers
    response: {{prior: 0.05}}
    treatments: [{{treatment: letter, channels: [email], text: {{en: "This week", fi: "Tällä viikolla"}}}}]
"""
    for offer in OFFERS
)
"""The old shop's letters as actions of its own."""


def sales_only() -> str:
    """An actions file that leaves out whatever sells nothing."""
    shipped = yaml.safe_load(DEFAULT_ACTIONS.read_text(encoding="utf-8"))["actions"]
    spared = [name for name, action in shipped.items() if action["category"] not in ("sales", "none")]
    own: dict[str, dict[str, list[str]]] = {
        name: {"after": []} for name, action in shipped.items() if action.get("after") and name not in spared
    }
    text: str = yaml.safe_dump({"extends": "default", "without": spared, "actions": own}, sort_keys=False)
    return text


def without_holds() -> str:
    """The shipped policy in which holds open and end as ever, and hold nothing."""
    policy = yaml.safe_load(DEFAULT_POLICY.read_text(encoding="utf-8"))
    for kind in (f.name for f in fields(HoldRules) if isinstance(getattr(HoldRules(), f.name), HoldRule)):
        policy["holds"][kind] |= {"categories": ["regulation"], "groups": []}  # which no hold ever covers
    text: str = yaml.safe_dump(policy, allow_unicode=True, sort_keys=False)
    return text
