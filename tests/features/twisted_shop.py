"""The made-up shop with what makes the history of state hard: visitors of two customers, an incident, live browsing."""

from datetime import timedelta

from feature_histories import T, event
from shop_log import ingested, shop_rows

from features.home import Home
from features.log.event_log import EventLog


def twisted_shop(home: Home, customers: int = 40) -> EventLog:
    """An open log. The visitor v001 was c001's, nobody's, then c002's, and complained meanwhile; v003 is c003's."""
    day, rows = timedelta(days=1), shop_rows(customers)
    linked = (("c001", "v001", 200), ("c002", "v001", 95), ("c009", "v001", 40), ("c003", "v003", 5))
    rows += [
        event("identity", who, T - d * day, f"x{d}", action="link", anonymous_id=visitor) for who, visitor, d in linked
    ]
    rows.append(event("identity", "c001", T - 100 * day, "x100", action="unlink", anonymous_id="v001"))
    hers = {"anonymous_id": "v001"}
    rows.append(event("feedback", None, T - 150 * day, "f1", kind="rating", score=1.0, **hers))
    rows.append(event("case", None, T - 60 * day, "k1", case_id="kv", kind="complaint", status="opened", **hers))
    rows.append(event("delivery", "c003", T - 20 * day, "d1", order_id="od", status="shipped", carrier="Posti"))
    rule = '{"carrier": "posti", "since": "2024-05-01T00:00:00Z"}'
    rows.append(event("incident", None, T - 10 * day, "i1", action="declare", hold_id="h1", rule=rule, person="eva"))
    log = ingested(home, rows)
    live = [_view(n, who) for n, who in enumerate(["c004", None] * 55)]
    assert {one.status for one in log.append_live(live, source="api", now=T)} == {"accepted"}
    assert log.flush_live() == len(live)
    return log


def _view(minutes_ago: int, customer: str | None) -> dict[str, object]:
    return {
        "event_id": f"live{minutes_ago}",
        "type": "browse",
        "customer_id": customer,
        "anonymous_id": "v003",
        "channel": "web",
        "occurred_at": (T - timedelta(minutes=minutes_ago)).isoformat(),
        "payload": {"action": "view", "session_id": "s"},
    }
