"""The desk: the staff's questions and deeds, wired to the decision service. Safe to share between threads."""

from datetime import datetime, timedelta

from serving.desk.lens import Lens
from serving.desk.staff_events import HoldWish
from serving.desk.staff_holds import Released, StaffHold, add_hold, release_hold
from serving.service import DecisionService


class Desk:
    """One per process, over its decision service. No method reads a clock: `now` is an argument."""

    def __init__(self, service: DecisionService) -> None:
        self.service = service

    def lens(self, now: datetime) -> Lens:
        """By what holds are judged at `now`: the policy in force."""
        file = self.service.in_force(now).policy.file
        return Lens(now, file.holds, timedelta(minutes=file.clearance.future_tolerance_minutes))

    def add_hold(self, customer_id: str, wish: HoldWish, now: datetime, key: str | None = None) -> StaffHold:
        """Hold a customer by hand. Raises as `staff_holds.add_hold`."""
        return add_hold(self.service, customer_id, wish, self.lens(now), key=key)

    def release_hold(
        self, customer_id: str, hold_id: str, person: str, reason: str, now: datetime, key: str | None = None
    ) -> Released:
        """End a hold by hand. Raises as `staff_holds.release_hold`."""
        return release_hold(self.service, customer_id, hold_id, person, reason, self.lens(now), key=key)
