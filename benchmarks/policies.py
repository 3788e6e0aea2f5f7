"""Does tact pay? A simulated shop's year under this product's policy, the usual ones and none, judged by its truth."""

import os
from dataclasses import replace
from datetime import datetime
from typing import Any

from benchmarks.figures import draw_courses
from benchmarks.report import write_result
from benchmarks.tact import page
from benchmarks.tact.outcomes import LAST_WEEKS
from benchmarks.tact.runs import (
    BASE,
    LIFTED,
    MAILING,
    NEWS_ONLY,
    NOTHING,
    PERSUADABLE,
    RANKING,
    RECHECKED,
    SELLING,
    TACT,
    UNHELD,
    VARIANTS,
    run_all,
)
from benchmarks.tact.shop import Setting
from pipelines.shop.parameters import PARAMETERS

CUSTOMERS, WARM_UP, YEAR = 200, 13, 52
SHOPS, TESTED_SHOPS = int(os.environ.get("SHOPS", "10")), int(os.environ.get("TESTED_SHOPS", "6"))
FIRST_SEED = 101


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    variants = measured()
    _report(now, variants)
    return True


def measured() -> dict[str, page.Runs]:
    """The shops by assumption: all policies as the shop is, those of the tested pairs under the others."""
    jobs, names = [], []
    for variant in VARIANTS:
        for seed in range(FIRST_SEED, FIRST_SEED + (SHOPS if variant is BASE else TESTED_SHOPS)):
            setting = Setting(CUSTOMERS, WARM_UP + YEAR, seed, WARM_UP)
            setting = replace(setting, parameters=variant.parameters, message_lift=variant.message_lift)
            jobs.append((setting, variant.policies))
            names.append(variant.name)
    found: dict[str, list[Any]] = {}
    for name, outcomes in zip(names, run_all(jobs), strict=True):
        found.setdefault(name, []).append(outcomes)
    return dict(found)


