"""Policy and actions: what is shipped loads, and every fault names file, line, value and remedy."""

import re

import pytest

from features.customer.hold_rules import HoldRules
from features.errors import ConfigError
from features.home import Home
from serving.core.catalogue import DEFAULT_ACTIONS, load_catalogue, parse_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, check_together, load_policy, parse_policy
from serving.in_force import Keeper

POLICY, ACTIONS = DEFAULT_POLICY.read_text(), DEFAULT_ACTIONS.read_text()


def line_of(text, part, occurrence=1):
    return "".join(text.split(part)[:occurrence]).count("\n") + 1


def test_the_shipped_files_belong_together_and_state_the_default_hold_rules(tmp_path):
    home = Home.open(tmp_path)
    policy, catalogue = load_policy(home), load_catalogue(home, known=KNOWN_FEATURES)
    check_together(policy, catalogue)
    assert policy.file.holds == HoldRules()
    assert catalogue.index["no_action"] == catalogue.no_action
    assert {a.category for a in catalogue.actions} <= {"service", "care", "sales", "none"}
    assert all(t.text.en and t.text.fi for a in catalogue.actions for t in a.treatments)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("reservation_hours: 48", "reservation_hourz: 48", ["reservation_hourz", "Did you mean 'reservation_hours'?"]),
        ("{days: 7, limit: 3}", "{days: -7, limit: 3}", ["contact_cap.windows[1].days", "-7", "greater than 0"]),
        ("epsilon: 0.0", "epsilon: lots", ["exploration.epsilon", "'lots'"]),
        ("salt: tahdikas-1", "", ["salt", "missing", "Add it"]),
        ("levers: {}", "levers: {popular_items: 50}", ["levers.popular_items", "50", "less than or equal to 5"]),
        ("lasts_days: 30}\n  late", "review_dayz: 30}\n  late", ["review_dayz"]),
        ("review_days: 14}\n  bad_rating", "lasts_days: 14}\n  bad_rating", ["bad_resolution", "review_days"]),
        ("arms: {holdout: 0.05", "arms: {holdout: 0.9", ["arms", "more than half"]),
        ("time_bucket_hours: 24", "time_bucket_hours: 24\ntime_bucket_hours: 12", ["time_bucket_hours", "twice"]),
        ("consent:\n", "consent:\n\t- x", ["policy.yaml", "Check the indentation"]),
        ("{days: 7, limit: 3}", "{days: 7, limit: 2}", ["contact_cap", "says nothing of its own", "higher limits"]),
        ("zone: Europe/Helsinki", "zone: Europe/Helsinky", ["quiet_hours.zone", "'Europe/Helsinky'", "time zone"]),
        ('starts: "21:00"', 'starts: "08:00"', ["quiet_hours", "the same"]),
        ("predicted_release: 0.0", "predicted_release: 0.9", ["exploration.predicted_release", "0.9"]),
        (", lasts_days: 3}\n  predicted", "}\n  predicted", ["holds.friction", "an end or a review date"]),
        (", review_days: 14}\n  bad_share", ", lasts_days: 14}\n  bad_share", ["holds of kind staff need review_days"]),
    ],
)
def test_a_fault_in_the_policy_names_line_value_and_remedy(old, new, says):
    assert old in POLICY
    text = POLICY.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        parse_policy(text, name="policy.yaml")
    message = str(caught.value)
    assert re.match(r"policy\.yaml:\d+: ", message), message
    for part in says:
        assert part in message


