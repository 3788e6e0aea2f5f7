"""What an action adds on average: a lot in the log, effects that were drawn into the purchases, and no lot at all."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from tests.training.shops import day, events
from training.effects import ActionEffect, effects_of
from training.purchases import load_purchases

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS = 1600


def told(
    folder: Path, adds: float, *, action: str = "letter", control: float = 0.3, seed: int = 0, picked: bool = False
) -> list[ActionEffect]:
    """Everybody ordered before day 100; one letter each then, held back by lot, or (`picked`) of who ordered often."""
    draw = np.random.default_rng(seed)
    orders, letters = [], []
    for c in range(CUSTOMERS):
        many = int(draw.integers(1, 6))
        orders += [(f"c{c}", f"o{c}-{n}", "a", 500, float(draw.uniform(0, 99))) for n in range(many)]
        at = 100 + float(draw.uniform(0, 50))
        held = many > 3 if picked else draw.random() < control
        letters.append({
            "event_id": f"k{c}", "type": "contact", "customer_id": f"c{c}", "occurred_at": day(at),
            "received_at": day(at), "channel": "email", "source": "test", "schema_version": 1, "action_id": action,
            "status": "released" if held else "sent", "treatment_id": "control" if held else "plain",
        })  # fmt: skip
        if draw.random() < 0.05 * many + (0 if held else adds):
            orders.append((f"c{c}", f"o{c}-after", "a", 500, at + float(draw.uniform(0.1, 6.9))))
        elif draw.random() < 0.3:
            orders.append((f"c{c}", f"o{c}-late", "a", 500, at + 7.5))
    home = Home.open(folder)
    with EventLog(home) as log:
        contacts = pa.Table.from_pylist(letters, schema=EVENT_SCHEMA)
        log.append_history([events(orders), contacts], source="test", now=NOW)
        return effects_of(log, load_purchases(home), day(180))


def test_an_effect_is_told_with_its_interval_and_its_share_of_the_responses(tmp_path: Path) -> None:
    (found,) = told(tmp_path, adds=0.15)
    assert found.effect is not None and found.claimed
    assert found.effect.low < 0.15 < found.effect.high and found.effect.high - found.effect.low < 0.15
    assert found.treated + found.controls == CUSTOMERS and found.controls == pytest.approx(480, abs=60)
    assert found.responded == pytest.approx(0.30, abs=0.04)
    assert found.plain()["incrementality"]["value"] == pytest.approx(found.effect.value / found.responded)
    assert "State it as its incrementality" in found.told


def test_where_nothing_was_added_nothing_is_claimed(tmp_path: Path) -> None:
    claims = [told(tmp_path / str(seed), adds=0.0, seed=seed)[0] for seed in range(3)]
    assert sum(one.claimed for one in claims) <= 1
    silent = next(one for one in claims if not one.claimed)
    assert "no claim" in silent.told or "Let it rest" in silent.told


def test_controls_that_were_picked_are_found_out(tmp_path: Path) -> None:
    (found,) = told(tmp_path, adds=0.2, picked=True)
    assert found.effect is None and not found.claimed
    assert "no claim" in found.told and "no random controls" in found.told


def test_few_controls_say_what_to_do_and_actions_without_any_are_not_listed(tmp_path: Path) -> None:
    (found,) = told(tmp_path / "few", adds=0.2, control=0.01)
    assert (
        found.effect is None and "Draw a larger control group" in found.told and "incrementality" not in found.plain()
    )
    assert told(tmp_path / "none", adds=0.2, control=0.0) == []
