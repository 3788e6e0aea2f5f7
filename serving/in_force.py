"""What is in force: policy, catalogue, items and models, each taken up when its file changes, the last good one kept.

A file that cannot be used never stops decisions: what was in force stays, and `degraded` says why.
"""

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from features.catalogue import changes_of, items_at, load_items
from features.errors import BundleError, DataError
from features.home import Home
from features.inputs.newcomers import Newcomer, newcomers_of
from features.log.connection import Connection
from serving.bundle import Bundle, load
from serving.core.catalogue import Catalogue, actions_path, load_catalogue
from serving.core.items import Articles
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import Policy, check_together, load_policy, policy_path
from serving.core.scorer import Scorer, WithoutModel
from serving.stock import StockOver
from serving.trials import current_id
from serving.watched import Stamp, Watched, WatchedBeside, stamp

TRIED_KEPT, READ_AGAIN = 3, 5
_NEVER, _FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class InForce:
    """One consistent set to decide by; `models` is None where no bundle is in force."""

    policy: Policy
    catalogue: Catalogue
    articles: Articles
    models: Bundle | None
    fallback: Scorer
    degraded: tuple[str, ...] = ()

    @property
    def scorer(self) -> Scorer:
        """The models, or what stands in for them."""
        return self.models or self.fallback


class Keeper:
    """Keeps what is in force for one data folder up to date; safe to share between threads.

    `connection` gives this thread's connection to the live store, for what was told of stock; without one, stock is as
    the catalogue says. With `beside` a new bundle is loaded and tried by a thread of its own while the one before
    answers; else whoever asks first waits. Raises `ConfigError` when made over a policy or catalogue that cannot be
    used: there is no last good one yet.
    """

    def __init__(self, home: Home, connection: Callable[[], Connection] | None = None, *, beside: bool = False) -> None:
        self._home = home
        self._stock = None if connection is None else StockOver(connection)
        self._lock = threading.Lock()
        self._bundle: WatchedBeside[Bundle | None] = WatchedBeside(
            "model bundle", self._load_bundle, self._is_untried if beside else lambda: False
        )
        self._items: Watched[Articles] = Watched("item catalogue", self._load_items)
        self._tried: dict[str, Bundle] = {}
        self._new: list[Newcomer] = []
        self._now = _NEVER
        self._span = _NEVER, _NEVER
        self._watched = (home.config / "policy.yaml", home.config / "actions.yaml")
        self._current, self._listed = home.bundles / "current.json", home.catalogue
        rules, seen = self._load_rules(), self._rules_stamp()
        self._rules: Watched[tuple[Policy, Catalogue]] = Watched("policy or actions", self._load_rules, rules, seen)
        self._made: tuple[Stamp, InForce] | None = None
        self._stocked: tuple[InForce, InForce] | None = None

    def at(self, now: datetime) -> InForce:
        """What is in force at `now`, whatever was told of stock until this call included."""
        made = self._of_files(now)
        if self._stock is None:
            return made
        articles = self._stock.over(made.articles)
        stocked = self._stocked
        if stocked is None or stocked[0] is not made or stocked[1].articles is not articles:
            stocked = made, replace(made, articles=articles)
            self._stocked = stocked
        return stocked[1]

    def _of_files(self, now: datetime) -> InForce:
        listed = stamp(self._listed)
        current = stamp(self._current)
        looked: tuple[Stamp, Stamp, Stamp] = (
            self._rules_stamp(),
            self._bundle.stands(current),
            (listed, self._span_at(now)),
        )
        made = self._made
        if made is not None and made[0] == looked:
            return made[1]
        if not self._lock.acquire(blocking=made is None):
            assert made is not None
            return made[1]  # another thread is taking up what changed; nobody waits for it
        try:
            self._now = now
            self._rules.refresh(looked[0])
            self._bundle.refresh(current)
            standing = self._bundle.stands(current)  # before the value: one that comes in between is taken up next time
            models = self._bundle.value
            self._items.refresh(looked[2])
            self._items.seen = listed, self._span_at(now)
            assert self._rules.value is not None
            policy, catalogue = self._rules.value
            problems = (w.problem for w in (self._rules, self._bundle, self._items))
            articles = self._items.value or Articles()
            in_force = InForce(
                policy,
                catalogue,
                articles,
                models and models.with_newcomers(self._new),
                WithoutModel(articles),
                tuple(p for p in problems if p),
            )
            self._made = (looked[0], standing, self._items.seen), in_force
            return in_force
        finally:
            self._lock.release()

    def _span_at(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The span in which the items are as loaded; None where `now` is out of it."""
        since, until = self._span
        return self._span if since <= now < until else None

    def _rules_stamp(self) -> Stamp:
        policy, actions = self._watched
        return stamp(policy), stamp(actions)

    def _load_rules(self) -> tuple[Policy, Catalogue]:
        policy = load_policy(self._home)
        catalogue = load_catalogue(self._home, known=KNOWN_FEATURES)
        names = {"name": str(policy_path(self._home)), "actions_name": str(actions_path(self._home))}
        check_together(policy, catalogue, **names)
        return policy, catalogue

    def _is_untried(self) -> bool:
        """Whether the current bundle has to be read and tried, which takes seconds."""
        try:
            bundle_id = current_id(self._home)
        except BundleError:
            return False
        return bundle_id is not None and bundle_id not in self._tried

    def _load_bundle(self) -> Bundle | None:
        """The current bundle; one tried before, as after a roll-back, is taken from memory."""
        bundle_id = current_id(self._home)
        if bundle_id is None:
            return None
        if bundle_id not in self._tried:
            self._tried[bundle_id] = load(self._home.bundles / bundle_id)
            for old in list(self._tried)[:-TRIED_KEPT]:
                del self._tried[old]
        return self._tried[bundle_id]

    def _read_items(self) -> tuple[pa.Table, Stamp]:
        """The items and the stamp of the very file they are from. Raises `DataError` where it never stays the same."""
        for _ in range(READ_AGAIN):
            seen = stamp(self._listed)
            items = load_items(self._home)
            if stamp(self._listed) == seen:
                return items, seen
        raise DataError(f"{self._listed} is replaced faster than it can be read. Write it less often.")

    def _load_items(self) -> Articles:
        (items, seen), now = self._read_items(), self._now
        moments = changes_of(items)
        place = bisect_right(moments, now)
        since = moments[place - 1] if place else _NEVER
        until = moments[place] if place < len(moments) else _FOREVER
        articles = Articles.of(items_at(items, now), hashlib.sha256(repr((seen, since)).encode()).hexdigest()[:16])
        self._span = since, until
        self._new = newcomers_of(items, now.timestamp())
        return articles
