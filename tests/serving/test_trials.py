"""A bundle is tried in a child process; a service begins that before it has imported itself."""

import os
import signal

import pytest

from features.errors import BundleError
from features.home import Home
from serving import trials
from serving.bundle import checked_manifest, load
from tests.serving.core.test_bundles import truncate_with_its_sum, write_bundle


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """What was tried for one test is tried again for the next: bundles of two may be the same."""
    monkeypatch.setattr(trials, "_passed", trials.deque(maxlen=8))


def started(monkeypatch):
    """The trials that are started from now on, as they are."""
    trying, found = trials._start, []
    monkeypatch.setattr(trials, "_start", lambda folder: found.append(trying(folder)) or found[-1])
    return found


def test_a_trial_begun_early_is_the_only_one(home, monkeypatch):
    folder = home.bundles / write_bundle(home)
    all_started = started(monkeypatch)
    trials.begin_trial(home)
    load(folder)
    load(folder)
    assert len(all_started) == 1
    assert all_started[0].returncode == 0


def test_what_was_tried_early_is_not_what_is_loaded_if_it_changed(home, monkeypatch):
    folder = home.bundles / write_bundle(home)
    all_started = started(monkeypatch)
    trials.begin_trial(home)
    all_started[0].wait()
    truncate_with_its_sum(folder)
    with pytest.raises(BundleError):
        load(folder)
    assert len(all_started) == 2


def test_a_trial_that_nobody_asked_for_ends_with_the_process(home, monkeypatch):
    folder = home.bundles / write_bundle(home)
    all_started = started(monkeypatch)
    trials.begin_trial(home)
    os.kill(all_started[0].pid, signal.SIGSTOP)
    trials._end(folder)
    assert all_started[0].poll() is not None


def test_a_trial_that_hangs_is_given_up(home, monkeypatch):
    folder = home.bundles / write_bundle(home)
    all_started = started(monkeypatch)
    trials.begin_trial(home)
    os.kill(all_started[0].pid, signal.SIGSTOP)
    with pytest.raises(BundleError, match=r"within 0\.2 s"):
        trials.passes(folder, checked_manifest(folder), 0.2)
    assert all_started[0].poll() is not None
    assert len(all_started) == 1


def test_nothing_is_begun_without_a_bundle_or_with_a_torn_name(home):
    trials.begin_trial(home)
    assert not trials._begun
    home.bundles.mkdir(parents=True, exist_ok=True)
    (home.bundles / "current.json").write_text("{")
    trials.begin_trial(home)
    assert not trials._begun
