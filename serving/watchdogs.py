"""What goes wrong quietly: holds that nobody looks at, a cap that counts nothing, silence that jumps, a source gone.

Nothing of it stops a decision, and nobody would notice. Read every few minutes; told where operators look: in
`/v1/health/ready`, in the metrics, in the log. Silence that jumps is seen by the process that decides, the rest by
whoever looks at everybody: the lookout, or where there is none the same process.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from features.log.store import from_micros, to_micros
from serving.desk.desk import Desk
from serving.desk.watch_list import watched
from serving.lookout.looked import Finding, Looked
from serving.service import DecisionService
from serving.silence_share import NOW_HOURS, SilenceShare

CAP_DAYS, CAP_FEWEST = 7, 20
SOURCE_DAYS = 14  # a source not heard of for longer is of the past: an import, say


class Silent(NamedTuple):
    """Reasons of silence in force: by kind, and how many of them are past review."""

    kinds: Counter[str]
    past_review: int


class Watchdogs:
    """Over one service. `count` says who is silent at a moment. No method reads a clock."""

    def __init__(
        self, service: DecisionService, count: Callable[[datetime], Silent], quiet_source_hours: float
    ) -> None:
        self._service, self._count = service, count
        self._quiet = timedelta(hours=quiet_source_hours)

    def look(self, now: datetime) -> Looked:
        """Look at everything once."""
        held, late = self._count(now)
        sources = self._sources(now)
        findings = [self._cap(now), *self._sources_quiet(sources, now)]
        if late:
            text = f"{late} reasons of silence are past review. Look at them: tahdikas holds --past-review"
            findings.append(Finding("past_review", late, text))
        seconds = {name: (now - heard).total_seconds() for name, heard in sources.items()}
        return Looked(now, [one for one in findings if one is not None], held, seconds)

    def _cap(self, now: datetime) -> Finding | None:
        """Outbound answers of the last days of which nobody said that they were sent or given back."""
        run = self._service.records.connection()
        since = to_micros(now - timedelta(days=CAP_DAYS))
        (lost,) = run.execute(
            "select count(*) from reservations where until <= ? and at > ?", (to_micros(now), since)
        ).fetchone()
        if lost < CAP_FEWEST:
            return None
        told = run.execute(
            "select 1 from outcomes where received_at > ? and outcome in ('sent', 'released') limit 1", (since,)
        ).fetchone()
        if told is not None:
            return None
        text = (
            f"Of {lost} outbound answers of the last {CAP_DAYS} days nobody said that they were sent or released: the "
            "contact cap counts none of them. Let the sender post outcomes: POST /v1/outcomes"
        )
        return Finding("cap_counts_nothing", lost, text)

    def _sources(self, now: datetime) -> dict[str, datetime]:
        """When each source was last heard of, those of the past left out."""
        rows = self._service.records.connection().execute("select source, received_at from watermarks")
        heard = {source: from_micros(at) for source, at in rows}
        return {source: at for source, at in heard.items() if now - at <= timedelta(days=SOURCE_DAYS)}

    def _sources_quiet(self, sources: dict[str, datetime], now: datetime) -> list[Finding]:
        found = []
        for source, heard in sorted(sources.items()):
            if now - heard > self._quiet:
                hours = (now - heard) / timedelta(hours=1)
                text = f"The source {source} was last heard of {hours:.0f} hours ago. See whether it still sends."
                found.append(Finding("source_quiet", hours, text))
        return found


def counted(desk: Desk, now: datetime) -> Silent:
    """Who is silent, by looking at everybody (see `desk.quiet`)."""
    held, late = Counter[str](), 0
    for one in watched(desk.held(desk.lens(now)), now):  # few at a time: they may be half the shop
        held[one.kind] += 1
        late += one.past_review
    return Silent(held, late)


def jump_of(share: SilenceShare, now: datetime) -> Finding | None:
    """What the fourth watchdog finds, among the answers of one process."""
    found = share.jump(now)
    if found is None:
        return None
    lately, usual = found
    text = (
        f"{lately:.0%} of those asked about in the last {NOW_HOURS} hours are held or unknown, usually {usual:.0%}. "
        "See which holds are new: tahdikas incident alarms, and GET /v1/holds/feed"
    )
    return Finding("silence_jumped", lately, text)
