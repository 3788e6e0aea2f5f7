"""When a closed gate opens again, as an instant where the clock alone does it, and in plain words, English and
Finnish."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from features.customer.holds import RELEASE_CODES, Hold
from serving.core.actions import Action
from serving.core.clock import next_time
from serving.core.conditions import Condition, predicate, told
from serving.core.decision import Decision
from serving.core.policy import Policy

AGE = "days_since_"
"""Features so named grow by one a day until something happens."""

RELEASES_FI: dict[str, str] = {
    "case_closed": "palautus päätetään tai perutaan",
    "case_resolved": "asia on ratkaistu ja sen jälkeen rauhoittumisaika kulunut tai hän kertoo kaiken menneen hyvin",
    "cool_down_over": "rauhoittumisaika on kulunut tai hän kertoo kaiken menneen hyvin",
    "delivered": "paketti on perillä ja rauhoittumisaika kulunut tai tilaus perutaan",
    "good_rating": "aika on kulunut tai hän antaa samasta kohdasta hyvän arvion",
    "score_below": "aika on kulunut tai myöhempi ennuste laskee alemman rajan alle",
    "incident_closed": "häiriö päätetään tai aika on kulunut",
    "time": "aika on kulunut",
    "person_releases": "työntekijä vapauttaa sen",
}
"""What ends a hold in Finnish, by its `release_when`; `features.customer.holds.RELEASE_CODES` has the English."""


class End(NamedTuple):
    """When a block ends: `at` where the clock alone ends it and it is known, and in words."""

    at: datetime | None
    text: str
    text_fi: str


_SAID: dict[str, tuple[str, str]] = {
    "placement": ("in another place or channel", "toisessa paikassa tai kanavassa"),
    "state_unknown": (
        "when what is known of her can be trusted again; it is on the watch list until then",
        "kun hänen tietoihinsa voi taas luottaa; siihen asti hän on seurantalistalla",
    ),
    "consent": ("when she agrees to it", "kun hän antaa siihen luvan"),
    "profiling_objection": ("when she no longer objects to profiling", "kun hän ei enää kiellä profilointia"),
    "no_items": ("when there is a product to show in it", "kun siinä on näytettävä tuote"),
    "already_told": ("when there is something new to say", "kun on uutta kerrottavaa"),
    "outranked": ("when the person's call is made", "kun ihmisen soitto on tehty"),
    "service_first": ("when the service is done", "kun palvelu on hoidettu"),
    "comes_later": ("when what comes first was said", "kun se, mikä on sanottava ensin, on sanottu"),
    "not_sampled": ("perhaps on the next occasion", "ehkä seuraavalla kerralla"),
    "unanswered": (
        "when she visits, orders, says something that is no complaint or follows a link",
        "kun hän käy, tilaa, sanoo jotain muuta kuin moitteen tai seuraa linkkiä",
    ),
    "already_known": ("not any more", "ei enää"),
    "holdout": ("not as long as this experiment runs", "ei niin kauan kuin tämä koe kestää"),
}


def end_of(gate: str, action: Action, decision: Decision, policy: Policy, holds: Sequence[Hold]) -> End:
    """When a gate that is closed for an action opens; `holds` are those that cover it."""
    special = _SPECIAL.get(gate)
    if special is not None:
        return special(action, decision, policy)
    if gate == "hold":
        return _of_holds(holds)
    if gate in ("eligibility", "applicability", "suitability"):
        return _of_conditions(action.conditions(gate, decision.placement, decision.channel), decision)
    return End(None, *_SAID[gate])


def _on(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


TOLD = 5
"""Of so many holds it is said when they end; who has more has them in the list of holds."""


def _of_holds(holds: Sequence[Hold]) -> End:
    """All must end: by the clock at the latest of their ends, if every one has one. The first few are put in words."""
    ends = [h.ends_at for h in holds]
    at = None if not ends or None in ends else max(e for e in ends if e is not None)
    english, finnish = [], []
    for hold in holds:
        en, fi = f"when {RELEASE_CODES[hold.release_when]}", f"kun {RELEASES_FI[hold.release_when]}"
        by = f", on {_on(hold.ends_at)} at the latest" if hold.ends_at else ""
        by_fi = f", viimeistään {_on(hold.ends_at)}" if hold.ends_at else ""
        look = f"; a person looks at it on {_on(hold.review_at)}" if hold.review_at and not hold.ends_at else ""
        look_fi = f"; työntekijä katsoo sitä {_on(hold.review_at)}" if hold.review_at and not hold.ends_at else ""
        english.append(f"{en}{by}{look}")
        finnish.append(f"{fi}{by_fi}{look_fi}")
    told, told_fi = list(dict.fromkeys(english)), list(dict.fromkeys(finnish))
    more = len(told) - TOLD
    if more > 0:
        told[TOLD:], told_fi[TOLD:] = [f"{more} more holds end"], [f"{more} muuta taukoa päättyy"]
    return End(at, " and ".join(told), " ja ".join(told_fi))


def _of_conditions(conditions: Sequence[Condition], decision: Decision) -> End:
    """When each unmet condition is met: by itself where it waits for days to pass."""
    english, finnish = [], []
    waits: list[datetime | None] = []
    for condition in conditions:
        value = decision.observed.get(condition.feature)
        column = {condition.feature: np.array([np.nan if value is None else value])}
        if predicate(condition)(column, 1)[0]:
            continue
        now = "unknown" if value is None else told(condition.feature, value)
        now_fi = "ei tiedossa" if value is None else told(condition.feature, value)
        english.append(f"when {condition} (now {now})")
        finnish.append(f"kun {condition} (nyt {now_fi})")
        waits.append(_passes(condition, value, decision.decided_at))
    at = None if not waits or None in waits else max(w for w in waits if w is not None)
    return End(at, " and ".join(english), " ja ".join(finnish))


def _passes(condition: Condition, value: float | None, now: datetime) -> datetime | None:
    low = condition.value[0] if isinstance(condition.value, list) else condition.value
    grows = condition.feature.startswith(AGE) and condition.op in (">=", ">", "between")
    if not grows or value is None or low is None or value > low:
        return None
    return now + timedelta(days=low - value)


def _of_contact_cap(action: Action, decision: Decision, policy: Policy) -> End:
    at = decision.evidence.frees_at
    if at is None or math.isinf(at):
        return End(None, "not in this channel: one contact alone weighs more than the cap",
                   "ei tässä kanavassa: yksikin yhteydenotto painaa rajaa enemmän")  # fmt: skip
    moment = datetime.fromtimestamp(at, UTC)
    return End(moment, f"on {_on(moment)}, if nothing is sent meanwhile",
               f"{_on(moment)}, jos mitään ei sillä välin lähetetä")  # fmt: skip


def _of_action_cap(action: Action, decision: Decision, policy: Policy) -> End:
    days = action.cap.days if action.cap else 0
    return End(None, f"when fewer than {action.cap.limit if action.cap else 0} came within {days:g} days",
               f"kun niitä on tullut alle {action.cap.limit if action.cap else 0} {days:g} päivässä")  # fmt: skip


def _of_quiet_hours(action: Action, decision: Decision, policy: Policy) -> End:
    hours = policy.file.quiet_hours
    if hours is None:
        return End(None, "now", "nyt")
    at = next_time(decision.question().reaches_at, decision.evidence.zone, hours.ends)
    return End(
        at, f"on {_on(at)}, {hours.ends:%H:%M} by her clock", f"{_on(at)}, hänen kellonsa mukaan {hours.ends:%H:%M}"
    )


def _of_validity(action: Action, decision: Decision, policy: Policy) -> End:
    moment = decision.question().reaches_at
    parts = [p for p in (action, *action.treatments) if p.valid_from is not None and p.valid_from > moment]
    starts = [p.valid_from for p in parts if p.valid_from is not None]
    if not starts:
        return End(None, "never: its time is over", "ei enää: sen aika on ohi")
    at = max(starts) if action in parts else min(starts)
    return End(at, f"on {_on(at)}", _on(at))


_SPECIAL: dict[str, Callable[[Action, Decision, Policy], End]] = {
    "contact_cap": _of_contact_cap,
    "action_cap": _of_action_cap,
    "quiet_hours": _of_quiet_hours,
    "validity": _of_validity,
}
