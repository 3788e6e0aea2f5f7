"""What came back."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import Known


def returns(known: Known) -> Any:
    """One row a return."""
    return known.of_type("return")


def return_lines(known: Known) -> Any:
    """One row a returned line: `quantity`, and `amount` given back (minor units, 0 where not stated)."""
    rows = known.of_type("return", line=_.lines.unnest())
    return rows.mutate(quantity=_.line["quantity"], amount=ibis.coalesce(_.line["amount"], 0))
