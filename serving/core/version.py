"""Which engine decided, and which feature set its models saw: hashes that go into every record."""

import hashlib
from functools import lru_cache
from pathlib import Path

from features.inputs.frame import CHURN_INPUTS

INPUTS_TEXT = "\n".join(CHURN_INPUTS)
"""The feature set of the churn model, one name a line, in the order of the recorded values."""
INPUTS_HASH = hashlib.sha256(INPUTS_TEXT.encode()).hexdigest()
_ROOT = Path(__file__).parents[2]
_PARTS = ("serving/core", "features/customer", "features/inputs")


@lru_cache(maxsize=1)
def engine_version() -> str:
    """SHA-256 over the sources of the engine and of what folds her facts: equal hashes decide equally."""
    digest = hashlib.sha256()
    for part in _PARTS:
        for path in sorted((_ROOT / part).glob("*.py")):
            digest.update(f"{part}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()
