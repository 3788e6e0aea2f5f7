"""What was asked of a shop and what was found, counted."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What was asked and found. `objections` and `needless` are texts that name seed, question and reason."""

    decisions: int = 0
    held: int = 0
    clear: int = 0
    sold_when_clear: int = 0
    objections: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    @property
    def noticed(self):
        """Whether anything was wrong, on either side."""
        return bool(self.objections or self.needless)

    def add(self, other):
        """Both together."""
        for name in ("decisions", "held", "clear", "sold_when_clear", "objections", "needless", "counts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self):
        held, sold = self.held / max(1, self.decisions), self.sold_when_clear / max(1, self.clear)
        return (
            f"{self.decisions} decisions, {len(self.objections)} objections, {len(self.needless)} needless blocks; "
            f"{held:.1%} would have sold but for a hold, {sold:.1%} of {self.clear} clear ones sold; "
            f"{dict(self.counts)}"
        )
