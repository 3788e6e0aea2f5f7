"""To fold on from a state gives what folding everything gives, or says that it cannot tell."""

from collections import defaultdict

import pytest
from customer_facts import case, day, delivery, fact, purchase, rating
from hypothesis import event, given, settings
from hypothesis import strategies as st

from features.customer.fold_on import fold_on, without_browsing
from features.customer.kept import KEPT_COUNTS, KEPT_DAYS
from features.customer.opened import Opened, open_state
from features.customer.resumed import NOTED, PARTS
from features.customer.state import CustomerState, encode, fold
from features.instants import to_us

FEW, SHORT = dict.fromkeys(KEPT_COUNTS, 3), dict.fromkeys(KEPT_DAYS, 20)
LIMITS = {
    "as shipped": (dict(KEPT_COUNTS), dict(KEPT_DAYS)),
    "narrow": (FEW, SHORT),
    "short": (dict(KEPT_COUNTS), SHORT),
}
CASES = ("opened", "customer_asked", "resolved", "closed", "reopened", "cancelled")
PARCELS = ("promised", "shipped", "delivered", "failed", "cancelled")
CONTACTS = ("reserved", "sent", "sent", "impression", "click", "accept", "dismiss", "released", "unsubscribe")
SAID = ({"kind": "rating", "score": 1.0}, {"kind": "nps", "score": 9.0}, {"kind": "complaint"}, {"kind": "comment"})


def one_of(*values):
    return st.sampled_from(values)


def body(**fields):
    """A payload of drawn fields; `none` leaves one out."""
    return st.fixed_dictionaries(fields).map(lambda told: {n: v for n, v in told.items() if v is not None})


ITEMS, NUMBERS = one_of("tea", "mug", "hat"), st.integers(1, 4)
LINE = body(item_id=ITEMS, quantity=NUMBERS, unit_price=st.just(500), discount=st.just(0))
LINES = st.lists(LINE, min_size=1, max_size=3)
ORDERS, CASE_IDS = (NUMBERS.map(lambda n, kind=kind: f"{kind}{n}") for kind in "OC")
DECISIONS = [f"D{n}" for n in range(8)]
BODIES = {
    "case": body(
        case_id=CASE_IDS,
        kind=one_of("exchange", "question"),
        status=one_of(*CASES),
        order_id=one_of(None, "O1", "O2"),
        item_ids=one_of(None, ["tea", "mug"]),
        promised_by=one_of(None, day(9)),
    ),
    "feedback": st.builds(lambda said, about: said | about, one_of(*SAID), body(case_id=st.none() | CASE_IDS)),
    "purchase": body(order_id=st.integers(1, 14).map("O{}".format), currency=st.just("EUR"), lines=LINES),
    "return": body(order_id=ORDERS, lines=LINES),
    "delivery": body(
        order_id=ORDERS,
        status=one_of(*PARCELS),
        carrier=one_of(None, "posti", "jakelu"),
        promised_at=one_of(None, day(9)),
    ),
    "contact": body(decision_id=one_of(None, *DECISIONS), action_id=one_of("a", "b"), status=one_of(*CONTACTS)),
    "browse": body(action=one_of("view", "cart_add"), session_id=st.just("s"), item_id=ITEMS),
    "friction": body(kind=one_of("payment_error", "out_of_stock"), wait_seconds=one_of(None, 60.0)),
    "score": body(model=one_of("dissatisfaction"), version=st.just("1"), value=one_of(0.2, 0.9)),
    "consent": body(purpose=one_of("marketing", "profiling"), status=one_of("granted", "withdrawn")),
    "hold": body(action=one_of("add", "release"), hold_id=one_of("S1", "S2"), person=st.just("liisa")),
    "profile": body(facts=one_of(None, b'{"region": "south", "age": 7}'), refused=one_of(None, ["region"])),
    "erasure": body(),
    "identity": body(action=st.just("link")),
}
FAMILIES = {
    "cases": ["case", "feedback"],
    "orders": ["purchase", "purchase", "delivery", "return", "browse"],
    "contacts": ["contact", "contact", "contact", "friction"],
    "all": list(BODIES),
}


