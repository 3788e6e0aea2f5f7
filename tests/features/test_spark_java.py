"""The Java under Spark: found, refused or lent, and the settings that values rest on."""

import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import DataError
from features.feature_store.engines.spark_java import OLDEST, bundled_java, java_home, version_of
from features.feature_store.engines.spark_session import SparkSettings, configuration, spark_session


def test_the_lent_java_starts_without_the_module_it_lacks(tmp_path: Path) -> None:
    bundled = bundled_java()
    asked = ["--add-modules=jdk.incubator.vector", "-Dwhat=a b", "-version"]
    assert subprocess.run([bundled, *asked], capture_output=True, check=False).returncode != 0
    home = java_home(tmp_path, installed=bundled.parent.parent)
    told = subprocess.run([home / "bin" / "java", *asked], capture_output=True, text=True, check=True)
    assert f'version "{version_of(bundled)}' in told.stderr
    assert (version_of(bundled) or 0) >= OLDEST


def test_without_java_on_the_machine_the_bundled_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(bundled_java()) in (java_home(tmp_path) / "bin" / "java").read_text()


def test_an_old_java_is_passed_over_and_refused_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "jdk-11" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    assert version_of(old) == 11
    with pytest.raises(DataError, match=r"jdk-11 holds no Java 17 or newer"):
        java_home(tmp_path, installed=tmp_path / "jdk-11")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk-11"))
    monkeypatch.setenv("PATH", str(old.parent))
    assert str(old) not in (java_home(tmp_path) / "bin" / "java").read_text()


def test_a_path_with_a_quote_is_only_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "it's java" / "bin" / "java"
    odd.parent.mkdir(parents=True)
    odd.write_text("#!/bin/sh\necho 'version \"21.0.1\"' >&2\n")
    odd.chmod(0o755)
    assert version_of(java_home(tmp_path, installed=odd.parent.parent) / "bin" / "java") == 21


def test_settings_that_values_rest_on_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"timeZone to 'Europe/Helsinki'; features need 'UTC'"):
        configuration(SparkSettings(conf={"spark.sql.session.timeZone": "Europe/Helsinki"}), tmp_path)
    chosen = configuration(SparkSettings("spark://host:7077", 1.5, {"spark.executor.memory": "4g"}), tmp_path)
    assert (chosen["spark.driver.memory"], chosen["spark.executor.memory"]) == ("1536m", "4g")
    assert "spark.driver.bindAddress" not in chosen


def test_without_the_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with (
        pytest.raises(DataError, match=r"pip install 'tahdikas\[spark\]', or set the engine to duckdb"),
        spark_session(SparkSettings()),
    ):
        pass