def _report(now: datetime, variants: dict[str, page.Runs]) -> None:
    base = variants[BASE.name]
    others = {name: runs for name, runs in variants.items() if name != BASE.name}
    figure = draw_courses("policies_satisfaction", "Mean true satisfaction", page.courses(base), first_week=WARM_UP)
    p = PARAMETERS
    parts: list[dict[str, Any]] = [
        {
            "text": f"{len(base)} simulated shops of {CUSTOMERS} customers. For {WARM_UP} weeks each sends its old "
            f"letter; then, for {YEAR} weeks, a policy decides what goes out, knowing the events its log has received "
            "by then and nothing else. The shop answers by its truth, and the figures below are that truth, never what "
            "the product believes. All policies meet the same customers with the same dice. Per customer and year; "
            "differences with 95 % bootstrap intervals over shops. **A made-up shop proves nothing about a real "
            "one:** it shows what follows from the assumptions named below."
        },
        {"heading": "What is compared"},
        {
            "table": {
                "columns": ["sent", "what that is"],
                "rows": [
                    [
                        TACT,
                        "each week the engine is asked about everybody in the e-mail placement, with the shipped "
                        "actions and policy and no models; its holdout of 5 % gets no offers",
                    ],
                    [UNHELD, "the same with holds that hold nothing; cases and late parcels still bring service first"],
                    [SELLING, "without holds and without the actions that sell nothing"],
                    [RECHECKED, "the old shop's mailing, each row sent only if the product's recheck allows it"],
                    [MAILING, "everybody who granted it, every week: 12 % off, free delivery and news take turns"],
                    [NEWS_ONLY, "the same with news every week"],
                    [
                        RANKING,
                        f"as {MAILING}, but to as many as {TACT} writes to, the likeliest to order first "
                        "(logistic regression on its own log, anew each quarter)",
                    ],
                    [
                        PERSUADABLE,
                        "the same to those whom letters move, which nobody can know: what there would be to win",
                    ],
                    [NOTHING, "no letters at all"],
                ],
            }
        },
        {"heading": "The year"},
        page.figures_table(base),
        {
            "text": f"Satisfaction is latent, about 0 on average, and that of her last week for whoever left. "
            f"Left: for good. Ordered in the last quarter: in its last {LAST_WEEKS} weeks. Margin is net of discounts, "
            "of goods sent back, of a cent for each message and of 4 EUR for each call promised."
        },
        page.differences_table(base),
        {
            "text": " ".join(page.in_words(base, TACT, other) for other in (SELLING, UNHELD, MAILING, RANKING, NOTHING))
            + " "
            + page.in_words(base, RECHECKED, MAILING)
        },
        {
            "text": "**Tact alone** is the difference to the same engine that only sells: about as many offers, but to "
            f"other people. {TACT} sends {page.mean(base, TACT, 'letters'):.1f} offers a customer and year, "
            f"{SELLING} {page.mean(base, SELLING, 'letters'):.1f}. The difference to {MAILING} "
            f"({page.mean(base, MAILING, 'letters'):.1f}) is also one of number: whoever left "
            "several unanswered is not written to again until she shows up."
        },
        {
            "text": "Offers that reached customers in trouble, per 100 customers: "
            + ", ".join(
                f"{policy} {page.mean(base, policy, 'letters_in_trouble'):.1f}"
                for policy in (TACT, UNHELD, SELLING, RECHECKED, MAILING)
            )
            + ". Without holds, too, service goes first while there is news of a case or a parcel to tell; an offer "
            "that reaches one in trouble in spite of holds went out before the log knew."
        },
        {"figure": {"path": figure, "caption": "Mean true satisfaction by week and policy"}},
        {"heading": "What drives it, and what if it were not so"},
        {
            "text": f"**Offers to one in trouble** (a case open that is no ordinary return, a parcel overdue) cost "
            f"{-p.shock_sold_in_trouble} of satisfaction, times her touchiness, and make her unsubscribe "
            f"{p.unsubscribe_in_trouble / p.unsubscribe:.0f} times as often. What the truth calls trouble is close to "
            "what the policy holds for, which flatters holds. "
            f"**Satisfaction** comes back by {p.recovery:.1%} a week, and moves orders by "
            f"exp({p.rate_by_satisfaction} s) and leaving by exp(-{p.dropout_by_satisfaction} s). "
            f"**Sleeping dogs**, a tenth of the customers, lose {-p.shock_sleeping_dog} of satisfaction with "
            "every letter; no policy here but the one that knows can tell who they are. "
            f"**Uplift**: only persuadables buy more for a letter, {p.uplift} orders a week for strength 1 (12 % off), "
            "0.75 of it with free delivery, half with news. Every letter of the product's that sells acts as news, one "
            "with an incentive as 12 % off: its recommendations are given no credit for being personal. **Messages "
            "that sell nothing** do nothing at all, good or bad: neither to those in trouble nor to sleeping dogs. "
            "Nobody is contacted between the weekly letters, and nothing is shown on the site."
        },
        {
            "text": f"The same with other truths, {len(next(iter(others.values())))} shops each. Half the harm and no "
            "harm halve and remove both the loss of satisfaction and the surplus of unsubscribing; without sleeping "
            f"dogs these are lost causes; the last lets each service message to one in trouble lift her satisfaction "
            f"by {LIFTED.message_lift}."
        },
        page.assumptions_table(others),
        {
            "text": " ".join(
                f"*{name[0].upper()}{name[1:]}*: {page.in_words(runs, TACT, other, page.TOLD)}"
                for name, runs in others.items()
                for other in (SELLING, MAILING)
                if other in runs[0]
            )
        },
    ]
    write_result(
        "policies",
        title="Does tact pay: policies on a shop with known truth",
        order=25,
        command="python -m benchmarks policies",
        today=now.date(),
        parts=parts,
        facts={"shops": len(base), "customers": CUSTOMERS, "weeks": YEAR} | page.facts(variants),
    )