@st.composite
def histories(draw, family):
    """Facts of one customer in the batches in which they come: mostly later than what came before, now and then not."""
    batches, now, count = [], 0.0, 0
    pauses = draw(one_of((0.25, 1), (0.25, 1, 10, 20, 21, 150, 400, 401)))
    for _ in range(draw(st.integers(2, 10))):
        now += draw(one_of(*pauses))
        batch = []
        for _ in range(draw(one_of(1, 1, 2, 6))):
            kind, count = draw(one_of(*FAMILIES[family])), count + 1
            on = now + draw(one_of(0, 0, 0, 0.1, 0.125)) - draw(one_of(0, 0, 0, 0, 0, 0, 0, 0.25, 30))
            told = {"origin": draw(one_of("aino", "aino", "anonymous:v")), "event_id": f"e{draw(NUMBERS)}-{count}"}
            for copy in range(draw(one_of(1, 1, 20)) if kind == "browse" else 1):
                more = told | {"event_id": f"{told['event_id']}-{copy}"}
                batch.append(fact(kind, on + copy / 1000, **more, **draw(BODIES[kind])))
        batches.append(batch)
    return batches


def without_old_browsing(facts):
    """What stays among the facts, of each origin the newest browsing, and what goes."""
    by_origin = defaultdict(list)
    for one in sorted(facts, key=lambda f: (f.occurred_at, f.event_id)):
        if one.type == "browse":
            by_origin[one.origin].append(one.event_id)
    gone = {event_id for ids in by_origin.values() for event_id in ids[: -KEPT_COUNTS["browsed"]]}
    return [f for f in facts if f.event_id not in gone], [f for f in facts if f.event_id in gone]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=50)
@given(st.data())
def test_to_fold_on_is_to_fold_everything_or_it_is_not_told(family, limits, data):
    counts, lengths = LIMITS[limits]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in counts.items():
            patch.setitem(KEPT_COUNTS, name, value)
        for name, value in lengths.items():
            patch.setitem(KEPT_DAYS, name, value)
        facts, body = [], encode(fold([]))
        for batch in data.draw(histories(family), label="batches"):
            kept, gone = without_old_browsing(facts + batch)
            lost = [(one.origin, to_us(one.occurred_at)) for one in gone]
            orders = {one.payload["order_id"] for one in facts if one.type == "purchase"}
            found = fold_on(open_state(body), batch, orders.copy)
            body, facts = encode(fold(kept)), kept
            found = None if found is None else without_browsing(found, lost)
            event("not told" if found is None else "folded on")
            assert found is None or found.encoded() == body


def test_every_field_of_the_state_is_changed_by_every_fact_or_by_those_of_some_types():
    fields = [*NOTED, *(name for part in PARTS for name in part.fields)]
    assert sorted(fields) == sorted(CustomerState.__struct_fields__)


def test_what_is_folded_on_from_is_not_changed():
    story = [purchase(0, "O1", ("tea", 1, 500)), case(0, "opened"), delivery(0, "shipped"), sent(0, "D1")]
    before = opened(story)
    copy = before.encoded()
    later = [purchase(1, "O2", ("tea", 1, 500)), case(1, "closed"), delivery(1, "delivered"), sent(1, "D1")]
    assert fold_on(before, later) is not None
    names = CustomerState.__struct_fields__
    assert before.with_fields({name: getattr(before, name) for name in names}).encoded() == copy == encode(fold(story))


def test_what_has_not_become_too_old_is_not_even_read():
    story = [delivery(n, "delivered", f"O{n}") for n in range(0, 500, 30)] + [sent(450, "D1"), case(460, "opened")]
    grown = fold_on(opened(story), [fact("browse", 489, action="view", session_id="s")])
    assert grown is not None and grown.changed.keys() == {*NOTED, "browsed"}
    assert not {"deliveries", "contacts", "cases"} & vars(grown).keys()
    later = fold_on(opened(story), [fact("browse", 495, action="view", session_id="s")])
    assert later is not None and len(later.changed["deliveries"]) == len(grown.deliveries) - 1


