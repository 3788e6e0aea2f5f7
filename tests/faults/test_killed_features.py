"""kill -9 during import, mending, increments and writing online: afterwards all is as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from killed_features import NIGHTS, WHO

from features.feature_store.batch import schema_hash
from features.feature_store.online import OnlineFeatures
from features.feature_store.snapshots import BATCH, STATE, snapshots
from features.home import Home
from features.log.event_log import EventLog


@pytest.mark.parametrize(("kills", "seed"), [(8, 1), pytest.param(50, 2, marks=pytest.mark.slow)], ids=["some", "many"])
def test_killed_at_any_moment_it_goes_on_to_the_same_values(kills: int, seed: int, tmp_path: Path) -> None:
    script = Path(__file__).with_name("killed_features.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(kills), str(seed)],
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    lived = json.loads(ran.stdout.splitlines()[-1])
    assert (lived["killed"], lived["last_status"]) == (kills, 0), ran.stderr
    undisturbed = _told(Home.open(tmp_path / "undisturbed"))
    for number in range(lived["shops"]):
        killed = Home.open(tmp_path / f"killed{number}")
        assert _told(killed) == undisturbed
        leftovers = [path for path in killed.features.rglob(".*") if path.is_dir()]
        assert not leftovers, "what killed runs left is swept"


def _told(home: Home) -> dict[str, Any]:
    made = [one for kind in (BATCH, STATE) for one in snapshots(home, kind)]
    reader = OnlineFeatures(home, expected_schema=schema_hash(), deadline_seconds=5.0)
    online = reader.read(WHO)
    reader.close()
    assert all(one is None or one.event_time == NIGHTS[-1] for one in online)
    with EventLog(home) as log:
        assert not log.damaged()
        counts = log.counts()
    return {
        "events": counts,
        "cutoffs": [(one.kind, one.cutoff, one.manifest.fingerprint) for one in made],
        "values": [pq.read_table(one.files, partitioning=None).to_pylist() for one in made],
        "online": [one and (one.values, one.problem) for one in online],
    }
