"""What is told of stock counts in the next decision of every process; the latest word stands, whichever came first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import ITEM_SCHEMA, merge_items
from features.errors import HomeError
from features.home import Home
from features.log.store import connect, to_micros
from serving.core.articles import StockWord
from serving.core.items import Article, Articles
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.records import Records
from serving.service import DecisionService
from serving.stock import StockOver, last_change, tell, told_since
from tests.serving.api.conftest import NOON


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def word(item_id: str, in_stock: bool, hours: float = 0) -> StockWord:
    return StockWord(item_id, in_stock, to_micros(at(hours)))


def put(home: Home, *items: dict[str, object]) -> None:
    rows = [dict.fromkeys(ITEM_SCHEMA.names) | {"title": "Thing", "price": 1000, "margin": 500} | i for i in items]
    merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))


@pytest.fixture
def home(tmp_path):
    home = Home.open(tmp_path / "home")
    put(home, {"item_id": "lamp", "in_stock": True}, {"item_id": "sofa", "in_stock": False}, {"item_id": "rug"})
    home.config.mkdir(exist_ok=True)
    (home.config / "policy.yaml").write_text(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0"))
    return home


@pytest.fixture
def worker(home):
    """Another process over the same data folder, as far as anything they share goes: the files."""
    made = []

    def start():
        made.append(DecisionService(home))
        return made[-1]

    yield start
    for service in made:
        service.close()


def shown(service: DecisionService, hours: float = 0) -> set[str]:
    request = Request(anonymous_id="v1", placement="front_page", channel="web", now=at(hours), mode="simulate")
    return {item.item_id for action in service.decide(request).actions for item in action.items}


def test_what_one_worker_is_told_acts_in_the_next_decision_of_another(worker):
    here, there = worker(), worker()
    assert shown(there) == shown(here) == {"lamp", "rug"}
    before = there.in_force(NOON).articles.version
    assert [r.status for r in here.tell_stock([word("lamp", False), word("sofa", True)], NOON)] == ["recorded"] * 2
    assert shown(there) == shown(here) == {"sofa", "rug"}
    version = there.in_force(NOON).articles.version
    assert version == here.in_force(NOON).articles.version == there.health(NOON).versions["items"] != before
    here.tell_stock([word("lamp", True, 1)], at(1))
    assert shown(there, 1) == {"lamp", "sofa", "rug"}
    assert shown(worker(), 1) == {"lamp", "sofa", "rug"}, "after a restart too"


def test_telling_the_same_again_changes_nothing(worker):
    service = worker()
    told = [word("lamp", False)]
    assert [service.tell_stock(told, NOON)[0].status for _ in range(2)] == ["recorded", "known"]
    version = service.in_force(NOON).articles.version
    assert service.tell_stock(told, at(1))[0].status == "known"
    assert service.in_force(NOON).articles.version == version


def test_an_unknown_item_and_a_word_from_the_future_are_named_with_the_remedy_and_the_rest_is_taken(worker):
    told = [word("lampp", False), word("lamp", False, 3), word("rug", False)]
    unknown, early, taken = worker().tell_stock(told, NOON)
    assert (unknown.status, early.status, taken.status) == ("rejected", "rejected", "recorded")
    assert "'lampp'" in unknown.detail and "tahdikas catalogue import" in unknown.detail
    assert "five minutes ahead" in early.detail and early.in_stock is True
    assert shown(worker()) == {"lamp"}


def test_what_the_catalogue_says_of_a_later_moment_counts_over_what_was_told_before(home, worker):
    service = worker()
    service.tell_stock([word("lamp", False, -2)], NOON)
    put(home, {"item_id": "lamp", "in_stock": True, "stock_at": at(-1)})
    assert shown(service) == {"lamp", "rug"}
    (late,) = service.tell_stock([word("lamp", False, -1.5)], NOON)
    assert (late.status, late.in_stock) == ("older", True)
    put(home, {"item_id": "lamp", "title": "A lamp that says nothing of stock"})
    assert shown(service) == {"rug"}, "where the catalogue does not say, what was told stands"


def test_an_item_changes_when_its_time_comes_not_at_midnight(home, worker):
    service = worker()
    put(home, {"item_id": "lamp", "in_stock": False, "valid_from": at(1), "valid_to": at(2)})
    versions = {hours: service.in_force(at(hours)).articles.version for hours in (0, 0.9)}
    assert shown(service, 0.9) == {"lamp", "rug"} and len(set(versions.values())) == 1
    assert shown(service, 1) == {"rug"}
    assert shown(service, 2) == {"lamp", "rug"}


def test_items_are_not_read_again_where_nothing_changed(worker):
    service = worker()
    first = service.in_force(NOON)
    assert service.in_force(at(500)) is first
    service.tell_stock([word("lamp", False)], NOON)
    assert service.in_force(NOON).articles.by_id is first.articles.by_id


@pytest.mark.sqlite_only
def test_a_data_folder_from_before_stock_was_told_is_brought_up_to_date(home, worker):
    worker().health(NOON)
    run = connect(home)
    run.execute("drop table stock")
    run.close()
    service = worker()
    assert shown(service) == {"lamp", "rug"}
    assert service.tell_stock([word("lamp", False)], NOON)[0].status == "recorded"


def test_a_store_that_does_not_answer_leaves_what_was_told_before():
    said = Articles({"lamp": Article("lamp", in_stock=True)})
    with TemporaryDirectory() as folder:
        records = Records(Home.open(folder))
        fails = False

        def connection():
            if fails:
                raise HomeError("The live store is gone.")
            return records.connection()

        over = StockOver(connection)
        tell(records.connection(), [word("lamp", False)], NOON)
        assert over.over(said).in_stock("lamp") is False
        fails = True
        assert over.over(said).in_stock("lamp") is False
        assert over.over(Articles(said.by_id)).in_stock("lamp") is True, "another catalogue: nothing else is known"
        records.close()


def test_a_store_put_back_from_an_older_copy_is_read_anew(tmp_path):
    now, copy = (Records(Home.open(tmp_path / name)) for name in ("now", "copy"))
    said = Articles({"lamp": Article("lamp", in_stock=True), "rug": Article("rug", in_stock=True)})
    tell(now.connection(), [word("lamp", False), word("rug", False)], NOON)
    tell(copy.connection(), [word("lamp", False)], NOON)
    files = [now]
    over = StockOver(lambda: files[0].connection())
    assert over.over(said).stock == {"lamp": False, "rug": False}
    files[0] = copy
    assert over.over(said).stock == {"lamp": False}
    now.close()
    copy.close()


def test_whoever_tells_sees_it_acted_upon_while_many_tell_and_ask_at_once(worker):
    """Each thread tells of an item of its own, to one worker, and looks at once at what another worker goes by."""
    here, there = worker(), worker()

    def tells_and_looks(item_id):
        for second in range(1, 40):
            in_stock = bool(second % 2)
            here.tell_stock([StockWord(item_id, in_stock, to_micros(NOON) + second)], NOON)
            assert there.in_force(NOON).articles.in_stock(item_id) is in_stock

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(tells_and_looks, item_id) for item_id in ("lamp", "sofa", "rug")]:
            done.result()


WORDS = st.lists(st.builds(word, st.sampled_from(["lamp", "rug"]), st.booleans(), st.integers(-3, 0)), max_size=8)


@settings(max_examples=30, deadline=None)
@given(WORDS, st.randoms())
def test_the_order_in_which_words_arrive_makes_no_difference(tmp_path_factory, words, chance):
    stands = []
    for told in (words, chance.sample(words, len(words))):
        records = Records(Home.open(tmp_path_factory.mktemp("home")), durable=False)
        tell(records.connection(), told, NOON)
        found, number = told_since(records.connection())
        assert number == last_change(records.connection())
        stands.append(sorted(found))
        records.close()
    assert stands[0] == stands[1]
    for standing in stands[0]:
        assert standing.occurred_at == max(w.occurred_at for w in words if w.item_id == standing.item_id)


@settings(max_examples=30, deadline=None)
@given(WORDS)
def test_reading_word_by_word_is_reading_all_at_once(tmp_path_factory, words):
    records = Records(Home.open(tmp_path_factory.mktemp("home")), durable=False)
    said = Articles({"lamp": Article("lamp", in_stock=True), "rug": Article("rug")}, "v1")
    step_by_step = StockOver(records.connection)
    for one in words:
        tell(records.connection(), [one], NOON)
        now = step_by_step.over(said)
        assert (now.stock, now.version) == ((again := StockOver(records.connection).over(said)).stock, again.version)
    records.close()
