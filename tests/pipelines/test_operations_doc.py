"""Every command of docs/operations.md, run as it stands there, in the page's order, over a small real shop.

A service that a block starts goes on until the page says that it is stopped; addresses are those it really has.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from features.home import Home
from pipelines.cli import main
from pipelines.promotion.in_force import put_in_force
from serving.security import KeyStore
from tests.faults.regular_customer import NOON, Shop
from tests.postgres_server import name_postgres, shared
from tests.serving.core.test_bundles import write_bundle

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operations.md"
ON_A_SERVER = "PostgreSQL and Valkey"
ASK = {"channel": "web", "placement": "front_page"}


def blocks() -> Iterator[tuple[str, list[str]]]:
    """Each block of shell commands, with the heading it stands under."""
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL):
            yield section.partition("\n")[0], block.splitlines()


@dataclass
class Operator:
    """Somebody who types the page's lines, in a folder of hers."""

    folder: Path
    home: Path
    typed: list[str] = field(default_factory=list)
    _service: subprocess.Popen[str] | None = None
    address: str = ""

    def type(self, line: str) -> None:
        """One line of a block; raises where it does not end well."""
        self.typed.append(line)
        if line.startswith("#"):
            if re.search("stop the service|service is stopped", line):
                self.stop()
            return
        words = shlex.split(os.path.expandvars(line), comments=True)
        if words[:2] == ["tahdikas", "serve"]:
            self._start(words)
        elif words[0] == "tahdikas":
            self._run(words)
        elif words[0] == "pip":
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            assert set(re.findall(r"[\w-]+", words[-1].partition("[")[2])) <= set(extras), line
        else:
            here = line.replace("http://127.0.0.1:8080", self.address)
            done = subprocess.run(["bash", "-c", here], cwd=self.folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}: {done.stderr}"

    def stop(self) -> None:
        """SIGTERM, as systemd sends it."""
        if self._service is not None:
            with self._service as service:
                service.terminate()
                service.wait(30)
            self._service = None

    def _run(self, words: list[str]) -> None:
        sys.argv = words
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None), " ".join(words)

    def _start(self, words: list[str]) -> None:
        self.stop()
        command = [sys.executable, "-m", "pipelines.cli", *words[1:], "--port", "0"]
        self._service = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        assert self._service.stdout is not None
        told = self._service.stdout.readline()
        found = re.search(r"http://[\d.:]+", told)
        assert found, told
        self.address = found.group().rstrip(":")
        assert httpx.get(f"{self.address}/v1/health/live", timeout=30).status_code == 200


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.setattr(sys, "argv", ["tahdikas"])
    monkeypatch.setenv("TAHDIKAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BACKUPS", str(tmp_path / "backups"))
    monkeypatch.chdir(tmp_path)
    made = Operator(tmp_path, tmp_path / "home")
    yield made
    made.stop()


def small_shop(folder: Path) -> Shop:
    """Aino, who may be sold to, Bertta, whose exchange drags on, and two bundles that were in force."""
    shop = Shop(Home.open(folder))
    (shop.home.config / "serving.yaml").write_text("decision_deadline_ms: 20000\n", encoding="utf-8")
    case = {
        "event_id": "b1", "type": "case", "customer_id": "bertta", "occurred_at": NOON.isoformat(),
        "payload": {"case_id": "r-1", "kind": "exchange", "status": "opened"},
    }  # fmt: skip
    (taken,) = shop.service.ingest([case], NOON)
    assert taken.status == "accepted"
    shop.service.close()
    before, after = write_bundle(shop.home), write_bundle(shop.home, as_of="20260901")
    put_in_force(shop.home, after, [before, after])
    return shop


def test_every_command_of_the_page_does_what_it_says(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    shop = small_shop(operator.home)
    _, token = KeyStore(shop.home).create("test", ["admin"], now=datetime.now(UTC))
    (operator.folder / "new.yaml").write_text((shop.home.config / "policy.yaml").read_text())
    held: Callable[[], list[str]] = lambda: [  # noqa: E731
        one["kind"]
        for one in httpx.post(
            f"{operator.address}/v1/decisions",
            json=ASK | {"customer_id": "bertta"},
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
        ).json()["holds"]
    ]
    seen = set()
    for section, lines in blocks():
        if section == ON_A_SERVER:
            continue
        seen.add(section)
        for line in lines:
            operator.type(line)
        assert "open_case" in held(), section
        if lines == ["tahdikas rollback"]:
            assert "is in force again" in capsys.readouterr().out
    assert seen >= {"# Running it", "Watch", "The staff's day", "Upgrade", "Recover"}
    for copy in ("before-upgrade", "monday"):
        assert (operator.folder / "backups" / copy / "live.db").exists()
    assert (operator.folder / "home.lost" / "live.db").exists(), "what was lost is kept to be looked at"


def test_every_command_of_the_section_on_servers_does(operator: Operator) -> None:
    for number, lines in enumerate(lines for section, lines in blocks() if section == ON_A_SERVER):
        home = small_shop(operator.folder / f"shop-{number}").home
        os.environ["TAHDIKAS_HOME"] = str(home.root)  # put back by the fixture
        name_postgres(home, shared())
        for line in lines:
            operator.type(line.replace("--port 8080", ""))
        operator.stop()
