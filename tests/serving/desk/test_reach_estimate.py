"""The reach of a rule, told from some customers: all where they are few, an interval that holds it where not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.desk.faults import FieldFaultError
from serving.desk.reach_estimate import estimate_reach
from tests.scenarios.conftest import Shop


@pytest.fixture
def shop(tmp_path: Path, start: Any) -> Shop:
    found = Shop(tmp_path / "home", start)
    for number in range(60):
        order = found.orders(f"c{number:02}", "coffee")
        found.happens(
            "delivery", f"c{number:02}", order_id=order, status="shipped", carrier="posti" if number % 3 else "other"
        )
    return found


def test_of_few_it_is_exact_of_many_an_interval_that_holds_it(shop: Shop) -> None:
    desk = shop.app.state.wiring.desk
    rule = {"carrier": "posti", "since": (shop.now - timedelta(days=1)).isoformat()}
    exact = desk.reach(rule, shop.now)
    whole = estimate_reach(desk, rule, shop.now)
    assert (whole.affected, whole.low, whole.high, whole.customers, whole.asked) == (40, 40, 40, 60, 60)
    assert (whole.affected, whole.examples) == (exact.affected, exact.examples)
    some = estimate_reach(desk, rule, shop.now, 30)
    assert some.low <= exact.affected <= some.high and some.low < some.affected < some.high
    assert (some.customers, some.asked) == (60, 30) and some == estimate_reach(desk, rule, shop.now, 30)
    nobody = estimate_reach(desk, rule | {"carrier": "none"}, shop.now, 30)
    assert nobody.affected == nobody.low == 0 < nobody.high < 15 and nobody.examples == []


def test_a_rule_that_cannot_be_used_is_told(shop: Shop) -> None:
    with pytest.raises(FieldFaultError):
        estimate_reach(shop.app.state.wiring.desk, {"planet": "mars"}, shop.now)
