"""The law of the feed where a lookout says whom to look at: whoever reads it knows everybody who may not be sold to."""

import tempfile
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.desk.desk import Desk
from serving.desk.watch_list import Filters
from serving.lookout.lists import KeptLists
from tests.serving.desk.test_feed_laws import CUSTOMERS, PLACES, _spoiled, events, incident
from tests.serving.lookout.test_kept_lists import KeptShop, happening, predicted

promises = events().filter(lambda one: one[1]["payload"].get("promised_in", 0) > one[1]["days_ago"])
keeping = st.sampled_from([("keep", None), ("keep", None), ("again", None), ("note", None), ("read", 1), ("read", 100)])
clock = st.sampled_from([("clock", days) for days in (0.0007, 0.6, 0.6, 4.0, 31.0, -0.02)])


def in_a_row(rounds: list[tuple[list[tuple[str, Any]], tuple[str, Any]]]) -> list[tuple[str, Any]]:
    """What the clock brings at the end of each round is looked for by the lookout, and read."""
    around = [("keep", None), ("read", 100)]
    return [one for told, clock in rounds for one in (*told, *around, clock, *around)]


told = st.one_of(
    promises, promises, promises, events(), events(), events().map(_spoiled), incident, keeping, keeping,
    st.tuples(st.just("policy"), st.sampled_from(["predicted_at: 0.7", "predicted_at: 0.95"])),
    st.tuples(st.just("tear"), st.sampled_from(CUSTOMERS)), st.tuples(st.just("forget"), st.none()),
)  # fmt: skip
steps = st.lists(st.tuples(st.lists(told, min_size=1, max_size=4), clock), min_size=2, max_size=4).map(in_a_row)


class Fed(KeptShop):
    """A shop whose feed is of what a lookout keeps."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.desk = Desk(self.service, KeptLists(self.home))

    def look_for_damage(self) -> None:
        """What comes every ten minutes."""
        self.lookout._keeping._damage._looked = self.desk._damage._looked = None
        self.keep(None)


def missing(shop: Fed) -> list[set[str]]:
    """Whom the sender does not know, in each place."""
    return [shop.held(place) - shop.known(place) for place in PLACES]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_a_sender_who_reads_the_feed_knows_everybody_who_is_held(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as root, closing(Fed(Path(root) / "home")) as shop:
        shop.read(100)
        torn = False
        for name, told in [*steps, ("keep", None), ("read", 2)]:
            torn = torn or name == "tear"
            if name == "read" and torn:
                shop.look_for_damage()
            getattr(shop, name)(told)
            if name == "read":
                torn = False
                assert missing(shop) == [set(), set()]


@pytest.mark.parametrize("seed", range(3))
def test_what_only_the_clock_brings_is_told(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    with closing(Fed(tmp_path / "home")) as shop:
        shop.keep(None)
        for _ in range(12):
            shop.event(happening(draw))
            for step in ("keep", "read", "clock", "keep", "read"):
                getattr(shop, step)({"read": 100, "clock": draw.uniform(0.001, 0.8)}.get(step))
            assert missing(shop) == [set(), set()]
        assert shop.desk.looks == 0 and len(shop.told) > 6


def test_the_feed_needs_no_look_at_everybody(tmp_path: Path) -> None:
    with closing(Fed(tmp_path / "home")) as shop:
        shop.event(predicted("aino"))
        shipped = {"order_id": "o", "carrier": "posti", "status": "shipped", "promised_in": 1.0006}
        shop.event({"type": "delivery", "customer_id": "dora", "days_ago": 1.0, "payload": shipped})
        shop.keep(None)
        shop.read(1)
        assert list(shop.told) == ["aino"]
        shop.event(predicted("bertta"))
        shop.read(1)
        shop.clock(0.0007)
        shop.keep(None)
        shop.read(1)
        assert list(shop.told) == ["aino", "bertta", "dora"], "late by the clock alone"
        shop.told.clear()
        shop.read(1)
        assert not shop.told, "nobody twice"
        shop.incident(("declare", {"carrier": "posti"}))
        shop.keep(None)
        shop.read(1)
        assert list(shop.told) == ["dora"] and {h.kind for h in shop.told["dora"].holds} > {"incident"}
        shop.forget(None)
        shop.read(1)
        assert list(shop.told) == ["aino", "bertta", "dora"] and shop.desk.looks == 0


def test_who_was_forgotten_is_told_when_it_happens_and_to_whoever_begins_anew(tmp_path: Path) -> None:
    with closing(Fed(tmp_path / "home")) as shop:
        shop.event(predicted("aino"))
        shop.keep(None)
        shop.event({"type": "erasure", "customer_id": "aino", "days_ago": 0.0, "payload": {}})
        shop.read(1)
        assert shop.told["aino"].problem == "erased"
        for step in ("keep", "again", "keep", "forget"):
            getattr(shop, step)(None)
        shop.read(1)
        assert shop.told["aino"].problem == "erased" and shop.desk.looks == 0
        assert shop.desk.watch(Filters(), shop.now).entries == []
        shop.policy("predicted_at: 0.85")
        shop.keep(None)
        shop.forget(None)
        shop.read(1)
        assert shop.told["aino"].problem == "erased" and shop.desk.looks == 0, "by new rules too"
