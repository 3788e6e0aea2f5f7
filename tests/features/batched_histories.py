"""Many small histories as one log, each with customers, visitors and events of its own, and what the oracle says.

Only whether a source is there at all is common to them: absence is a matter of the whole log.
"""

from datetime import datetime
from typing import Any

from feature_histories import CATALOGUE, CUTOFFS, histories
from feature_oracle import features_at, types_known
from hypothesis import HealthCheck, Phase, given, seed, settings

Row = dict[str, Any]
Expected = dict[tuple[str, datetime], Row]
_WHO = ("customer_id", "anonymous_id", "event_id")


def batched_histories(n: int, random_seed: int = 1) -> tuple[list[Row], Expected]:
    """The rows of `n` histories, and their features by (customer, cutoff of `CUTOFFS`), over `CATALOGUE`.

    The same `n` and `random_seed` give the same rows. The 17th history's ada is `h00016:ada`; links are those of
    `feature_histories.links(rows)`.
    """
    told = [_renamed(rows, f"h{number:05}:") for number, rows in enumerate(_drawn(n, random_seed))]
    items = CATALOGUE.to_pylist()
    expected: Expected = {}
    for cutoff in CUTOFFS:
        present = set[str]().union(*(types_known(rows, cutoff) for rows in told))
        for rows in told:
            found = features_at(rows, items, cutoff, present)
            expected |= {(who, cutoff): features for who, features in found.items()}
    return [row for rows in told for row in rows], expected


def _drawn(n: int, random_seed: int) -> list[list[Row]]:
    found: list[list[Row]] = []

    @seed(random_seed)
    @settings(
        max_examples=n, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(histories())
    def collect(rows: list[Row]) -> None:
        found.append(rows)

    collect()
    assert len(found) >= n, f"Hypothesis made {len(found)} histories, not {n}"
    return found[:n]


def _renamed(rows: list[Row], prefix: str) -> list[Row]:
    return [row | {name: prefix + row[name] for name in _WHO if row.get(name)} for row in rows]