def test_the_line_is_that_of_the_fault():
    text = POLICY.replace("{days: 7, ", "{days: -7, ")
    with pytest.raises(ConfigError, match=f"policy.yaml:{line_of(text, 'days: -7')}: "):
        parse_policy(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("feature: max_case_severity, op", "feature: max_case_sevrity, op", ["unknown feature 'max_case_sevrity'"]),
        ('op: ">=", value: 2}]', 'op: "=>", value: 2}]', ["op", "=>"]),
        ("category: care", "category: caring", ["category", "caring"]),
        ("  no_action:\n", "  do_nothing:\n", ["no_action", "missing"]),
        ("incentive_cost: 300", "incentive_cots: 300", ["Did you mean 'incentive_cost'?"]),
        (
            "    value: 600\n",
            "    value: 600\n    cap: {days: 7, limit: 1}\n",
            ["case_status.cap", "only sales and care"],
        ),
        ("    value: 600\n", "    value: 600\n    valid_from: 2026-09-01\n", ["valid_from", "timezone"]),
        (
            "    value: 600\n",
            "    value: 600\n    valid_from: 2026-09-02T00:00:00Z\n    valid_until: 2026-09-01T00:00:00Z\n",
            ["actions.case_status", "is not before valid_until"],
        ),
        ("said_with: [check_in]", "said_with: [check_out]", ["check_in_later.said_with[0]", "'check_out'"]),
        ("treatment: case_status_message", "treatment: case_status_page", ["overlapping validity", "another name"]),
        ('{en: "Chosen for you", fi', '{en: "Chosen for you", swedish: "Valt", fi', ["swedish"]),
        ("group: silence\n", "group: silence\n    suitability: [{feature: known, op: present}]\n", ["suitability"]),
    ],
)
def test_a_fault_in_the_actions_names_line_value_and_remedy(old, new, says):
    assert old in ACTIONS
    with pytest.raises(ConfigError) as caught:
        parse_catalogue(ACTIONS.replace(old, new, 1), known=KNOWN_FEATURES)
    message = str(caught.value)
    assert re.match(r"actions\.yaml:\d+: ", message), message
    for part in says:
        assert part in message


@pytest.mark.parametrize("category", ["service", "care", "regulation", "data"])
def test_what_offers_products_is_a_sale_whatever_it_calls_itself(category):
    shelf = ACTIONS.index("  popular_items:")
    text = ACTIONS[:shelf] + ACTIONS[shelf:].replace("category: sales", f"category: {category}", 1)
    text = text.replace('    suitability: [{feature: absorbed, op: "==", value: 0}]\n', "").replace("    cap:", "    #")
    with pytest.raises(ConfigError, match="'popular_items' offers products to buy, and no hold on sales would keep"):
        parse_catalogue(text, known=KNOWN_FEATURES)
    assert parse_catalogue(text, known=None).index["popular_items"], "what was in force once can still be replayed"


def test_a_treatment_may_be_listed_again_for_another_time():
    page = "      - treatment: popular_shelf\n"
    assert page in ACTIONS
    words = '        channels: [web]\n        text: {en: "Popular this summer", fi: "Kesän suosikit"}\n'
    until, since = "        valid_until: 2026-09-01T00:00:00Z\n", "        valid_from: 2026-09-01T00:00:00Z\n"
    text = ACTIONS.replace(page, page + words + until + page + since, 1)
    (popular,) = [a for a in parse_catalogue(text, known=KNOWN_FEATURES).actions if a.action == "popular_items"]
    assert [t.treatment for t in popular.treatments][:2] == ["popular_shelf", "popular_shelf"]
    early = text.replace(since, since.replace("09-01", "08-31"))
    with pytest.raises(ConfigError, match=f"actions.yaml:{line_of(early, page.strip(), 2)}: .*overlapping validity"):
        parse_catalogue(early, known=KNOWN_FEATURES)


def test_policy_and_actions_must_speak_of_the_same_things():
    catalogue = parse_catalogue(ACTIONS, known=KNOWN_FEATURES)
    for old, new, says in [
        ("levers: {}", "levers: {popularity: 2}", "popularity"),
        ("  social: {weight", "  store2: {weight", None),
        ("{sales: marketing, care: marketing, feedback_request: feedback}", "{care: marketing}", "purpose"),
        ("returns_page:", "returning_page:", "returns_page"),
    ]:
        with pytest.raises(ConfigError, match=says):
            check_together(parse_policy(POLICY.replace(old, new, 1)), catalogue)


def test_a_shops_own_file_is_taken_up_when_it_changes_and_a_bad_one_leaves_the_last_good_one_in_force(tmp_path, shop):
    home = Home.open(tmp_path)
    keeper = Keeper(home)
    shipped = keeper.at(shop.NOON).policy.hash
    home.config.mkdir()
    path = home.config / "policy.yaml"
    path.write_text(POLICY.replace("days: 7, limit: 3", "days: 7, limit: 4"))
    changed = keeper.at(shop.NOON)
    assert (
        changed.policy.file.contact_cap.windows[1].limit == 4
        and changed.policy.hash != shipped
        and not changed.degraded
    )
    path.write_text("salt: [")
    bad = keeper.at(shop.NOON)
    assert bad.policy.hash == changed.policy.hash
    assert str(path) in bad.degraded[0]
    path.unlink()
    assert keeper.at(shop.NOON).policy.hash == shipped
