"""The naive stack: what one would put together from the same parts, one request a decision, to be measured beside ours.

FastAPI, Feast's online store in SQLite, two LightGBM models behind `mlflow.pyfunc`, pandas rows, a plain `if` for who
is held or objects, and one row committed a decision. `python -m benchmarks.naive FOLDER PORT threads|alone` serves what
`benchmarks.naive_parts` put into the folder. Nothing in it is slow on purpose: the features are fetched in one call,
the models are loaded once and have no signature, which MLflow would hold every row against.
"""

import os
import sqlite3
import sys
import threading
import uuid
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
warnings.simplefilter("ignore")

import mlflow.pyfunc  # noqa: E402
import pandas as pd  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from feast import FeatureStore  # noqa: E402
from pydantic import BaseModel  # noqa: E402

VIEW, HELD, OBJECTS = "customers", "holds_in_force", "objects"
LOG = """create table if not exists decisions (decision_id text primary key, customer_id text, decided_at text,
    action text, item_id text, churn real, score real)"""


class Question(BaseModel):
    """Who asks, and where."""

    customer_id: str
    channel: str
    placement: str


class Naive:
    """Models, features and log of a folder."""

    def __init__(self, folder: Path) -> None:
        self._store = FeatureStore(repo_path=str(folder))
        self._churn = mlflow.pyfunc.load_model(str(folder / "churn"))
        self._ranker = mlflow.pyfunc.load_model(str(folder / "ranker"))
        self._churn_inputs = list(pd.read_json(folder / "churn_inputs.json", typ="series"))
        self._ranker_inputs = list(pd.read_json(folder / "ranker_inputs.json", typ="series"))
        self._items = pd.read_parquet(folder / "items.parquet")
        self._asked = [f"{VIEW}:{name}" for name in (*self._churn_inputs, HELD, OBJECTS)]
        self._own = threading.local()
        self._log_file = folder / "log.db"

    def _log(self) -> sqlite3.Connection:
        """This thread's connection; what is committed survives power loss, as ours does."""
        if not hasattr(self._own, "log"):
            self._own.log = sqlite3.connect(self._log_file, timeout=30.0)
            self._own.log.execute("pragma journal_mode = wal")
            self._own.log.execute("pragma synchronous = full")
            self._own.log.execute(LOG)
        log: sqlite3.Connection = self._own.log
        return log

    def decide(self, question: Question) -> dict[str, Any]:
        """One decision, in the log when this returns."""
        row = self._store.get_online_features(
            features=self._asked, entity_rows=[{"customer_id": question.customer_id}]
        ).to_df()
        churn = float(self._churn.predict(row[self._churn_inputs].astype("float64"))[0])
        pairs = self._items.merge(row, how="cross")
        scores = self._ranker.predict(pairs[self._ranker_inputs].astype("float64"))
        best = int(scores.argmax())
        item, score = str(pairs["item_id"].iloc[best]), float(scores[best])
        if row[HELD].iloc[0] > 0:
            action, reason = "no_action", "held"
        elif row[OBJECTS].iloc[0] > 0:
            action, reason = "no_action", "objects"
        else:
            action, reason = "offer", "leaving" if churn > 0.5 else "next"
        decision_id, now = f"d-{uuid.uuid4()}", datetime.now(UTC)
        with self._log() as log:
            log.execute(
                "insert into decisions values (?, ?, ?, ?, ?, ?, ?)",
                (decision_id, question.customer_id, now.isoformat(), action, item, churn, score),
            )
        return {
            "decision_id": decision_id,
            "customer_id": question.customer_id,
            "decided_at": now.isoformat(),
            "actions": [{"action_id": action, "item_id": item, "probability": score}] if action == "offer" else [],
            "reason": reason,
        }


def create_app(folder: Path, *, threads: bool) -> FastAPI:
    """One endpoint: a function, to which FastAPI gives threads, or a coroutine that blocks, one decision at a time."""
    app, naive = FastAPI(), Naive(folder)

    def decide(question: Question) -> dict[str, Any]:
        return naive.decide(question)

    async def decide_alone(question: Question) -> dict[str, Any]:
        return naive.decide(question)

    app.post("/v1/decisions")(decide if threads else decide_alone)
    return app


if __name__ == "__main__":
    app = create_app(Path(sys.argv[1]), threads=sys.argv[3] == "threads")
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
