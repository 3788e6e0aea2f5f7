"""Training, step by step: each step reads and writes named files under `home.models`, so that DVC reruns what changed.

`prepare` (log -> purchases, sessions, snapshots) -> `train_churn` (-> `train_value`), `train_second_purchase`,
`train_response`, `train_next_offer`, `train_sessions` (-> model files, evidence) -> `evaluate` (-> metrics.json,
figures, MLflow). `retrain` runs them all. The same files give the same bytes.
"""

from collections.abc import Callable
from datetime import datetime

from features.home import Home
from pipelines.retraining import dissatisfaction as train_dissatisfaction
from pipelines.retraining.churn import train_churn
from pipelines.retraining.evaluate import evaluate
from pipelines.retraining.next_offer import train_next_offer
from pipelines.retraining.people import People
from pipelines.retraining.prepare import prepare
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.response import train_response
from pipelines.retraining.second_purchase import train_second_purchase
from pipelines.retraining.sessions import train_sessions
from pipelines.retraining.value import train_value
from training.params import Params

Progress = Callable[[int], None]


def retrain(home: Home, as_of: datetime | None, params: Params, *, progress: Progress | None = None) -> RetrainReport:
    """Train everything from the event log with what was known at `as_of` (None: the one of `params`).

    `progress` is called with the number of steps done, of four. Raises `DataError` where the history is too short, or
    too few customers or repeat purchases are in it.
    """
    say = progress or (lambda _: None)
    prepare(home, as_of, params)
    say(1)
    _train_people(home, params)
    say(2)
    train_next_offer(home, params)
    say(3)
    train_dissatisfaction.train(home, params)
    train_sessions(home, params)
    report = evaluate(home, params)
    say(4)
    return report


def _train_people(home: Home, params: Params) -> None:
    """All models of people, from rows that are read once, and what actions add."""
    people = People(home, params.churn.most_customers)
    train_churn(home, params, people)
    train_second_purchase(home, params, people)
    train_value(home, params, people)
    train_response(home)
