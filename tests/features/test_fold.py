"""What the fold keeps of facts, and how contacts, purchases and profiles add up."""

from datetime import UTC, datetime

import pytest
from customer_facts import case, day, delivery, fact, purchase, rating, seen_on, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer.kept import KEPT_COUNTS, KEPT_DAYS
from features.customer.scales import DEFAULT_SCALES, scale_of, unit_score
from features.customer.state import CustomerState, fold, known_by
from features.instants import from_us, to_us


def test_nobody_s_facts_make_an_empty_state():
    assert fold([]) == CustomerState()


def test_purchases_add_up_per_item_and_order():
    bought = state_of(
        purchase(0, "O1", ("coffee", 2, 690), ("boots", 1, 12900), ("coffee", 1, 690), discount=90),
        purchase(30, "O2", ("coffee", 3, 650)),
    ).purchases
    assert bought.items == ["coffee", "boots"]
    assert bought.counts == [2, 1], "orders, not lines"
    assert bought.quantities == [6, 1]
    assert bought.paid == [2 * 690 - 90 + 690 - 90 + 3 * 650, 12900 - 90]
    assert [from_us(at) for at in bought.first_at] == [day(0), day(0)]
    assert [from_us(at) for at in bought.last_at] == [day(30), day(0)]
    assert (bought.last_quantities, bought.last_paid) == ([3, 1], [1950, 12810])


def test_an_order_told_in_two_purchases_is_one_order():
    state = state_of(purchase(0, "O1", ("coffee", 1, 690)), purchase(1, "O1", ("coffee", 1, 690)))
    assert (state.order_count, state.purchases.counts, state.purchases.quantities) == (1, [1], [2])
    assert [(o.order_id, o.paid, o.items) for o in state.orders] == [("O1", 1380, ["coffee"])]


def test_a_purchase_after_now_is_taken_off_again():
    seen = seen_on(
        1, purchase(0, "O1", ("coffee", 2, 690)), purchase(2, "O2", ("coffee", 5, 690), ("boots", 1, 12900))
    ).items_bought  # fmt: skip
    assert (seen.items, seen.counts.tolist(), seen.quantities.tolist()) == (["coffee"], [1], [2])
    assert seen.last_at.tolist() == [day(0).timestamp()]


def contact(on, status, decision_id="D1", **more):
    ids = {} if decision_id is None else {"decision_id": decision_id}
    return fact("contact", on, channel=more.pop("channel", "email"), action_id="letter", status=status, **ids, **more)


def statuses(on, *facts):
    return [(c.status, c.at) for c in seen_on(on, *facts).contacts]


def test_a_contact_counts_once_however_many_events_tell_of_it():
    told = contact(0, "reserved"), contact(1, "sent"), contact(2, "impression"), contact(3, "click")
    assert statuses(0.5, *told) == [("reserved", day(0))]
    assert statuses(2, *told) == [("sent", day(1))]
    assert statuses(9, *told) == [("clicked", day(1))]
    assert seen_on(9, *told).features["contacts_28d"] == 1.0


def test_what_was_prepared_and_not_sent_does_not_count():
    told = contact(0, "reserved"), contact(1, "released")
    assert statuses(2, *told) == [("released", day(0))]
    assert seen_on(2, *told).features["contacts_28d"] == 0.0
    assert seen_on(2, contact(0, "reserved")).features["contacts_28d"] == 0.0


def test_contacts_of_different_decisions_and_letters_without_any_add_up():
    told = contact(0, "sent"), contact(1, "sent", "D2"), contact(2, "sent", None), contact(3, "sent", None)
    assert seen_on(9, *told).features["contacts_28d"] == 4.0
    (total,) = state_of(*told, contact(4, "dismiss", None)).actions
    assert (total.contacts, from_us(total.first_at), from_us(total.last_at)) == (4, day(0), day(3))
    assert total.dismissed_at == to_us(day(4)), "a reply without a decision belongs to the latest such letter"


def consent(on, status, channel=None, purpose="marketing"):
    more = {} if channel is None else {"consent_channel": channel}
    return fact("consent", on, purpose=purpose, status=status, **more)


def test_consent_is_her_latest_word_for_the_channel():
    seen = seen_on(9, consent(0, "granted"), consent(1, "withdrawn", "email"))
    assert (seen.consent("marketing", "email"), seen.consent("marketing", "phone")) == ("withdrawn", "granted")
    assert seen.consent("feedback", "email") is None
    again = consent(0, "withdrawn", "email"), consent(1, "granted")
    assert seen_on(9, *again).consent("marketing", "email") == "granted", "a later grant for all channels is explicit"
    assert seen_on(0.5, *again).consent("marketing", "email") == "withdrawn"


