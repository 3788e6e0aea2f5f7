"""What is shipped beside the program speaks of it as it is: metrics, settings, addresses, files."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from features.feature_store.settings import load_settings as load_feature_settings
from features.home import Home
from features.log.settings import load_settings as load_store_settings
from serving.metrics import Metrics
from serving.settings import ServingSettings, load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def _known() -> set[str]:
    """Every name under which Prometheus may ask."""
    names = set()
    for family in Metrics().registry.collect():
        match family.type:
            case "counter":
                names.add(f"{family.name}_total")
            case "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
            case "summary":
                names |= {f"{family.name}_{part}" for part in ("sum", "count")}
            case _:
                names.add(family.name)
    return names


def _labels() -> dict[str, set[str]]:
    metrics = Metrics()
    found = {}
    for one in vars(metrics).values():
        if hasattr(one, "_labelnames"):
            found[one._name] = set(one._labelnames)
    return found


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yaml"])
def test_every_metric_asked_for_exists_with_its_labels(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    used = set(re.findall(r"tahdikas_[a-z_]+(?=[\[{ )\"=]|$)", text))
    assert used and used <= _known()
    labels = _labels()
    for metric, selector in re.findall(r"(tahdikas_[a-z_]+)\{([^}]*)\}", text):
        base = re.sub(r"_(total|bucket|sum|count)$", "", metric)
        assert set(re.findall(r"([a-z_]+)\s*=~?", selector)) <= labels[base], metric


def test_the_dashboard_shows_every_metric_there_is() -> None:
    text = (DEPLOY / "grafana.json").read_text("utf-8")
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", one) for one in re.findall(r"tahdikas_[a-z_]+", text)}
    assert shown >= {family.name for family in Metrics().registry.collect()}
    panels = [one for one in json.loads(text)["panels"] if one["type"] != "row"]
    assert all(one["description"] and one["targets"] for one in panels)
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", ["compose.yaml", "grown.yaml"])
def test_compose_and_image_name_files_that_are_there(name: str) -> None:
    compose = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        pulled = "image" in service and "build" not in service
        assert not pulled or re.search(r":v?\d+\.\d+", service["image"]), "an image without a version"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), source
        build = service.get("build", {})
        assert (DEPLOY / build.get("context", ".") / build.get("dockerfile", "")).exists()
        image = (DEPLOY / "Dockerfile").read_text("utf-8")
        for part, told in ({"REQUIREMENTS": "base"} | build.get("args", {})).items():
            image = image.replace(f"${{{part}}}", told)
        for line in image.splitlines():
            if line.startswith("COPY"):
                assert all((ROOT / one).exists() for one in line.split()[1:-1]), line


def test_the_grown_shop_is_made_of_what_its_settings_name(tmp_path: Path) -> None:
    services = yaml.safe_load((DEPLOY / "grown.yaml").read_text("utf-8"))["services"]
    home = Home.open(tmp_path)
    shutil.copytree(DEPLOY / "grown", home.config)
    store, online = load_store_settings(home), load_feature_settings(home).online
    assert (store.engine, online.store, load_settings(home).workers) == ("postgresql", "valkey", 2)
    assert {urlsplit(store.url).hostname, urlsplit(online.url).hostname} <= services.keys()
    assert services["postgresql"]["environment"]["POSTGRES_USER"] == urlsplit(store.url).username
    for ours in ("tahdikas", "upgrade"):
        assert {store.password_env, online.password_env} == services[ours]["environment"].keys()
        assert "./grown:/data/config:ro" in services[ours]["volumes"]
    locked = (ROOT / "requirements" / "grown.txt").read_text("utf-8")
    assert all(re.search(rf"^{one}==", locked, re.MULTILINE) for one in ("psycopg", "valkey", "libvalkey"))


def test_every_command_that_they_name_exists() -> None:
    told = "".join(one.read_text("utf-8") for one in DEPLOY.iterdir() if one.is_file())
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    known = set(re.findall(r"^\| `tahdikas ([a-z-]+)", page, re.MULTILINE))
    named = set(re.findall(r"\btahdikas (?:tahdikas )?([a-z-]+)", told))
    assert {"quarantine", "serve"} <= named <= known


def test_the_unit_waits_longer_than_a_graceful_stop_takes() -> None:
    unit = (DEPLOY / "tahdikas.service").read_text("utf-8")
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found is not None and int(found.group(1)) > ServingSettings().shutdown_seconds
    assert "ExecStart=" in unit and "tahdikas serve" in unit
    assert "Restart=always\n" in unit and "StartLimitIntervalSec=0\n" in unit.partition("[Service]")[0]
