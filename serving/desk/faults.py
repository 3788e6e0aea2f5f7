"""What staff can put right themselves: each fault names the field or thing, its value and the remedy."""

from collections.abc import Sequence

from features.customer.holds import Hold
from features.errors import DataError, TahdikasError


class FieldFaultError(DataError):
    """A field of a staff request that cannot be taken."""

    def __init__(self, field: str, value: object, problem: str, remedy: str) -> None:
        super().__init__(f"{field} {value!r} {problem}. {remedy}")
        self.field, self.value, self.problem, self.remedy = field, value, problem, remedy


class NotThereError(DataError):
    """What was named is not there; `holds` are those in force for the customer, where one was named."""

    def __init__(self, detail: str, holds: Sequence[Hold] = ()) -> None:
        super().__init__(detail)
        self.holds = list(holds)


class ConflictError(NotThereError):
    """What was asked for cannot be done as things stand."""


class NotYetError(TahdikasError):
    """What was asked for is being made: ask again shortly."""
