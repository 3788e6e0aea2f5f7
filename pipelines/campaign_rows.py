"""What decisions mean for a campaign list: who is on it, who was kept off and why, and the funnel between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.customer.holds import Hold
from pipelines.list_files import Sheet, sheet
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA
from serving.campaigns.spec import NEVER_HELD_OUT, REASONS, Spec, held_out
from serving.core.decision import ChosenAction, Decision, Reason
from serving.core.held import blocks
from serving.core.words import CODES, kind_words, reason, status_words

OFFERS = ("sales", "care")
ERASED = "unknown:erased"


@dataclass(frozen=True)
class Wanted:
    """The campaign that a list is for. With `sample` only about so many customers are asked about, without a trace."""

    campaign_id: str
    spec: Spec
    sample: int | None = None


@dataclass
class Step:
    """One line of the funnel: how many customers ended here, and the money (minor units) that it means."""

    step: str  # listed, kept_off, or outside (of the campaign's audience)
    code: str  # an action's id; a reason's code, `hold:<kind>` for holds
    text: str
    text_fi: str
    customers: int = 0
    gain: float = 0.0


@dataclass
class Part:
    """Some customers of a list, in order: who is on it and who is not, ready to be written, and their steps of the
    funnel.

    `service` counts those kept off who get a service action instead.
    """

    customers: int
    on: Sheet
    off: Sheet
    service: int
    steps: dict[tuple[str, str], Step]
    versions: dict[str, str]


def part_of(
    customers: Sequence[str],
    decisions: Sequence[Decision],
    valid_until: datetime,
    *,
    outbound: bool,
    wanted: Wanted | None = None,
    outside: int = 0,
) -> Part:
    """The part of a list that these customers' decisions make; `outside` more are not in the campaign's audience.

    Who was erased is nowhere on it.
    """
    on, off = list[dict[str, Any]](), list[dict[str, Any]]()
    steps: dict[tuple[str, str], Step] = {}
    for customer, decision in zip(customers, decisions, strict=True):
        if decision.state_status == ERASED:
            continue
        offer = _offer(decision, wanted)
        barred = None if offer is None or wanted is None else _barred(customer, offer, wanted)
        if offer is not None and barred is not None:
            off.append(kept_by_campaign(_listed(customer, decision, offer, valid_until), barred))
            step = Step("kept_off", barred, *REASONS[barred])
            gain = offer.expected_gain
        elif offer is not None:
            on.append(_listed(customer, decision, offer, valid_until))
            step = Step("listed", offer.action_id, offer.text or offer.action_id, offer.text_fi)
            gain = offer.expected_gain
        else:
            row, step = _kept_off(customer, decision, outbound)
            off.append(row)
            gain = row["would_be_gain"] or 0.0
        counted = steps.setdefault((step.step, step.code), step)
        counted.customers += 1
        counted.gain += gain
    if outside:
        steps["outside", "audience"] = Step("outside", "audience", *OUTSIDE, customers=outside)
    return Part(
        customers=len(on) + len(off) + outside,
        on=sheet(on, LIST_SCHEMA, csv_too=False),
        off=sheet(off, KEPT_OFF_SCHEMA),
        service=sum(row["instead"] is not None for row in off),
        steps=steps,
        versions=decisions[-1].versions if decisions else {},
    )


OUTSIDE = ("Not in the audience of this campaign", "Ei kuulu kampanjan kohderyhmään")


def _offer(decision: Decision, wanted: Wanted | None) -> ChosenAction | None:
    """What the list would bring her: one of the campaign's messages if she gets one, else any offer."""
    named = wanted.spec.actions if wanted is not None else ()
    mine = next((a for a in decision.actions if a.action_id in named), None)
    return mine or next((a for a in decision.actions if a.category in OFFERS and a.action_id != "no_action"), None)


def _barred(customer: str, offer: ChosenAction, wanted: Wanted) -> str | None:
    """Why the campaign itself keeps her off, None where it does not."""
    spec = wanted.spec
    if spec.actions and offer.action_id not in spec.actions:
        return "other_message"
    if spec.least_gain is not None and offer.expected_gain < spec.least_gain:
        return "least_gain"
    if offer.category not in NEVER_HELD_OUT and held_out(wanted.campaign_id, customer, spec.holdout):
        return "campaign_holdout"
    return None


