"""Drift as people read it in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipelines.drift.watch import DriftReport
from training.snapshot_checks import in_words

_MOST = 12


def drift_tables(report: DriftReport) -> Group:
    """Findings first; then what moved most, and day by day how many decisions there were and how many were silent."""
    span = f"{report.start:%Y-%m-%d} to {report.end:%Y-%m-%d}"
    told: list[RenderableType] = [Text(f"Decisions of {span} by bundle {report.bundle}")]
    told += [Text(f"{name}: {n:,} customers, against {report.against[name]}") for name, n in report.customers.items()
             if name in report.against]  # fmt: skip
    told += [Text(str(one), style="red" if one.severity == "error" else "yellow") for one in report.findings]
    told += [] if report.findings else [Text("nothing drifted", style="green")]
    table = Table("", "PSI", "by chance", "middle", "before", "absent", "before", title="What moved most")
    for one in sorted(report.compared, key=lambda one: (-one.drift.psi, one.subject))[:_MOST]:
        numbers = (one.drift.psi, one.drift.chance)
        middles = ("" if v is None else in_words(v) for v in (one.median, one.median_before))
        absent = (f"{v:.0%}" for v in (one.missing, one.missing_before))
        table.add_row(one.subject, *(f"{v:.3f}" for v in numbers), *middles, *absent)
    days = Table("day", "", "decisions", "no action", title="Day by day")
    for stream, by_day in report.days.items():
        for day, (n, silent) in sorted(by_day.items()):
            days.add_row(day, stream, f"{n:,}", f"{silent / n:.0%}")
    return Group(*told, table, days)
