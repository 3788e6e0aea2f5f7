"""docs/add-a-feature.md, followed to the letter on a copy of the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-feature.md").read_text("utf-8")
NAME = "cart_removes_30d"

_BLOCK = re.compile(r"(?:At the end of\s+`(?P<file>[^`]+)`:\n\n)?```(?P<kind>python|sh)\n(?P<text>.*?)```", re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a data scientist has before her."""
    for name in ("features", "serving", "training", "pipelines", "tests/features", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "params.yaml", "tests/conftest.py", "tests/engines.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _run(checkout: Path, command: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TAHDIKAS", "PYTEST"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=checkout, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_page_followed_to_the_letter(checkout: Path) -> None:
    blocks = list(_BLOCK.finditer(PAGE))
    assert [block["kind"] for block in blocks] == ["python", "python", "sh", "sh"]
    told = ""
    for block in blocks:
        if block["kind"] == "python":
            with (checkout / block["file"]).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{block['text']}")
            continue
        for command in block["text"].splitlines():
            told = _run(checkout, command)
    assert NAME in told
    assert f"`{NAME}` | int64 | items | 30 d | Items taken out of the cart. | `browse`: action" in (
        checkout / "docs" / "features.md"
    ).read_text("utf-8")

    found = json.loads(_run(checkout, f"python -m pipelines.cli --home try --json features {NAME}"))["features"][NAME]
    assert found["made_of"] == {"browse": ["action"]}
    assert found["distribution"]["null_share"] == 0.0, "it is in the snapshot"
    online = (
        "from features.feature_store.batch import schema_hash;"
        "from features.feature_store.online import OnlineFeatures;"
        "from features.home import Home; from features.feature_store.snapshots import BATCH, snapshots;"
        "import pyarrow.parquet as pq; home = Home.open('try');"
        "who = pq.read_table(snapshots(home, BATCH)[-1].files[0])['customer_id'].to_pylist();"
        "reader = OnlineFeatures(home, expected_schema=schema_hash());"
        f"print(sum(record.values['{NAME}'] is not None for record in reader.read(who)), len(who))"
    )
    known, customers = _run(checkout, f'python -c "{online}"').split()
    assert known == customers != "0", "it is in the online record"
