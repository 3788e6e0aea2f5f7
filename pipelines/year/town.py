"""A small shop and its days: what customers do in it, and what the system sends, shows and asks them to be called for.

Everything runs through the real service: events in, decisions out, outcomes told back. Only the clock is the story's.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, merge_items
from features.errors import DataError
from features.home import Home
from serving.core.decision import ChosenAction, Decision
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.desk.desk import Desk
from serving.outcomes import Outcome
from serving.service import DecisionService

HELSINKI = ZoneInfo("Europe/Helsinki")
MAIL, CALLS = time(9, 30), time(10, 30)
LINK = "https://shop.example/good-to-know/"
Row = tuple[str, str, str, int, dict[str, Any]]
ITEMS: tuple[Row, ...] = (
    ("coffee-500", "Coffee, 500 g", "grocery/coffee", 690, {"consumable": True}),
    ("oats-1", "Oats, 1 kg", "grocery/oats", 250, {"consumable": True}),
    ("tea-20", "Tea, 20 bags", "grocery/tea", 420, {"consumable": True}),
    ("bicycle", "City bicycle", "bikes/city", 64900, {"knowledge_url": LINK + "bicycle"}),
    ("winter-tyre", "Winter tyre", "bikes/tyres", 4900, {"accessory_of": ["bicycle"], "season_months": [9, 10, 11]}),
    ("bike-service", "Bicycle service", "bikes/services", 5900, {"service_for": ["bicycle"], "season_months": [3, 4]}),
    ("bell", "Bell", "bikes/bells", 900, {"accessory_of": ["bicycle"]}),
    ("boot-39", "Winter boots, size 39", "clothing/shoes", 12900, {"knowledge_url": LINK + "boots"}),
    ("boot-40", "Winter boots, size 40", "clothing/shoes", 12900, {"knowledge_url": LINK + "boots"}),
    ("shoe-care", "Shoe care kit", "clothing/care", 1500, {"accessory_of": ["boot-39", "boot-40"]}),
    ("wool-socks", "Wool socks", "clothing/socks", 1900, {}),
    ("rain-coat", "Rain coat", "clothing/coats", 15900, {}),
    ("lamp", "Reading lamp", "home/lamps", 5900, {}),
)


@dataclass(frozen=True)
class Entry:
    """A line of somebody's year: what she did, what reached her, or that something was kept from her."""

    at: datetime
    kind: str  # did, got, call, kept
    text: str
    action_id: str = ""
    channel: str = ""
    category: str = ""
    code: str = ""


@dataclass
class Life:
    """One customer: her diary by day, and how she takes what reaches her, as functions of the town and her."""

    key: str
    diary: dict[date, Any]
    answers: dict[str, Any] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    kept: str = ""


