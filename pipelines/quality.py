"""Quality of data: the newest snapshot held against what the model in force was trained on; a gate before training."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from features.errors import DataError
from features.feature_store.quality.calendar import Calendar, read_calendar, silence
from features.feature_store.quality.profile import SnapshotProfile, profiles
from features.feature_store.quality.reference import TrainingProfile, read_profile
from features.feature_store.snapshots import BATCH, snapshot, snapshots
from features.home import Home
from features.log.event_log import EventLog
from pipelines.bundles import current_id
from training.finding import Finding, refused
from training.log_checks import allowed_silence, check_past, check_silence, check_twins
from training.params import QualityParams
from training.report import write_json
from training.snapshot_checks import Comparison, Seen, check_against, check_alone

PROFILE, REPORT = "profile.json", "quality.json"


@dataclass(frozen=True)
class QualityReport:
    """The snapshot at `cutoff`, and the log by `moment`: findings, features beside what they were, sources.

    `compared_with` says in words what it was held against; empty where there was nothing. `accepted` are the
    findings and checks to go on in spite of.
    """

    moment: datetime
    cutoff: datetime
    customers: int
    compared_with: str
    findings: list[Finding]
    accepted: tuple[str, ...] = ()
    features: list[Comparison] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What stops training: errors that nobody accepted."""
        return refused(self.findings, self.accepted)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "moment": self.moment.isoformat(),
            "cutoff": self.cutoff.isoformat(),
            "customers": self.customers,
            "compared_with": self.compared_with,
            "errors": len(self.errors),
            "findings": [finding.to_json() for finding in self.findings],
            "accepted": list(self.accepted),
            "features": [one.to_json() for one in self.features],
            "sources": self.sources,
        }

    def __str__(self) -> str:
        against = f"compared with {self.compared_with}" if self.compared_with else "compared with nothing earlier"
        told = "".join(f"\n  {finding}" for finding in self.findings) or " nothing found."
        return f"Data as of {self.cutoff:%Y-%m-%d}, {self.customers:,} customers, {against}:{told}"


def check_training(
    home: Home, cutoffs: Sequence[datetime], as_of: datetime, limits: QualityParams, *, named: bool
) -> tuple[QualityReport, TrainingProfile]:
    """The gate: the snapshots at `cutoffs` (newest first) and the log, before anything is learned from them.

    The newest is held against the model in force, or against the one before it where no model has a profile. `named`
    says that somebody named `as_of`; else sources may not lag behind the end of the log. What is found is kept in
    `home.reports`. Raises `DataError` naming every error that is not accepted.
    """
    found = [one for cutoff in cutoffs if (one := snapshot(home, BATCH, cutoff)) is not None]
    if not found:
        raise DataError(f"There is no snapshot to train on in {home.features}. Make them: tahdikas stage prepare")
    newest, *older = profiles(found)
    calendar = _calendar(home)
    trained, words = _in_force(home)
    before = None
    if trained is not None:
        before = Seen(trained.snapshot, trained.since)
    elif older:
        before, words = Seen(older[0], calendar.since()), f"the snapshot as of {older[0].cutoff:%Y-%m-%d}"
    moment = as_of if named else max(as_of, _end(calendar, as_of))
    report = _report(newest, before, trained, calendar, moment, limits, words)
    alone = [finding for one in older for finding in check_alone(one)]
    known = {finding.name for finding in report.findings}
    report.findings.extend(finding for finding in alone if finding.name not in known)
    write_json(home.reports / REPORT, report.to_json())
    if report.errors:
        raise DataError(refusal(report))
    until = as_of.date()
    profile = TrainingProfile(
        as_of=as_of, since=calendar.since(), until=until, events=calendar.counts(until), snapshot=newest
    )
    return report, profile


def check_newest(home: Home, as_of: datetime | None, limits: QualityParams) -> QualityReport:
    """The newest snapshot (by `as_of`) against the model in force, the model trained last, or the snapshot before it.

    Sources are judged at `as_of`; None: at the end of the log. Raises `DataError` if there is no snapshot.
    """
    there = [one for one in snapshots(home, BATCH) if as_of is None or one.cutoff <= as_of]
    if not there:
        raise DataError("There is no snapshot to check. Make one: tahdikas materialize")
    newest, *older = profiles(list(reversed(there[-2:])))
    calendar = _calendar(home)
    trained, words = _in_force(home)
    if trained is None:
        trained, words = read_profile(home.models / "churn" / PROFILE), "the model trained last"
    before = None
    if trained is not None:
        before = Seen(trained.snapshot, trained.since)
    elif older:
        before, words = Seen(older[0], calendar.since()), f"the snapshot as of {older[0].cutoff:%Y-%m-%d}"
    moment = as_of or max(newest.cutoff, _end(calendar, newest.cutoff))
    return _report(newest, before, trained, calendar, moment, limits, words)


def refusal(report: QualityReport) -> str:
    """Every error by name, and how to go on in spite of them."""
    told = "\n".join(f"  {finding.name}: {finding.message}" for finding in report.errors)
    names = ", ".join(finding.name for finding in report.errors)
    return (
        f"{len(report.errors)} checks of the data failed, so nothing was trained:\n{told}\n"
        f"Put it right, or go on in spite of it with this in params.yaml:\n  quality: {{accept: [{names}]}}"
    )


def keep_profile(home: Home, bundle: str) -> None:
    """Keep what a promoted model was trained on where `_in_force` finds it."""
    trained = home.models / "churn" / PROFILE
    if trained.exists():
        _kept(home, bundle).write_bytes(trained.read_bytes())


def _report(
    newest: SnapshotProfile,
    before: Seen | None,
    trained: TrainingProfile | None,
    calendar: Calendar,
    moment: datetime,
    limits: QualityParams,
    words: str,
) -> QualityReport:
    findings = check_alone(newest)
    compared: list[Comparison] = []
    if before is not None and newest.customers:
        different, compared = check_against(Seen(newest, calendar.since()), before, limits)
        findings += different
    findings += check_silence(calendar, moment, limits) + check_twins(calendar, limits)
    if trained is not None:
        findings += check_past(calendar, trained, limits)
    findings.sort(key=lambda finding: (finding.severity != "error", finding.name))
    return QualityReport(
        moment,
        newest.cutoff,
        newest.customers,
        words if before is not None else "",
        findings,
        limits.accept,
        compared,
        _sources(calendar, moment, limits),
    )


def _in_force(home: Home) -> tuple[TrainingProfile | None, str]:
    bundle = current_id(home)
    if bundle is None:
        return None, ""
    return read_profile(_kept(home, bundle)), f"the model in force, {bundle}"


def _kept(home: Home, bundle: str) -> Path:
    return home.models / "champions" / bundle / "churn" / PROFILE


def _calendar(home: Home) -> Calendar:
    with EventLog(home) as log:
        return read_calendar(log)


def _end(calendar: Calendar, default: datetime) -> datetime:
    """The midnight after the last thing that happened."""
    newest = calendar.newest
    return default if newest is None else datetime.combine(newest + timedelta(days=1), time(), UTC)


def _sources(calendar: Calendar, moment: datetime, limits: QualityParams) -> list[dict[str, Any]]:
    """Each source with its last day, its silence now and the silence allowed; without a rhythm those are None."""
    told = []
    for source in sorted({one.source for one in calendar.told}):
        days = calendar.heard(source=source)
        found = silence(days, moment)
        last: date = max(days)
        told.append(
            {
                "source": source,
                "last": (found.last if found else last).isoformat(),
                "silent_days": found.now if found else None,
                "allowed_days": allowed_silence(found, limits) if found else None,
            }
        )
    return told
