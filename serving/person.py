"""One customer as staff may see her: what is known, what is open, what holds, and what she would get."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from features.customer.journey import stage_of
from features.instants import from_us
from serving.causes import Causes
from serving.core.decision import Decision
from serving.core.evidence import Evidence
from serving.core.question import Snapshot

RECENT = timedelta(days=90)


def described(
    snapshot: Snapshot,
    decision: Decision,
    now: datetime,
    value: tuple[float, float, float] | None = None,
    causes: Mapping[str, Causes] | None = None,
) -> dict[str, Any]:
    """The customer in plain types; absent values are None. Contacts are those of the last 90 days.

    `value` is what she is expected to bring, with the ends of its interval, minor units; `causes` are why the scores
    are what they are.
    """
    view = snapshot.view
    known = {name: None if value != value else value for name, value in snapshot.values.items()}
    found: dict[str, Any] = {
        "customer_id": snapshot.customer_key,
        "as_of": now.isoformat(),
        "state_status": snapshot.state_status,
        "arm": decision.arm,
        "holds": msgspec.to_builtins(list(snapshot.holds)),
        "scores": _scores(decision.evidence, value),
        "causes": causes or {},
        "features": known,
        "versions": decision.versions,
    }
    if view is None:
        return found
    return found | {
        "stage": stage_of(view),
        "in_recovery_until": view.recovery_until.isoformat() if view.recovery_until else None,
        "open_cases": msgspec.to_builtins(view.open_cases),
        "cases": msgspec.to_builtins(view.cases),
        "deliveries": msgspec.to_builtins(view.deliveries),
        "consents": [
            {"purpose": purpose, "channel": channel, "status": status}
            for (purpose, channel), status in sorted(view.consents.items(), key=lambda c: (c[0][0], c[0][1] or ""))
        ],
        "contacts": [msgspec.to_builtins(c) for c in view.contacts if c.at > now - RECENT],
        "reserved": [msgspec.to_builtins(c) for c in snapshot.reserved],
        "orders": [
            {
                "order_id": o.order_id,
                "at": from_us(o.at).isoformat(),
                "currency": o.currency,
                "paid": o.paid,
                "items": o.items,
            }
            for o in view.orders
        ],
        "returned_items": sorted(view.returned_items),
        "profile": view.profile,
        "identities": [origin for origin, _ in view.state.origins],
    }


def _scores(evidence: Evidence, value: tuple[float, float, float] | None) -> dict[str, float]:
    """What the models in force say of her; what none says is left out."""
    expected, low, high = value or (None, None, None)
    told = {
        "churn_probability": evidence.churn,
        "second_purchase_probability": evidence.second_purchase,
        "expected_value": expected,
        "expected_value_low": low,
        "expected_value_high": high,
    }
    return {name: v for name, v in told.items() if v is not None}
