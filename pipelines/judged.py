"""What is written in an import or a replayed reject is judged as live: in the transaction that keeps it.

So whoever is told of it, a service that runs or one started later, knows in the same moment that she is not to be sold
to.
"""

import logging
from datetime import datetime
from functools import cache

from features.customer.hold_rules import HoldRules
from features.errors import TahdikasError
from features.home import Home
from features.log.connection import Connection
from features.log.following import Following
from features.log.live_intake import Follow
from serving.bundle import load
from serving.core.policy import load_policy
from serving.dissatisfaction import Mood, Row, matters_since
from serving.trials import current_id

log = logging.getLogger("tahdikas.judged")


def judge_for(home: Home, now: datetime) -> Following:
    """By the policy and the bundle in force, which is read when there is something to judge.

    Where they cannot be read, the shipped rules of holds and the seed words stand in: to be silent costs less.
    """
    rules = _rules(home)

    @cache
    def judge() -> Follow:
        return _judge(home, rules)

    def follow(run: Connection, rows: list[Row]) -> list[Row]:
        return judge()(run, rows)

    return Following(follow, matters_since(rules, now))


def _rules(home: Home) -> HoldRules:
    try:
        return load_policy(home).file.holds
    except (TahdikasError, OSError) as error:
        log.warning("%s; what is written is judged by the shipped rules of holds", error)
        return HoldRules()


def _judge(home: Home, rules: HoldRules) -> Follow:
    try:
        bundle_id = current_id(home)
        model = None if bundle_id is None else load(home.bundles / bundle_id).dissatisfaction
    except (TahdikasError, OSError) as error:
        log.warning("%s; what is written is judged by seed words", error)
        bundle_id, model = None, None
    return Mood().following(model, bundle_id or "", rules)
