"""A policy and actions tried on a sample of customers: the same differs for nobody, what differs is told why."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY
from serving.desk.desk import Desk
from serving.desk.policy_check import PolicyCheck, Wanted, check
from serving.desk.sample import Sample
from serving.service import DecisionService

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
CUSTOMERS = 24
CHANCY = (
    DEFAULT_POLICY.read_text()
    .replace("holdout: 0.05, control: 0.0", "holdout: 0.1, control: 0.3")
    .replace("{epsilon: 0.0, items: ranked", "{epsilon: 0.5, items: explored")
)


def told(name: str, kind: str, who: str, days_ago: float, /, **payload: Any) -> dict[str, Any]:
    at = (NOON - timedelta(days=days_ago)).isoformat()
    return {"event_id": name, "type": kind, "customer_id": who, "occurred_at": at, "payload": payload}


def shop() -> Iterator[dict[str, Any]]:
    """24 customers who may be written to; every sixth has an exchange open, every eighth is unhappy with something."""
    line = {"item_id": "tea", "quantity": 1, "unit_price": 900, "discount": 0}
    for n in range(CUSTOMERS):
        who = f"c-{n:02d}"
        yield told(f"y{n}", "consent", who, 300, purpose="marketing", status="granted")
        for order in range(n % 3 + 1):
            yield told(
                f"p{n}-{order}", "purchase", who, 60 - order, order_id=f"{n}-{order}", currency="EUR", lines=[line]
            )
        if n % 6 == 0:
            yield told(f"c{n}", "case", who, 3, case_id=f"r-{n}", kind="exchange", status="opened")
        if n % 8 == 1:
            yield told(f"f{n}", "feedback", who, 2, kind="rating", score=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.open(tmp_path_factory.mktemp("shop"))
    with EventLog(home) as log:
        assert {r.status for r in log.append_live(list(shop()), source="api", now=NOON)} == {"accepted"}
    home.config.mkdir(exist_ok=True)
    (home.config / "policy.yaml").write_text(CHANCY)
    service = DecisionService(home)
    service.records.connection()  # the first to ask makes the tables of decisions
    service.close()
    return home


@pytest.fixture
def trial(home: Home, tmp_path: Path) -> Callable[..., Any]:
    """Try changed texts of the policy (pairs old, new) and actions; gives the trial."""

    def run(*pairs: tuple[str, str], actions: str | None = None, **wanted: Any) -> Any:
        text = CHANCY
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "policy.yaml").write_text(text)
        (tmp_path / "actions.yaml").write_text(actions or DEFAULT_ACTIONS.read_text())
        asked = Wanted(**({"customers": 100} | wanted))
        found: PolicyCheck = check(home, tmp_path / "policy.yaml", tmp_path / "actions.yaml", wanted=asked, now=NOON)
        assert not found.faults and found.trial is not None
        return found.trial

    return run


@settings(max_examples=8, deadline=None)
@given(st.text(max_size=5), st.integers(1, 40), st.integers(0, 60), st.sampled_from(["", "# ours\n"]))
def test_the_same_policy_changes_nothing_for_any_sample(
    home: Home, tmp_path_factory: pytest.TempPathFactory, seed: str, size: int, hours: int, remark: str
) -> None:
    """A law, also of a policy that leaves much to chance, of a text that says the same otherwise, and at any moment."""
    policy = tmp_path_factory.mktemp("same") / "policy.yaml"
    policy.write_text(remark + CHANCY)
    actions = policy.with_name("actions.yaml")
    actions.write_text("extends: default\n")
    wanted = Wanted(customers=size, seed=seed)
    found = check(home, policy, actions, wanted=wanted, now=NOON + timedelta(hours=hours)).trial
    assert found is not None and found.sampled == min(size, CUSTOMERS)
    assert (found.changed, found.reworded, found.examples, found.estimated) == (0, 0, [], 0)
    assert all(not p.transitions and p.contacts[0] == p.contacts[1] for p in found.placements)


@pytest.mark.sqlite_only
def test_nothing_is_written(home: Home, trial: Callable[..., Any]) -> None:
    before = home.live_db.read_bytes()
    trial(("holdout: 0.1", "holdout: 0.0"))
    service = DecisionService(home)
    rows = service.records.connection().execute("select count(*) from decisions").fetchone()
    service.close()
    assert rows == (0,) and home.live_db.read_bytes() == before


def test_what_a_change_does_is_told_by_place_with_counts_and_reasons(trial: Callable[..., Any]) -> None:
    held = "bad_rating: {severity: 2, categories: [sales], channels: [any]"
    found = trial((held, held.replace("severity: 2", "severity: 4")), placements=("front_page", "email"))
    assert {p.placement for p in found.placements} == {"front_page", "email"}
    assert found.changed == 3, "the three who rated us badly are to be called"
    (front,) = [p for p in found.placements if p.placement == "front_page"]
    assert {move.after for move in front.transitions} == {"staff_call"} and front.opens == {"applicability": 3}
    assert sum(move.customers for move in front.transitions) == front.changed == 3
    assert {one.customer_id for one in found.examples} == {"c-01", "c-09", "c-17"}
    assert all("unresolved_severity >= 4: 3" in one.why and one.why_fi for one in found.examples), found.examples


def test_an_action_switched_off_is_nobodys_any_more(trial: Callable[..., Any]) -> None:
    found = trial(actions="extends: default\nwithout: [case_status]\n", placements=("returns_page",))
    (place,) = found.placements
    assert place.bars["switched_off"] == place.changed == 4, "every sixth has an exchange open"
    assert all(move.before == "case_status" != move.after for move in place.transitions)
    assert "The action is switched off" in {one.why.partition(";")[0] for one in found.examples}


def test_other_words_are_told_apart_from_another_action(trial: Callable[..., Any]) -> None:
    words = "extends: default\nactions:\n  case_status:\n    treatments:\n"
    words += "      - {treatment: case_status_page, text: {en: See, fi: Katso}}\n"
    found = trial(actions=words, placements=("returns_page",))
    assert (found.changed, found.reworded) == (0, 4) and found.placements[0].reworded == 4


def test_contacts_are_counted_on_both_sides(trial: Callable[..., Any]) -> None:
    closed = trial(("email: {channels: [email], outbound: true, reserves_service: true, categories: [regulation, data, "
                    "service, care, sales]}",
                    "email: {channels: [email], outbound: true, categories: [regulation]}"))  # fmt: skip
    (email,) = [p for p in closed.placements if p.placement == "email"]
    assert email.contacts[0] >= 4 and email.contacts[1] == 0 and email.bars["placement"] == email.contacts[0]
    assert closed.contacts[0] - closed.contacts[1] == email.contacts[0]


def test_places_that_cannot_be_compared_are_named(trial: Callable[..., Any]) -> None:
    found = trial(
        ("  checkout: {channels", "  till: {channels"),
        ("social_audience: {channels: [social]", "social_audience: {channels: [app]"),
    )
    assert found.left_out == ["checkout: removed", "social_audience: by other channels", "till: new"]
    with pytest.raises(DataError, match="placement 'atrium' is in neither policy"):
        trial(placements=("atrium",))


def test_a_sample_is_the_same_for_the_same_seed_and_has_those_who_are_held(home: Home) -> None:
    service = DecisionService(home)
    desk = Desk(service)
    samples = {seed: desk.sample(NOON, 9, seed) for seed in ("1", "2", "3")}
    assert desk.sample(NOON, 9, "1") == samples["1"] and len({tuple(s.keys) for s in samples.values()}) > 1
    for sample in samples.values():
        assert (len(set(sample.keys)), sample.of_concerned, sample.customers) == (9, 3, CUSTOMERS)
        assert sample.held == 3 and sample.concerned == 7, "4 exchanges and 3 bad ratings"
        assert sum(sample.weight(place) for place in range(9)) == pytest.approx(CUSTOMERS)
    everybody = desk.sample(NOON, 100, "1")
    assert len(everybody.keys) == CUSTOMERS and everybody.with_cases == 4
    assert {everybody.weight(place) for place in range(CUSTOMERS)} == {1}
    service.close()


def test_weights_where_nobody_is_held() -> None:
    calm = Sample(keys=["a", "b"], of_concerned=0, held=0, with_cases=0, customers=10, concerned=0)
    assert calm.weight(0) == 5


def test_an_empty_shop_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There are no customers.*tahdikas ingest"):
        check(Home.open(tmp_path), wanted=Wanted(), now=NOON)