def kept_by_campaign(row: dict[str, Any], why: str) -> dict[str, Any]:
    """A row of the list as one of those kept off by the campaign itself."""
    english, finnish = REASONS[why]
    known = {name: row[name] for name in ("customer_id", "decision_id", "stage")}
    told = {"reason": why, "reason_text": english, "reason_text_fi": finnish}
    would = {"would_be_action": row["action_id"], "would_be_gain": row["expected_gain"]}
    return dict.fromkeys(KEPT_OFF_SCHEMA.names) | known | told | would


def _listed(customer: str, decision: Decision, offer: ChosenAction, valid_until: datetime) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "action_id": offer.action_id,
        "treatment_id": offer.treatment_id,
        "category": offer.category,
        "items": [item.item_id for item in offer.items],
        "item_titles": [item.title or item.item_id for item in offer.items],
        "response_probability": offer.response_probability,
        "expected_gain": offer.expected_gain,
        "reasons": [one.text for one in offer.reasons],
        "reasons_fi": [one.text_fi or one.text for one in offer.reasons],
        "decision_id": decision.decision_id,
        "valid_until": valid_until,
        "stage": decision.evidence.stage or None,
    }


def _kept_off(customer: str, decision: Decision, outbound: bool) -> tuple[dict[str, Any], Step]:
    why = _why(decision, outbound)
    held = next(
        (hold for hold in decision.holds if why.code == "hold" and _covers_offers(hold, decision.channel, outbound)),
        None,
    )
    withheld = decision.withheld
    row = {
        "customer_id": customer,
        "reason": why.code,
        "reason_text": why.text,
        "reason_text_fi": why.text_fi or why.text,
        "hold_kind": held.kind if held else None,
        "until": held.ends_at if held else None,
        "review_at": held.review_at if held else None,
        "release_when": held.release_when if held else None,
        "would_be_action": withheld.action_id if withheld else None,
        "would_be_gain": withheld.expected_gain if withheld else None,
        "instead": next((one.action_id for one in decision.actions if one.action_id != "no_action"), None),
        "decision_id": decision.decision_id,
        "stage": decision.evidence.stage or None,
    }
    if held is not None:
        general = reason("hold", **kind_words([held.kind]))
        return row, Step("kept_off", f"hold:{held.kind}", general.text, general.text_fi)
    english, finnish = _GENERAL.get(why.code, (why.text, why.text_fi))
    return row, Step("kept_off", why.code, english, finnish)


_GENERAL = {
    "consent": (
        "They have not agreed to be contacted like this",
        "He eivät ole antaneet lupaa tällaiseen yhteydenottoon",
    ),
    "holdout": (
        "The group that gets no offers, so that their effect can be measured",
        "Ryhmä, joka ei saa tarjouksia, jotta niiden vaikutus voidaan mitata",
    ),
    "contact_cap": ("They have heard from us enough for now", "He ovat kuulleet meistä tällä erää tarpeeksi"),
    "no_gain": ("Nothing is worth its cost", "Mikään ei ole kustannuksensa arvoista"),
    "state_unknown": (
        "What is known of them cannot be trusted right now",
        "Asiakkaan tilannetta ei voi nyt tietää varmasti",
    ),
}
"""Texts for many customers where the code's own text speaks of one."""


def _why(decision: Decision, outbound: bool) -> Reason:
    """Why there is no offer: the decision's own reason, else the gate before the offer she would have got."""
    if decision.no_action_reason is not None:
        return decision.no_action_reason
    gates = decision.withheld.gates if decision.withheld else ()
    held = any(_covers_offers(hold, decision.channel, outbound) for hold in decision.holds)
    code = "hold" if held or "hold" in gates else gates[0] if gates else "service_first"
    if code == "hold":
        return reason("hold", **kind_words(hold.kind for hold in decision.holds))
    if code == "state_unknown":
        return reason("state_unknown", **status_words(decision.state_status))
    return reason(code) if "{" not in CODES[code][0] else Reason(code, *_GENERAL.get(code, (code, code)))


def _covers_offers(hold: Hold, channel: str, outbound: bool) -> bool:
    return any(blocks(hold, category, "", channel=channel, outbound=outbound) for category in OFFERS)
