"""The demo: one shop's events all the way to tactful answers, ending with a summary one wants to read."""

import time
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from features.columns import CUSTOMER_ID
from features.customer.view import STATE_FEATURES
from features.errors import ConfigError
from features.feature_store.batch import BATCH_FEATURES
from features.home import Home
from features.log.event_log import EventLog
from features.log.store import connect
from pipelines.campaigns import CampaignReport, build_campaign, known_customers
from pipelines.cli.base import progress
from pipelines.ingest import ingest, total_rows
from pipelines.materialize import materialize
from pipelines.promote import PromotionResult, promote
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.retrain import retrain
from pipelines.show import campaign_table, decision_panel, hold_line, items_line
from pipelines.simulate import simulate
from serving.campaign_lists import read_kept_off
from serving.core.decision import Decision
from serving.core.question import Request
from serving.service import DecisionService
from training.params import Params

SHOWN, UNHAPPY, LOOKED_AT = 10, 3, 200
SOURCES = ("simulated", "complete_journey", "online_retail")


def run_demo(home: Home, source: str, path: Path | None, params: Params, *, now: datetime) -> datetime:
    """Do all of it and tell it on the terminal; returns the moment the shop's data ends, when its decisions are taken.

    Raises `ConfigError` for an unknown source; other errors as the steps raise them. Run again in the same folder it
    takes the same events as known, retrains, and ends alike.
    """
    if source not in SOURCES:
        raise ConfigError(f"SOURCE={source} is not known. Use one of {', '.join(SOURCES)}.")
    console, began = Console(), time.perf_counter()
    step = _Steps(console)

    step("Events", "a webshop's purchases, browsing and feedback, in order or not, once each")
    if source == "simulated":
        told = params.simulate
        path = home.root / "simulated"
        with progress("Simulating a shop", total=told.customers, quiet=False) as done:
            shop = simulate(
                path, customers=told.customers, seed=told.seed, start=date.fromisoformat(told.start),
                days=told.days, progress=done,
            )  # fmt: skip
        console.print(str(shop))
    where = path or Path("-")
    with progress("Taking events in", total=total_rows(source, where), quiet=False) as done:
        console.print(str(ingest(home, source, where, now=now, progress=done)))

    step("Models", "who may leave, and what each customer wants next, beside simple baselines")
    with progress("Features, training, evaluation", total=4, quiet=False) as done:
        trained = retrain(home, None, params, progress=done)
    console.print(
        f"{len(BATCH_FEATURES)} features of what she did, {len(STATE_FEATURES)} of how things stand with her, each as "
        f"it was known at the time; for every customer at {trained.cutoffs} moments (docs/features.md)."
    )
    console.print(_figures(trained))

    step("Promotion", "only what passes every gate comes into force")
    promotion = promote(home, params, now=now)
    console.print(str(promotion))
    moment = trained.as_of
    with progress("Features for the web shop", total=None, quiet=False):
        materialize(home, moment)

    step("A campaign list", "every customer through the same engine that answers the web shop")
    channel, placement = ("email", "email") if _may_write(home) else ("web", "front_page")
    if channel == "web":
        console.print("Nobody's consent to letters is known in this data, so the list is for the front page.")
    with progress("Deciding for everybody", total=known_customers(home), quiet=False) as done:
        campaign = build_campaign(
            home, name="next-best-action", channel=channel, placement=placement, now=moment, progress=done
        )
    console.print(campaign_table(campaign))

    with closing(DecisionService(home)) as service:
        step("Ten customers", "their next best action on the front page, and why")
        console.print(_people(_ten(service, _sample(home), moment)))
        step("Three in no mood", "what was withheld, and until when")
        unhappy = _unhappy(service, home, campaign, moment)
        for decision in unhappy:
            console.print(decision_panel(decision))
            console.print(_withheld(decision))
        if not unhappy:
            console.print("Nobody is held: this data tells of no complaints, cases, ratings or late deliveries.")
    console.print(Rule())
    console.print(_summary(home, trained, promotion, campaign, moment, time.perf_counter() - began))
    return moment


class _Steps:
    """Numbered headings."""

    def __init__(self, console: Console) -> None:
        self._console, self._number = console, 0

    def __call__(self, title: str, subtitle: str) -> None:
        self._number += 1
        self._console.print(Rule(f"[bold]{self._number}. {title}[/bold]: {subtitle}", align="left"))


