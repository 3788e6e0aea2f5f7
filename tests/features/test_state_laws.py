"""Laws of state and holds that no history may break."""

import json
import math

import pytest
from customer_facts import RULES, case, day, delivery, fact, holds_on, purchase, rating, seen_on
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer.concern import concern_until
from features.customer.coverage import CATEGORIES, FEEDBACK_GROUP
from features.customer.hold_rules import MAX_DAYS, HoldRule, HoldRules
from features.customer.holds import HOLD_KINDS
from features.customer.incidents import affects, incidents_of
from features.customer.state import STATE_VERSION, decode, encode, fold, known_by
from features.customer.state_features import features_of
from features.customer.view import state_features, view
from features.customer.view_parts import courses_at
from features.errors import DataError
from features.events import CHANNELS
from features.inputs.frame import STATE_INPUTS
from features.instants import to_us

PLACES = [(c, g, channel) for c in CATEGORIES for g in ("offers", FEEDBACK_GROUP) for channel in CHANNELS]
CASE_KINDS = ("return", "exchange", "complaint", "warranty", "delivery_claim", "question")
OPENING = ("opened", "customer_asked", "reopened")
STATUSES = (*OPENING, "waiting_customer", "waiting_shop", "resolved", "closed", "cancelled")
DELIVERY_STATUSES = ("promised", "shipped", "delayed", "delivered", "failed", "cancelled")
CONSENTS = ("granted", "withdrawn", "objected")
INCIDENT_RULES = st.fixed_dictionaries(
    {},
    optional={
        "carrier": st.just("posti"),
        "channel": st.sampled_from(("web", "store")),
        "touchpoint": st.just("pickup"),
        "since": st.sampled_from((day(5).isoformat(), day(15).isoformat())),
        "orders_between": st.just((day(3).isoformat(), day(18).isoformat())),
    },
).filter(bool)
TOUCHPOINTS = st.sampled_from(("pickup", "pickup", "checkout", None))
NUMBERS = st.sampled_from("12")


def days_of(last):
    return st.integers(0, last * 4).map(lambda quarter: quarter / 4)


FAMILIES = {"cases": [0], "answers": [0, 3], "ratings": [3], "deliveries": [5], "signals": [6, 7], "staff": [0, 8]}
FAMILIES |= {"incidents": [3, 5, 6, 9], "word": [10]}
FAMILIES["all"] = list(range(11))
"""Which sorts of facts a history is made of: of few sorts, those that bear on each other meet often."""


@st.composite
def a_fact(draw, who, last, families):
    """Any fact of one identity. Cases, orders and holds are its own: their ids carry its name."""
    on, number = draw(days_of(last)), draw(NUMBERS)
    promised = draw(st.none() | days_of(last))
    told = {"event_id": f"{who}-{draw(st.uuids())}", "origin": who}
    match draw(st.sampled_from(FAMILIES[families])):
        case 0 | 1 | 2:
            kind, status = draw(st.sampled_from(CASE_KINDS)), draw(st.sampled_from(STATUSES))
            return case(on, status, kind, f"{who}-C{number}", promised=promised, **told)
        case 3 | 4:
            case_id = {"case_id": f"{who}-C{number}"} if draw(st.booleans()) else {}
            kind, touchpoint = draw(st.sampled_from(("rating", "rating", "nps", "complaint"))), draw(TOUCHPOINTS)
            return rating(on, draw(st.sampled_from((1, 1, 3, 5, 5))), kind, touchpoint, **case_id, **told)
        case 5:
            status, carrier = draw(st.sampled_from(DELIVERY_STATUSES)), draw(st.sampled_from((None, "posti", "jakelu")))
            return delivery(on, status, f"{who}-O{number}", promised=promised, carrier=carrier, **told)
        case 6:
            kind = draw(st.sampled_from(("payment_error", "out_of_stock", "long_wait")))
            wait = {"wait_seconds": draw(st.sampled_from((60.0, 3600.0)))} if kind == "long_wait" else {}
            return fact("friction", on, kind=kind, touchpoint=draw(TOUCHPOINTS), **wait, **told)
        case 7:
            value = draw(st.sampled_from((0.2, 0.65, 0.9)))
            return fact("score", on, model="dissatisfaction", version="1", value=value, **told)
        case 8:
            hold_id = draw(st.sampled_from((f"{who}-S{number}", f"bad_resolution:{who}-C{number}")))
            if draw(st.booleans()):
                return fact("hold", on, action="release", hold_id=hold_id, person="liisa", **told)
            where = draw(st.sampled_from(((), ("email",), ("outbound",))))
            return fact("hold", on, action="add", hold_id=f"{who}-S{number}", channels=list(where), **told)
        case 9:
            order = draw(st.sampled_from((f"{who}-O{number}", f"{who}-{told['event_id']}")))
            where = draw(st.sampled_from(("web", "store")))
            return purchase(on, order, (f"item-{number}", draw(st.integers(1, 3)), 500), channel=where, **told)
        case _:
            if draw(st.booleans()):
                status, channel = (
                    draw(st.sampled_from(CONSENTS)),
                    draw(st.sampled_from(({}, {"consent_channel": "email"}))),
                )
                return fact("consent", on, purpose="marketing", status=status, **channel, **told)
            status = draw(st.sampled_from(("reserved", "sent", "click", "dismiss", "released", "unsubscribe")))
            decision = draw(st.sampled_from(({}, {"decision_id": f"{who}-D{number}"})))
            return fact("contact", on, action_id="letter", channel="email", status=status, **decision, **told)


