"""The staff's lists and the feed miss nobody, whatever came since they were read last."""

from regular_customer import NOON

from serving.desk.desk import Desk
from serving.desk.watch_list import Filters


def declares(shop, incident_id, carrier):
    event = {"event_id": f"declare-{incident_id}", "type": "incident", "occurred_at": NOON.isoformat(),
             "payload": {"action": "declare", "incident_id": incident_id, "person": "liisa",
                         "rule": {"carrier": carrier}}}  # fmt: skip
    shop.service.ingest([event], NOON)


def test_a_second_incident_declared_while_customers_come_and_go(shop):
    desk = Desk(shop.service)
    shop.happens("delivery", days=3, order_id="o0", status="shipped", carrier="posti")
    declares(shop, "first", "posti")
    assert [one.kind for one in desk.watch(Filters(), NOON).entries] == ["incident"]
    shop.happens("delivery", days=2, order_id="o1", status="shipped", carrier="matka")
    declares(shop, "second", "matka")
    assert [one.kind for one in desk.watch(Filters(), NOON).entries] == ["incident", "incident"]
    assert [one.customer_id for one in desk.feed(NOON).customers] == ["aino"]
