"""A hand-made shop for the decision core: five articles, the shipped policy and actions, hand-written customers."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.customer.coverage import Covers, channels_of
from features.customer.holds import Hold
from features.inputs.candidates import ItemHistory
from serving.core.catalogue import DEFAULT_ACTIONS, Catalogue, parse_catalogue
from serving.core.decision import Decision
from serving.core.engine import decide
from serving.core.items import Article, Articles
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, Policy, parse_policy
from serving.core.question import Request, Snapshot
from serving.core.scorer import WithoutModel

sys.path.append(str(Path(__file__).parent))  # the laws share `drawn_shops`

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

ARTICLES = Articles(
    {
        "coffee": Article("coffee", "Coffee", 690, 345, True, True),
        "tea": Article("tea", "Tea", 490, 245, True, True),
        "boots": Article("boots", "Winter boots", 12900, 6450, True, False, frozenset({9, 10, 11})),
        "coat": Article("coat", "Rain coat", 15900, 7950, True, False),
        "lamp": Article("lamp", "Lamp", 4900, 2450, False, False),
    }
)

REGULAR: dict[str, float] = {
    "known": 1, "orders_total": 4, "days_since_last_purchase": 15, "days_since_first_purchase": 105, "open_cases": 0,
    "max_case_severity": 0, "holds_in_force": 0, "max_hold_severity": 0, "unresolved_severity": 0, "late_orders": 0,
    "cool_downs": 0, "cases_unanswered_30d": 0, "ratings_90d": 1, "repeat_items": 2, "absorbed": 0,
    "in_recovery": 0, "stage": 3, "orders_in_delivery": 0,
}  # fmt: skip


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped policy with nobody held out, so that no test depends on a name."""
    text = DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0")
    return parse_policy(text)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped actions."""
    return parse_catalogue(DEFAULT_ACTIONS.read_text(), known=KNOWN_FEATURES)


def history(**counts: int) -> ItemHistory:
    """Items bought, each in so many orders, last a fortnight ago."""
    last = np.full(len(counts), (NOON - timedelta(days=15)).timestamp())
    return ItemHistory(list(counts), np.array(list(counts.values()), dtype=float), last, last, orders=4.0)


def hold(kind: str = "open_case", *, severity: int = 2, channels: str = "any", **more: Any) -> Hold:
    """A hold on sales, opened yesterday."""
    covers = Covers(tuple(more.pop("categories", ("sales",))), channels_of([channels]), ())
    opened = NOON - timedelta(days=1)
    return Hold(
        hold_id=f"{kind}:1", kind=kind, severity=severity, covers=covers, source_event="e1", case_id="1",
        opened_at=opened, release_when="case_resolved", review_at=opened + timedelta(days=14), ends_at=None, **more,
    )  # fmt: skip


def regular(key: str = "aino", **more: Any) -> Snapshot:
    """A customer with four orders who may be written to; `values` are laid over hers."""
    values = REGULAR | more.pop("values", {})
    consents = more.pop("consents", {("marketing", None): "granted", ("feedback", None): "granted"})
    bought = more.pop("history", history(coffee=3, tea=2))
    seen = more.pop("last_sign_at", NOON.timestamp())
    return Snapshot(customer_key=key, values=values, consents=consents, history=bought, last_sign_at=seen, **more)


def ask(placement: str = "front_page", channel: str = "web", key: str = "aino", **more: Any) -> Request:
    """A question about a customer."""
    return Request(customer_id=key, channel=channel, placement=placement, now=more.pop("now", NOON), **more)


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    """What tests write customers with: `shop.regular`, `shop.hold`, `shop.ask`, `shop.history`, and two constants."""
    return SimpleNamespace(regular=regular, hold=hold, ask=ask, history=history, ARTICLES=ARTICLES, NOON=NOON)


@pytest.fixture
def one(policy: Policy, catalogue: Catalogue) -> Callable[..., Decision]:
    """Decide for one snapshot: `one(ask, snapshot, policy=..., scorer=...)`."""

    def decided(request: Request, snapshot: Snapshot, **more: Any) -> Decision:
        used = {"policy": policy, "catalogue": catalogue, "scorer": WithoutModel(ARTICLES), "articles": ARTICLES} | more
        (answer,) = decide(
            [request], [snapshot], used["scorer"], used["catalogue"], used["policy"], articles=used["articles"]
        )
        return answer

    return decided
