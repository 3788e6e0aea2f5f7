"""A shop's own actions file over the shipped one: what it changes, adds, switches off, and its faults."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError
from features.home import Home
from serving.core import shop_actions
from serving.core.catalogue import DEFAULT_ACTIONS, Catalogue, parse_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, check_together, parse_policy
from serving.core.question import Request
from serving.service import DecisionService

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SHIPPED = yaml.safe_load(DEFAULT_ACTIONS.read_text())["actions"]
NEW = """
  gift_card:
    name: {en: "A gift card", fi: "Lahjakortti"}
    category: sales
    group: offers
    response: {prior: 0.02}
    treatments:
      - {treatment: gift_card_page, channels: [web], text: {en: "Give a card", fi: "Anna kortti"}}
"""


def read(text: str) -> Catalogue:
    return parse_catalogue(text, known=KNOWN_FEATURES)


def over(actions: str = "", **keys: str) -> str:
    """A file that extends what is shipped."""
    head = "".join(f"{key}: {value}\n" for key, value in ({"extends": "default"} | keys).items())
    return f"{head}actions:\n{actions}"


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return read(DEFAULT_ACTIONS.read_text())


def test_who_changes_nothing_has_the_shipped_actions(shipped: Catalogue) -> None:
    assert read("extends: default\n").actions == shipped.actions
    assert read(over()).actions == shipped.actions


def test_single_keys_are_overridden_and_all_else_stays(shipped: Catalogue) -> None:
    own = read(over('  welcome:\n    value: 321\n    name: {sv: "Välkommen"}\n'))
    before, after = (c.actions[c.index["welcome"]] for c in (shipped, own))
    assert after.value == 321 and after.name.said_in("sv") == ("Välkommen", "sv") and after.name.fi == "Tervetuloa"
    assert after.model_copy(update={"value": before.value, "name": before.name}) == before
    assert [a.action for a in own.actions] == [a.action for a in shipped.actions]


def test_treatments_are_merged_by_their_names_and_other_lists_replaced() -> None:
    own = read(
        over(
            "  popular_items:\n"
            "    treatments:\n"
            "      - {treatment: popular_letter, channels: [email], text: {en: Hot}}\n"
            '      - {treatment: popular_push, channels: [app], text: {en: Look, fi: "Katso"}}\n'
        )
    )
    shelf, letter, _, push = own.actions[own.index["popular_items"]].treatments
    assert shelf.text.en == "Popular right now" and push.treatment == "popular_push"
    assert letter.channels == ["email"] and (letter.text.en, letter.text.fi) == ("Hot", "Suosittua juuri nyt")


def test_a_treatment_listed_for_several_times_takes_what_it_does_not_say_from_the_shipped_one() -> None:
    season = "2026-12-27T00:00:00Z"
    own = read(
        over(
            "  popular_items:\n    treatments:\n"
            f'      - {{treatment: popular_shelf, valid_until: {season}, text: {{en: "Xmas", fi: Joulu}}}}\n'
            f"      - {{treatment: popular_shelf, valid_from: {season}}}\n"
        )
    )
    christmas, after, letter, _ = own.actions[own.index["popular_items"]].treatments
    assert christmas.channels == after.channels == ["web", "app", "store"] and letter.treatment == "popular_letter"
    assert (christmas.text.en, after.text.en) == ("Xmas", "Popular right now")
    assert read(own.text).actions == own.actions, "moments of time come through the text that is kept"


def test_an_action_is_added() -> None:
    own = read(over(NEW))
    assert own.actions[own.index["gift_card"]].name.fi == "Lahjakortti" and len(own) == len(SHIPPED) + 1


def test_an_action_is_switched_off_and_its_past_contacts_still_count_as_they_did(shipped: Catalogue) -> None:
    own = read(over(without="[welcome, session_items]", retired="{old_leaflet: sales, old_notice: service}"))
    assert "welcome" not in own.index and own.retired["welcome"] == "service"
    assert own.is_service("welcome") and own.is_service("old_notice")
    assert not own.is_service("session_items") and not own.is_service("old_leaflet")
    assert not own.is_service("never_heard_of"), "what is not known counts as marketing"
    assert shipped.is_service("welcome")


def test_letters_of_an_action_switched_off_since_weigh_in_the_cap_as_they_did(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    home.config.mkdir()
    service = DecisionService(home)
    for n, action in enumerate(["welcome", "welcome", "win_back_discount", "never_heard_of"]):
        payload = {"action_id": action, "status": "sent"}
        at = (NOON - timedelta(hours=n + 1)).isoformat()
        event = {"event_id": f"e{n}", "type": "contact", "customer_id": "aino", "occurred_at": at, "payload": payload}
        assert service.ingest([event | {"channel": "email"}], NOON)[0].status == "accepted"

    def weight() -> float:
        request = Request(customer_id="aino", channel="email", placement="email", now=NOON, mode="simulate")
        return service.decide(request).evidence.spent[0]

    assert weight() == 2, "the welcome is service; the offer counts, and what nobody knows"
    (home.config / "actions.yaml").write_text(over(without="[welcome, win_back_discount]"))
    assert weight() == 2
    (home.config / "actions.yaml").write_text(over(without="[welcome]", retired="{never_heard_of: service}"))
    assert weight() == 1
    service.close()


def test_the_example_of_the_page_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "actions.md").read_text()
    own = read(page.split("```yaml\n")[1].split("```")[0])
    assert "gift_card_hint" in own.index and own.retired == {"session_items": "sales"}
    assert own.actions[own.index["welcome"]].value == 300


def test_a_whole_file_may_name_what_it_retired() -> None:
    text = DEFAULT_ACTIONS.read_text() + "\nretired: {old_notice: service}\n"
    assert read(text).is_service("old_notice") and read(text).text == text, "kept as it is written"
    with pytest.raises(ConfigError, match="welcome is an action and retired as well"):
        read(text.replace("old_notice", "welcome"))


def test_who_waits_for_what_is_switched_off_waits_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = yaml.safe_load(DEFAULT_ACTIONS.read_text())
    content["actions"]["popular_items"]["after"] = ["welcome"]
    (tmp_path / "shipped.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(shop_actions, "DEFAULT_ACTIONS", tmp_path / "shipped.yaml")
    own = read(over(without="[welcome]"))
    assert own.actions[own.index["popular_items"]].after == ()
    with pytest.raises(ConfigError, match=r"'welcome' is named by 'session_items' \(after\).*after: \[\]"):
        read(over("  session_items: {after: [welcome]}\n", without="[welcome]"))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (over("  welcome:\n    valu: 3\n"), 4, ["unknown key 'actions.welcome.valu'", "Did you mean 'value'"]),
        (over("  welcome:\n    value: -1\n"), 4, ["actions.welcome.value = -1", "greater than or equal to 0"]),
        (over("  welcome:\n"), 3, ["says nothing", "without"]),
        (over("  welcom:\n    value: 3\n"), 3, ["has to be whole", "category, group", "Did you mean 'welcome'?"]),
        (over(without="[welcom]"), 2, ["without[0]", "no shipped action", "Did you mean 'welcome'?"]),
        (over(without="\n  - welcome\n  - no_action"), 4, ["without[1]", "to do nothing is always a choice"]),
        (over("  welcome: {value: 3}\n", without="[welcome]"), 2, ["changed under actions, too"]),
        (over(without="[check_in]"), 2, ["'check_in_later' (said_with)", "check_in_later: {said_with: []}"]),
        (over(NEW, without="[gift_card]"), 2, ["of this very file"]),
        ("without: [welcome]\nactions: {}\n", 1, ["extends: default"]),
        ("extends: shop\n", 1, ["extends = 'shop'", "'default'"]),
        ("extends: default\nmore: 1\n", 2, ["unknown key 'more'", "without"]),
        ("extends: default\nactions: [1]\n", 2, ["actions", "dictionary"]),
        (over('  welcome:\n    name: {fi: ""}\n'), 4, ["the name of action 'welcome' says nothing in Finnish"]),
    ],
)  # fmt: skip
def test_a_fault_names_the_line_of_the_shops_file_and_the_remedy(text: str, line: int, says: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith(f"actions.yaml:{line}: "), message
    for part in says:
        assert part in message


@pytest.mark.parametrize("whole", [True, False])
def test_a_treatment_without_a_language_is_refused_by_name(whole: bool) -> None:
    text = (
        DEFAULT_ACTIONS.read_text().replace(', fi: "Suosittua juuri nyt"', "", 1)
        if whole
        else over("  popular_items:\n    treatments:\n      - {treatment: poster, channels: [web], text: {en: Look}}\n")
    )
    with pytest.raises(ConfigError) as caught:
        read(text)
    name = "popular_shelf" if whole else "poster"
    assert f"treatment '{name}' of action 'popular_items' says nothing in Finnish" in str(caught.value)
    assert "This part is the shipped one" not in str(caught.value)


def test_a_fault_in_what_the_shop_left_as_shipped_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        read(over("  feedback_request:\n    category: service\n"))
    assert str(caught.value).startswith("actions.yaml:3: actions.feedback_request.suitability: only sales and care")
    assert "This part is the shipped one" in str(caught.value)


def test_faults_across_files_name_the_shops_line() -> None:
    text = over("  popular_items:\n    treatments:\n      - treatment: popular_letter\n        placements: [atrium]\n")
    with pytest.raises(ConfigError, match=r"actions.yaml:6: .*placements\[0\]: no placement 'atrium'"):
        check_together(parse_policy(DEFAULT_POLICY.read_text()), read(text))


def test_the_shipped_policy_bears_what_is_switched_off_and_the_shops_own_is_told() -> None:
    off, text = read(over(without="[accessory_offer]")), DEFAULT_POLICY.read_text()
    check_together(parse_policy(text), off)
    with pytest.raises(ConfigError, match=r"policy.yaml:\d+: .*accessory_offer: 'accessory_offer' is switched off"):
        check_together(parse_policy(text + "# ours\n"), off)


def test_comments_and_order_of_keys_make_no_other_catalogue() -> None:
    assert read(over("  welcome: {value: 3}\n")).hash == read("# ours\n" + over("  welcome:\n    value: 3\n")).hash
    assert read(over("  welcome: {value: 4}\n")).hash != read(over("  welcome: {value: 3}\n")).hash


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "value": st.integers(0, 5_000),
        "incrementality": st.floats(0, 1, allow_nan=False),
        "response": st.fixed_dictionaries({"prior": st.floats(0, 1, allow_nan=False)}),
        "name": st.fixed_dictionaries({}, optional={lang: st.text(min_size=1) for lang in ("en", "fi", "sv")}),
        "personal": st.booleans(),
        "valid_from": st.datetimes(
            min_value=datetime(2020, 1, 1),  # noqa: DTZ001
            timezones=st.just(UTC),
        ),
    },
).filter(lambda change: change and change.get("name") != {})
FREE = sorted(set(SHIPPED) - {"no_action", *(o for a in SHIPPED.values() for o in a.get("said_with", ()))})


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(set(SHIPPED) - {"no_action"})), CHANGES, max_size=4),
    st.sets(st.sampled_from(FREE), max_size=4),
)
def test_what_is_kept_stands_by_itself(changes: dict[str, object], off: set[str]) -> None:
    """A law: the text kept with records says all of it, and reading it again changes nothing more."""
    without = sorted(off - set(changes))
    own = read(yaml.safe_dump({"extends": "default", "actions": changes, "without": without}, allow_unicode=True))
    again = parse_catalogue(own.text, known=None)
    assert "extends" not in own.text
    assert (again.actions, again.retired, again.text, again.hash) == (own.actions, own.retired, own.text, own.hash)
    assert set(own.index) == set(SHIPPED) - set(without) and set(without) <= set(own.retired)
    untouched = set(SHIPPED) - set(changes) - set(without)
    plain = read(DEFAULT_ACTIONS.read_text())
    for one in untouched:
        assert own.actions[own.index[one]].model_copy(update={"after": ()}) == plain.actions[
            plain.index[one]
        ].model_copy(update={"after": ()})


def test_a_decision_is_replayed_exactly_after_the_product_ships_other_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.open(tmp_path / "home")
    home.config.mkdir()
    (home.config / "policy.yaml").write_text(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0"))
    (home.config / "actions.yaml").write_text(over("  case_status: {value: 700}\n", without="[welcome]"))

    def ask(service: DecisionService, **more: str) -> object:
        return service.decide(
            Request(customer_id="aino", channel="web", placement="front_page", now=NOON + timedelta(hours=1), **more)
        )

    first = DecisionService(home)
    case = {"case_id": "c-1", "kind": "exchange", "status": "opened"}
    event = {"event_id": "e", "type": "case", "customer_id": "aino", "occurred_at": NOON.isoformat(), "payload": case}
    assert first.ingest([event], NOON)[0].status == "accepted"
    decided = ask(first)
    assert [a.action_id for a in decided.actions] == ["case_status"]
    first.close()

    later = DEFAULT_ACTIONS.read_text().replace("prior: 0.9", "prior: 0.1").replace("Here is how", "See how")
    (tmp_path / "later.yaml").write_text(later)
    monkeypatch.setattr(shop_actions, "DEFAULT_ACTIONS", tmp_path / "later.yaml")
    service = DecisionService(home)
    again = ask(service, mode="simulate")
    assert again.versions["catalogue"] != decided.versions["catalogue"], "the new defaults are in force"
    assert again.actions[0].message.startswith("See how")
    replayed = service.replay(decided.decision_id)
    assert replayed["exact"], replayed["differences"]
    assert replayed["decision"]["actions"][0]["message"].startswith("Here is how")
    service.close()
