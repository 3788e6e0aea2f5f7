"""The step that tells what actions add: contacts held back by lot, and purchases -> `home.models/response/`."""

from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from features.home import Home
from features.log.event_log import EventLog
from pipelines.retraining.files import fresh, prepared_of, read_json
from training.effects import RESPONSE, ActionEffect, effects_of
from training.report import write_json

NOBODY = (
    "what actions add: no claim. The log holds no contact held back by lot. Plan a control group, and send its "
    "contacts as events with status released and treatment_id control."
)


def train_response(home: Home) -> list[ActionEffect]:
    """prepared.json, purchases.parquet and the log's contacts -> report.json: of each action its effect, or why none is
    claimed. No decision reads it: a person puts a figure into the catalogue.
    """
    as_of = datetime.fromisoformat(prepared_of(home)["as_of"])
    with EventLog(home) as log:
        found = effects_of(log, pq.read_table(home.models / "purchases.parquet"), as_of)
    told = [one.told for one in found] or [NOBODY]
    write_json(
        fresh(home.models / "response") / "report.json",
        {"response_days": RESPONSE.days, "actions": [one.plain() for one in found], "told": told},
    )
    return found


def response_told(home: Home) -> str:
    """Its lines for people; empty where the step did not run."""
    path = home.models / "response" / "report.json"
    report: dict[str, Any] = read_json(path) if path.exists() else {"told": []}
    return "".join(f"{line}\n" for line in report["told"])
