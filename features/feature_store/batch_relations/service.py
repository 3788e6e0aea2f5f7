"""Cases with the shop's service, and what went wrong unasked."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import KEYS, Known, whole_seconds

_FINISHING = ("resolved", "closed", "cancelled")


def case_events(known: Known) -> Any:
    """One row a step of a case: status."""
    return known.of_type("case", status=_.status)


def cases(known: Known) -> Any:
    """One row a case.

    `opened_at` its first step, `first_finished_at` its first resolved, closed or cancelled and `handling_seconds` the
    whole seconds between; `finished` if its last step is one of those (ties: the last by event_id); `is_<kind>` if any
    step said so.
    """
    steps = known.of_type("case", case_id=_.case_id, kind=_.kind, status=_.status)
    rows = steps.group_by(*KEYS, "case_id").agg(
        opened_at=_.occurred_at.min(),
        first_finished_at=_.occurred_at.min(where=_.status.isin(_FINISHING)),
        finished=_.status.argmax(ibis.struct({"at": _.occurred_at, "id": _.event_id})).isin(_FINISHING),
        is_complaint=(_.kind == "complaint").cast("int64").max() == 1,
        is_return=(_.kind == "return").cast("int64").max() == 1,
    )
    return known.with_windows(
        rows.mutate(handling_seconds=whole_seconds(_.first_finished_at) - whole_seconds(_.opened_at))
    )


def frictions(known: Known) -> Any:
    """One row a friction: kind."""
    return known.of_type("friction", kind=_.kind)
