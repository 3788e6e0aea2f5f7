"""What the customers of a shop are like: the middle value of each input, told beside one customer's own."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

_INPUT = "input_"


def typical_of(evidence: Path) -> dict[str, float]:
    """The median of each input among those who have one; inputs that nobody has are left out."""
    table = pq.read_table(evidence)
    found = {}
    for column in table.column_names:
        if column.startswith(_INPUT):
            values = table[column].to_numpy()
            known = values[np.isfinite(values)]
            if len(known):
                found[column.removeprefix(_INPUT)] = float(np.median(known))
    return found