class Town:
    """The shop's service over an empty data folder, and a clock that the year sets."""

    def __init__(self, home: Home, start: datetime) -> None:
        self.now = start
        home.config.mkdir(exist_ok=True)
        policy = DEFAULT_POLICY.read_text(encoding="utf-8").replace("holdout: 0.05", "holdout: 0.0")
        (home.config / "policy.yaml").write_text(policy, encoding="utf-8")  # nobody here is in the control group
        self.home, self.service = home, DecisionService(home, durable=False)
        self.desk = Desk(self.service)
        self._numbers = itertools.count(1)
        self.stocks(*ITEMS)

    def stocks(self, *rows: Row) -> None:
        """Articles come into the catalogue."""
        merge_items(self.home, pa.Table.from_pylist([_item(*row) for row in rows], schema=ITEM_SCHEMA))

    def at(self, day: date, clock: time) -> None:
        """The clock goes on to that hour in Helsinki; never back."""
        self.now = max(self.now, datetime.combine(day, clock, HELSINKI).astimezone(UTC))

    def happens(self, life: Life, kind: str, /, *, channel: str = "web", touchpoint: str = "", **payload: Any) -> None:
        """Something happens to her now. Raises `DataError` if it is refused."""
        event = {
            "event_id": f"{life.key}-{kind}-{next(self._numbers)}", "type": kind, "customer_id": life.key,
            "occurred_at": self.now.isoformat(), "channel": channel, "payload": payload,
        } | ({"touchpoint": touchpoint} if touchpoint else {})  # fmt: skip
        (result,) = self.service.ingest([event], self.now)
        if result.status != "accepted":
            raise DataError(f"The year's event {event} was not accepted: {result}. Correct it.")
        self.now += timedelta(seconds=20)

    def notes(self, life: Life, text: str) -> None:
        """What she did, for the page."""
        life.entries.append(Entry(self.now, "did", text))

    def orders(self, life: Life, order: str, *items: str, quantity: int = 1, channel: str = "web") -> None:
        """She orders."""
        prices = {row[0]: row[3] for row in ITEMS}
        lines = [{"item_id": i, "quantity": quantity, "unit_price": prices.get(i, 3900), "discount": 0} for i in items]
        self.happens(life, "purchase", channel=channel, order_id=order, currency="EUR", lines=lines)

    def delivers(self, life: Life, order: str, status: str = "delivered", promised: datetime | None = None) -> None:
        """Word of a parcel."""
        more = {"promised_at": promised.isoformat()} if promised else {}
        self.happens(life, "delivery", touchpoint="delivery", order_id=order, status=status, **more)

    def looks(self, life: Life, action: str, **payload: Any) -> None:
        """A step in the shop."""
        self.happens(life, "browse", action=action, session_id=f"{life.key}-{self.now:%Y%m%d}", **payload)

    def opens(self, life: Life, placement: str, n: int = 1, **context: Any) -> Decision:
        """She opens a page: what is decided is shown, and told as seen."""
        return self._takes(life, placement, "web", "impression", n, context)

    def mails(self, life: Life) -> None:
        """The morning's mail to her, if there is anything to say."""
        decision = self._takes(life, "email", "email", "sent", 1, {})
        why = decision.no_action_reason.code if decision.no_action_reason else ""
        withheld = decision.withheld
        self._keeps(life, why if withheld is not None and why in TOLD else "", decision)

    def calls(self, lives: list[Life]) -> None:
        """A person works the call list."""
        for call in self.desk.call_list(self.now)[1]:
            life = next(one for one in lives if one.key == call.customer_id)
            if not call.quiet:
                self._takes(life, "call_list", "phone", "sent", 1, {})

    def _takes(
        self, life: Life, placement: str, channel: str, outcome: str, n: int, context: dict[str, Any]
    ) -> Decision:
        decision = self.service.decide(
            Request(customer_id=life.key, channel=channel, placement=placement, n=n, now=self.now, context=context)
        )
        for action in decision.actions:
            told = Outcome(
                decision_id=decision.decision_id, outcome=outcome, occurred_at=self.now, action_id=action.action_id
            )
            self.service.record_outcome(told, self.now)
            self._enters(life, action, channel)
        for action in decision.actions:
            if action.action_id in life.answers:
                self.now += timedelta(minutes=2)
                life.answers[action.action_id](self, life, channel)
        return decision

    def _enters(self, life: Life, action: ChosenAction, channel: str) -> None:
        items = ", ".join((i.title or i.item_id) + (f" x {i.quantity}" if i.quantity else "") for i in action.items)
        text = action.message + (f" ({items})" if items else "")
        life.entries.append(Entry(self.now, "got", text, action.action_id, channel, action.category))

    def _keeps(self, life: Life, code: str, decision: Decision) -> None:
        """Note when a silence begins and when it ends, not every morning of it."""
        if code == life.kept:
            return
        life.kept = code
        if code and decision.no_action_reason is not None:
            life.entries.append(Entry(self.now, "kept", decision.no_action_reason.text, code=code))


TOLD = ("hold", "unanswered")
"""Reasons of a morning without a letter that are worth a line: a hold, a door that stays shut."""


@contextmanager
def town(start: datetime) -> Iterator[Town]:
    """The town at the beginning of its year, in a folder that is gone afterwards."""
    with TemporaryDirectory() as folder:
        found = Town(Home.open(Path(folder) / "home"), start)
        try:
            yield found
        finally:
            found.service.close()


def _item(item_id: str, title: str, category: str, price: int, more: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(ITEM_SCHEMA.names)
    row |= {"item_id": item_id, "title": title, "category": category, "price": price, "margin": price // 2}
    return row | {"in_stock": True, "consumable": False} | more
