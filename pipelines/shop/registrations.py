"""Tells who the customers say they are: consents, loyalty cards, profiles, and the letters' contacts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Floats, Ints, chance
from pipelines.shop.customers import LANGUAGES, REGIONS, Customers
from pipelines.shop.letters import SENT_AT, Letters
from pipelines.shop.parameters import OFFERS
from pipelines.shop.telling import Coded, Numbered, Told, tell, written
from pipelines.shop.weeks import Life, Orders

CONTACT_STATUS = ("sent", "impression", "click", "accept", "unsubscribe", "released")
TIERS = ("none", "basic", "gold")


def registered_at(rng: np.random.Generator, customers: Customers, orders: Orders) -> Floats:
    """When each customer's record begins: the first day for those known before it, else just before her first order."""
    first = np.full(customers.size, np.inf)
    np.minimum.at(first, orders.who, orders.at)
    joined = np.where(np.isfinite(first), first - 0.004, 7.0 * np.maximum(customers.join_week, 0) + 0.5)
    return np.where(customers.join_week < 0, rng.random(customers.size) * 0.25, joined)


def consents(rng: np.random.Generator, customers: Customers, life: Life, since: Floats) -> list[Told]:
    """What was granted, refused or withdrawn, per purpose and channel; nothing said is nothing told."""
    first, *others = registered_consents(rng, customers, since)
    return [first, withdrawals(np.flatnonzero(np.isfinite(life.email_withdrawn)), life.email_withdrawn), *others]


def withdrawals(who: Ints, withdrawn: Floats) -> Told:
    """`who` no longer wants marketing by e-mail, from the moments `withdrawn` [customers]."""
    return _say("marketing", "email", who, withdrawn[who] + 0.0004, np.ones(len(who), dtype=np.int64))


def _say(purpose: str, channel: str | None, who: Ints, at: Floats, status: Ints) -> Told:
    return tell(
        "consent",
        at,
        who,
        "web",
        "account",
        purpose=purpose,
        status=Coded(status, ("granted", "withdrawn", "objected")),
        consent_channel=channel,
        basis="consent",
    )


def registered_consents(rng: np.random.Generator, customers: Customers, since: Floats) -> list[Told]:
    """What customers granted and refused when they registered, and the objections of a few some time later."""
    n = customers.size
    every = np.arange(n)
    email = customers.email > 0
    told = [_say("marketing", "email", every[email], since[email], np.where(customers.email[email] == 1, 0, 1))]
    app = chance(rng, 0.15, n)
    told.append(_say("marketing", "app", every[app], since[app] + 0.0001, np.zeros(int(app.sum()), dtype=np.int64)))
    said = customers.profiling > 0
    told.append(
        _say("profiling", None, every[said], since[said] + 0.0002, np.where(customers.profiling[said] == 1, 0, 2))
    )
    late_objection = np.flatnonzero((customers.profiling == 1) & chance(rng, 0.015, n))
    told.append(
        _say(
            "profiling",
            None,
            late_objection,
            since[late_objection] + 20 + 600 * rng.random(len(late_objection)),
            np.full(len(late_objection), 2),
        )
    )
    asked = customers.feedback > 0
    told.append(
        _say("feedback", "email", every[asked], since[asked] + 0.0003, np.zeros(int(asked.sum()), dtype=np.int64))
    )
    return told


def profiles(rng: np.random.Generator, customers: Customers, since: Floats) -> list[Told]:
    """Facts some customers gave when they registered, and the loyalty cards, linked as external ids."""
    who = np.flatnonzero(chance(rng, 0.6, customers.size))
    parts = [
        '{"birth_year": ',
        pa.array(customers.birth_year[who]).cast(pa.string()),
        ', "language": "',
        written(Coded(customers.language[who], LANGUAGES), len(who)),
        '", "loyalty_tier": "',
        written(Coded(customers.loyalty[who], TIERS), len(who)),
        '", "region": "',
        written(Coded(customers.region[who], REGIONS), len(who)),
        '"}',
    ]
    facts = tell("profile", since[who] + 0.001, who, "web", "account", facts=pc.binary_join_element_wise(*parts, ""))
    members = np.flatnonzero(customers.loyalty > 0)
    cards = tell(
        "identity",
        since[members] + 0.0015,
        members,
        "store",
        "account",
        action="link",
        external_id=Numbered("card:", 7_000_000 + customers.first + members),
    )
    return [facts, cards]


def contacts(letters: Letters) -> Told:
    """The weekly letters; one drawn into the control group is `released`: planned and not sent."""
    row, status, at = received(letters)
    return tell(
        "contact",
        at,
        letters.who[row],
        "email",
        "newsletter",
        action_id=Coded(letters.offer[row], tuple(o.action_id for o in OFFERS)),
        status=Coded(status, CONTACT_STATUS),
        treatment_id=Coded((~letters.sent[row]).astype(np.int64), ("letter", "control")),
    )


def received(letters: Letters) -> tuple[Ints, Ints, Floats]:
    """What happened with the letters: (letter, number of CONTACT_STATUS, time) each."""
    sent_at = 7.0 * letters.week + SENT_AT
    times = np.column_stack(
        [
            np.where(letters.sent, sent_at, np.inf),
            letters.opened,
            letters.clicked,
            letters.accepted,
            letters.unsubscribed,
            np.where(letters.sent, np.inf, sent_at),
        ]
    )
    row, status = np.nonzero(np.isfinite(times))
    return row, status, times[row, status]
