"""Where an action's items come from: what fits the thing in view, this session; the like of a returned item last."""

from datetime import UTC, datetime, timedelta

import pytest

from features.customer.fold import fold
from features.customer.view import view
from features.facts import Fact
from features.inputs.seasons import Seasons
from serving.core.item_sources import Popular, Shop, of_this_session, that_fit
from serving.core.items import Article, Articles, Scored, pick
from serving.core.live import handled_well, snapshot_of
from serving.core.policy import Policy
from serving.core.question import Snapshot

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
ARTICLES = Articles(
    {
        item.item_id: item
        for item in (
            Article("boot", category="shoes/winter"),
            Article("clog", category="shoes/garden"),
            Article("felt-boot", category="shoes/winter"),
            Article("hat", category="hats"),
            Article("laces", category="care", accessory_of=frozenset({"boot", "sneaker"})),
            Article("sneaker", category="shoes/sport"),
            Article("sole", accessory_of=frozenset({"sneaker", "sole"})),
            Article("wax", category="care", accessory_of=frozenset({"boot"})),
        )
    }
)


class Sales:
    """What everybody buys: wax, then clogs. Of what goes together nothing is known, but what it is `told`."""

    def __init__(self, **told):
        self.told = told

    seasons = Seasons()

    def goes_with(self, items):
        return [Scored(other, float("nan"), 2) for item in items for other in self.told.get(item, ())]

    def popular(self, k):
        return [Scored(item, float("nan"), 4) for item in ("wax", "clog")][:k]


POPULAR = Popular(Sales())
SHOP = Shop(ARTICLES, POPULAR, Sales())


def ids(scored):
    return [one.item_id for one in scored]


@pytest.mark.parametrize(
    ("before_her", "fitting"),
    [
        (["boot"], ["wax", "laces"]),  # the popular first, the rest by id
        (["sneaker"], ["laces", "sole"]),
        (["boot", "sneaker"], ["wax", "laces", "sole"]),  # each once
        (["hat"], []),
        (["unheard-of"], []),
        ([], []),
    ],
)
def test_what_fits_the_things_before_her(before_her, fitting):
    assert ids(that_fit(before_her, ARTICLES, POPULAR)) == fitting


@pytest.mark.parametrize(
    ("viewed", "categories", "proposed"),
    [
        (["boot"], [], ["felt-boot"]),  # its own category, not all shoes
        ([], ["shoes"], ["clog", "boot", "felt-boot", "sneaker"]),  # a branch has its twigs; the popular first
        (["sneaker", "clog"], [], []),  # nothing else of their kind
        (["boot"], ["hats"], ["felt-boot", "hat"]),
        (["sole", "unheard-of"], [], []),  # of no known category
        ([], [], []),
    ],
)
def test_what_this_session_suggests(viewed, categories, proposed):
    snapshot = Snapshot(customer_key="v", viewed_items=tuple(viewed), viewed_categories=tuple(categories))
    assert ids(of_this_session(snapshot, SHOP)) == proposed


def test_what_goes_with_what_she_looked_at_comes_before_the_like_of_it():
    snapshot = Snapshot(customer_key="v", viewed_items=("felt-boot", "laces"), viewed_categories=())
    sales = Sales(**{"felt-boot": ["hat", "laces"], "laces": ["sole"]})
    proposed = ids(of_this_session(snapshot, Shop(ARTICLES, Popular(sales), sales)))
    assert proposed == ["hat", "sole", "wax", "boot"], "what she has seen is left out, each other thing comes once"


def test_the_like_of_a_returned_item_goes_last_in_its_order():
    proposed = [Scored(item, 0.5, 1) for item in ("boot", "hat", "felt-boot", "sole", "clog")]

    def picked(count, returned):
        return ids(pick(proposed, ARTICLES, count=count, month=9, owned=(), returned=returned))

    assert picked(9, {"wax"}) == ["boot", "hat", "felt-boot", "sole", "clog"]
    assert picked(9, {"boot"}) == ["hat", "sole", "clog", "felt-boot"]
    assert picked(9, {"unheard-of", "sole"}) == ["boot", "hat", "felt-boot", "clog"], "of no category: like nothing"
    assert picked(2, {"boot"}) == ["hat", "sole"]
    assert picked(4, {"wax", "boot"}) == ["hat", "sole", "clog", "felt-boot"], "shown where nothing else is left"


def fact(event_type: str, at: datetime, **payload: object) -> Fact:
    """A fact about aino."""
    name = f"{event_type}-{at.isoformat()}-{payload.get('status')}"
    return Fact(name, event_type, at, at, "aino", payload=payload, channel="web", touchpoint=None)  # type: ignore[arg-type]


def complaint(*steps: tuple[float, str], kind: str = "complaint") -> list[Fact]:
    """Steps of a complaint, in days before noon."""
    return [fact("case", NOON - timedelta(days=ago), case_id="c", kind=kind, status=status) for ago, status in steps]


def rating(ago: float, score: int, case_id: str = "c") -> Fact:
    """An answer about the case."""
    return fact("feedback", NOON - timedelta(days=ago), kind="csat", score=score, case_id=case_id)


IN_TIME = complaint((9, "opened"), (6, "resolved"))


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ([*IN_TIME, rating(5, 5)], 1),
        ([*IN_TIME, rating(5, 5), rating(4, 5)], 1),  # said twice, thanked once
        (IN_TIME, 0),
        ([*IN_TIME, rating(5, 3)], 0),
        ([*IN_TIME, rating(5, 5, "another")], 0),
        ([*IN_TIME, rating(7, 5)], 0),  # before it was resolved
        ([*complaint((9, "opened"), (8, "customer_asked"), (6, "resolved")), rating(5, 5)], 0),
        ([*complaint((20, "opened"), (6, "resolved")), rating(5, 5)], 0),
        ([*complaint((9, "opened"), (6, "resolved"), (4, "reopened")), rating(5, 5)], 0),
        ([*complaint((9, "opened"), (6, "resolved"), kind="exchange"), rating(5, 5)], 0),
        ([*complaint((40, "opened"), (38, "resolved")), rating(31, 5)], 0),
    ],
)
def test_which_complaints_were_handled_well(facts: list[Fact], count: int, policy: Policy):
    assert handled_well(view(fold(facts), NOON, policy.file.holds)) == count


def test_a_case_ends_once_and_is_answered_well_once_whatever_is_filed_later(policy: Policy):
    facts = [*complaint((9, "opened"), (6, "resolved"), (2, "closed")), rating(5, 5), rating(3, 5)]
    snapshot = snapshot_of(view(fold(facts), NOON, policy.file.holds), customer_key="aino", reservation=timedelta(0))
    ago = {name: (NOON.timestamp() - at) / 86400 for name, at in snapshot.about.items()}
    assert ago == {"case": 2, "resolution": 6, "answer": 5}
