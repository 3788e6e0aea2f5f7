"""The quality of data as people read it in a terminal."""

from rich.console import Group
from rich.table import Table

from pipelines.quality import QualityReport
from training.snapshot_checks import Comparison, in_words


def quality_tables(report: QualityReport) -> Group:
    """What was found, the sources, and each feature beside what it was, those that drifted most first."""
    sources = Table(title=f"Sources by {report.moment:%Y-%m-%d}", title_justify="left")
    for head in ("source", "heard last", "silent days", "allowed"):
        sources.add_column(head)
    for one in report.sources:
        sources.add_row(one["source"], one["last"], _text(one["silent_days"]), _text(one["allowed_days"]))
    features = Table(title="Features, now and before", title_justify="left")
    for head in ("feature", "null", "before", "middle", "before", "PSI", "chance"):
        features.add_column(head, no_wrap=head == "feature")
    for compared in sorted(report.features, key=lambda one: (bool(one.why_not), -one.drift.psi, one.name)):
        features.add_row(*_row(compared))
    return Group(str(report), sources, features)


def _row(one: Comparison) -> tuple[str, ...]:
    psi, chance = (one.why_not, "") if one.why_not else (f"{one.drift.psi:.3f}", f"{one.drift.chance:.3f}")
    before = "" if one.null_before is None else f"{one.null_before:.0%}"
    return one.name, f"{one.null:.0%}", before, _text(one.median), _text(one.median_before), psi, chance


def _text(value: float | None) -> str:
    return "" if value is None else in_words(value)
