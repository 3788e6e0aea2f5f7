"""This product as the sender: its own data folder, each week's events ingested, its engine asked about everybody."""

from collections import Counter
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from benchmarks.tact.post import DISCOUNT, NEWS, Message, Post
from features.catalogue import merge_items
from features.customer.hold_rules import HoldRule, HoldRules
from features.home import Home
from features.log.event_log import EventLog
from features.log.event_objects import object_of
from serving.core.catalogue import load_catalogue
from serving.core.decision import Decision
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.service import DecisionService


class Product:
    """Decides with the shipped policy and actions, or those in the folder's config; no models are in force.

    Letters with an incentive act as the old shop's discount, all others that sell as its news; `heard` events wait
    until it is asked, so that a long history is taken in at once.
    """

    def __init__(self, root: Path, items: pa.Table, *, holds: bool = True) -> None:
        self._home = Home.open(root)
        if not holds:
            self._home.config.mkdir(exist_ok=True)
            (self._home.config / "policy.yaml").write_text(without_holds(), encoding="utf-8")
        merge_items(self._home, items)
        self._log = EventLog(self._home, durable=False)
        self._service: DecisionService | None = None
        self._waiting: list[pa.Table] = []
        self._known: list[str] = []
        catalogue = load_catalogue(self._home, known=KNOWN_FEATURES)
        self._incentive = {action.action: action.incentive_cost > 0 for action in catalogue.actions}
        self.silent: Counter[str] = Counter()

    def hear(self, events: pa.Table) -> None:
        """To be taken in before the next question."""
        self._waiting.append(events)

    def send(self, week: int, now: datetime) -> Post:
        """Take in what was heard, then ask about everybody known."""
        self._take_in(now)
        if not self._known:
            return Post()
        if self._service is None:
            self._service = DecisionService(self._home, durable=False)
        asked = [
            Request(customer_id=name, channel="email", placement="email", now=now, mode="simulate")
            for name in self._known
        ]
        return self._post(self._service.decide_many(asked))

    def held(self, now: datetime) -> set[int]:
        """Customers with a hold on e-mailed offers in force, as this product knows it."""
        assert self._service is not None
        asked = [
            Request(customer_id=name, channel="email", placement="email", now=now, mode="simulate")
            for name in self._known
        ]
        return {
            int(request.customer_id[1:])
            for request, snapshot in zip(asked, self._service.read(asked), strict=True)
            if request.customer_id and any(hold.blocks("sales", "", "email") for hold in snapshot.holds)
        }

    def close(self) -> None:
        """Let go of the data folder."""
        if self._service is not None:
            self._service.close()
        self._log.close()

    def _take_in(self, now: datetime) -> None:
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

    def _post(self, decisions: list[Decision]) -> Post:
        who, offers, actions, treatments, messages = [], [], [], [], []
        for name, decision in zip(self._known, decisions, strict=True):
            if decision.no_action_reason is not None:
                self.silent[decision.no_action_reason.code] += 1
            for action in decision.actions:
                number = int(name[1:])
                if action.category == "sales":
                    who.append(number)
                    offers.append(DISCOUNT if self._incentive[action.action_id] else NEWS)
                    actions.append(action.action_id)
                    treatments.append(action.treatment_id)
                elif action.action_id != "no_action":
                    messages.append(Message(number, action.action_id, action.treatment_id, action.category))
        return Post(np.array(who, dtype=np.int64), np.array(offers, dtype=np.int64), actions, treatments, messages)


def without_holds() -> str:
    """The shipped policy in which holds open and end as ever, and hold nothing."""
    policy = yaml.safe_load(DEFAULT_POLICY.read_text(encoding="utf-8"))
    for kind in (f.name for f in fields(HoldRules) if isinstance(getattr(HoldRules(), f.name), HoldRule)):
        policy["holds"][kind] |= {"categories": ["regulation"], "groups": []}  # which no hold ever covers
    text: str = yaml.safe_dump(policy, allow_unicode=True, sort_keys=False)
    return text
