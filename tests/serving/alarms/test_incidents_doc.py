"""docs/incidents.md says every setting with its default, and the shipped policy states the same."""

import json
import re
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.core.alarm_rules import AlarmRules
from serving.core.policy import DEFAULT_POLICY, parse_policy

PAGE = (Path(__file__).parents[3] / "docs" / "incidents.md").read_text("utf-8")


def test_the_page_tells_every_setting_and_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    defaults = AlarmRules().model_dump()
    told = {name: ", ".join(map(str, v)) if isinstance(v, list) else f"{v:g}" for name, v in defaults.items()}
    assert rows == told


def test_the_shipped_policy_states_the_defaults():
    text = DEFAULT_POLICY.read_text("utf-8")
    assert "\nalarms: {" in text
    assert parse_policy(text).file.alarms == AlarmRules()


def test_a_misspelt_setting_is_refused_with_its_line():
    text = DEFAULT_POLICY.read_text("utf-8").replace("min_customers:", "min_custommers:")
    with pytest.raises(ConfigError, match=r"policy.yaml:\d+: unknown key 'alarms.min_custommers'.*min_customers"):
        parse_policy(text)


def test_the_figures_are_those_that_were_measured():
    results = Path(__file__).parents[3] / "benchmarks" / "results" / "false_alarms.json"
    measured = json.loads(results.read_text("utf-8"))["facts"]["false_alarms_per_year"]
    for days, by_rule in measured.items():
        assert f"| {days} | {' | '.join(f'{figure:.1f}' for figure in by_rule.values())} |" in PAGE
    assert max(by_rule["ours"] for by_rule in measured.values()) <= AlarmRules().false_alarms_per_year
