"""What a data folder holds, in a page: events, customers, models in force, lists, what was refused, what is missing."""

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from features.errors import BundleError
from features.home import Home
from features.log.event_log import EventLog
from features.log.store import connect
from pipelines.bundles import current_bundle
from serving.campaign_lists import summaries


@dataclass(frozen=True)
class Status:
    """Counts and names; empty where there is nothing yet."""

    home: str
    events: dict[str, int]
    customers: int
    sources: dict[str, str]
    missing: list[str]
    quarantined: dict[str, int]
    bundle: dict[str, Any] | None
    bundle_problem: str | None
    campaigns: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def table(self) -> RenderableType:
        """The page for a terminal."""
        page = Table.grid(padding=(0, 2))
        page.add_row("Data folder", self.home)
        total = sum(self.events.values())
        page.add_row("Events", f"{total:,}: " + ", ".join(f"{n:,} {t}" for t, n in sorted(self.events.items())))
        page.add_row("Customers", f"{self.customers:,}")
        page.add_row(
            "Sources", ", ".join(f"{name} until {until[:16]}" for name, until in self.sources.items()) or "none"
        )
        page.add_row("Not told by any event", ", ".join(self.missing) or "nothing")
        refused = ", ".join(f"{n:,} {reason}" for reason, n in self.quarantined.items())
        page.add_row("Quarantine", refused or "empty")
        page.add_row("Models in force", self._models())
        lists = ", ".join(f"{c['id']} ({c['listed']:,} of {c['customers']:,})" for c in self.campaigns[:5])
        page.add_row("Campaign lists", lists or "none")
        return Group(page) if total else Group(page, Text("Nothing here yet. Start with: tahdikas demo", style="bold"))

    def _models(self) -> str:
        if self.bundle is None:
            return self.bundle_problem or "none"
        words = {"churn.auc": "churn AUC", "next_offer.recall": "next offer recall"}
        figures = self.bundle.get("metrics") or {}
        told = ", ".join(f"{text} {figures[name]:.3f}" for name, text in words.items() if name in figures)
        return f"{self.bundle['id']} as of {self.bundle['as_of'][:10]}: {told or 'no figures'}"


def status(home: Home) -> Status:
    """Look at a data folder; changes nothing."""
    with EventLog(home) as log, closing(connect(home)) as store:
        events, watermarks, missing = log.counts(), log.watermarks(), log.missing_sources()
        customers = store.execute(
            "select count(*) from state where substr(customer_id, 1, 10) <> 'anonymous:'"
        ).fetchone()[0]
        refused = store.execute(
            "select reason, count(*) from quarantine where replayed_at is null and dismissed_at is null"
            " group by 1 order by 2 desc"
        ).fetchall()
    bundle, problem = None, None
    try:
        bundle = json.loads((current_bundle(home) / "manifest.json").read_text("utf-8"))
    except BundleError as error:
        problem = str(error)
    return Status(
        home=str(home.root),
        events=events,
        customers=int(customers),
        sources={name: _text(occurred) for name, (occurred, _) in watermarks.items()},
        missing=[name for name in missing if "." not in name],
        quarantined=dict(refused),
        bundle=bundle and {key: bundle.get(key) for key in ("id", "as_of", "created_at", "horizon_days", "metrics")},
        bundle_problem=problem,
        campaigns=summaries(home),
    )


def _text(moment: datetime) -> str:
    return moment.isoformat()
