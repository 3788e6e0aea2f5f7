"""How the delivery of an order stands at a moment: promised for when, arrived, failed, cancelled, late."""

from typing import NamedTuple

from features.customer.ledger import Delivery


class DeliveryCourse(NamedTuple):
    """A delivery at `now`; instants in microseconds since 1970.

    `promised_at` is the earliest promise, `promise_event` the event that made it. A delay announced without a date,
    where none was ever promised, is a promise broken then and there. `worse_at` is the latest failure or delay.
    """

    status: str
    status_at: int
    promised_at: int | None
    promise_event: str
    delivered_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    failure_event: str
    worse_at: int

    @property
    def over_at(self) -> int | None:
        """When it arrived or was cancelled; None while she waits."""
        return self.delivered_at if self.delivered_at is not None else self.cancelled_at

    def broken_at(self, now: int) -> int | None:
        """When its promise was broken; None if it was kept, or still may be."""
        over = self.over_at
        kept = self.promised_at is None or self.promised_at >= (now if over is None else over)
        return None if kept else self.promised_at

    def is_late(self, now: int) -> bool:
        """Whether she still waits for it, past its promise or after it failed."""
        return self.over_at is None and (self.failed_at is not None or self.broken_at(now) is not None)


def delivery_course(delivery: Delivery, now: int) -> DeliveryCourse | None:
    """The course of a delivery up to and including `now`; None if nothing of it had happened.

    A failure or delay after the arrival (a second parcel) means that she waits again.
    """
    status = promise_event = failure_event = ""
    status_at = worse_at = 0
    promise = delivered = cancelled = failed = None
    for at, step, promised, event_id in delivery.steps:
        if at > now:
            break
        status, status_at = step, at
        if step == "delivered":
            delivered = at if delivered is None else delivered
        elif step == "cancelled":
            cancelled = at if cancelled is None else cancelled
        else:
            if step in ("failed", "delayed"):
                delivered = cancelled = None
                worse_at = at
                if step == "failed" and failed is None:
                    failed, failure_event = at, event_id
                elif step == "delayed" and promised is None and promise is None:
                    promised = at
            if promised is not None and (promise is None or promised < promise):
                promise, promise_event = promised, event_id
    if not status:
        return None
    return DeliveryCourse(
        status, status_at, promise, promise_event, delivered, cancelled, failed, failure_event, worse_at
    )
