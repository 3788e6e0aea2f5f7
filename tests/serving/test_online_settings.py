"""The service reads its features where `config/feature_store.yaml` says, and does not start where that is wrong."""

from pathlib import Path

import pytest

from features.errors import ConfigError
from features.home import Home
from serving.service import DecisionService


def test_a_service_does_not_start_over_wrong_settings_of_the_feature_store(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    home.config.mkdir()
    (home.config / "feature_store.yaml").write_text("online:\n  store: redis\n")
    with pytest.raises(ConfigError, match=r"feature_store.yaml:2: online.store = 'redis'"):
        DecisionService(home)
