"""Killed at any moment and started again, an import in parts ends as an undisturbed one, and reads no part twice."""

import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from features.catalogue import load_items
from features.home import Home
from features.log.store import connect
from pipelines.resumption import digest, taken

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "features"), str(HERE.parent / "pipelines")]

import olist_folder  # noqa: E402
import retailrocket_folder  # noqa: E402
from import_in_parts import small_parts  # noqa: E402
from log_contents import contents  # noqa: E402


def run(source: str, folder: Path, home: Path, read: Path, seconds: float = 0) -> bool:
    """Import in another process, killed after so many seconds (0: not); whether it came to its end."""
    read.unlink(missing_ok=True)
    words = [str(HERE / "import_in_parts.py"), source, str(folder), str(home), str(read), str(seconds)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == 0


def held(home: Home) -> dict[str, Any]:
    """What the log and the catalogue hold, and how often each reject came."""
    connection = connect(home)
    times = sorted(connection.execute("select id, times from quarantine").fetchall())
    connection.close()
    return contents(home) | {"times": times, "items": load_items(home).to_pylist()}


def killed_and_resumed(tmp_path: Path, source: str, kills: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    folder = tmp_path / "raw"
    if source == "olist":
        olist_folder.write_large(folder, 400, days=60)
    else:
        retailrocket_folder.write_large(folder, 2000)
    read = tmp_path / "read.txt"
    start = perf_counter()
    run(source, folder, tmp_path / "whole", read)
    duration = perf_counter() - start
    wanted = held(Home.open(tmp_path / "whole"))
    parts = read.read_text().split()
    assert len(parts) > 4, parts
    converter = small_parts(source, read)
    key = f"{source}:{digest(converter, converter.files(folder))}"
    hits = homes = 0
    while hits < kills:
        homes += 1
        home = Home.open(tmp_path / f"home{homes}")
        ended = False
        while not ended:
            before = set(taken(home, key))
            more = 0.0 if hits == kills else float(draw.uniform(0.05, duration / 2))
            ended = run(source, folder, home.root, read, more)
            hits += not ended
            again = read.read_text().split() if read.exists() else []
            assert not before & set(again), "a part that is in was read again"
            after = set(taken(home, key))
            assert after >= before
            assert len(set(again) - after) <= 1, "only the part in hand is lost"
        assert set(taken(home, key)) == set(parts)
        assert held(home) == wanted


@pytest.mark.parametrize("source", ["olist", "retailrocket"])
def test_killed_at_random_moments(tmp_path: Path, source: str) -> None:
    killed_and_resumed(tmp_path, source, kills=5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["olist", "retailrocket"])
@pytest.mark.parametrize("seed", [2, 3])
def test_killed_at_many_more_random_moments(tmp_path: Path, source: str, seed: int) -> None:
    killed_and_resumed(tmp_path, source, kills=20, seed=seed)
