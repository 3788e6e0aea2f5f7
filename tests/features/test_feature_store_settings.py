"""The feature store's settings: defaults without a file, every fault named, no secret in a file or an error."""

from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from features.feature_store.settings import FeatureStoreSettings, OnlineSettings, load_settings
from features.home import Home

DOC = Path(__file__).parents[2] / "docs" / "online-store.md"


def _home(folder: Path, text: str) -> Home:
    home = Home.open(folder)
    home.config.mkdir()
    (home.config / "feature_store.yaml").write_text(text)
    return home


def test_without_a_file_one_machine_needs_nothing(tmp_path: Path) -> None:
    chosen = load_settings(Home.open(tmp_path))
    assert (chosen.online.store, chosen.online.ttl_days, chosen.offline.engine) == ("sqlite", None, "duckdb")


def test_what_a_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    home = _home(tmp_path, "online:\n  store: valkey\n  ttl_days: 400\noffline:\n  spark_conf: {spark.x: '1'}\n")
    chosen = load_settings(home)
    assert (chosen.online.store, chosen.online.url, chosen.online.ttl_days) == (
        "valkey",
        "valkey://127.0.0.1:6379/0",
        400,
    )
    assert chosen.offline.spark_conf == {"spark.x": "1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("online:\n  stoer: valkey\n", r"feature_store.yaml:2: unknown key 'online.stoer'.*Did you mean 'store'"),
        ("online:\n  store: redis\n", r":2: online.store = 'redis'"),
        ("online:\n  ttl_days: 0\n", r":2: online.ttl_days = 0"),
        ("online:\n  prefix: 'a:b'\n", r":2: online.prefix"),
        ("online:\n  url: http://127.0.0.1\n", r":2: online.url: write one of valkey://"),
        ("online:\n  url: valkey://127.0.0.1:port/0\n", r":2: online.url: write one of valkey://"),
        ("offline:\n  engine: dask\n", r":2: offline.engine = 'dask'"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(_home(tmp_path, text))


@pytest.mark.parametrize("url", ["valkey://:rowan@127.0.0.1:6379/0", "valkey://127.0.0.1:6379/0?password=rowan"])
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="password_env") as caught:
        load_settings(_home(tmp_path, f"online:\n  url: {url}\n"))
    assert "rowan" not in str(caught.value)


def test_every_setting_of_the_online_store_is_documented_with_its_default() -> None:
    text = DOC.read_text("utf-8")
    for name, field in OnlineSettings.model_fields.items():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), None)
        assert row is not None, f"docs/online-store.md says nothing of {name}"
        default = yaml.safe_dump(field.default, default_flow_style=True).splitlines()[0]
        assert f"| `{default}` |" in row


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        FeatureStoreSettings().online.store = "valkey"
