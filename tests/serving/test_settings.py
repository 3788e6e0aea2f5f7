from pathlib import Path

import pytest

from features.errors import ConfigError
from features.home import Home
from serving.settings import ServingSettings, load_settings


def write(home: Home, text: str) -> None:
    home.config.mkdir()
    (home.config / "serving.yaml").write_text(text, encoding="utf-8")


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert load_settings(Home.open(tmp_path)) == ServingSettings()
    assert ServingSettings().host == "127.0.0.1"


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    write(home, "port: 9000\ndecision_deadline_ms: 250\n")
    assert load_settings(home) == ServingSettings(port=9000, decision_deadline_ms=250)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 9000\n", "serving.yaml:1: unknown key 'prot' .value 9000.. Did you mean 'port'"),
        ("host: 127.0.0.1\nport: 99999\n", "serving.yaml:2: port = 99999"),
        ("port: [\n", "serving.yaml:"),
        ("time_zone: Europe/Helsingfors\n", "serving.yaml:1: .*knows no zone 'Europe/Helsingfors'"),
    ],
)
def test_faults_name_file_line_value_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    home = Home.open(tmp_path)
    write(home, text)
    with pytest.raises(ConfigError, match=said):
        load_settings(home)


def test_every_setting_is_described_and_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, info in ServingSettings.model_fields.items():
        assert info.description, name
        assert f"`{name}`" in page, f"docs/operations.md does not name the setting {name}"
