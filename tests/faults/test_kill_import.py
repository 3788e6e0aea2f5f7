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


def run(source: str, folder: Path, home: Path, read: Path, when: str = "0") -> bool:
    """Import in another process, killed at a moment (see `import_in_parts`); whether it came to its end."""
    read.unlink(missing_ok=True)
    words = [str(HERE / "import_in_parts.py"), source, str(folder), str(home), str(read), when]
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
        olist_folder.write_large(folder, 400, days=30)
    else:
        retailrocket_folder.write_large(folder, 2000, weeks=3)
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
            seconds = 0.0 if hits == kills else float(draw.uniform(0.05, duration / 2))
            ended = run(source, folder, home.root, read, str(seconds))
            hits += not ended
            again = read.read_text().split() if read.exists() else []
            assert not before & set(again), "a part that is in was read again"
            after = set(taken(home, key))
            assert after >= before
            assert len(set(again) - after) <= 1, "only the part in hand is lost"
        assert set(taken(home, key)) == set(parts)
        assert held(home) == wanted


@pytest.mark.parametrize(("source", "kills"), [("olist", 3), ("retailrocket", 2)])
def test_killed_at_random_moments(tmp_path: Path, source: str, kills: int) -> None:
    killed_and_resumed(tmp_path, source, kills, seed=1)


POINTS = ["_cut:1", "prepared_items:1", "read:1", "mark:1", "mark:2", "list_files:3", "merge_items:1", "finished:1"]


def test_killed_at_the_seams(tmp_path: Path) -> None:
    folder, read = olist_folder.write_large(tmp_path / "raw", 200, days=12), tmp_path / "read.txt"
    run("olist", folder, tmp_path / "whole", read)
    parts, wanted = read.read_text().split(), held(Home.open(tmp_path / "whole"))
    assert len(parts) > 3, parts
    home, again = Home.open(tmp_path / "home"), list[str]()
    for point in POINTS:
        assert not run("olist", folder, home.root, read, point), point
        again += read.read_text().split() if read.exists() else []
    assert run("olist", folder, home.root, read)
    assert not read.exists(), "all parts were in before the items were"
    lost = {part for part in parts if again.count(part) > 1}
    assert len(again) < len(parts) + len(POINTS)
    assert lost < set(parts)
    assert held(home) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("source", ["olist", "retailrocket"])
@pytest.mark.parametrize("seed", [2, 3])
def test_killed_at_many_more_random_moments(tmp_path: Path, source: str, seed: int) -> None:
    killed_and_resumed(tmp_path, source, kills=20, seed=seed)