@st.composite
def some_incidents(draw, last=40):
    """Incidents of the shop, some of them closed or declared again."""
    facts = []
    for number in range(draw(st.integers(0, 5))):
        action, incident = draw(st.sampled_from(("declare", "declare", "close"))), draw(NUMBERS)
        told = {"action": action, "hold_id": f"I{incident}", "person": "liisa"}
        rule = {} if action == "close" else {"rule": json.dumps(draw(INCIDENT_RULES))}
        facts.append(fact("incident", draw(days_of(last)), origin="", event_id=f"incident-{number}", **told, **rule))
    return incidents_of(facts)


def some_facts(who="aino", last=40, size=12, families="all"):
    return st.lists(a_fact(who, last, families), max_size=size)


def covered(on, facts, incidents=()):
    holds = holds_on(on, *facts, incidents=incidents)
    return {place for place in PLACES if any(hold.blocks(*place) for hold in holds)}


@given(some_facts(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_and_any_repetition_give_the_same_state(facts, random):
    arrived = facts + random.sample(facts, len(facts) // 2)
    random.shuffle(arrived)
    assert fold(arrived) == fold(facts)


@given(some_facts())
def test_state_comes_back_from_its_bytes(facts):
    assert decode(encode(fold(facts))) == fold(facts)


@given(some_facts(size=4), st.data())
def test_torn_or_altered_bytes_are_refused(facts, data):
    body = encode(fold(facts))
    torn = body[: data.draw(st.integers(0, len(body) - 1), label="cut")]
    with pytest.raises(DataError):
        decode(torn)
    place = data.draw(st.integers(0, len(body) - 1), label="byte")
    flipped = body[:place] + bytes((body[place] ^ 1 << data.draw(st.integers(0, 7), label="bit"),)) + body[place + 1 :]
    with pytest.raises(DataError):
        decode(flipped)


def test_bytes_of_another_version_say_so():
    with pytest.raises(DataError, match=f"version {STATE_VERSION + 1}"):
        decode(bytes((STATE_VERSION + 1,)) + encode(fold([]))[1:])


@pytest.mark.parametrize("families", FAMILIES)
@settings(max_examples=150)
@given(st.data(), some_incidents(20), days_of(40))
def test_a_merge_never_loosens(families, data, incidents, on):
    hers, visitor_s = (data.draw(some_facts(who, 20, 6, families), label=who) for who in ("aino", "v1"))
    together = holds_on(on, *hers, *visitor_s, incidents=incidents)
    assert covered(on, hers + visitor_s, incidents) >= covered(on, hers, incidents) | covered(on, visitor_s, incidents)
    for hold in holds_on(on, *hers, incidents=incidents) + holds_on(on, *visitor_s, incidents=incidents):
        if hold.kind == "incident":  # both sides share it, from when the first of them was affected
            assert [(h.covers, h.ends_at) for h in together if h.hold_id == hold.hold_id] == [
                (hold.covers, hold.ends_at)
            ]
        else:
            assert hold in together, "each hold stays just as it was, whatever else covers the same"


STRICTNESS = {None: 0, "granted": 0, "withdrawn": 1, "objected": 2}


@settings(max_examples=300)
@given(some_facts("aino", 20, 6, "word"), some_facts("v1", 20, 6, "word"), days_of(40))
def test_a_merge_keeps_each_refusal_until_a_later_grant_and_adds_up_contacts(hers, visitor_s, on):
    together = seen_on(on, *hers, *visitor_s)
    for side, other in ((hers, visitor_s), (visitor_s, hers)):
        granted = any(f.payload.get("status") == "granted" and f.occurred_at <= day(on) for f in other)
        for (purpose, channel), status in seen_on(on, *side).consents.items():
            assert granted or STRICTNESS[together.consent(purpose, channel)] >= STRICTNESS[status]
    apart = [contact for side in (hers, visitor_s) for contact in seen_on(on, *side).contacts]
    assert sorted(map(repr, together.contacts)) == sorted(map(repr, apart))


@given(some_facts("aino", 20), some_facts("v1", 20))
def test_a_merge_keeps_the_arm_of_the_older_identity_and_knows_both(hers, visitor_s):
    together = view(fold(hers + visitor_s), day(40), RULES)
    oldest = min(hers + visitor_s, key=lambda f: (f.occurred_at, f.event_id), default=None)
    assert together.arm_key == (oldest and oldest.origin)
    assert {origin for origin, _ in together.state.origins} == {f.origin for f in hers + visitor_s}


@settings(max_examples=100)
@given(some_facts("aino", 20), days_of(20), days_of(20), days_of(60))
def test_to_have_been_linked_and_unlinked_leaves_no_trace(hers, linked, unlinked, on):
    said = [fact("identity", at, origin="aino", action=a) for at, a in ((linked, "link"), (unlinked, "unlink"))]
    before, after = (view(fold(facts), day(on), RULES) for facts in (hers, hers + said))
    for name in ("holds", "recovery_until", "cases", "consents", "contacts", "deliveries", "orders", "returned_items"):
        assert getattr(after, name) == getattr(before, name), name
    assert repr(after.features) == repr(before.features)


@given(some_facts(), some_facts("anonymous:v1"), some_facts("anonymous:v2"))
def test_a_merge_is_commutative_and_associative(a, b, c):
    assert fold(a + b) == fold(b + a)
    assert fold((a + b) + c) == fold(a + (b + c))


@settings(max_examples=100)
@given(some_facts("aino", 1500), some_facts("v1", 1500), days_of(100))
def test_what_the_fold_forgets_never_loosens_a_merge(hers, visitor_s, after):
    on = 1500 + after
    assert covered(on, hers + visitor_s) >= covered(on, hers) | covered(on, visitor_s)


@pytest.mark.parametrize("families", FAMILIES)
@settings(max_examples=150)
@given(st.data(), days_of(40))
def test_more_trouble_never_opens_a_door(families, data, on):
    facts = data.draw(some_facts("aino", 20, 6, families), label="facts")
    when, number = data.draw(days_of(20), label="when"), data.draw(NUMBERS, label="number")
    case_id = f"aino-C{number}"
    trouble = data.draw(
        st.one_of(
            st.builds(case, st.just(when), st.sampled_from(OPENING), st.sampled_from(CASE_KINDS), st.just(case_id)),
            st.builds(lambda about: fact("feedback", when, kind="complaint", **about), _about(case_id)),
            st.builds(lambda t, about: rating(when, 1, touchpoint=t, **about), TOUCHPOINTS, _about(case_id)),
        ),
        label="trouble",
    )
    before, after = covered(on, facts), covered(on, [*facts, trouble])
    assert after >= before


def _about(case_id):
    return st.sampled_from(({}, {"case_id": case_id}))


@settings(max_examples=200)
@given(some_facts(), some_incidents(), days_of(60))
def test_what_comes_after_a_moment_does_not_change_it(facts, incidents, on):
    known = known_by(facts, day(on))
    everything, prefix = fold(facts), fold(known)
    assert holds_on(on, *facts, incidents=incidents) == holds_on(on, *known, incidents=incidents)
    assert [affects(i, everything, day(on)) for i in incidents] == [affects(i, prefix, day(on)) for i in incidents]
    assert view(everything, day(on), RULES).recovery_until == view(prefix, day(on), RULES).recovery_until
    assert view(everything, day(on), RULES).consents == view(prefix, day(on), RULES).consents
    assert seen_on(on, *facts).contacts == seen_on(on, *known).contacts
    now_and_then = state_features(everything, day(on), RULES), state_features(prefix, day(on), RULES)
    for name, value in now_and_then[0].items():
        assert value == now_and_then[1][name] or (math.isnan(value) and math.isnan(now_and_then[1][name])), name


@given(some_facts(), days_of(40), days_of(6))
def test_models_see_at_another_moment_what_is_known_by_then(facts, on, later):
    state, moment = fold(facts), to_us(day(on + later - 3))
    now = view(state, day(on), RULES)
    whole = features_of(state, moment, RULES, now.holds, now.recovery_until, courses_at(state, moment).values())
    seen = now.seen_by_models(moment)
    assert [repr(float(seen[name])) for name in STATE_INPUTS] == [repr(whole[name]) for name in STATE_INPUTS]


@given(some_facts(), some_incidents(), days_of(400))
def test_no_hold_is_without_an_end_or_a_review_date(facts, incidents, on):
    for hold in holds_on(on, *facts, incidents=incidents):
        assert hold.ends_at is not None or hold.review_at is not None
        assert hold.ends_at is None or hold.ends_at > day(on)
        assert hold.opened_at <= day(on)
        assert 1 <= hold.severity <= 5


@st.composite
def a_rule(draw, kind):
    """One kind's rule, anything the loader lets in."""
    lasts, review = (draw(st.sampled_from((0.25, 5.0, MAX_DAYS))) for _ in "ab")
    rule = HoldRules().rule(kind)
    return HoldRule(
        severity=draw(st.integers(1, 5)), categories=rule.categories, channels=rule.channels, groups=rule.groups,
        lasts_days=lasts, review_days=review,
    )  # fmt: skip


@st.composite
def any_rules(draw):
    """Rules at and within the bounds that the loader sets."""
    bad, good = draw(st.sampled_from((0.0, 0.2, 0.6))), draw(st.sampled_from((0.0, 0.1, 0.39)))
    high = draw(st.sampled_from((0.3, 0.7, 1.0)))
    return HoldRules(
        **{kind: draw(a_rule(kind)) for kind in HOLD_KINDS},
        bad_share=bad,
        worst_share=draw(st.sampled_from((0.0, bad))),
        good_share=good,
        nps_bad_max=draw(st.sampled_from((0, 6, 8))),
        nps_good_min=draw(st.sampled_from((8.5, 10))),
        strong_frictions=draw(st.sampled_from(((), ("payment_error",), ("out_of_stock", "long_wait")))),
        long_wait_seconds=draw(st.sampled_from((60.0, 1800.0))),
        predicted_at=high,
        predicted_below=draw(st.sampled_from((0.0, high))),
    )


@pytest.mark.parametrize("families", FAMILIES)
@settings(max_examples=80)
@given(st.data(), any_rules(), days_of(200))
def test_whom_her_state_holds_is_of_concern_then_whatever_the_rules(families, data, rules, on):
    facts = data.draw(some_facts("aino", 40, 8, families), label="facts")
    if holds_on(on, *facts, rules=rules):
        assert (concern_until(fold(facts)) or 0) > to_us(day(on))
