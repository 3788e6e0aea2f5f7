"""Every gate of the models: passes at its limit, fails just over it, and lets an equal challenger through."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.gates.moods import MoodEvidence, mood_gates
from training.gates.offers import OfferEvidence, offer_gates, session_gates
from training.gates.people import PeopleEvidence, people_gates
from training.gates.policy import PolicyFigures, policy_gates
from training.gates.value import ValueEvidence, value_gates
from training.metrics import Difference
from training.params import PromotionParams
from training.segments import segments_of

LIMITS = PromotionParams()
STEP = 1e-6


def people(n=600, seed=1, spoiled=()):
    """Well calibrated predictions of n customers in two languages; of segments named, the order is spoiled."""
    draw = np.random.default_rng(seed)
    p = draw.uniform(0.05, 0.95, n)
    truth = (draw.random(n) < p).astype(float)
    segments = segments_of(draw.integers(1, 9, n), np.where(draw.random(n) < 0.5, "fi", "en"), draw.random(n) < 0.5)
    ours = p.copy()
    for name in spoiled:
        rows = np.flatnonzero(segments[name])
        ours[rows] = draw.permutation(ours[rows])
    return PeopleEvidence(truth, ours, p * 0.5 + 0.25 + draw.normal(0, 0.1, n), p, segments)


def by_name(gates):
    return {gate.name: gate for gate in gates}


def failed(gates):
    return {gate.name for gate in gates if not gate.passed}


def just_over(gates, name, key, judge, *, least=False, sign=1):
    """The limit `key` set to what was found passes the gate; a millionth stricter fails it, and says so."""
    gate = by_name(gates)[name]
    found = sign * gate.value
    easy, strict = (found - STEP, found + STEP) if least else (found + STEP, found - STEP)
    assert by_name(judge(LIMITS.model_copy(update={key: easy})))[name].passed
    over = by_name(judge(LIMITS.model_copy(update={key: strict})))[name]
    assert not over.passed and any(word in over.text for word in ("short", "too much", "worse", "away"))


def test_an_honest_challenger_passes_every_gate_of_people():
    gates = people_gates("churn", people(), LIMITS)
    assert failed(gates) == set()
    assert {"churn_fair_to_regulars", "churn_stable_for_language_fi", "churn_stable_for_browsing_level"} <= set(
        by_name(gates)
    )


def test_too_few_customers_and_too_little_skill():
    found = people()
    gates = people_gates("churn", found, LIMITS)
    assert by_name(people_gates("churn", found, LIMITS.model_copy(update={"min_customers": 601})))[
        "churn_customers"
    ].text.endswith("1 too few")
    just_over(gates, "churn_auc", "min_churn_auc", lambda p: people_gates("churn", found, p), least=True)


def test_a_worse_order_than_recency_or_champion_is_refused():
    found = people()
    worse = replace(found, challenger=np.random.default_rng(0).permutation(found.challenger))
    assert {"churn_against_recency", "churn_against_champion", "churn_brier_against_champion"} <= failed(
        people_gates("churn", worse, LIMITS)
    )


def test_a_choice_that_is_the_simple_scorer_itself_is_not_refused_for_a_hair():
    """Fitted to a window more than that scorer, it orders some pairs otherwise: by a hair, but surely."""
    found = people(20_000)
    close = np.argsort(found.challenger)[:4_000].reshape(-1, 2)  # neighbours, wrongly ordered for the most part
    turned = found.challenger.copy()
    wrong = close[found.truth[close[:, 0]] < found.truth[close[:, 1]]]
    turned[wrong[:, 0]], turned[wrong[:, 1]] = found.challenger[wrong[:, 1]], found.challenger[wrong[:, 0]]
    gate = by_name(people_gates("churn", replace(found, challenger=turned, baseline=found.challenger), LIMITS))
    told = gate["churn_against_recency"]
    assert told.value < 0 and told.passed and "margin" in told.text
    strict = LIMITS.model_copy(update={"max_auc_loss": 0.0})
    again = people_gates("churn", replace(found, challenger=turned, baseline=found.challenger), strict)
    assert "churn_against_recency" in failed(again)


def test_a_challenger_may_lose_its_margin_to_the_champion_and_no_more():
    found = people(8_000)
    noisy = replace(found, challenger=found.challenger + np.random.default_rng(2).normal(0, 0.1, 8_000))
    gate = by_name(people_gates("churn", noisy, LIMITS))["churn_against_champion"]
    lower = -gate.value  # the loss found; the interval reaches a little further
    for margin, passes in ((lower * 2, True), (lower, False)):
        judged = people_gates("churn", noisy, LIMITS.model_copy(update={"max_auc_loss": margin}))
        assert by_name(judged)["churn_against_champion"].passed is passes, margin
    strict = LIMITS.model_copy(update={"max_brier_loss": 0.0005})
    assert "clearly worse" in by_name(people_gates("churn", noisy, strict))["churn_brier_against_champion"].text


def test_what_the_champion_had_learned_of_these_customers_is_given_back_in_its_own_segment_and_told():
    found = people(4000, spoiled=("language_en",))
    wide = LIMITS.model_copy(update={"max_churn_ece": 1.0})
    assert "churn_against_champion" in failed(people_gates("churn", found, wide))
    knowing = replace(found, favour={"all": (0.5, 0.5)})
    gates = by_name(people_gates("churn", knowing, wide))
    assert gates["churn_against_champion"].passed and gates["churn_brier_against_champion"].passed
    assert "0.5000 given back" in gates["churn_against_champion"].text
    assert not gates["churn_stable_for_language_en"].passed, "nothing is given back there"
    there = replace(found, favour={"language_en": (0.5, 0.0)})
    assert by_name(people_gates("churn", there, wide))["churn_stable_for_language_en"].passed


def test_without_a_champion_only_the_gates_that_need_none():
    names = set(by_name(people_gates("churn", replace(people(), champion=None), LIMITS)))
    assert "churn_fair_to_regulars" in names
    assert not [name for name in names if "champion" in name or "stable" in name]


def test_one_segment_spoiled_is_found_though_the_whole_may_stand():
    found = people(4000, spoiled=("language_en",))
    wide = LIMITS.model_copy(update={"max_auc_loss": 1.0, "max_brier_loss": 1.0, "max_churn_ece": 1.0})
    names = failed(people_gates("churn", found, wide))
    assert "churn_stable_for_language_en" in names
    assert "churn_stable_for_language_fi" not in names


def test_a_level_that_moves_away_from_what_is_observed_is_refused():
    found = people()
    moved = replace(found, challenger=found.challenger * 0.6)
    gates = people_gates("churn", moved, LIMITS)
    assert {"churn_fair_to_regulars", "churn_stable_for_regulars_level", "churn_calibrated"} <= failed(gates)
    name = "churn_stable_for_regulars_level"
    judge = lambda p: people_gates("churn", moved, p)  # noqa: E731
    just_over(gates, name, "max_segment_shift", judge, sign=-1)


def test_a_level_may_move_far_towards_what_is_observed():
    found = people()
    stale = replace(found, champion=found.champion * 0.6)
    gate = by_name(people_gates("churn", stale, LIMITS))["churn_stable_for_regulars_level"]
    assert gate.passed and "towards what is observed" in gate.text


def test_uncalibrated_is_refused():
    found = people(5000)
    off = replace(found, challenger=np.clip(found.challenger + 0.1, 0, 1))
    assert "churn_calibrated" in failed(people_gates("churn", off, LIMITS))


def test_segments_too_small_to_judge_have_no_gate():
    found = people(90)
    small = {name for name, inside in found.segments.items() if inside.sum() < 50}
    assert small
    names = set(by_name(people_gates("churn", found, LIMITS)))
    assert not [name for name in names if any(name.endswith(f"_{segment}") for segment in small)]


def offers(n=800, less=0.0):
    draw = np.random.default_rng(4)
    champion = draw.random(n)
    p = draw.uniform(0, 0.2, 5000)
    truth = (draw.random(5000) < p).astype(float)
    return OfferEvidence(champion - less * draw.uniform(0.9, 1.1, n), champion * 0.8, champion, truth, p)


def test_lists_within_their_margin_of_the_champions_pass_and_just_beyond_do_not():
    mean = float(offers().champion.mean())
    for less, passes in ((LIMITS.max_ndcg_loss * mean * 0.97, True), (LIMITS.max_ndcg_loss * mean * 1.03, False)):
        gate = by_name(offer_gates(offers(less=less), LIMITS))["offer_against_champion"]
        assert gate.passed is passes, str(gate)


def test_a_champion_asked_about_some_customers_is_compared_on_those_alone():
    found = offers(4000, less=0.1)
    few = replace(found, champion=found.champion[:500])
    gate = by_name(offer_gates(few, LIMITS))["offer_against_champion"]
    assert not gate.passed and gate.value == pytest.approx(-0.1, abs=0.01)


def test_offers_uncalibrated_too_few_or_worse_than_a_simple_list_are_refused():
    found = offers()
    assert failed(offer_gates(found, LIMITS)) == set()
    bad = replace(found, probability=found.probability + 0.1, baseline=found.challenger + 0.01)
    strict = LIMITS.model_copy(update={"min_customers": 801})
    assert failed(offer_gates(bad, strict)) == {"offer_calibrated", "offer_against_baseline", "offer_customers"}


def test_sessions_must_not_be_worse_than_what_is_shown_without():
    assert failed(session_gates(Difference(-0.01, -0.03, 0.0))) == set()
    assert failed(session_gates(Difference(-0.01, -0.03, -1e-6))) == {"sessions_against_shown_without"}


def moods(n=1200, seed=5, missed=0.0, needless=0.0):
    """Newest texts that are told apart well; a share of each kind lies on the wrong side of the threshold."""
    draw = np.random.default_rng(seed)
    truth = (draw.random(n) < 0.3).astype(float)
    wrong = draw.random(n) < np.where(truth > 0.5, missed, needless)
    p = np.where((truth > 0.5) != wrong, draw.uniform(0.5, 1.0, n), draw.uniform(0.0, 0.5, n))
    segments = segments_of(draw.integers(1, 9, n), np.where(draw.random(n) < 0.5, "fi", "en"))
    return MoodEvidence(truth, p, np.full(n, 0.5), p, 0.5, segments)


WIDE = LIMITS.model_copy(update={"max_dissatisfaction_ece": 1.0})


def test_dissatisfaction_within_its_limits_passes_in_every_language():
    gates = mood_gates(moods(missed=0.1, needless=0.1), WIDE, learned=True)
    assert failed(gates) == set()
    assert {
        "dissatisfaction_misses",
        "dissatisfaction_misses_of_language_fi",
        "dissatisfaction_needless_of_regulars",
    } <= {*by_name(gates)}


@pytest.mark.parametrize(
    ("error", "key", "kind"),
    [({"missed": 0.5}, "max_miss_rate", "misses"), ({"needless": 0.4}, "max_needless_rate", "needless")],
)
def test_errors_at_the_threshold_beyond_the_limit_are_refused_and_counted(error, key, kind):
    found = moods(**error)
    gate = by_name(mood_gates(found, WIDE, learned=True))[f"dissatisfaction_{kind}"]
    assert not gate.passed and "too much" in gate.text
    assert by_name(mood_gates(found, WIDE.model_copy(update={key: gate.value}), learned=True))[gate.name].passed


def test_misses_in_one_language_alone_are_found():
    found = moods()
    spoken, bad = found.segments["language_fi"], found.truth > 0.5
    deaf = replace(found, challenger=np.where(spoken & bad, 0.4, found.challenger))
    names = failed(mood_gates(deaf, WIDE, learned=True))
    assert "dissatisfaction_misses_of_language_fi" in names
    assert "dissatisfaction_misses_of_language_en" not in names


def test_what_was_learned_must_not_be_worse_than_seed_words_nor_uncalibrated():
    found = moods(missed=0.2, needless=0.2)
    worse = replace(found, challenger=found.seed_words, seed_words=found.challenger, champion=None)
    assert "dissatisfaction_against_seed_words" in failed(mood_gates(worse, WIDE, learned=True))
    off = replace(found, challenger=np.clip(found.challenger * 0.3, 0, 1))
    assert "dissatisfaction_calibrated" in failed(mood_gates(off, LIMITS, learned=True))


def test_seed_words_that_would_replace_a_good_champion_are_refused():
    found = replace(moods(), challenger=np.full(1200, 0.5))
    names = failed(mood_gates(found, LIMITS, learned=False))
    assert names == {"dissatisfaction_against_champion", "dissatisfaction_brier_against_champion"}


def test_the_champion_counts_only_on_texts_it_never_saw():
    found = moods()
    worse = replace(found, challenger=np.full(1200, 0.5))
    unseen = np.where(np.arange(1200) < 1195, np.nan, found.champion)
    assert mood_gates(replace(worse, champion=unseen), LIMITS, learned=False) == [], "five texts tell nothing"
    half = np.where(np.arange(1200) < 600, np.nan, found.champion)
    assert failed(mood_gates(replace(worse, champion=half), LIMITS, learned=False))


def worth(n=800, factor=1.0, noise=0.0):
    draw = np.random.default_rng(6)
    truth = np.where(draw.random(n) < 0.6, draw.gamma(2, 3000, n), 0.0)
    expected = truth * 0.5 + truth.mean() * 0.5
    return ValueEvidence(truth, (expected + noise * draw.normal(0, 3000, n)) * factor, expected * 0.9, expected)


def test_value_passes_equal_and_fails_by_level_order_and_error():
    assert failed(value_gates(worth(), LIMITS)) == set()
    gates = value_gates(worth(factor=1.5), LIMITS)
    assert {"value_level", "value_against_champion"} <= failed(gates)
    assert "value_against_baseline" in failed(value_gates(worth(noise=3.0), LIMITS))
    apart = value_gates(worth(factor=1.2), LIMITS.model_copy(update={"max_error_loss": 1.0}))
    assert failed(apart) == set(), "within a quarter of what was spent"


POLICY = PolicyFigures(
    decisions=1000, no_action=0.3, silence=0.1, actions={"offer": 0.5, "care": 0.2}, concentration=0.2, spread=0.05,
    top_item="tea", items_of_shop=200, covered_sales=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"no_action": 0.4001}, "policy_no_action"),
        ({"no_action": 0.1999}, "policy_no_action"),
        ({"silence": 0.1501}, "policy_silence"),
        ({"concentration": 0.3001}, "policy_concentration"),
        ({"actions": {"offer": 0.2999, "care": 0.2}}, "policy_action_offer"),
        ({"actions": {"offer": 0.5, "care": 0.2, "new": 0.2001}}, "policy_action_new"),
        ({"covered_sales": 1}, "policy_covered_sales"),
    ],
)
def test_each_policy_figure_may_move_by_its_limit_and_no_more(changed, gate):
    gates = policy_gates(replace(POLICY, **changed), POLICY, LIMITS)
    assert failed(gates) == {gate}
    assert "too much" in by_name(gates)[gate].text
    if gate != "policy_covered_sales":
        inside = {
            key: {k: round(v, 3) for k, v in value.items()} if isinstance(value, dict) else round(value, 3)
            for key, value in changed.items()
        }
        relaxed = LIMITS.model_copy(update={k: v + 1e-9 for k, v in LIMITS if k.endswith("_move")})
        assert failed(policy_gates(replace(POLICY, **inside), POLICY, relaxed)) == set()


def test_the_first_bundle_meets_absolute_limits():
    assert failed(policy_gates(POLICY, None, LIMITS)) == set()
    dull = replace(POLICY, no_action=0.9801, concentration=0.5001, covered_sales=2)
    assert failed(policy_gates(dull, None, LIMITS)) == {
        "policy_no_action", "policy_concentration", "policy_covered_sales",
    }  # fmt: skip
    assert failed(policy_gates(replace(dull, items_of_shop=9), None, LIMITS)) == {
        "policy_no_action", "policy_covered_sales",
    }, "of nine items one is offered often"  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.integers(60, 300), st.integers(0, 2**32 - 1))
def test_the_champion_itself_passes_every_comparison(n, seed):
    found = people(n, seed)
    same = [*people_gates("churn", replace(found, challenger=found.champion), LIMITS)]
    lists = offers(n)
    same += offer_gates(replace(lists, challenger=lists.champion), LIMITS)
    texts = moods(n, seed)
    same += mood_gates(replace(texts, champion=texts.challenger), LIMITS, learned=False)
    amounts = worth(n)
    same += value_gates(replace(amounts, challenger=amounts.champion), LIMITS)
    same += policy_gates(POLICY, POLICY, LIMITS)
    assert not [name for name in failed(same) if "champion" in name or "stable" in name or "policy" in name]
