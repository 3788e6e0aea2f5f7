"""What laws are tried on: random valid policies and catalogues, random customers, and models that tell them apart."""

import functools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.customer.state import Fact, fold
from features.customer.view import view
from features.favourites import Habits
from features.inputs.seasons import Seasons
from serving.core.catalogue import DEFAULT_ACTIONS, parse_catalogue
from serving.core.items import Scored
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, parse_policy
from serving.core.question import Contact, Request, Snapshot

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
POLICY = yaml.safe_load(DEFAULT_POLICY.read_text())
ACTIONS = yaml.safe_load(DEFAULT_ACTIONS.read_text())
PLACES = [(name, channel) for name, place in POLICY["placements"].items() for channel in place["channels"]]
NEEDED = {"no_action", *(a for place in POLICY["placements"].values() for a in place.get("context_weight", {}))}
MANY = 40


def law(examples, on="shop", **drawn):
    """Make a check a law: a test of so many examples, and a slow one of many times more.

    The check is given the fixture `on` first, then what is drawn for it.
    """

    def made(check):
        sizes = [pytest.param(1, id="some"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]

        def tried(given_to, **found):
            check(given_to, **{name: NUMBERED[name](one) if name in NUMBERED else one for name, one in found.items()})

        @pytest.mark.parametrize("times", sizes)
        def test(times, request):
            chosen = settings(max_examples=examples * times, deadline=None, suppress_health_check=list(HealthCheck))
            chosen(given(**drawn)(tried))(given_to=request.getfixturevalue(on))

        test.__doc__, tried.__qualname__ = check.__doc__, check.__qualname__
        return test

    return made


def text_of(content):
    """A policy or catalogue as its file says it."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


@functools.cache
def policy_number(number):
    """A valid policy that differs from the shipped one in what it counts, draws, weighs and keeps quiet."""
    pick = random.Random(number).choice
    windows = pick([[(1, 2), (7, 3), (30, 8)], [(7, 1)], [(0.5, 0.9), (3, 2)], [(2, 2), (60, 3)]])
    quiet = {
        "starts": pick(["21:00", "11:00", "14:30"]), "ends": pick(["08:00", "13:00", "16:00"]),
        "zone": pick(["Europe/Helsinki", "Pacific/Auckland"]),
        "marketing": pick([["email"], ["email", "app", "social"]]), "all": pick([[], ["phone"]]),
    }  # fmt: skip
    changed = {
        "salt": pick(["tahdikas-1", "other"]),
        "time_bucket_hours": pick([1, 24, 5.5]),
        "arms": {"holdout": pick([0.0, 0.0, 0.1, 0.25]), "control": pick([0.0, 0.1, 0.25])},
        "contact_cap": {"windows": [{"days": d, "limit": n} for d, n in windows], "recovery_factor": pick([1, 2, 3]),
                        "reservation_hours": pick([6, 48])},
        "quiet_hours": pick([None, quiet, quiet]),
        "language": pick(["en", "fi"]),
        "exploration": {"epsilon": pick([0.0, 0.1, 0.5]), "predicted_release": pick([0.0, 0.2])},
        "levers": {name: pick([0.2, 1.7, 5.0]) for name in sorted(NEEDED - {"no_action"}) if pick([True, False])},
    }  # fmt: skip
    return parse_policy(text_of(POLICY | changed))


@functools.cache
def catalogue_number(number):
    """The shipped actions, some left out, capped, sampled, dated, or believed to be answered more or less often."""
    pick, found = random.Random(number).choice, {}
    for name, action in ACTIONS["actions"].items():
        if name not in NEEDED and not pick(range(6)):
            continue
        found[name] = changed = dict(action)
        if name == "no_action":
            continue
        if not pick(range(4)):
            changed["response"] = action["response"] | {"prior": pick([0.001, 0.3, 1.0])}
        if action["category"] in ("sales", "care") and not pick(range(4)):
            changed["cap"] = {
                "days": pick([1, 20]), "limit": pick([1, 2]), "channels": pick([None, ["email"], ["web", "app"]]),
                "whole_group": pick([True, False]),
            }  # fmt: skip
        if not pick(range(6)):
            changed[pick(["valid_from", "valid_until"])] = (NOON + timedelta(days=pick([-1, 0.2, 3]))).isoformat()
        if not pick(range(8)):
            changed["sample"] = pick([0.2, 0.7])
    for action in found.values():
        for names in ("said_with", "after"):
            if names in action:
                action[names] = [other for other in action[names] if other in found]
    return parse_catalogue(text_of(ACTIONS | {"actions": found}), known=KNOWN_FEATURES)


policies, catalogues = st.integers(0, 99), st.integers(0, 49)
NUMBERED = {"policy": policy_number, "catalogue": catalogue_number}
"""What a law draws by its number, so that a failing example is short to tell."""

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "orders_total": st.sampled_from([0.0, 1.0, 5.0]),
        "days_since_last_purchase": st.sampled_from([1.0, 20.0, 90.0]),
        "max_case_severity": st.sampled_from([0.0, 1.0, 3.0]),
        "unresolved_severity": st.sampled_from([0.0, 0.0, 4.0]),
        "late_orders": st.sampled_from([0.0, 1.0]),
        "open_cases": st.sampled_from([0.0, 1.0, float("nan")]),
        "ratings_90d": st.sampled_from([0.0, 2.0]),
        "complaints_handled_well": st.sampled_from([0.0, 1.0]),
    },
)
CONSENTS = st.fixed_dictionaries(
    {("marketing", None): st.sampled_from(["granted", "granted", "granted", "withdrawn", "objected"])},
    optional={
        (purpose, channel): st.sampled_from(["granted", "withdrawn", "objected"])
        for purpose, channel in (("feedback", None), ("profiling", None), ("marketing", "email"), ("marketing", "web"))
    },
)
HOLDS = st.lists(
    st.tuples(
        st.sampled_from(["open_case", "bad_rating", "friction", "staff", "predicted", "predicted"]),
        st.integers(1, 5),
        st.sampled_from(["any", "outbound", "onsite", "email", "web"]),
        st.sampled_from([("sales",), ("sales", "care")]),
    ),
    max_size=2,
)
CONTACTS = st.lists(
    st.builds(
        Contact,
        at=st.sampled_from([0, 0.3, 1, 2, 6, 7, 13, 40]).map(lambda days: NOON - timedelta(days=days)),
        action_id=st.sampled_from(["case_status", "recommended_items", "popular_items", "delivery_message", "x"]),
        channel=st.sampled_from(["email", "app", "web", "phone"]),
        decision_id=st.sampled_from(["", "d1", "d2"]),
    ),
    max_size=4,
)
COUNTS = st.dictionaries(st.sampled_from(["coffee", "tea", "boots"]), st.integers(1, 4), max_size=3)
PROFILES = st.fixed_dictionaries(
    {},
    optional={"time_zone": st.sampled_from(["Asia/Tokyo", "nowhere"]), "language": st.sampled_from(["fi", "sv"])},
)


@st.composite
def questions(draw, who="aino"):
    """A question about a customer, in any place that the policy knows."""
    placement, channel = draw(st.sampled_from(PLACES))
    cart = draw(st.lists(st.sampled_from(["coffee", "boots", "nothing"]), max_size=2))
    return Request(
        customer_id=who,
        channel=channel,
        placement=placement,
        now=NOON,
        n=draw(st.integers(1, 4)),
        context=draw(st.sampled_from([{}, {"item": "boots"}, {"cart": cart, "page": "cart"}])),
        send_at=draw(st.sampled_from([None, None, NOON + timedelta(hours=9), NOON + timedelta(days=5)])),
        language=draw(st.sampled_from([None, "fi"])),
    )


def an_event(kind, origin, days, payload):
    """A fact of her own, so many days ago."""
    at = NOON - timedelta(days=days)
    return Fact(f"{kind} {origin}", kind, at, at, origin, "web", None, "api", payload)


@st.composite
def people(draw, who="aino"):
    """(question, what is known of her) as a function of the test's `shop`."""
    asked, holds = draw(questions(who)), draw(HOLDS)
    known_as = draw(st.sampled_from([(who,), (f"anonymous:{who}", who)]))
    facts = [an_event("browse", one, 9 - i, {"action": "view", "session_id": "s"}) for i, one in enumerate(known_as)]
    facts += (
        [an_event("profile", who, 3, {"facts": msgspec.json.encode(profile)})] if (profile := draw(PROFILES)) else []
    )
    known = {
        "values": draw(VALUES),
        "consents": draw(CONSENTS),
        "state_status": draw(st.sampled_from(["ok", "ok", "ok", "unknown:corrupt"])),
        "contacts": tuple(draw(CONTACTS)),
        "reserved": tuple(draw(CONTACTS)[:1]),
        "about": {"case": draw(st.sampled_from([NOON - timedelta(days=d) for d in (0.5, 5)])).timestamp()},
        "recovering": draw(st.booleans()),
        "viewed_items": draw(st.sampled_from([(), ("boots",)])),
    }
    counts = draw(COUNTS)

    def met(shop) -> tuple[Request, Snapshot]:
        kept = tuple(
            shop.hold(kind, severity=grade, channels=where, categories=what, detail=f"{i}")
            for i, (kind, grade, where, what) in enumerate(holds)
        )
        seen = view(fold(facts), NOON, policy_number(0).file.holds)
        return asked, shop.regular(who, holds=kept, history=shop.history(**counts), view=seen, **known)

    return met


crowds = st.integers(1, 6).flatmap(lambda n: st.tuples(*(people(f"c{i}") for i in range(n))))


@dataclass(frozen=True)
class Guesser:
    """Models whose word differs by customer: who rates nothing leaves, and she buys what she bought."""

    id = "guesser"
    uses_inputs = True

    def churn(self, inputs, names):
        return 1 / (1.2 + inputs[:, list(names).index("ratings_90d")])

    def second_purchase(self, inputs, names):
        return np.full(len(inputs), np.nan)

    def value(self, inputs, names):
        return np.full((len(inputs), 3), np.nan)

    def next_items(self, histories, at, k):
        return [
            [Scored("boots", 0.3 + moment % 86_400 / 1e6, 2)]
            + [Scored(i, c / 10, 1) for i, c in zip(h.items, h.counts.tolist(), strict=True)]
            for h, moment in zip(histories, at.tolist(), strict=True)
        ]

    habits = Habits()
    seasons = Seasons()

    def goes_with(self, items):
        return []

    def popular(self, k):
        return [Scored(item, float(np.nan), 4) for item in ("coat", "boots", "coffee")]
