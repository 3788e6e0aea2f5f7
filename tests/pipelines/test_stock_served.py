"""Stock and a running server: told by the command line it acts there at once; acknowledged, it survives kill -9."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.home import Home
from pipelines.catalogue import import_items
from pipelines.cli import main
from serving.core.policy import DEFAULT_POLICY
from serving.security import KeyStore
from tests.pipelines.test_serve import running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    path = tmp_path / "items.csv"
    path.write_text("item_id,price,in_stock\nlamp,900,true\nrug,900,true\n", "utf-8")
    import_items(home, path, now=datetime(2026, 1, 1, tzinfo=UTC))
    home.config.mkdir()
    (home.config / "policy.yaml").write_text(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0"))
    (home.config / "serving.yaml").write_text("decision_deadline_ms: 20000\n")
    return home


@pytest.fixture
def headers(home: Home) -> dict[str, str]:
    _, key = KeyStore(home).create("test", ["admin"], now=datetime.now(UTC))
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def command(home: Home, monkeypatch: Any) -> Callable[..., None]:
    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["tahdikas", "--home", str(home.root), "--json", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code

    return run


def shown(address: str, headers: dict[str, str]) -> set[str]:
    asked = {"anonymous_id": "v1", "channel": "web", "placement": "front_page"}
    answer = httpx.post(f"{address}/v1/decisions", json=asked, headers=headers, timeout=30).json()
    return {item["item_id"] for action in answer["actions"] for item in action["items"]}


def test_what_was_told_acts_in_a_running_server_and_outlives_it(
    home: Home, headers: dict[str, str], command: Callable[..., None]
) -> None:
    with running(home) as (process, address, _):
        assert shown(address, headers) == {"lamp", "rug"}
        command("catalogue", "stock", "lamp", "--out")
        assert shown(address, headers) == {"rug"}
        told = {"item_id": "rug", "in_stock": False}
        httpx.post(f"{address}/v1/items/stock", json=told, headers=headers, timeout=30).raise_for_status()
        process.kill()
    with running(home) as (_, address, _):
        assert shown(address, headers) == set()
        command("catalogue", "import", str(home.root.parent / "items.csv"))
        assert shown(address, headers) == {"lamp", "rug"}, "what is imported afterwards is later"