def opened(facts) -> Opened:
    return open_state(encode(fold(facts)))


def sent(on, decision_id=None, status="sent"):
    decided = {} if decision_id is None else {"decision_id": decision_id}
    return fact("contact", on, action_id="letter", status=status, **decided)


ORDINARY = {
    "a view": fact("browse", 30, action="view", session_id="s"),
    "a rating": rating(30, 5),
    "a complaint": fact("feedback", 30, kind="complaint"),
    "an order": purchase(30, "O9", ("tea", 1, 500)),
    "a parcel": delivery(30, "shipped", "O9"),
    "a case": case(30, "opened", case_id="C9"),
    "a step of a case": case(30, "closed"),
    "an impression": sent(30, "D9", "impression"),
    "a click": sent(30, "D1", "click"),
    "a friction": fact("friction", 30, kind="out_of_stock"),
    "a consent": fact("consent", 30, purpose="marketing", status="granted"),
    "a score": fact("score", 30, model="dissatisfaction", version="1", value=0.9),
    "a profile": fact("profile", 30, facts=b'{"region": "north"}'),
}
STORY = [purchase(0, "O1", ("tea", 1, 500)), case(1, "opened"), delivery(2, "shipped"), sent(3, "D1"), rating(4, 1)]


@pytest.mark.parametrize("new", ORDINARY.values(), ids=ORDINARY)
def test_what_is_ordinary_is_folded_on(new):
    grown = fold_on(opened(STORY), [new])
    assert grown is not None and grown.encoded() == encode(fold([*STORY, new]))


OLD = KEPT_DAYS["finished cases"] + 40
MANY_LETTERS = [sent(5, "early", "reserved"), *(sent(6, f"L{n}") for n in range(1000)), sent(300, "early")]
MANY_ORDERS = [purchase(n, f"P{n}", ("tea", 1, 500)) for n in range(5, 400, 30)]
NOT_TOLD = {
    "a late view": ([], fact("browse", 2, action="view", session_id="s")),
    "at the same moment": ([], fact("browse", 4, action="view", session_id="s")),
    "more of an order": ([], purchase(30, "O1", ("tea", 1, 500))),
    "an order after one was cut": (MANY_ORDERS, purchase(OLD, "P5", ("tea", 1, 500))),
    "a step of a case that was cut": ([case(6, "closed"), rating(OLD, 5)], case(OLD + 1, "reopened")),
    "a word about a case that was cut": ([case(6, "closed"), rating(OLD, 5)], rating(OLD + 1, 1, case_id="C1")),
    "news of a parcel that was cut": ([delivery(6, "delivered"), rating(OLD, 5)], delivery(OLD + 1, "shipped")),
    "a letter that was one too many, when others are too old": (MANY_LETTERS, rating(OLD, 5)),
    "news of a letter that was cut": ([rating(OLD, 5)], sent(OLD + 1, "D1", "click")),
}  # fmt: skip


@pytest.mark.parametrize(("before", "new"), NOT_TOLD.values(), ids=NOT_TOLD)
def test_what_the_state_cannot_tell_is_not_guessed(before, new):
    assert fold_on(opened(STORY + before), [new]) is None


def test_an_order_after_one_was_cut_is_folded_on_where_it_is_known_which_were():
    facts, ids = [*STORY, *MANY_ORDERS], {one.payload["order_id"] for one in MANY_ORDERS}
    again, new = (purchase(OLD, order_id, ("tea", 1, 500)) for order_id in ("P5", "P1"))
    assert fold_on(opened(facts), [again], lambda: ids) is None
    grown = fold_on(opened(facts), [new], lambda: ids)
    assert grown is not None and grown.encoded() == encode(fold([*facts, new]))


def test_of_nobody_nothing_is_folded_on():
    assert fold_on(opened([]), STORY) is None
    assert fold_on(opened(STORY), []) is None


def test_to_lose_what_was_first_is_not_told():
    first = fact("browse", 0, action="view", session_id="s")
    state = opened([first, *STORY[1:]])
    assert without_browsing(state, [("aino", to_us(first.occurred_at))]) is None
