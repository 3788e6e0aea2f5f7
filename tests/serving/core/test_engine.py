"""Whole decisions over hand-written customers, and the laws they keep."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer.state import Fact, fold
from features.customer.view import view
from features.errors import DataError
from features.favourites import Habits
from features.inputs.seasons import Seasons
from serving.core.catalogue import parse_catalogue
from serving.core.engine import decide
from serving.core.gates import NAMES
from serving.core.items import Scored
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, parse_policy
from serving.core.question import Contact, Snapshot
from serving.core.scorer import WithoutModel
from serving.core.words import CODES


@dataclass(frozen=True)
class FixedScorer:
    """Models that say what they are told: everybody leaves with `leaves`, buys boots with .3 and coffee with .2."""

    leaves: float = 0.1

    @property
    def id(self):
        return "fixed"

    uses_inputs = True

    def churn(self, inputs, names):
        return np.full(len(inputs), self.leaves)

    def second_purchase(self, inputs, names):
        return np.full(len(inputs), np.nan)

    def value(self, inputs, names):
        return np.full((len(inputs), 3), np.nan)

    def next_items(self, histories, at, k):
        return [[Scored("boots", 0.3, 2), Scored("coffee", 0.2, 1), Scored("lamp", 0.1, 4)] for _ in histories]

    habits = Habits()
    seasons = Seasons()

    def goes_with(self, items):
        return []

    def popular(self, k):
        return [Scored("coat", float("nan"), 4), Scored("boots", float("nan"), 4)]


def names(decision):
    return [a.action_id for a in decision.actions]


def candidate(decision, action):
    return next(c for c in decision.candidates if c.action_id == action)


def with_policy(**edits):
    text = DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0")
    for old, new in edits.pop("replace", {}).items():
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def test_a_regular_customer_is_offered_what_she_likely_buys_and_is_told_why(shop, one):
    answer = one(shop.ask(), shop.regular(), scorer=FixedScorer())
    (action,) = answer.actions
    assert (action.action_id, action.category, action.rank) == ("recommended_items", "sales", 1)
    assert [i.item_id for i in action.items] == ["boots", "coffee"], "the lamp is out of stock"
    assert [i.title for i in action.items] == ["Winter boots", "Coffee"]
    assert action.response_probability == pytest.approx(1 - 0.7 * 0.8)
    margin = (0.3 * 6450 + 0.2 * 345) / 0.5
    assert action.expected_gain == pytest.approx(0.44 * 0.25 * margin)
    assert action.logging_propensity == 1.0
    assert [r.code for r in action.reasons] == ["best_gain", "personal_items"]
    assert all(r.text and r.text_fi for r in action.reasons)
    assert answer.no_action_reason is None and answer.withheld is None


def test_the_unknown_visitor_gets_popular_items_on_site_and_nothing_by_mail(shop, one):
    visitor = Snapshot(
        customer_key="anonymous:v1", values={"known": 0.0, "orders_total": 0.0, "absorbed": 0.0, "in_recovery": 0.0}
    )
    site = one(shop.ask(), visitor, scorer=FixedScorer())
    assert names(site) == ["popular_items"]
    assert [i.item_id for i in site.actions[0].items] == ["coat", "boots"]
    mail = one(shop.ask("email", "email"), visitor, scorer=FixedScorer())
    assert names(mail) == [] and mail.no_action_reason.code == "consent"
    assert mail.withheld.action_id == "popular_items"


def test_an_objection_to_profiling_leaves_popular_items_and_no_model_looks_at_her(shop, one):
    consents = {("marketing", None): "granted", ("profiling", None): "objected"}
    answer = one(shop.ask(), shop.regular(consents=consents), scorer=FixedScorer(leaves=0.9))
    assert names(answer) == ["popular_items"]
    assert "churn_probability" not in answer.observed
    assert "profiling_objection" in candidate(answer, "recommended_items").gates


def test_a_declared_basis_opens_the_channels_it_names(shop, one):
    declared = shop.regular(consents={("marketing", "email"): "declared"})
    assert names(one(shop.ask("email", "email"), declared)) == ["recommended_items"]
    assert names(one(shop.ask("app_push", "app"), declared)) == []


def test_a_withdrawal_stops_what_is_sent_and_an_objection_stops_the_site_too(shop, one):
    withdrawn = shop.regular(consents={("marketing", None): "withdrawn"})
    assert one(shop.ask("email", "email"), withdrawn).no_action_reason.code == "consent"
    assert names(one(shop.ask(), withdrawn)) == ["recommended_items"]
    objected = shop.regular(consents={("marketing", None): "objected"})
    for place in (("email", "email"), ("front_page", "web")):
        answer = one(shop.ask(*place), objected, scorer=FixedScorer())
        assert names(answer) == [] and answer.no_action_reason.code == "consent"


def test_a_channels_own_word_counts_before_the_general_one(shop, one):
    consents = {("marketing", None): "granted", ("marketing", "email"): "withdrawn"}
    assert names(one(shop.ask("email", "email"), shop.regular(consents=consents))) == []
    assert names(one(shop.ask("app_push", "app"), shop.regular(consents=consents))) == ["recommended_items"]


def test_an_open_case_shows_its_status_instead_of_offers(shop, one):
    held = shop.regular(values={"open_cases": 1, "max_case_severity": 2}, holds=(shop.hold(),))
    answer = one(shop.ask(n=3), held, scorer=FixedScorer())
    assert names(answer) == ["case_status"]
    assert [r.code for r in answer.actions[0].reasons] == ["service_due", "on_hold_instead"]
    assert answer.withheld.action_id == "recommended_items"
    assert set(answer.withheld.gates) == {"hold", "service_first"}
    assert answer.holds == [shop.hold()]


def test_an_outbound_hold_covers_a_push_to_the_app_but_not_the_app_itself(shop, one):
    held = shop.regular(holds=(shop.hold("open_return", severity=1, channels="outbound"),))
    assert names(one(shop.ask("app_push", "app"), held)) == []
    assert names(one(shop.ask("front_page", "app"), held)) == ["recommended_items"]


def test_at_grave_severity_a_person_calls_and_nothing_else_happens(shop, one):
    values = {"open_cases": 1, "max_case_severity": 5, "unresolved_severity": 5, "late_orders": 1}
    grave = shop.regular(values=values, holds=(shop.hold(severity=5),))
    assert names(one(shop.ask("call_list", "phone"), grave)) == ["staff_call"]
    answer = one(shop.ask(n=4), grave)
    assert names(answer) == ["staff_call"]
    assert "outranked" in candidate(answer, "case_status").gates


def test_a_state_that_cannot_be_trusted_sells_nothing_and_still_serves(shop, one):
    status = "unknown:source_silent:till"
    answer = one(shop.ask(), shop.regular(state_status=status), scorer=FixedScorer())
    assert names(answer) == [] and answer.no_action_reason.code == "state_unknown"
    assert "till" in answer.no_action_reason.text and "till" in answer.no_action_reason.text_fi
    late = shop.regular(state_status=status, values={"late_orders": 1})
    assert names(one(shop.ask("email", "email"), late)) == ["delivery_message"]
    nothing_read = Snapshot(customer_key="aino", state_status="unknown:unreadable")
    assert one(shop.ask(), nothing_read).no_action_reason.code == "state_unknown"


def test_the_cap_counts_what_was_sent_and_what_is_reserved(shop, one):
    def letter(days):
        return Contact(shop.NOON - timedelta(days=days), "newsletter", "email", decision_id=f"d{days}")

    def answer(**contacts):
        return one(shop.ask("email", "email"), shop.regular(**contacts), scorer=FixedScorer())

    assert names(answer(contacts=(letter(1), letter(2)))) == ["recommended_items"]
    full = answer(contacts=(letter(1), letter(2)), reserved=(letter(3),))
    assert names(full) == [] and full.no_action_reason.code == "contact_cap"
    assert full.evidence.spent == (0.0, 3.0, 3.0), "yesterday's at this hour has left the window of a day"
    assert names(answer(contacts=(letter(1), letter(2), letter(8)))) == ["recommended_items"]
    assert names(answer(contacts=(letter(1), letter(2), letter(8)), recovering=True)) == [], "the window is doubled"


def test_service_neither_counts_nor_is_capped(shop, one):
    told = tuple(Contact(shop.NOON - timedelta(hours=i), "case_status", "email") for i in range(9))
    assert names(one(shop.ask("email", "email"), shop.regular(contacts=told))) == ["recommended_items"]
    letters = tuple(Contact(shop.NOON - timedelta(hours=i), "old_newsletter", "email") for i in range(9))
    late = shop.regular(contacts=letters, values={"late_orders": 1})
    assert names(one(shop.ask("email", "email"), late)) == ["delivery_message"]


def test_service_goes_out_once_per_status_and_stays_visible_on_site(shop, one):
    since = (shop.NOON - timedelta(days=2)).timestamp()
    told = (Contact(shop.NOON - timedelta(days=1), "case_status", "email"),)
    values = {"open_cases": 1, "max_case_severity": 2}
    case = shop.regular(values=values, holds=(shop.hold(),), contacts=told, about={"case": since})
    mail = one(shop.ask("email", "email"), case)
    assert names(mail) == [] and "already_told" in candidate(mail, "case_status").gates
    assert names(one(shop.ask(), case)) == ["case_status"]
    moved_on = msgspec.structs.replace(case, about={"case": (shop.NOON - timedelta(hours=1)).timestamp()})
    assert names(one(shop.ask("email", "email"), moved_on)) == ["case_status"]


def test_places_show_what_they_may(shop, one):
    assert names(one(shop.ask("checkout"), shop.regular(), scorer=FixedScorer())) == []
    assert one(shop.ask("checkout"), shop.regular()).no_action_reason.code == "nothing_applicable"
    returning = shop.regular(values={"open_cases": 1, "max_case_severity": 1})
    assert names(one(shop.ask("returns_page"), returning)) == ["return_status"]
    assert names(one(shop.ask("front_page"), returning)) == ["recommended_items"], "an ordinary return is no drama"


def test_a_slate_holds_different_actions_in_order_of_gain_and_ends_before_silence(shop, one):
    answer = one(shop.ask("product_page", n=9), shop.regular(), scorer=FixedScorer())
    gains = [a.expected_gain for a in answer.actions]
    assert len(set(names(answer))) == len(answer.actions) > 1
    assert gains == sorted(gains, reverse=True) and min(gains) > 0
    assert [a.rank for a in answer.actions] == list(range(1, len(gains) + 1))


def test_where_nothing_is_worth_its_cost_silence_wins_and_the_closest_is_named(shop, one):
    dear = with_policy(replace={"email: {weight: 1, contact_cost: 1}": "email: {weight: 1, contact_cost: 100000}"})
    answer = one(shop.ask("email", "email"), shop.regular(), scorer=FixedScorer(), policy=dear)
    assert names(answer) == [] and answer.no_action_reason.code == "no_gain"
    assert answer.withheld.action_id == "recommended_items" and answer.withheld.expected_gain < 0
    assert answer.no_action_propensity == 1.0


def test_churn_risk_alone_earns_no_discount(shop, one):
    away = shop.regular(values={"days_since_last_purchase": 90})
    leaving = one(shop.ask("email", "email"), away, scorer=FixedScorer(leaves=0.9))
    discount = candidate(leaving, "win_back_discount")
    assert discount.response_probability == pytest.approx(0.1 + 0.9 * 0.03)
    assert discount.incremental_response == pytest.approx(0.9 * 0.03)
    assert discount.expected_gain == pytest.approx(0.027 * 2500 - 0.127 * 300 - 1)
    staying = one(shop.ask("email", "email"), away, scorer=FixedScorer(leaves=0.2))
    assert "suitability" in candidate(staying, "win_back_discount").gates
    assert candidate(staying, "win_back_discount").expected_gain < 0, "most would only take the discount along"
    unknown = one(shop.ask("email", "email"), away)
    assert "suitability" in candidate(unknown, "win_back_discount").gates, "no model, no discount"


def test_without_a_model_stated_estimates_are_used_and_said(shop, one):
    answer = one(shop.ask(), shop.regular())
    (action,) = answer.actions
    assert action.response_probability == 0.06 and "model_missing" in [r.code for r in action.reasons]
    assert answer.versions["bundle"] == "none"


def test_the_holdout_gets_service_only_and_the_record_says_what_it_would_have_been(shop, one):
    everybody = with_policy(replace={"holdout: 0.0": "holdout: 0.5"})
    arms = {}
    for i in range(12):
        answer = one(shop.ask(key=f"c{i}"), shop.regular(f"c{i}"), policy=everybody, scorer=FixedScorer())
        arms.setdefault(answer.arm, answer)
    held_out, treated = arms["holdout"], arms["treated"]
    assert names(treated) == ["recommended_items"]
    assert names(held_out) == [] and held_out.no_action_reason.code == "holdout"
    assert held_out.withheld.action_id == "recommended_items" and held_out.withheld.gates == ("holdout",)
    key = held_out.customer_key
    late = shop.regular(key, values={"late_orders": 1})
    assert names(one(shop.ask(key=key), late, policy=everybody)) == ["delivery_message"]


def test_the_arm_hangs_on_the_older_identity(shop, one):
    split = with_policy(replace={"holdout: 0.0": "holdout: 0.5"})
    for i in range(8):
        old = one(shop.ask(key=f"v{i}"), shop.regular(f"v{i}"), policy=split)
        assert one(shop.ask(key="aino"), shop.regular(arm_key=f"v{i}"), policy=split).arm == old.arm


def test_every_window_has_its_own_limit(shop, one):
    def sent(*hours):
        return tuple(Contact(shop.NOON - timedelta(hours=h), "newsletter", "email", decision_id=f"d{h}") for h in hours)

    two_today = one(shop.ask("email", "email"), shop.regular(contacts=sent(1, 2)), scorer=FixedScorer())
    assert names(two_today) == [] and two_today.evidence.spent == (2.0, 2.0, 2.0)
    assert two_today.evidence.frees_at == (shop.NOON + timedelta(hours=22)).timestamp()
    eight_in_a_month = sent(*(24 * day for day in (8, 10, 12, 14, 16, 18, 20, 22)))
    assert names(one(shop.ask("email", "email"), shop.regular(contacts=eight_in_a_month), scorer=FixedScorer())) == []
    seven = eight_in_a_month[:-1]
    assert names(one(shop.ask("email", "email"), shop.regular(contacts=seven), scorer=FixedScorer())) != []


def test_nobody_is_woken_by_an_offer(shop, one):
    night = shop.NOON.replace(hour=20)  # 23 in Helsinki
    asked = shop.ask("email", "email", now=night)
    quiet = one(asked, shop.regular(), scorer=FixedScorer())
    assert names(quiet) == [] and quiet.no_action_reason.code == "quiet_hours"
    assert names(one(shop.ask(now=night), shop.regular(), scorer=FixedScorer())) != [], "who comes at night is served"
    later = shop.ask("email", "email", now=night, send_at=shop.NOON.replace(day=2, hour=6))
    assert names(one(later, shop.regular(), scorer=FixedScorer())) == ["recommended_items"], "a list for tomorrow"
    early = shop.ask("email", "email", now=night, send_at=shop.NOON)
    assert names(one(early, shop.regular(), scorer=FixedScorer())) == [], "what is sent is sent no earlier than now"
    grave = shop.regular(values={"unresolved_severity": 4.0}, holds=(shop.hold("bad_resolution", severity=4),))
    assert names(one(shop.ask("call_list", "phone"), grave)) == ["staff_call"]
    assert names(one(shop.ask("call_list", "phone", now=night), grave)) == [], "nor by a telephone"
    assert names(one(asked, grave)) == ["staff_call"], "a letter about her case goes out"


def test_an_action_has_its_time_and_its_words_theirs(shop, one, catalogue):
    text = catalogue.text.replace(
        '{en: "Popular right now", fi: "Suosittua juuri nyt"}', '{en: "Popular", fi: "Suosittua", sv: "Populärt"}'
    ).replace("  popular_items:\n", "  popular_items:\n    valid_until: 2026-09-02T00:00:00Z\n")
    dated = parse_catalogue(text, known=KNOWN_FEATURES)
    visitor = Snapshot(
        customer_key="anonymous:v1", values={"known": 0.0, "orders_total": 0.0, "absorbed": 0.0, "in_recovery": 0.0}
    )
    today = one(shop.ask(language="sv"), visitor, catalogue=dated)
    assert (today.actions[0].message, today.actions[0].language) == ("Populärt", "sv")
    other = one(shop.ask(language="de"), visitor, catalogue=dated)
    assert (other.actions[0].message, other.actions[0].language) == ("Popular", "en"), "who has no German says English"
    tomorrow = one(shop.ask(now=shop.NOON + timedelta(days=1)), visitor, catalogue=dated)
    assert names(tomorrow) == [] and "validity" in candidate(tomorrow, "popular_items").gates


def test_an_action_with_a_cap_of_its_own(shop, one, catalogue):
    text = catalogue.text.replace(
        "    cap: {days: 28, limit: 1, channels: [email], whole_group: true}\n", "    cap: {days: 20, limit: 1}\n"
    )
    capped = parse_catalogue(text, known=KNOWN_FEATURES)
    had = shop.regular(contacts=(Contact(shop.NOON - timedelta(days=10), "recommended_items", "web"),))
    gates = candidate(one(shop.ask(), had, catalogue=capped), "recommended_items").gates
    assert gates == ("action_cap",)
    longer_ago = shop.regular(contacts=(Contact(shop.NOON - timedelta(days=20), "recommended_items", "web"),))
    assert candidate(one(shop.ask(), longer_ago, catalogue=capped), "recommended_items").gates == ()


def test_a_cap_of_letters_leaves_the_shelf_and_is_not_filled_by_it(shop, one):
    def gates(channel, placement, *seen_in):
        seen = tuple(Contact(shop.NOON - timedelta(days=3), "recommended_items", one) for one in seen_in)
        return candidate(one(shop.ask(placement, channel), shop.regular(contacts=seen)), "recommended_items").gates

    assert gates("email", "email", "email") == ("action_cap",)
    assert gates("web", "front_page", "email") == ()
    assert gates("email", "email", "web", "web") == ()


def test_a_cap_of_a_whole_group_counts_all_its_actions(shop, one):
    asked = Contact(shop.NOON - timedelta(days=20), "ask_delivery_day", "web")
    fine = candidate(one(shop.ask("account_page"), shop.regular()), "ask_interest").gates
    capped = candidate(one(shop.ask("account_page"), shop.regular(contacts=(asked,))), "ask_interest")
    assert fine == () and capped.gates == ("action_cap",)


def test_what_comes_after_a_welcome_waits_until_it_reached_her(shop, one):
    first = {"orders_total": 1.0, "days_since_last_purchase": 2.0}
    since = {"order": (shop.NOON - timedelta(days=2)).timestamp()}
    before, after = (Contact(shop.NOON - timedelta(days=days), "welcome", "email") for days in (3, 1))

    def gates(**more):
        return candidate(one(shop.ask(), shop.regular(values=first, about=since, **more)), "popular_items").gates

    assert "comes_later" in gates()
    assert "comes_later" in gates(contacts=(before,)), "that was about another order"
    assert "comes_later" in gates(reserved=(after,)), "a promise to a sender has not reached her"
    assert "comes_later" not in gates(contacts=(after,))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_sample_is_as_large_as_it_says_and_drawn_once_an_occasion(shop, one, catalogue, share):
    text = catalogue.text.replace("sample: 0.2", f"sample: {share}")
    sampling = parse_catalogue(text, known=KNOWN_FEATURES)

    def drawn(number, occasion):
        her = shop.regular(f"c{number}", about={"touchpoint": float(occasion)}, arm_key=f"c{number}")
        found = candidate(one(shop.ask("thank_you_page", key=f"c{number}"), her, catalogue=sampling), QUESTION)
        return "not_sampled" not in found.gates

    first = [drawn(number, 1) for number in range(150)]
    assert first == [drawn(number, 1) for number in range(150)], "asked again, the same are drawn"
    assert first != [drawn(number, 2) for number in range(150)], "the next occasion is another draw"
    assert abs(sum(first) / 150 - share) < 0.13


QUESTION = "touchpoint_question"


def test_a_fact_she_told_or_would_rather_not_tell_is_not_asked_for(shop, one):
    told = shop.regular(told_facts=frozenset({"interest"}))
    answer = one(shop.ask("account_page"), told)
    assert candidate(answer, "ask_interest").gates == ("already_known",)
    assert answer.evidence.told_facts == ("interest",), "of what she told, no more is kept than was looked at"


def test_a_stored_score_is_the_response_where_there_is_one(shop, one):
    first = {"orders_total": 1.0, "days_since_last_purchase": 30.0}

    def response(**more):
        found = candidate(
            one(shop.ask("email", "email"), shop.regular(values=first, **more)), "second_purchase_nurture"
        )
        return found.response_probability

    assert response() == 0.08
    assert response(scored={"second_purchase": 0.35}) == 0.35
    assert response(scored={"another": 0.35}) == 0.08
    objecting = {("marketing", None): "granted", ("profiling", None): "objected"}
    assert response(scored={"second_purchase": 0.35}, consents=objecting) == 0.08


def test_only_what_was_merely_predicted_is_let_go_by_chance(shop, one):
    policy = with_policy(replace={"predicted_release: 0.0": "predicted_release: 0.2"})
    predicted = shop.hold("predicted", severity=1)

    def released(key, *holds):
        holds = [msgspec.structs.replace(h, hold_id=f"{h.kind}:{key}") for h in holds]
        answer = one(shop.ask(key=key), shop.regular(key, holds=tuple(holds)), policy=policy, scorer=FixedScorer())
        assert bool(answer.released_holds) == (names(answer) == ["recommended_items"])
        return bool(answer.released_holds)

    share = np.mean([released(f"c{i}", predicted) for i in range(1_000)])
    assert share == pytest.approx(0.2, abs=0.04)
    let_go = next(f"c{i}" for i in range(100) if released(f"c{i}", predicted))
    assert not released(let_go, predicted, shop.hold("bad_rating")), "never beside another hold"


def test_items_are_drawn_by_their_chances_where_the_policy_explores_them(shop, one):
    policy = with_policy(replace={"items: ranked": "items: explored"})

    def first(day):
        asked = shop.ask(now=shop.NOON + timedelta(days=day))
        items = one(asked, shop.regular(), policy=policy, scorer=FixedScorer()).actions[0].items
        assert sorted(i.item_id for i in items) == ["boots", "coffee"]
        chance = {"boots": 0.6, "coffee": 0.4}[items[0].item_id]
        assert [i.logging_propensity for i in items] == pytest.approx([chance, 1.0])
        return items[0].item_id

    firsts = [first(day) for day in range(30)]
    assert {"boots", "coffee"} == set(firsts) and firsts == [first(day) for day in range(30)], (
        "by a seed, not by chance"
    )


def test_who_was_in_another_arm_before_she_was_known_is_on_record(shop, one):
    policy = parse_policy(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.5"))
    arms = {key: one(shop.ask(key=key), shop.regular(key), policy=policy).arm for key in ("aino", "anonymous:v3")}
    assert arms == {"aino": "treated", "anonymous:v3": "holdout"}
    facts = [
        Fact(origin, "browse", at, at, origin, "web", None, "api", {"action": "view", "session_id": "s"})
        for origin, at in (("anonymous:v3", shop.NOON - timedelta(days=9)), ("aino", shop.NOON - timedelta(days=8)))
    ]
    merged = shop.regular(view=view(fold(facts), shop.NOON, policy.file.holds))
    answer = one(shop.ask(), merged, policy=policy)
    assert (answer.arm, answer.arm_probability, answer.crossover) == ("holdout", 0.5, ("treated",))


def test_a_list_and_a_request_in_the_same_bucket_agree_and_the_next_bucket_may_differ(shop, one):
    explores = with_policy(replace={"epsilon: 0.0": "epsilon: 0.5"})
    customer = shop.regular()
    seen = set()
    for day in range(30):
        at = shop.NOON + timedelta(days=day)
        morning = one(shop.ask(now=at, mode="list"), customer, policy=explores, scorer=FixedScorer())
        evening = one(shop.ask(now=at + timedelta(hours=11)), customer, policy=explores, scorer=FixedScorer())
        assert morning.actions == evening.actions and morning.candidates == evening.candidates
        seen.add(tuple(names(morning)))
    assert len(seen) > 2


def test_a_placement_or_channel_nobody_defined_is_refused_with_the_remedy(shop, one):
    with pytest.raises(DataError, match=r"'home' is not in the policy\. Ask for one of front_page"):
        one(shop.ask("home"), shop.regular())
    with pytest.raises(DataError, match="'phone' does not belong to placement 'front_page'"):
        one(shop.ask("front_page", "phone"), shop.regular())


HOLDS = st.lists(
    st.tuples(
        st.sampled_from(["open_case", "bad_rating", "friction", "staff"]),
        st.integers(1, 5),
        st.sampled_from(["any", "outbound", "onsite", "email", "web"]),
        st.sampled_from([("sales",), ("sales", "care")]),
    ),
    max_size=3,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "orders_total": st.sampled_from([0.0, 1.0, 5.0]),
        "days_since_last_purchase": st.sampled_from([1.0, 20.0, 90.0]),
        "max_case_severity": st.sampled_from([0.0, 1.0, 3.0]),
        "unresolved_severity": st.sampled_from([0.0, 4.0]),
        "late_orders": st.sampled_from([0.0, 1.0]),
        "open_cases": st.sampled_from([0.0, 1.0, float("nan")]),
        "ratings_90d": st.sampled_from([0.0, 2.0]),
    },
)
CONSENTS = st.dictionaries(
    st.tuples(st.sampled_from(["marketing", "feedback", "profiling"]), st.sampled_from([None, "email", "web"])),
    st.sampled_from(["granted", "withdrawn", "objected"]),
    max_size=4,
)
PLACES = st.sampled_from(
    [("front_page", "web"), ("email", "email"), ("app_push", "app"), ("call_list", "phone"), ("cart", "web")]
)
PEOPLE = st.tuples(
    VALUES,
    CONSENTS,
    HOLDS,
    st.sampled_from(["ok", "ok", "unknown:corrupt"]),
    st.integers(0, 4),
    PLACES,
    st.integers(1, 4),
)
EXPLORING = with_policy(
    replace={"epsilon: 0.0": "epsilon: 0.4", "holdout: 0.0": "holdout: 0.2", "control: 0.0": "control: 0.2"}
)


def person(shop, number, drawn):
    values, consents, holds, status, letters, (placement, channel), n = drawn
    key = f"c{number}"
    snapshot = shop.regular(
        key,
        values=values,
        consents=consents,
        state_status=status,
        holds=tuple(shop.hold(k, severity=s, channels=c, categories=g) for k, s, c, g in holds),
        contacts=tuple(Contact(shop.NOON - timedelta(days=i), "x", "email") for i in range(letters)),
    )
    return shop.ask(placement, channel, key, n=n), snapshot


LAWS = settings(max_examples=60, deadline=None)


@LAWS
@given(st.lists(PEOPLE, min_size=1, max_size=6))
def test_law_one_alone_is_one_among_many(shop, catalogue, people):
    asked = [person(shop, i, p) for i, p in enumerate(people)]
    requests, snapshots = [a[0] for a in asked], [a[1] for a in asked]
    scorer = FixedScorer()
    together = decide(requests, snapshots, scorer, catalogue, EXPLORING, articles=shop.ARTICLES)
    alone = [
        decide([r], [s], scorer, catalogue, EXPLORING, articles=shop.ARTICLES)[0]
        for r, s in zip(requests, snapshots, strict=True)
    ]
    assert msgspec.json.encode(together) == msgspec.json.encode(alone)


@LAWS
@given(PEOPLE)
def test_law_a_blocked_action_is_never_chosen_and_chances_sum_to_one(shop, catalogue, drawn):
    request, snapshot = person(shop, 1, drawn)
    (answer,) = decide([request], [snapshot], FixedScorer(), catalogue, EXPLORING, articles=shop.ARTICLES)
    by_id = {c.action_id: c for c in answer.candidates}
    assert all(by_id[a.action_id].failed == 0 for a in answer.actions)
    assert all(a.logging_propensity > 0 for a in answer.actions)
    positions = max(len(c.chances) for c in answer.candidates)
    for position in range(positions):
        assert sum(c.chances[position] for c in answer.candidates if c.chances) == pytest.approx(1.0, abs=1e-12)
    assert bool(answer.actions) == (answer.no_action_reason is None)
    if snapshot.state_status != "ok" or answer.arm == "holdout":
        assert not {a.category for a in answer.actions} & {"sales", "care"}


@LAWS
@given(PEOPLE, HOLDS)
def test_law_another_hold_never_lets_a_sale_through(shop, catalogue, drawn, more):
    request, snapshot = person(shop, 1, drawn)
    extra = tuple(shop.hold(k, severity=s, channels=c, categories=g) for k, s, c, g in more)
    stricter = msgspec.structs.replace(snapshot, holds=snapshot.holds + extra)
    before, after = (
        decide([request], [s], FixedScorer(), catalogue, EXPLORING, articles=shop.ARTICLES)[0]
        for s in (snapshot, stricter)
    )
    for was, now in zip(before.candidates, after.candidates, strict=True):
        assert not (was.failed and not now.failed), "what was blocked stays blocked"
    outbound = request.placement in ("email", "app_push", "call_list")
    for action in after.actions:
        if action.category == "sales":
            assert not any(h.covers.blocks("sales", "offers", request.channel) for h in stricter.holds)
            assert not (outbound and any("email" in h.covers.channels for h in stricter.holds))


@LAWS
@given(PEOPLE)
def test_law_an_objection_closes_every_door_to_sales_and_care(shop, catalogue, drawn):
    request, snapshot = person(shop, 1, drawn)
    refused = dict.fromkeys(
        [(p, c) for p in ("marketing", "feedback", "profiling") for c in (None, "email", "web", "app", "phone")],
        "objected",
    )
    (answer,) = decide(
        [request], [msgspec.structs.replace(snapshot, consents=refused)], FixedScorer(), catalogue, EXPLORING,
        articles=shop.ARTICLES,
    )  # fmt: skip
    assert not {a.category for a in answer.actions} & {"sales", "care"}


def test_every_code_of_an_answer_has_words_in_both_languages():
    assert set(NAMES) <= set(CODES)
    assert all(english and finnish and english != finnish for english, finnish in CODES.values())


def test_a_scorer_without_models_proposes_her_own_repeats_first(shop):
    (items,) = WithoutModel(shop.ARTICLES).next_items([shop.history(tea=2, boots=1, coffee=3)], np.zeros(1), 3)
    assert [i.item_id for i in items] == ["coffee", "tea", "boots"]
