"""Settings as hostile input: refused with file, line and remedy, in no time; whatever they are, nothing stops."""

import re
import time
from datetime import UTC, datetime

import pytest

from features.errors import ConfigError
from features.home import Home
from features.typed_yaml import LARGEST_BYTES
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY, parse_policy
from serving.in_force import Keeper

POLICY = DEFAULT_POLICY.read_text()
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
BUCKET = "time_bucket_hours: 24"
LAUGHS = "\n".join(
    ["l0: &l0 [x, x, x, x, x, x, x, x, x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10))]
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{LAUGHS}\n{POLICY}", ["*l0 repeats", "Write it out"]),
        (POLICY.replace(BUCKET, "time_bucket_hours: &it [*it]"), ["*it repeats"]),
        ("[" * 1_000_000, ["deep"]),
        ("{a: " * 5_000, ["deep"]),
        (f"{POLICY}\n? [a, b]\n: 1", ["['a', 'b']", "no text"]),
        (f"{POLICY}\n1: 2", ["key 1", "in quotes"]),
        (f"{POLICY}\nx: !!python/object/apply:os.getcwd ''", ["x: ", "plain text"]),
        (f"{POLICY}\nx: 2026-13-45", ["x: ", "month"]),
        (POLICY.replace(BUCKET, "time_bucket_hours: " + "9" * 5_000), ["time_bucket_hours", "digits"]),
        (POLICY.replace(BUCKET, "time_bucket_hours: 0x" + "f" * 5_000), ["time_bucket_hours", "digits"]),
        (POLICY.replace("review_days", "revew_days", 1), ["revew_days", "Did you mean 'review_days'?"]),
        (POLICY.replace('starts: "21:00"', "starts: 21:00"), ["quiet_hours.starts", "in quotes"]),
        (f'{POLICY}\nx: "{"y" * 1_000_000}"', ["unknown key 'x'"]),
    ],
)
def test_what_no_settings_file_says_is_refused_at_once_with_its_line(text, says):
    began = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        parse_policy(text)
    message = str(caught.value)
    assert re.match(r"policy\.yaml:\d+: ", message) and len(message) < 1_000
    assert all(part in message for part in says), message
    assert time.perf_counter() - began < 5


def test_a_file_too_large_to_be_settings_is_not_even_read_and_what_was_in_force_stays(tmp_path):
    home = Home.open(tmp_path)
    home.config.mkdir()
    keeper = Keeper(home)
    before = keeper.at(NOON)
    own = home.config / "policy.yaml"
    with own.open("wb") as file:
        file.truncate(50 * LARGEST_BYTES)
    began = time.perf_counter()
    after = keeper.at(NOON)
    assert after.policy.hash == before.policy.hash and time.perf_counter() - began < 1
    (told,) = after.degraded
    assert f"{own}:1: " in told and "right file" in told


def test_a_time_of_day_is_never_taken_for_a_number():
    """YAML reads 21:00 as 1260, and of 1260 seconds quiet hours from 00:21 would be made."""
    hours = parse_policy(POLICY.replace('ends: "08:00"', "ends: 08:00")).file.quiet_hours
    assert hours.ends.hour == 8, "08:00 is text to YAML"
    with pytest.raises(ConfigError, match="21:00"):
        parse_policy(POLICY.replace('starts: "21:00"', "starts: 21:00"))


def test_actions_that_lack_what_the_shipped_policy_speaks_of_are_told_which_file_to_write(tmp_path):
    home = Home.open(tmp_path)
    home.config.mkdir()
    (home.config / "actions.yaml").write_text(DEFAULT_ACTIONS.read_text().replace("accessory_offer", "add_ons"))
    with pytest.raises(ConfigError) as caught:
        Keeper(home)
    message = str(caught.value)
    assert message.startswith(f"{DEFAULT_POLICY}:") and "accessory_offer" in message
    assert str(home.config / "actions.yaml") in message and "config/policy.yaml" in message
