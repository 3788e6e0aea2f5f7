"""Laws of the engine, over random policies, catalogues and customers: what no draw, batch or record may break."""

import math
import zlib
from datetime import timedelta

import msgspec
import numpy as np
from drawn_shops import NOON, Guesser, catalogues, crowds, law, people, policies
from hypothesis import assume, event
from hypothesis import strategies as st

from features.errors import DataError
from serving import replaying
from serving.core.engine import decide
from serving.record_body import pack, unpack

DERIVED = (
    "arm", "state_status", "actions", "no_action_reason", "withheld", "fared", "no_action_propensity",
    "arm_probability", "crossover", "released_holds", "seed",
)  # fmt: skip
"""What a decision says of itself and a replay works out anew; the rest is the question and the evidence."""


def answers(shop, met, catalogue, policy, **asked):
    """The decisions of some people who are asked about together; `asked` changes their questions."""
    asked_and_known = [one(shop) for one in met]
    requests = [msgspec.structs.replace(r, **asked) for r, _ in asked_and_known]
    known = [k for _, k in asked_and_known]
    return decide(requests, known, Guesser(), catalogue, policy, articles=shop.ARTICLES)


def plainly(decision, *but):
    """All that a decision says, but for its name, its latency and some fields."""
    left_out = {"decision_id", "latency_seconds", *but}
    return {name: getattr(decision, name) for name in decision.__struct_fields__ if name not in left_out}


def odds_of(decision):
    """[positions, actions] the chance of every action at every position drawn, the blocked ones included."""
    return np.array([np.frombuffer(column, "<f8") for column in decision.fared.chances])


@law(60, met=crowds, catalogue=catalogues, policy=policies)
def test_a_blocked_action_is_never_drawn_and_the_chances_of_a_draw_sum_to_one(shop, met, catalogue, policy):
    for decision in answers(shop, met, catalogue, policy):
        odds, blocked = odds_of(decision), np.array([c.failed != 0 for c in decision.candidates])
        assert not odds[:, blocked].any()
        assert odds.min() >= 0 and np.abs(odds.sum(axis=1) - 1).max() <= 1e-12
        shown = [catalogue.index[a.action_id] for a in decision.actions]
        for position, (action, column) in enumerate(zip(decision.actions, shown, strict=True)):
            assert action.logging_propensity == odds[position, column] > 0
            assert not odds[position, shown[:position]].any(), "what is shown already is not drawn again"
        silence = odds[-1, catalogue.no_action]
        assert decision.no_action_propensity == silence
        if len(shown) < len(odds):
            assert silence > 0, "silence ended the slate"
        assert decision.arm != "holdout" or {a.category for a in decision.actions} <= {"service", "regulation", "data"}
        event(f"{len(shown)} shown")


@law(15, met=people(), catalogue=catalogues, policy=policies, salt=st.integers(0, 10**6))
def test_what_is_drawn_comes_as_often_as_the_log_says(shop, met, catalogue, policy, salt):
    """Of the same customer under many names: the shares of arms and of what was drawn first are those logged."""
    request, known = met(shop)
    known = msgspec.structs.replace(known, view=None, holds=())
    names = [f"{salt}-{i}" for i in range(1_000)]
    decisions = decide(
        [msgspec.structs.replace(request, customer_id=n, n=1) for n in names],
        [msgspec.structs.replace(known, customer_key=n) for n in names],
        Guesser(), catalogue, policy, articles=shop.ARTICLES,
    )  # fmt: skip
    arms = {d.arm: d.arm_probability for d in decisions}
    assert math.isclose(sum(arms.values()), 1.0, abs_tol=1e-12)
    for arm, chance in arms.items():
        assert_about(sum(d.arm == arm for d in decisions), np.full(len(decisions), chance))
        same = [d for d in decisions if d.arm == arm]
        odds = np.array([odds_of(d)[0] for d in same])  # a sampled action is open to some of the names only
        for column, action in enumerate(catalogue.actions):
            came = sum((d.actions[0].action_id if d.actions else "no_action") == action.action for d in same)
            assert_about(came, odds[:, column])


def assert_about(count, chances):
    """That so many of independent draws came as these chances give, within six standard deviations."""
    assert abs(count - chances.sum()) <= 6 * math.sqrt((chances * (1 - chances)).sum()) + 1e-6


