"""Laws of asking again: whoever is asked about some actions only stands before them as in a whole decision."""

import msgspec
from drawn_shops import ACTIONS, Guesser, catalogues, crowds, law, policies
from hypothesis import event
from hypothesis import strategies as st

from serving.core import standing
from serving.core.engine import decide
from serving.core.policy import parse_policy
from serving.core.recheck import acted_on, recheck
from serving.core.standing import laid_bare, stand, standing_of

some_actions = st.lists(st.sampled_from([*ACTIONS["actions"], "unheard_of"]), min_size=1, max_size=3, unique=True)


@law(50, met=crowds, catalogue=catalogues, policy=policies, about=some_actions, few=st.sampled_from([1, 3]))
def test_the_gates_of_some_actions_are_those_of_a_decision(shop, met, catalogue, policy, about, few):
    requests, known = zip(*(one(shop) for one in met), strict=True)
    whole = decide(requests, known, Guesser(), catalogue, policy, articles=shop.ARTICLES)
    narrow = narrowly(requests, known, [about] * len(met), catalogue, policy, shop, few)
    for decision, snapshot, found in zip(whole, known, narrow, strict=True):
        of_all = standing_of(decision, snapshot)
        assert found.gates == {a: of_all.gates[a] for a in about if a in of_all.gates}
        assert found.request.reaches_at == of_all.request.reaches_at and found.snapshot is snapshot
        event("nothing stands before one" if () in found.gates.values() else "gates before all")


@law(50, met=crowds, catalogue=catalogues, policy=policies, calm=st.booleans())
def test_an_answer_stands_or_falls_as_by_a_decision(shop, met, catalogue, policy, calm):
    """Those asked again answered when nothing was wrong, so that most got something."""
    requests, known = zip(*(one(shop) for one in met), strict=True)
    before = [at_peace(one) for one in known] if calm else known
    firsts = decide(requests, before, Guesser(), catalogue, policy, articles=shop.ARTICLES)
    again = [msgspec.structs.replace(r, mode="simulate", n=max(1, len(f.actions)))
             for r, f in zip(requests, firsts, strict=True)]  # fmt: skip
    whole = decide(again, known, Guesser(), catalogue, policy, articles=shop.ARTICLES)
    narrow = narrowly(again, known, [acted_on(f) for f in firsts], catalogue, policy, shop, few=1)
    for first, decision, snapshot, found in zip(firsts, whole, known, narrow, strict=True):
        verdict = recheck(first, found, shop.ARTICLES, catalogue)
        assert verdict == recheck(first, standing_of(decision, snapshot), shop.ARTICLES, catalogue)
        event(f"{len(first.actions)} shown, {'still' if verdict[0] else 'no more'}")


def narrowly(requests, known, about, catalogue, policy, shop, few):
    """How they stand, where `few` questions about the same are reason enough to lay the catalogue bare."""
    before, standing.FEW = standing.FEW, few
    try:
        return stand(requests, known, about, Guesser(), catalogue, policy, articles=shop.ARTICLES)
    finally:
        standing.FEW = before


def at_peace(snapshot):
    """The same customer, cleared of all that keeps offers back."""
    granted = {("marketing", None): "granted"}
    return msgspec.structs.replace(
        snapshot, holds=(), state_status="ok", contacts=(), reserved=(), consents=granted, recovering=False
    )


def test_a_catalogue_laid_bare_speaks_of_little_and_is_made_once(catalogue, policy):
    policy = parse_policy(policy.text)  # nobody else's plans are forgotten
    bare = laid_bare(catalogue, policy, {"recommended_items"}, "email", "email")
    assert laid_bare(catalogue, policy, ["recommended_items"], "email", "email") is bare
    assert [a.action for a in bare.actions] == [a.action for a in catalogue.actions]
    assert len(bare.features) < len(catalogue.features) and "churn_probability" not in bare.speaks_of
    for number in range(standing.MOST):
        laid_bare(catalogue, policy, {f"none_{number}"}, "email", "email")
    assert laid_bare(catalogue, policy, {"recommended_items"}, "email", "email") is not bare
    assert len(policy.plans) <= standing.MOST + 1
