"""W2: one command returns to the previous champion; the next decision uses it, none is lost in between."""

import shutil
import threading
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby

import pytest
from typer.testing import CliRunner

from features.home import Home
from features.log.event_log import EventLog
from pipelines.cli import app
from pipelines.materialize import materialize
from pipelines.promote import promote, rollback
from pipelines.retraining.retrain import retrain
from serving.core.question import Request
from serving.service import DecisionService
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, Trees

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=3, trees=Trees(rounds=30, min_data_in_leaf=20)),
    next_offer=OfferParams(cutoffs=3, k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30)),
    promotion=PromotionParams(min_customers=30, max_offer_ece=0.05),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A shop with a champion, and a challenger trained on a later day."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    with EventLog(home) as log:
        log.append_history([events(rhythmic(120))], source="test", now=NOW)
    retrain(home, day(190), PARAMS)
    first = promote(home, PARAMS, now=NOW)
    assert first.promoted, str(first)
    retrain(home, day(196), PARAMS)
    materialize(home, day(196))
    return home


@pytest.fixture
def shop(trained, tmp_path):
    shutil.copytree(trained.root, tmp_path / "home")
    return Home.open(tmp_path / "home")


def asked(number):
    return Request(customer_id=f"c{number % 120:03d}", channel="web", placement="front_page", now=day(201))


def bundle_of(decision):
    return decision.versions["bundle"]


def tahdikas(home, *words):
    told = CliRunner().invoke(app, ["--home", str(home.root), *words])
    assert told.exit_code == 0, told.output
    return told.output


def test_w2_one_command_and_the_next_decision_uses_the_champion_before(shop):
    with closing(DecisionService(shop)) as service:
        first = bundle_of(service.decide(asked(0)))
        second = promote(shop, PARAMS, now=NOW).bundle
        assert bundle_of(service.decide(asked(0))) == second != first
        assert first in tahdikas(shop, "rollback")
        following = service.decide(asked(0))
        assert bundle_of(following) == first
        assert service.replay(following.decision_id)["exact"]


def test_w2_none_is_lost_while_champions_change_places(shop):
    with closing(DecisionService(shop)) as service:
        first = bundle_of(service.decide(asked(0)))
        answers, stop = [], threading.Event()

        def ask_on():
            while not stop.is_set():
                answers.append(service.decide(asked(len(answers))))

        asking = threading.Thread(target=ask_on)
        asking.start()
        try:
            second = promote(shop, PARAMS, now=NOW).bundle
            wait_for(lambda: answers and bundle_of(answers[-1]) == second, asking)
            assert rollback(shop).bundle == first
            wait_for(lambda: answers and bundle_of(answers[-1]) == first, asking)
        finally:
            stop.set()
            asking.join()
        used = [bundle for bundle, _ in groupby(map(bundle_of, answers))]
        assert used == [first, second, first], "each change at one moment"
        assert {decision.state_status for decision in answers} == {"ok"}
        recorded = [service.decision(decision.decision_id) for decision in answers]
        assert all(one is not None and one.actions == d.actions for one, d in zip(recorded, answers, strict=True))
        assert not [word for word in service.health(day(201)).degraded if "bundle" in word]


def wait_for(condition, asking):
    """Until the answers say so; the thread must not have died of a change."""
    for _ in range(1200):
        assert asking.is_alive()
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("a minute passed")