@law(40, met=crowds, catalogue=catalogues, policy=policies, random=st.randoms(use_true_random=False))
def test_one_alone_is_one_among_many_in_any_order(shop, met, catalogue, policy, random):
    together = answers(shop, met, catalogue, policy)
    assert together == [answers(shop, [one], catalogue, policy)[0] for one in met]
    order = list(range(len(met)))
    random.shuffle(order)
    shuffled = answers(shop, [met[i] for i in order], catalogue, policy)
    assert shuffled == [together[i] for i in order]


@law(60, met=people(), catalogue=catalogues, policy=policies, hours=st.sampled_from([0, 0.4, 3, 11]))
def test_a_list_and_a_request_of_one_time_bucket_agree(shop, met, catalogue, policy, hours):
    later = NOON + timedelta(hours=hours)
    assume(int(NOON.timestamp() // policy.bucket_seconds) == int(later.timestamp() // policy.bucket_seconds))
    (listed,) = answers(shop, [met], catalogue, policy, mode="list", send_at=NOON + timedelta(hours=12))
    (served,) = answers(shop, [met], catalogue, policy, mode="serve", send_at=NOON + timedelta(hours=12), now=later)
    counted = ("spent", "frees_at", "used")  # contacts leave their windows as hours pass
    still = msgspec.structs.replace(served.evidence, **{name: getattr(listed.evidence, name) for name in counted})
    assert still == listed.evidence, "whatever models and stores say is of the bucket"
    if served.evidence == listed.evidence:
        assert plainly(served, "mode", "decided_at") == plainly(listed, "mode", "decided_at")


@law(80, met=people(), catalogue=catalogues, policy=policies)
def test_a_replay_is_the_record(shop, met, catalogue, policy):
    (decision,) = answers(shop, [met], catalogue, policy)
    decision = msgspec.structs.replace(decision, latency_seconds=0.01)
    kept = unpack(pack(decision))
    assert kept == decision
    replayed = replaying.again(kept, policy, catalogue)
    assert plainly(replayed) == plainly(decision) and replayed.decision_id == decision.decision_id
    assert replaying.replay(kept, policy, catalogue, None)["exact"]


@law(40, met=people(), catalogue=catalogues, policy=policies, data=st.data())
def test_a_bit_flipped_on_the_disk_is_noticed(shop, met, catalogue, policy, data):
    (decision,) = answers(shop, [met], catalogue, policy)
    flipped = one_bit_flipped(pack(decision), data)
    try:
        assert unpack(flipped) == decision, "only bits that mean nothing may go unnoticed"
    except DataError:
        event("refused")


@law(300, met=people(), catalogue=catalogues, policy=policies, data=st.data())
def test_a_record_that_was_rewritten_never_passes_for_the_decision(shop, met, catalogue, policy, data):
    """A bit of what was decided, or of what it rests on, changed under a right sum: refused, found by the replay, or
    the answer is what it was."""
    (decision,) = answers(shop, [met], catalogue, policy)
    name = data.draw(st.sampled_from([*DERIVED, *["evidence"] * 5]), label="field")
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(msgspec.structs.replace(decision, holds=[])))
    flipped = one_bit_flipped(msgspec.msgpack.encode(getattr(decision, name)), data)
    body = msgspec.msgpack.encode({k: msgspec.Raw(flipped) if k == name else v for k, v in plain.items()})
    try:
        rewritten = unpack(b"\x02" + zlib.compress(body))
    except DataError:
        return event("cannot be read")
    try:
        found = replaying.replay(rewritten, policy, catalogue, None)
    except DataError:
        return event("refused")
    event(f"{name}: {'taken for exact' if found['exact'] else 'found by the replay'}")
    if found["exact"]:
        was, now = decision.plain(), rewritten.plain()
        assert {k: now[k] for k in (*DERIVED, "candidates") if k != "fared"} == {
            k: was[k] for k in (*DERIVED, "candidates") if k != "fared"
        }
    return None


def one_bit_flipped(body, data):
    """The same bytes but for one bit."""
    place, bit = data.draw(st.integers(0, len(body) - 1), label="byte"), data.draw(st.integers(0, 7), label="bit")
    return body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]
