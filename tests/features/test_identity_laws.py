"""Who is who, over a real log: links, unlinks and merges give the same customers in whatever order they are heard."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_contents import NOW, at, event, link, new_home, purchase, rating

from features.customer.state import decode, fold
from features.log.event_log import EventLog
from features.log.store import connect

FACTS = [
    purchase("p1", "aino", 10),
    event("h1", "hold", "aino", 11, action="add", hold_id="S1", person="liisa", review_at=at(400)),
    rating("r1", "~v1", 1, 1),
    event("k1", "case", "~v1", 2, case_id="C1", kind="exchange", status="opened"),
    event("o1", "consent", "~v1", 3, purpose="marketing", status="objected"),
    event("s1", "contact", "~v1", 4, action_id="letter", status="sent"),
    rating("r2", "~card-7", 5, 1),
    event("s2", "contact", "bea", 6, action_id="letter", status="sent"),
]


def card(event_id, customer, hours, action="link"):
    """A loyalty card is said to be, or not to be, a customer's."""
    return event(event_id, "identity", customer, hours, action=action, external_id="card-7")


STORIES = {
    # what is said of whom, and whose the visitor and the card are in the end
    "a link": ([link("i1", "v1", "aino", 20)], {"v1": "aino"}),
    "a link told long after": ([link("i1", "v1", "aino", 0)], {"v1": "aino"}),
    "two customers in turn": ([link("i1", "v1", "aino", 20), link("i2", "v1", "bea", 30)], {"v1": "bea"}),
    "linked and unlinked": ([link("i1", "v1", "aino", 20), link("i2", "v1", "aino", 30, "unlink")], {}),
    "unlinked without a link": ([link("i1", "v1", "aino", 20, "unlink")], {}),
    "unlinked first, linked after": (
        [link("i1", "v1", "aino", 20, "unlink"), link("i2", "v1", "aino", 30)],
        {"v1": "aino"},
    ),
    "unlinked from somebody else": (
        [link("i1", "v1", "aino", 20), link("i2", "v1", "bea", 30, "unlink")],
        {"v1": "aino"},
    ),
    "a card and a visitor": ([link("i1", "v1", "aino", 20), card("i2", "aino", 21)], {"v1": "aino", "card-7": "aino"}),
    "a card handed on": ([card("i1", "aino", 20), card("i2", "bea", 30)], {"card-7": "bea"}),
}


def expected(log, owners):
    """Everybody's state, folded by hand from the facts under each id."""
    by_origin = {}
    for _, facts in log.all_facts():
        for fact in facts:
            by_origin.setdefault(fact.origin, []).append(fact)
    customers = {}
    for origin, facts in by_origin.items():
        external = origin.removeprefix("anonymous:")
        key = owners.get(external, origin) if external != origin else origin
        customers.setdefault(key, []).extend(facts)
    return {key: fold(facts) for key, facts in customers.items()}


def states(home):
    connection = connect(home)
    try:
        return {key: decode(body) for key, body in connection.execute("select customer_id, body from state")}
    finally:
        connection.close()


@pytest.mark.parametrize(("said", "owners"), STORIES.values(), ids=STORIES)
@settings(max_examples=12, deadline=None)  # every example opens a store of its own
@given(data=st.data())
def test_whatever_the_order_everybody_is_the_fold_of_her_facts(said, owners, data):
    order = data.draw(st.permutations(FACTS + said), label="order")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=3), label="batches"))
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder))
        with EventLog(home) as log:
            for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
                results = log.append_live(order[start:end], source="api", now=NOW)
                assert {result.status for result in results} == {"accepted"}
            assert states(home) == expected(log, owners)


def test_an_unlink_gives_the_visitor_back_exactly_and_leaves_the_customer_her_own(tmp_path):
    home = new_home(tmp_path)
    with EventLog(home) as log:
        log.append_live(FACTS, source="api", now=NOW)
        before = states(home)
        log.append_live([link("i1", "v1", "aino", 20)], source="api", now=NOW)
        merged = states(home)["aino"]
        assert "anonymous:v1" not in states(home)
        assert (len(merged.cases), len(merged.marks), len(merged.staff_holds)) == (1, 1, 1)
        assert merged.origins[0][0] == "anonymous:v1", "the older identity's arm stays"
        log.append_live([link("i2", "v1", "aino", 30, "unlink")], source="api", now=NOW)
    after = states(home)
    assert after["anonymous:v1"] == before["anonymous:v1"] and after["bea"] == before["bea"]
    told = {"facts", "last_at"}  # that she was linked and unlinked are facts of her own
    for name in set(after["aino"].__struct_fields__) - told:
        assert getattr(after["aino"], name) == getattr(before["aino"], name), name
