"""Cases with the shop's service, and what went wrong unasked."""

from typing import Any

from features.feature_store.batch_relations.service import case_events, cases, frictions
from features.feature_store.declaration import ALWAYS, FLOAT, TIME, feature


@feature(cases, "case", "cases", days=365)
def complaint_cases_opened_365d(rows: Any, _inside: Any) -> Any:
    """Cases whose first step is in the window, and of which any step says complaint."""
    return rows.count(where=(rows.opened_at >= rows.since_365d) & rows.is_complaint)


@feature(cases, "case", "cases", days=365)
def return_cases_opened_365d(rows: Any, _inside: Any) -> Any:
    """Cases whose first step is in the window, and of which any step says return."""
    return rows.count(where=(rows.opened_at >= rows.since_365d) & rows.is_return)


@feature(cases, "case", "cases", since=ALWAYS)
def unresolved_cases(rows: Any, _inside: Any) -> Any:
    """Cases whose last step (of several at one instant: the last by event_id) is not resolved, closed or cancelled."""
    return rows.count(where=~rows.finished)


@feature(cases, "case", "seconds", days=365, dtype=FLOAT)
def resolution_mean_seconds_365d(rows: Any, _inside: Any) -> Any:
    """Mean time (whole seconds) from a case's first step to its first resolved, closed or cancelled in the window."""
    lately = rows.first_finished_at >= rows.since_365d
    return rows.handling_seconds.sum(where=lately) / rows.handling_seconds.count(where=lately).nullif(0)


@feature(case_events, "case", "times", days=365)
def times_asked_365d(rows: Any, inside: Any) -> Any:
    """Times she had to ask about a case."""
    return rows.count(where=inside & (rows.status == "customer_asked"))


@feature(cases, "case", "time", since=ALWAYS, dtype=TIME)
def last_case_opened_at(rows: Any, _inside: Any) -> Any:
    """First step of the case that began last."""
    return rows.opened_at.max()


@feature(frictions, "friction", "frictions", name="friction_count_28d", days=28)
@feature(frictions, "friction", "frictions", name="friction_count_90d", days=90)
def friction_count(rows: Any, inside: Any) -> Any:
    """Things that went wrong although she did not complain."""
    return rows.count(where=inside)


@feature(frictions, "friction", "time", since=ALWAYS, dtype=TIME)
def last_friction_at(rows: Any, _inside: Any) -> Any:
    """Last friction."""
    return rows.occurred_at.max()
