"""A shop with one regular customer who may be written to, over a real decision service."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, merge_items
from serving.core.question import Request
from serving.service import DecisionService
from tests.eager import eager_actions, eager_policy

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Shop:
    """A shop with one regular customer, Aino, who may be written to; `now` is its clock."""

    def __init__(self, home):
        self.home, self.now, self.told = home, NOON, 0
        rows = [
            {"item_id": i, "title": i, "price": 1000, "margin": 500, "in_stock": True, "consumable": i == "coffee"}
            for i in ("coffee", "boots", "coat", "lamp")
        ]
        merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
        home.config.mkdir(exist_ok=True)
        (home.config / "actions.yaml").write_text(eager_actions(), encoding="utf-8")
        self.set_policy("holdout: 0.05", "holdout: 0.0")
        self.service = DecisionService(home, durable=False, patience_seconds=0.2)
        for purpose in ("marketing", "feedback"):
            self.happens("consent", days=99, purpose=purpose, status="granted")
        for n in range(3):
            line = {"item_id": "coffee", "quantity": 1, "unit_price": 1000}
            self.happens("purchase", days=15 + 20 * n, order_id=f"o{n}", currency="EUR", lines=[line])

    def set_policy(self, old, new):
        path = self.home.config / "policy.yaml"
        text = path.read_text() if path.exists() else eager_policy()
        path.write_text(text.replace(old, new))

    def happens(self, event_type, *, days=0, ahead=timedelta(0), anonymous_id=None, touchpoint=None, **payload):
        self.told += 1
        who = {"customer_id": "aino"} if anonymous_id is None else {"anonymous_id": anonymous_id}
        event = {
            "event_id": f"e{self.told}", "type": event_type, **who, "touchpoint": touchpoint, "payload": payload,
            "occurred_at": (self.now - timedelta(days=days) + ahead).isoformat(),
        }  # fmt: skip
        (result,) = self.service.ingest([event], self.now)
        assert result.status == "accepted", result

    def question(self, placement="front_page", channel="web", **more):
        asked = {"customer_id": "aino", "now": self.now} | more
        return Request(placement=placement, channel=channel, **asked)

    def ask(self, *where, **more):
        return self.service.decide(self.question(*where, **more))


def sells(decision):
    return any(a.category == "sales" for a in decision.actions)
