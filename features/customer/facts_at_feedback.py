"""What was known of a customer when she gave feedback: facts beside her words, for learning and live alike."""

from collections.abc import Iterable
from datetime import datetime

from features.customer.hold_rules import HoldRules
from features.customer.state import fold
from features.customer.view import state_features
from features.facts import Fact

FEEDBACK_FACTS = (
    "late_orders",
    "late_deliveries_90d",
    "orders_in_delivery",
    "days_since_last_delivery",
    "open_cases",
    "max_case_age_days",
    "case_asks",
    "cases_365d",
    "complaints_365d",
    "return_cases_365d",
    "frictions_28d",
    "bad_ratings_365d",
    "last_rating_unit",
    "orders_total",
)
"""Names of `STATE_FEATURES`, in the order of the columns."""

_RULES = HoldRules()  # the shipped ones, so that a change of the policy changes no model's inputs


def facts_at_feedback(facts: Iterable[Fact], at: datetime, received_by: datetime) -> list[float]:
    """`FEEDBACK_FACTS` of a customer just before `at` (aware UTC), of what had been received by `received_by`.

    `facts` are hers in any order. What happened at `at` itself, the feedback and its score, does not count. NaN is
    absent.
    """
    known = fold(fact for fact in facts if fact.occurred_at < at and fact.received_at <= received_by)
    features = state_features(known, at, _RULES)
    return [features[name] for name in FEEDBACK_FACTS]
