"""Commands about policy and actions: a change tried before it is in place, what is in force, a file to begin with."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.home import Home
from features.log.event_log import EventLog
from pipelines.cli import main
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
AT = ("--as-of", "2026-09-01T13:00:00Z")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A shop of two: bertta has an exchange open."""
    home = Home.open(tmp_path / "home")
    opened = {"case_id": "r-1", "kind": "exchange", "status": "opened"}
    visit = {"action": "view", "item_id": "tea", "session_id": "s-1"}
    events = [
        {"event_id": "c", "type": "case", "customer_id": "bertta", "occurred_at": NOON.isoformat(), "payload": opened},
        {"event_id": "b", "type": "browse", "customer_id": "aino", "occurred_at": NOON.isoformat(), "payload": visit},
    ]
    with EventLog(home) as log:
        assert {r.status for r in log.append_live(events, source="api", now=NOON)} == {"accepted"}
    return home


@pytest.fixture
def tahdikas(home: Home, capsys: Any, monkeypatch: Any) -> Callable[..., Any]:
    """Run a command on the shop."""

    def run(*words: Any, code: int = 0, as_json: bool = True) -> Any:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(
            sys, "argv", ["tahdikas", "--home", str(home.root), *map(str, words), *["--json"] * as_json]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        out = capsys.readouterr()
        assert (ended.value.code or 0) == code, out
        return json.loads(out.out) if as_json else " ".join(out.out.split())

    return run


def test_a_policy_is_tried_before_it_is_put_in_place(tahdikas: Callable[..., Any], tmp_path: Path) -> None:
    assert tahdikas("policy", "check") == {"faults": [], "changes": []}
    policy, actions = tmp_path / "policy.yaml", tmp_path / "actions.yaml"
    policy.write_text(DEFAULT_POLICY.read_text().replace("friction: {severity: 1", "friction: {severity: 2"))
    card = (
        "{name: {en: Card, fi: Kortti}, category: sales, group: offers, response: {prior: 0}, treatments: [{treatment: "
    )
    card += "card, channels: [web], text: {en: Card, fi: Kortti}}]}"
    words = "{value: 321, treatments: [{treatment: case_status_page, text: {en: See}}]}"
    actions.write_text(
        f"extends: default\nwithout: [session_items]\nactions:\n  gift_card: {card}\n  case_status: {words}\n"
    )
    found = tahdikas("policy", "check", "--policy", policy, "--actions", actions)
    assert found["faults"] == []
    assert {"action gift_card added", "action session_items removed"} <= set(found["changes"])
    (change,) = [line for line in found["changes"] if line.startswith("action case_status changed, ")]
    assert "value: 600.0 -> 321.0; treatments.case_status_page.text.en: " in change and change.endswith("-> 'See'")
    assert any(line.startswith("holds.friction") for line in found["changes"])


def test_every_fault_of_both_files_is_told_with_its_line(tahdikas: Callable[..., Any], tmp_path: Path) -> None:
    policy, actions = tmp_path / "policy.yaml", tmp_path / "actions.yaml"
    text = (
        DEFAULT_POLICY.read_text()
        .replace("salt:", "sallt:")
        .replace("friction: {severity: 1", "friction: {severity: 9")
    )
    policy.write_text(text)
    actions.write_text(DEFAULT_ACTIONS.read_text().replace("unresolved_severity", "unresolved_weight"))
    faults = tahdikas("policy", "check", "--policy", policy, "--actions", actions, code=1)["faults"]
    assert any("sallt" in one and "salt" in one for one in faults)
    assert any("severity 9" in one for one in faults)
    assert any("unresolved_weight" in one for one in faults)
    assert all(one.split(":")[0].endswith(".yaml") and one.split(":")[1].isdigit() for one in faults)


def test_what_would_change_for_customers(tahdikas: Callable[..., Any], tmp_path: Path) -> None:
    same = tahdikas("policy", "check", "--sample", 5, *AT)["trial"]
    assert (same["sampled"], same["with_cases"], same["changed"]) == (2, 1, 0)
    assert "Nobody would get another answer" in tahdikas("policy", "check", "--sample", 5, *AT, as_json=False)
    actions = tmp_path / "actions.yaml"
    actions.write_text("extends: default\nwithout: [case_status]\n")
    asked = ("policy", "check", "--actions", actions, "--sample", 5, "--placement", "returns_page", *AT)
    (place,) = tahdikas(*asked)["trial"]["placements"]
    assert place["transitions"] == [{"before": "case_status", "after": "no_action", "customers": 1}]
    assert place["bars"] == {"switched_off": 1}
    told = tahdikas(*asked, as_json=False)
    assert "bertta" in told and "The action is switched off" in told and "returns_page (web)" in told
    assert (
        "placement 'atrium'" in tahdikas("policy", "check", "--sample", 5, "--placement", "atrium", code=2)["message"]
    )


def test_the_actions_in_force_and_where_they_come_from(tahdikas: Callable[..., Any], home: Home) -> None:
    listed = tahdikas("actions")
    assert {one["origin"] for one in listed["actions"]} == {"default"} and listed["file"] == str(DEFAULT_ACTIONS)
    home.config.mkdir(exist_ok=True)
    (home.config / "actions.yaml").write_text(
        "extends: default\nwithout: [session_items]\nactions: {popular_items: {name: {sv: Populärt}, value: 3}}\n"
    )
    listed = tahdikas("actions")
    origins = {one["action_id"]: (one["origin"], one["changed"]) for one in listed["actions"]}
    assert origins["popular_items"] == ("changed", ["name", "value"])
    assert origins["session_items"] == ("switched off", []) and origins["case_status"] == ("default", [])
    assert listed["file"] == str(home.config / "actions.yaml") and len(listed["hash"]) == 64
    assert "changed: name, value" in tahdikas("actions", as_json=False)


def test_a_first_file_changes_nothing_and_is_never_written_over(tahdikas: Callable[..., Any], home: Home) -> None:
    written = Path(tahdikas("actions", "init")["file"])
    assert written == home.config / "actions.yaml" and "extends: default" in written.read_text().splitlines()
    assert {one["origin"] for one in tahdikas("actions")["actions"]} == {"default"}
    written.write_text("extends: default\n# mine\n")
    assert "is there already" in tahdikas("actions", "init", code=2)["message"]
    assert written.read_text() == "extends: default\n# mine\n"


def test_the_examples_of_the_first_file_are_right(tahdikas: Callable[..., Any], home: Home) -> None:
    """Whoever takes the remarks away has a file that can be used."""
    written = Path(tahdikas("actions", "init")["file"])
    bare = [line.removeprefix("# ") for line in written.read_text().splitlines()]
    meant = [line for line in bare if line.startswith(("extends:", "without:", "actions:", "retired:", "  "))]
    (home.config / "actions.yaml").write_text("\n".join(meant))
    origins = {one["action_id"]: one["origin"] for one in tahdikas("actions")["actions"]}
    assert origins["gift_card_hint"] == "added" and origins["win_back_discount"] == "switched off"
