"""A finding of a check of data: what was found, how far beyond which limit, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """`check` is one of `params.CHECKS`, `subject` the feature, source or type of event it is about.

    An error stops training unless it is accepted. `message` names the figure, the limit and the remedy; `message_fi`
    says the same in Finnish where the console shows it.
    """

    check: str
    subject: str
    severity: Severity
    figure: float
    limit: float
    message: str
    message_fi: str = ""

    @property
    def name(self) -> str:
        """What `quality.accept` calls it."""
        return f"{self.check}.{self.subject}"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"name": self.name, **vars(self)}

    def __str__(self) -> str:
        return f"{self.severity} {self.name}: {self.message}"


class InFinnish(float):
    """A number that is formatted as Finnish writes it.

    >>> f"{InFinnish(15123.4):,.1f} {InFinnish(0.2):.0%}".split()
    ['15', '123,4', '20', '%']
    """

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).translate({ord(","): "\u00a0", ord("."): ",", ord("%"): "\u00a0%"})


def beyond(
    check: str, subject: str, figure: float, warn: float, stop: float, message: str, *, at_least: float = 0.0,
    finnish: str = "",
) -> list[Finding]:  # fmt: skip
    """A warning beyond one limit, an error beyond a higher one; neither counts below `at_least`. {limit} is filled in,
    in `message` and in `finnish`.

    >>> [str(f) for f in beyond("null", "revenue_90d", 0.3, 0.2, 0.5, "30 % more, limit {limit:.0%}.")]
    ['warning null.revenue_90d: 30 % more, limit 20%.']
    """
    levels: tuple[tuple[Severity, float], ...] = (("error", stop), ("warning", warn))
    for severity, told in levels:
        limit = max(told, at_least)
        if figure > limit:
            words = (message.format(limit=limit), finnish.format(limit=InFinnish(limit)))
            return [Finding(check, subject, severity, figure, limit, *words)]
    return []


def refused(findings: Sequence[Finding], accept: Sequence[str]) -> list[Finding]:
    """The errors that nobody accepted."""
    return [f for f in findings if f.severity == "error" and f.name not in accept and f.check not in accept]
