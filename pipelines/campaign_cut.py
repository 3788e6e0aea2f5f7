"""Keeping a list within what a campaign may spend: those who bring most stay, the others are kept off and told why."""

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from features.home import Home
from pipelines.campaign_rows import Step, kept_by_campaign
from pipelines.list_files import ListFile, sheet
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA
from serving.campaigns.spec import REASONS, Spec
from serving.core.catalogue import load_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import load_policy

OVER = "over_budget"
_BATCH = 5_000


def cut(
    home: Home,
    folder: Path,
    spec: Spec,
    channel: str,
    share: float,
    kept: ListFile,
    steps: dict[tuple[str, str], Step],
) -> int:
    """Write the folder's list anew within the bounds; gives how many were moved to `kept`. `steps` follow.

    Of a sample, `share` of the bounds is taken. What a contact costs is the channel's price, and what an incentive is
    expected to cost.
    """
    whole = folder / "list.parquet"
    before = whole.rename(folder / "uncut.parquet")
    moved = 0
    with (
        closing(duckdb.connect(config={"threads": 1})) as connection,
        closing(ListFile(folder / "list", LIST_SCHEMA, csv_too=False)) as listed,
    ):
        reader = connection.sql(_ranked(home, spec, channel, share), params=[str(before)]).to_arrow_reader(_BATCH)
        for batch in reader:
            rows = batch.to_pylist()
            fits = [row.pop("fits") for row in rows]
            on = [row for row, is_in in zip(rows, fits, strict=True) if is_in]
            off = [row for row, is_in in zip(rows, fits, strict=True) if not is_in]
            listed.write(sheet(on, LIST_SCHEMA, csv_too=False))
            kept.write(sheet([kept_by_campaign(row, OVER) for row in off], KEPT_OFF_SCHEMA))
            for row in off:
                _move(steps, row)
            moved += len(off)
    before.unlink()
    return moved


def _move(steps: dict[tuple[str, str], Step], row: dict[str, Any]) -> None:
    left, taken = (
        steps["listed", row["action_id"]],
        steps.setdefault(("kept_off", OVER), Step("kept_off", OVER, *REASONS[OVER])),
    )
    for step, sign in ((left, -1), (taken, 1)):
        step.customers += sign
        step.gain += sign * row["expected_gain"]
    if not left.customers:
        del steps["listed", row["action_id"]]


def _ranked(home: Home, spec: Spec, channel: str, share: float) -> str:
    """Every row by customer, with whether it fits: by gain, as long as contacts and money last."""
    priced = {
        a.action: a.incentive_cost for a in load_catalogue(home, known=KNOWN_FEATURES).actions if a.incentive_cost
    }
    incentive = "".join(f" when '{name}' then {cost}" for name, cost in priced.items())
    channels = {str(name): rule for name, rule in load_policy(home).file.channels.items()}
    cost = f"{channels[channel].contact_cost}"
    if incentive:
        cost += f" + response_probability * case action_id{incentive} else 0 end"
    bounds = ["true"]
    if spec.at_most is not None:
        bounds.append(f"row_number() over gains <= {round(spec.at_most * share)}")
    if spec.budget is not None:
        bounds.append(f"sum({cost}) over (gains rows unbounded preceding) <= {spec.budget * share}")
    return f"""select *, {" and ".join(bounds)} as fits from read_parquet(?)
        window gains as (order by expected_gain desc, customer_id) order by customer_id"""
