"""`tahdikas features`: the catalogue, with or without a snapshot."""

import json

import pytest
from typer.testing import CliRunner

from features.errors import DataError
from pipelines.cli import app


def _run(home, *words):
    return CliRunner().invoke(app, ["--home", str(home), *words], catch_exceptions=False).output


def test_without_a_snapshot_it_says_what_features_are(tmp_path):
    told = json.loads(_run(tmp_path, "--json", "features", "items_left"))
    assert (told["customers"], told["as_of"]) == (None, None)
    feature = told["features"]["items_left_in_cart_30d"]
    assert feature["made_of"] == {"browse": ["action", "item_id"], "purchase": ["lines"]}
    assert (feature["window_days"], feature["distribution"]) == (30, None)
    assert "no snapshot yet" in _run(tmp_path, "features", "--check", "last_score")


def test_what_cannot_be_shown_is_refused(tmp_path):
    with pytest.raises(DataError, match="begins with 'weather'"):
        _run(tmp_path, "features", "weather")
    with pytest.raises(DataError, match="tahdikas materialize"):
        _run(tmp_path, "features", "--page")