def test_a_grant_and_a_refusal_at_the_same_moment_are_a_refusal():
    for told in ((consent(0, "withdrawn"), consent(0, "granted")), (consent(0, "granted"), consent(0, "withdrawn"))):
        assert seen_on(1, *told).consent("marketing", "email") == "withdrawn"


def test_to_unsubscribe_withdraws_marketing_and_questions_in_that_channel():
    seen = seen_on(9, consent(0, "granted"), contact(1, "sent"), contact(2, "unsubscribe"))
    assert (seen.consent("marketing", "email"), seen.consent("marketing", "phone")) == ("withdrawn", "granted")
    assert (seen.consent("feedback", "email"), seen.consent("feedback", "phone")) == ("withdrawn", None)


def test_a_refused_fact_is_remembered_and_a_given_one_kept():
    seen = seen_on(
        9, fact("profile", 0, facts='{"birth_year": 1980, "pets": ["cat"]}'), fact("profile", 1, refused=["income"])
    )  # fmt: skip
    assert seen.profile == {"birth_year": 1980.0, "pets": '["cat"]'}
    assert seen.refused == ["income"]


def browse(on, item_id, session="S1", action="view"):
    return fact("browse", on, action=action, session_id=session, item_id=item_id)


def test_the_running_session_is_what_she_looked_at_since_she_came():
    minute = 1 / 1440
    told = browse(0, "boots", "S0"), browse(1, "coat"), browse(1 + minute, "socks"), browse(1 + 2 * minute, "coat")
    assert seen_on(1 + 5 * minute, *told).session_items == ["coat", "socks"]
    assert seen_on(1 + 33 * minute, *told).session_items == [], "half an hour of quiet ends a session"
    assert seen_on(2, *told).browsed_items == ["coat", "socks", "boots"]


def test_returned_items_are_told_with_when():
    lines = [{"item_id": "boots", "quantity": 1, "amount": 12900}]
    seen = seen_on(9, fact("return", 3, order_id="O1", lines=lines))
    assert seen.returned_items == {"boots": day(3)}
    assert seen.features["returned_lines_365d"] == 1.0


def test_deliveries_on_their_way():
    told = delivery(0, "promised", promised=4), delivery(1, "shipped"), delivery(1, "shipped", "O2")
    assert [(d.order_id, d.status, d.late) for d in seen_on(5, *told).deliveries] == [
        ("O1", "shipped", True),
        ("O2", "shipped", False),
    ]
    assert [d.order_id for d in seen_on(5, *told, delivery(4, "delivered")).deliveries] == ["O2"]


def test_her_oldest_identity_keys_the_experiment_arm():
    assert seen_on(9, purchase(3, "O1", ("a", 1, 1)), browse(1, "a"), rating(0, 5, origin="anonymous:v1")).arm_key == (
        "anonymous:v1"
    )


def test_what_a_replay_may_know():
    late = rating(1, 1, known=5)
    assert known_by([late], day(4.9)) == []
    assert known_by([late], day(5)) == [late]


def test_what_grows_without_limit_is_cut_far_beyond_any_window():
    letters = [contact(n, "sent", f"D{n}") for n in range(0, 900, 30)]
    old = case(0, "opened", case_id="old"), case(1, "closed", case_id="old")
    rated = case(0, "opened", case_id="rated"), case(1, "closed", case_id="rated"), rating(2, 1, case_id="rated")
    unfinished = case(0, "opened", case_id="unfinished")
    browsed = [browse(n / 10, f"i{n}") for n in range(80)]
    parcel = delivery(0, "promised", promised=3), delivery(2, "delivered")
    state = state_of(*letters, *old, *rated, unfinished, *browsed, *parcel)
    assert {c.case_id for c in state.cases} == {"rated", "unfinished"}
    assert state.deliveries == []
    assert len(state.browsed) == KEPT_COUNTS["browsed"]
    assert len(state.contacts) == KEPT_DAYS["contacts"] // 30 + 1
    assert state.actions[0].contacts == len(letters), "the total is kept for ever"


@settings(max_examples=1000)
@given(st.integers(0, to_us(datetime(2200, 1, 1, tzinfo=UTC))))
def test_instants_keep_their_microseconds(us):
    assert to_us(from_us(us)) == us


@pytest.mark.parametrize(("kind", "score", "unit"), [
    ("nps", 10, 1.0), ("csat", 1, 0.0), ("ces", 1, 1.0), ("ces", 7, 0.0), ("review", 3, 0.5),
])  # fmt: skip
def test_scores_without_a_scale_are_read_on_the_scale_of_their_kind(kind, score, unit):
    assert unit_score(score, scale_of(kind)) == unit


def test_a_score_s_own_scale_goes_before_the_default():
    assert unit_score(3, scale_of("nps", 1, 5)) == 0.5
    assert unit_score(1, scale_of("rating", higher_is_better=False)) == 1.0
    assert all(scale.low < scale.high for scale in DEFAULT_SCALES.values())
