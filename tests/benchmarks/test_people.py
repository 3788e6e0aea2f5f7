"""The benchmarks of people where data are absent, and their yardstick of spend on a drawn shop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import __main__ as command
from benchmarks.purchases import Purchases
from benchmarks.yardsticks.value import expected_spend

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["churn", "people"])
def test_absent_data_are_said_to_be_absent(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAHDIKAS_SHARED_DATA", str(tmp_path))
    assert command.main([name]) == 1
    assert f"{name}: skipped, its data are absent" in capsys.readouterr().err


def test_spend_is_expected_where_it_comes_and_only_from_what_was_known() -> None:
    draw = np.random.default_rng(0)
    rates, worth = draw.gamma(1.0, 1 / 20, 400), 2000 * draw.gamma(3.0, 0.5, 400)
    visits = [(c, at) for c, rate in enumerate(rates) for at in np.cumsum(draw.exponential(1 / rate, 80)) if at < 150]
    lines = pd.DataFrame(visits, columns=["customer", "at"]).sort_values("at", ignore_index=True)
    paid = (worth[lines["customer"]] * draw.uniform(0.5, 1.5, len(lines))).round() + 1
    start = BEGIN.timestamp()
    lines = lines.assign(at=start + lines["at"] * 86400, known=start, order=lines.index, item=0, paid=paid)
    shop = Purchases(
        lines,
        pd.DataFrame({"customer": [], "order": [], "at": [], "known": []}),
        np.arange(400).astype(object),
        np.array(["a"], dtype=object),
    )
    cutoff = BEGIN + timedelta(days=120)
    known = np.unique(lines.loc[lines["at"] < cutoff.timestamp(), "customer"])
    found = expected_spend(shop, known, cutoff, 28)
    truth = shop.within(cutoff, 28).groupby("customer")["paid"].sum().reindex(known, fill_value=0).to_numpy()
    for name, p in found.items():
        assert p.mean() == pytest.approx(truth.mean(), rel=0.25), name
        assert np.corrcoef(p, truth)[0, 1] > 0.4, name
    blind = Purchases(lines[lines["at"] < cutoff.timestamp()], shop.returns, shop.customer_ids, shop.item_ids)
    again = expected_spend(blind, known, cutoff, 28)
    assert all(np.array_equal(found[name], again[name]) for name in found)
