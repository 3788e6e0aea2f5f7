"""The law of the lookout: a page of what it keeps is the page that looking at everybody now would give.

Random events (late ones, merges, rejected ones), clock steps in both directions, policy edits and incidents, with the
lookout at work or not in between; after each, every page of both lists is compared with the computed one.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.log.store import connect, transaction
from serving.desk.desk import Desk, next_of
from serving.desk.faults import NotYetError
from serving.desk.watch_list import Filters
from serving.desk.work_list import WorkFilters
from serving.lookout import keeping, lists
from serving.lookout.file import to_keep
from serving.lookout.lists import KeptLists
from serving.lookout.lookout import Lookout
from serving.service import DecisionService
from tests.serving.desk.test_feed_laws import Shop, _spoiled, events, incident

WATCHED = [Filters(), Filters(kind="open_case"), Filters(min_severity=3), Filters(past_review=True)]
WORKED = [WorkFilters(), WorkFilters("open_case"), WorkFilters("call"), WorkFilters(None, 3)]

steps = st.lists(
    st.one_of(
        events(), events(), events(), events().map(_spoiled), incident,
        st.tuples(st.just("clock"), st.sampled_from([0.00001, 0.001, 0.02, 0.6, 4.0, 8.0, 31.0, -0.0001, -0.02, -3.0])),
        st.tuples(st.just("policy"), st.sampled_from(["predicted_at: 0.7", "predicted_at: 0.95", "bad_share: 0.1"])),
        st.tuples(st.just("keep"), st.none()), st.tuples(st.just("keep"), st.none()),
        st.tuples(st.sampled_from(["again", "note"]), st.none()),
    ),
    min_size=4, max_size=18,
)  # fmt: skip


class KeptShop(Shop):
    """A shop with a lookout, which works when a test says so."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.looking = DecisionService(self.home, durable=False)
        self.open()

    def open(self) -> None:
        """Start the lookout."""
        self.file = to_keep(self.home)
        self.lookout = Lookout(self.file, Desk(self.looking), minutes=5, quiet_source_hours=48)

    def incident(self, told: tuple[str, dict[str, Any]]) -> None:
        """Declared or closed, and a moment has passed: a page of before is told by its moment."""
        super().incident(told)
        self.clock(0.00001)

    def again(self, _: None) -> None:
        """The lookout dies and is started again."""
        self.file.close()
        self.open()

    def keep(self, _: None) -> None:
        """All that is due is done."""
        while self.lookout.step(self.now):
            pass

    def note(self, _: None) -> None:
        """The lookout notes what was told, and is killed before it looks."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keeping, "STEPS", 0)
            self.lookout.step(self.now)
        self.again(None)

    def close(self) -> None:
        """The end."""
        self.file.close()
        self.looking.close()
        self.service.close()

    def compare(self, nth: int) -> bool:
        """Whether pages were of what is kept; they have to be what is computed either way."""
        kept, computed = Desk(self.service, KeptLists(self.home)), Desk(self.service)
        asked: list[tuple[Any, Any, Any]] = [
            (kept.watch, computed.watch, filters) for filters in (WATCHED[nth % 4], WATCHED[0])
        ]
        asked += [(kept.work_list, computed.work_list, wanted) for wanted in (WORKED[nth % 4], WORKED[0])]
        for read, compute, filters in asked:
            found, wanted = self.pages(read, filters), self.pages(compute, filters)
            if found[0]["as_of"] == wanted[0]["as_of"]:
                assert found == wanted, filters
            else:  # of the keeping: an incident was declared or closed since; who is shown is so now all the same
                true = [one for page in wanted for one in page["entries"]]
                assert [one for page in found for one in page["entries"] if one not in true] == [], filters
                return True
        assert kept.call_list(self.now, 100) == computed.call_list(self.now)
        return not kept.looks

    def pages(self, read: Any, filters: Any) -> list[Any]:
        """All pages, as plain values without their cursors."""
        found, after = [], None
        while True:
            page = read(filters, self.now, after=after, limit=2)
            found.append(msgspec.to_builtins(page) | {"next": None})
            after = next_of(page.next)
            if after is None:
                return found


def run(steps: list[tuple[str, Any]]) -> int:
    """How many of the comparisons were of what is kept."""
    with tempfile.TemporaryDirectory() as root, closing(KeptShop(Path(root) / "home")) as shop:
        count = 0
        for nth, (name, told) in enumerate(steps):
            getattr(shop, name)(told)
            count += shop.compare(nth)
        return count


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_a_page_of_what_is_kept_is_the_page_that_looking_at_everybody_gives(steps: list[tuple[str, Any]]) -> None:
    run([("keep", None), *steps, ("keep", None)])


def happening(draw: Random) -> dict[str, Any]:
    """Something that holds one of many, now or when its promise is broken."""
    who, number, promise = f"c-{draw.randrange(40)}", draw.randrange(10**9), draw.uniform(-1, 3)
    delivery = {"order_id": f"o-{number}", "carrier": "posti", "status": "promised", "promised_in": promise}
    case = {"case_id": f"r-{number}", "kind": draw.choice(["return", "exchange"]), "status": "opened"}
    payload = draw.choice([delivery, delivery, case | {"promised_in": promise}])
    kind = "case" if "case_id" in payload else "delivery"
    return {"type": kind, "customer_id": who, "days_ago": 0.0, "payload": payload}


@pytest.mark.parametrize("seed", range(3))
def test_what_the_clock_changes_is_kept_up_without_looking_at_everybody(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    with closing(KeptShop(tmp_path / "home")) as shop:
        for nth in range(12):
            shop.event(happening(draw))
            shop.keep(None)
            shop.clock(draw.choice([0.0005, 0.1, 0.9, 6.7]))
            shop.keep(None)
            assert shop.compare(nth)
            shop.clock(0.0005)
            assert shop.compare(nth)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[KeptShop]:
    """Aino, Bertta and Cecilia are said to be dissatisfied, and the lookout has seen it."""
    with closing(KeptShop(tmp_path / "home")) as shop:
        for customer in ("aino", "bertta", "cecilia"):
            shop.event(predicted(customer))
        shop.keep(None)
        yield shop


def predicted(customer: str, value: float = 0.9, days_ago: float = 1.0) -> dict[str, Any]:
    """A score of dissatisfaction: a low one ends what a high one opened."""
    payload = {"model": "dissatisfaction", "version": "1", "value": value}
    return {"type": "score", "customer_id": customer, "days_ago": days_ago, "payload": payload}


def names(page: Any) -> list[str]:
    return [one.customer_id for one in page.entries]


def test_pages_of_a_kept_list_need_no_look_at_everybody(shop: KeptShop) -> None:
    assert all(shop.compare(nth) for nth in range(4))


def test_who_came_to_be_quiet_is_gone_at_once_and_who_is_told_of_is_there(shop: KeptShop) -> None:
    desk = Desk(shop.service, KeptLists(shop.home))
    shop.event(predicted("bertta", 0.1, days_ago=0.0))
    shop.event(predicted("dora"))
    assert names(desk.watch(Filters(), shop.now)) == ["aino", "cecilia", "dora"]
    assert names(desk.work_list(WorkFilters(), shop.now)) == ["aino", "cecilia", "dora"]
    assert desk.watch(Filters(), shop.now).total == 3 and desk.looks == 0


def test_each_page_shows_what_is_true_when_it_is_read(shop: KeptShop) -> None:
    desk = Desk(shop.service, KeptLists(shop.home))
    first = desk.watch(Filters(), shop.now, limit=1)
    shop.event(predicted("bertta", 0.1, days_ago=0.0))
    shop.clock(0.001)
    second = desk.watch(Filters(), shop.now, after=next_of(first.next), limit=1)
    assert names(first) + names(second) == ["aino", "cecilia"] and second.as_of == first.as_of and second.next is None


def test_an_incident_is_seen_once_the_lookout_has_seen_it_and_until_then_the_page_is_of_before(shop: KeptShop) -> None:
    shipped = {"order_id": "o", "carrier": "posti", "status": "shipped"}
    shop.event({"type": "delivery", "customer_id": "dora", "days_ago": 1.0, "payload": shipped})
    shop.keep(None)
    kept, desk = shop.now, Desk(shop.service, KeptLists(shop.home))
    shop.clock(0.0001)
    shop.incident(("declare", {"carrier": "posti"}))
    page = desk.watch(Filters(kind="incident"), shop.now)
    assert page.entries == [] and page.as_of == kept
    shop.keep(None)
    page = desk.watch(Filters(kind="incident"), shop.now)
    assert names(page) == ["dora"] and page.as_of == shop.now and desk.looks == 0
    shop.incident(("close", {}))
    assert desk.watch(Filters(kind="incident"), shop.now).entries == [], "what is shown is true now"
    shop.again(None)
    shop.keep(None)
    assert desk.watch(Filters(kind="incident"), shop.now).total == 0 and desk.looks == 0


def test_by_new_rules_few_are_looked_at_and_many_are_waited_for(shop: KeptShop) -> None:
    few, many = Desk(shop.service, KeptLists(shop.home)), Desk(shop.service, KeptLists(shop.home, few=2))
    shop.policy("predicted_at: 0.85")
    assert few.watch(Filters(), shop.now).total == 3 and few.looks == 1
    for ask in (lambda: many.watch(Filters(), shop.now), lambda: many.call_list(shop.now, 5)):
        with pytest.raises(NotYetError, match="in a minute"):
            ask()
    shop.keep(None)
    assert many.watch(Filters(), shop.now).total == 3 and many.looks == 0


def test_without_a_lookout_at_work_everybody_is_looked_at(shop: KeptShop) -> None:
    desk = Desk(shop.service, KeptLists(shop.home, few=0))
    desk.watch(Filters(), shop.now)
    shop.clock(3 / 24 / 60)
    assert desk.watch(Filters(), shop.now).total == 3 and desk.looks == 1
    shop.file.close()
    shop.home.desk_db.write_bytes(b"torn")
    assert desk.watch(Filters(), shop.now).total == 3 and desk.looks == 2


def test_more_changes_than_a_page_looks_at_make_it_one_of_the_keeping(shop: KeptShop) -> None:
    kept, desk = shop.now, Desk(shop.service, KeptLists(shop.home))
    shop.clock(0.0001)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "MOST_CHANGED", 1)
        shop.event(predicted("bertta", 0.1, days_ago=0.0))
        shop.event(predicted("dora"))
        page = desk.watch(Filters(), shop.now)
    assert names(page) == ["aino", "cecilia"] and page.as_of == kept and desk.looks == 0


def test_a_restored_store_is_told_apart(shop: KeptShop) -> None:
    """What is kept of facts that the store does not hold any more is of no use."""
    with closing(connect(shop.home)) as run, transaction(run):
        run.execute("update facts set event_id = 'another' where position = (select max(position) from facts)")
    desk = Desk(shop.service, KeptLists(shop.home))
    assert desk.watch(Filters(), shop.now).total == 3 and desk.looks == 1