def _figures(trained: RetrainReport) -> Table:
    """Model figures beside their baselines, on the newest window that training kept for validation."""
    m = trained.metrics
    table = Table(title=f"On the newest window before {trained.as_of:%Y-%m-%d}", title_justify="left")
    for heading in ("", "chosen", "figure", "ours", "beside"):
        table.add_column(heading)
    for model, figures in (("churn", ("auc", "brier")), ("next_offer", ("recall", "ndcg"))):
        for figure in figures:
            others = sorted(
                (key.split(".")[1], value)
                for key, value in m.items()
                if key.startswith(f"{model}.") and key.endswith(f".{figure}") and key.count(".") == 2
            )
            beside = ", ".join(f"{name} {value:.3f}" for name, value in others if name != trained.chosen[model])
            ours = f"{m[f'{model}.{figure}']:.3f}"
            table.add_row(model.replace("_", " "), trained.chosen[model], figure.upper(), ours, beside)
    return table


def _may_write(home: Home) -> bool:
    """Whether any consent is known: without one, no letter may be written to anybody."""
    with EventLog(home) as log:
        return "consent" in log.counts()


def _ask(service: DecisionService, customers: list[str], moment: datetime) -> list[Decision]:
    return service.decide_many(
        [
            Request(customer_id=one, channel="web", placement="front_page", now=moment, mode="simulate")
            for one in customers
        ]
    )


def _sample(home: Home) -> list[str]:
    """Customers spread over the folder, the same every time."""
    with closing(connect(home)) as store:
        rows = store.execute(
            "select customer_id from state where substr(customer_id, 1, 10) <> 'anonymous:' order by customer_id"
        ).fetchall()
    every = max(1, len(rows) // LOOKED_AT)
    return [row[0] for row in rows[::every]]


def _ten(service: DecisionService, customers: list[str], moment: datetime) -> list[Decision]:
    """Ten decisions, as different as there are: turn by turn one of each action."""
    by_answer: dict[str, list[Decision]] = {}
    for decision in _ask(service, customers, moment):
        answer = decision.actions[0].action_id if decision.actions else "no_action"
        by_answer.setdefault(answer, []).append(decision)
    chosen: list[Decision] = []
    while len(chosen) < SHOWN and any(by_answer.values()):
        for same in by_answer.values():
            if same and len(chosen) < SHOWN:
                chosen.append(same.pop(0))
    return chosen


def _unhappy(service: DecisionService, home: Home, campaign: CampaignReport, moment: datetime) -> list[Decision]:
    """Up to three held customers from whom a sale was withheld, the gravest first, each held for another cause."""
    kinds = [step.code for step in campaign.funnel if step.code.startswith("hold:")]
    kept_off = [row for kind in kinds for row in read_kept_off(home, campaign.id, kind, "", 1, LOOKED_AT).rows]
    held = [d for d in _ask(service, [row[CUSTOMER_ID] for row in kept_off], moment) if d.holds and d.withheld]
    held.sort(key=lambda d: (-max(hold.severity for hold in d.holds), d.customer_key))
    chosen: dict[str, Decision] = {}
    for decision in held:
        chosen.setdefault(decision.holds[0].kind, decision)
    spare = [d for d in held if all(d is not c for c in chosen.values())]
    return [*chosen.values(), *spare][:UNHAPPY]


def _people(decisions: list[Decision]) -> Table:
    table = Table("customer", "next best action", "items", "why")
    for decision in decisions:
        if decision.actions:
            action = decision.actions[0]
            why = "; ".join(reason.text for reason in action.reasons)
            table.add_row(decision.customer_key, action.action_id, items_line(action), why)
        else:
            reason = decision.no_action_reason
            table.add_row(decision.customer_key, "nothing", "", reason.text if reason else "")
    return table


def _withheld(decision: Decision) -> Text:
    withheld = decision.withheld
    assert withheld is not None
    until = "; ".join(hold_line(hold) for hold in decision.holds)
    return Text(f"  She would have got {withheld.action_id}. Kept back: {until}.", style="yellow")


def _summary(
    home: Home,
    trained: RetrainReport,
    promotion: PromotionResult,
    campaign: CampaignReport,
    moment: datetime,
    took: float,
) -> Text:
    held = sum(step.customers for step in campaign.funnel if step.code.startswith("hold:"))
    bundle: Any = promotion.bundle
    return Text(
        f"Done in {took:.0f} s. Of {campaign.customers:,} customers, {campaign.listed:,} get an offer, {held:,} are "
        f"left in peace because something of theirs is open or went wrong.\n"
        f"Models {bundle}; lists in {campaign.folder}; training runs: mlflow ui --backend-store-uri "
        f"sqlite:///{home.mlflow / 'mlflow.db'}\n"
        f"Look further: tahdikas status | tahdikas decide CUSTOMER --as-of {moment:%Y-%m-%d} | "
        f"tahdikas why CUSTOMER --as-of {moment:%Y-%m-%d}"
    )
