"""The rules of holds: the shipped policy file says the same, nothing can last for ever, and the docs cannot drift."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from features.customer.hold_rules import NEEDS, HoldRule, HoldRules
from features.customer.holds import HOLD_KINDS, RELEASE_CODES
from features.errors import ConfigError
from serving.core.policy import DEFAULT_POLICY, parse_policy

DOCS = Path(__file__).parents[2] / "docs" / "holds.md"


@pytest.mark.parametrize("kind", HOLD_KINDS)
def test_every_kind_has_an_end_or_a_review_date(kind):
    rule = HoldRules().rule(kind)
    assert rule.lasts_days is not None or rule.review_days is not None


@pytest.mark.parametrize(("kind", "needed"), [(kind, name) for kind, names in NEEDS.items() for name in names])
def test_rules_without_the_end_a_kind_needs_are_refused(kind, needed):
    rule = HoldRules().rule(kind)
    other = "review_days" if needed == "lasts_days" else "lasts_days"
    with pytest.raises(ValueError, match=f"{kind} need {needed}"):
        HoldRules(**{kind: replace(rule, **{needed: None, other: 5})})


@pytest.mark.parametrize(("change", "words"), [
    ({"severity": 6}, "between 1 and 5"),
    ({"severity": 0}, "between 1 and 5"),
    ({"categories": ("offers",)}, "categories"),
    ({"categories": ()}, "covers nothing"),
    ({"channels": ()}, "covers nothing"),
    ({"channels": ("pigeon",)}, "pigeon"),
    ({"lasts_days": 0}, "above 0"),
    ({"lasts_days": float("nan")}, "above 0"),
    ({"review_days": 4000}, "at most"),
    ({"lasts_days": None, "review_days": None}, "needs an end or a review date"),
])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        HoldRule(**{"severity": 2, "categories": ("sales",), "channels": ("any",), "lasts_days": 7} | change)


@pytest.mark.parametrize("change", [
    {"bad_share": 0.7}, {"worst_share": 0.5}, {"nps_bad_max": 9}, {"predicted_below": 0.8}, {"days_per_severity": 0},
    {"recovery_days": 4000},
])  # fmt: skip
def test_thresholds_that_contradict_each_other_are_refused(change):
    with pytest.raises(ValueError):
        HoldRules(**change)


def test_the_shipped_policy_file_says_the_same():
    assert parse_policy(DEFAULT_POLICY.read_text(encoding="utf-8")).file.holds == HoldRules()


@pytest.mark.parametrize(("there", "instead", "words"), [
    ("bad_share:", "bad_shar:", "bad_shar"),
    ("lasts_days: 30}", "lasts_days: 300}", "300"),
    ("channels: [outbound]", "channels: [pigeon]", "pigeon"),
    ("lasts_days: 3, review_days: 14}", "lasts_days: 3}", "late_delivery need review_days"),
])  # fmt: skip
def test_a_policy_file_with_a_mistake_in_its_holds_is_refused_with_the_line(there, instead, words):
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    assert there in text
    with pytest.raises(ConfigError, match=rf"policy.yaml:\d+: .*holds.*{words}"):
        parse_policy(text.replace(there, instead, 1))


def documented(heading):
    """The rows of the table under a heading of docs/holds.md, cells stripped of spaces and backticks."""
    section = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.M)
    (text,) = [part for part in section if part.startswith(heading)]
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def number(value):
    return "" if value is None else f"{value:g}"


def test_the_table_of_kinds_in_the_docs_is_the_shipped_policy():
    told = {row[0]: row[1:6] for row in documented("Kinds")}
    rules = HoldRules()
    assert told == {
        kind: [
            str(rule.severity),
            ", ".join((*rule.categories, *rule.groups)),
            ", ".join(rule.channels),
            number(rule.lasts_days),
            number(rule.review_days),
        ]
        for kind in HOLD_KINDS
        for rule in [rules.rule(kind)]
    }


def test_the_table_of_thresholds_in_the_docs_is_the_shipped_policy():
    rules = HoldRules()
    names = [field.name for field in fields(HoldRules) if field.name not in HOLD_KINDS]
    shown = {
        name: ", ".join(value) if isinstance(value := getattr(rules, name), tuple) else number(value) for name in names
    }
    assert {row[0]: row[1] for row in documented("Thresholds")} == shown


def test_every_release_code_is_documented():
    assert {row[0]: row[1] for row in documented("What ends a hold")} == RELEASE_CODES
