"""The shop that is served: simulated, taken in, learned from and promoted by the product itself, in its own folder.

A hundred actions are candidates of every decision: those shipped, and variants of them.
"""

from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import yaml

from benchmarks.load.questions import Cast
from features.errors import DataError
from features.home import Home
from features.log.store import connect
from serving.core.catalogue import DEFAULT_ACTIONS

START, DAYS, SEED = datetime(2024, 1, 1, tzinfo=UTC), 420, 7
CANDIDATES = 100
BETWEEN_STARTS = timedelta(minutes=15)  # longer than any run
_UNLIMITED = "requests_per_second: 0\n"  # one key asks for the whole shop


@dataclass(frozen=True)
class Shop:
    """A data folder that can be served, the moment its data end, who is in it, and a key that may do everything."""

    home: Home
    moment: datetime
    cast: Cast
    key: str
    starts: Iterator[int] = field(default_factory=count)

    def next_start(self) -> datetime:
        """Where a clock may start: later than what is told in runs before, for what comes late is far more work."""
        return self.moment + next(self.starts) * BETWEEN_STARTS


def made_shop(folder: Path, customers: int) -> Home:
    """Simulate, ingest, retrain, promote, materialize; raises `DataError` where the models fail a gate."""
    from benchmarks.product import params_of
    from pipelines.ingest import ingest
    from pipelines.materialize import materialize
    from pipelines.promote import promote
    from pipelines.retraining.retrain import retrain
    from pipelines.simulate import simulate

    home = Home.open(folder / "home")
    simulate(folder / "simulated", customers=customers, seed=SEED, start=START.date(), days=DAYS)
    ingest(home, "simulated", folder / "simulated", now=_end())
    trained = retrain(home, None, params_of(90), progress=None)
    promotion = promote(home, now=_end())
    if not promotion.promoted:
        raise DataError(f"The simulated shop has no models: {promotion}. Simulate more customers.")
    materialize(home, trained.as_of)
    hundred_actions(home)
    (home.config / "serving.yaml").write_text(_UNLIMITED, "utf-8")
    return home


def opened_shop(home: Home) -> Shop:
    """The shop of a folder, with a new key."""
    from features.catalogue import load_items
    from serving.security import KeyStore

    moment = _end() + timedelta(hours=12)
    connection = connect(home)
    try:
        found = connection.execute("select customer_id from state where customer_id not like 'anonymous:%'")
        customers = [customer for (customer,) in found]
    finally:
        connection.close()
    _, key = KeyStore(home).create("benchmark", ["admin"], now=moment)
    return Shop(home, moment, Cast(customers, load_items(home)["item_id"].to_pylist()), key)


def decides_beside(home: Home, beside: bool) -> None:
    """Whether one worker is to have a process that decides."""
    (home.config / "serving.yaml").write_text(f"{_UNLIMITED}decide_beside: {str(beside).lower()}\n", "utf-8")


def looked_over(shop: Shop) -> None:
    """The lookout has looked at everybody, as it has of a shop that is served for some minutes."""
    from serving.desk.desk import Desk
    from serving.lookout.file import to_keep
    from serving.lookout.lookout import Lookout
    from serving.service import DecisionService

    with closing(DecisionService(shop.home)) as service, closing(to_keep(shop.home)) as file:
        lookout, now = Lookout(file, Desk(service), minutes=1, quiet_source_hours=24), shop.next_start()
        while lookout.step(now):
            pass


def hundred_actions(home: Home) -> None:
    """The shipped actions, and variants of them up to a hundred: sales, care and service, with and without items."""
    content = yaml.safe_load(DEFAULT_ACTIONS.read_text(encoding="utf-8"))
    shipped = {name: a for name, a in content["actions"].items() if name != "no_action"}
    actions = dict(shipped)
    for n in range(CANDIDATES - len(content["actions"])):
        name, action = list(shipped.items())[n % len(shipped)]
        actions[f"{name}_{n}"] = deepcopy(action) | {"outranks": False}
    content["actions"] = actions | {"no_action": content["actions"]["no_action"]}
    home.config.mkdir(exist_ok=True)
    (home.config / "actions.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


def _end() -> datetime:
    return START + timedelta(days=DAYS)
