"""A finding of a check of data: what was found, how far beyond which limit, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """`check` is one of `params.CHECKS`, `subject` the feature, source or type of event it is about.

    An error stops training unless it is accepted. `message` names the figure, the limit and the remedy.
    """

    check: str
    subject: str
    severity: Severity
    figure: float
    limit: float
    message: str

    @property
    def name(self) -> str:
        """What `quality.accept` calls it."""
        return f"{self.check}.{self.subject}"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"name": self.name, **vars(self)}

    def __str__(self) -> str:
        return f"{self.severity} {self.name}: {self.message}"


def beyond(
    check: str, subject: str, figure: float, warn: float, stop: float, message: str, *, at_least: float = 0.0
) -> list[Finding]:
    """A warning beyond one limit, an error beyond a higher one; neither counts below `at_least`. {limit} is filled in.

    >>> [str(f) for f in beyond("null", "revenue_90d", 0.3, 0.2, 0.5, "30 % more, limit {limit:.0%}.")]
    ['warning null.revenue_90d: 30 % more, limit 20%.']
    """
    levels: tuple[tuple[Severity, float], ...] = (("error", stop), ("warning", warn))
    for severity, told in levels:
        limit = max(told, at_least)
        if figure > limit:
            return [Finding(check, subject, severity, figure, limit, message.format(limit=limit))]
    return []


def refused(findings: Sequence[Finding], accept: Sequence[str]) -> list[Finding]:
    """The errors that nobody accepted."""
    return [f for f in findings if f.severity == "error" and f.name not in accept and f.check not in accept]
