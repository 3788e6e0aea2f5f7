"""The folder of models hangs, is emptied, cannot be read: answers go on by what was in force, and come in time."""

import os
import shutil
import time
from contextlib import closing, contextmanager

import pytest
from served import SLACK_SECONDS, Asker, exchange, regulars, served, shop_to_serve, sold

from tests.serving.core.test_bundles import put_in_force, write_bundle

DEADLINE_SECONDS = 2.0


@contextmanager
def hung(home, other):
    """Who opens the file waits until the end, as on a network's disk that does not answer."""
    pipe = home.root / "pipe"
    os.mkfifo(pipe)
    os.link(pipe, home.bundles / ".current")
    (home.bundles / ".current").replace(home.bundles / "current.json")
    yield
    put_in_force(home, other)
    pipe.open("wb").close()


@contextmanager
def emptied(home, other):
    """All of it but the word which is in force."""
    for folder in home.bundles.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    (home.bundles / "current.json").touch()
    yield


@contextmanager
def gone(home, other):
    shutil.rmtree(home.bundles)
    yield
    home.bundles.mkdir(exist_ok=True)


@contextmanager
def unreadable(home, other):
    """Its manifest leads nowhere."""
    manifest = home.bundles / other / "manifest.json"
    manifest.unlink()
    manifest.symlink_to(manifest)
    put_in_force(home, other)
    yield


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A shop served, models of its own in force."""
    home = shop_to_serve(tmp_path_factory.mktemp("shop") / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    write_bundle(home)
    with served(home) as service, closing(Asker(service)) as asker:
        assert asker.tell([*regulars(["bertta"]), exchange("bertta")])[0] == 200
        yield home, asker


def until_in_force(asker, bundle):
    """Wait until it is decided by a bundle."""
    until = time.monotonic() + 30
    while asker.decide("aino")["versions"]["bundle"] != bundle:
        assert time.monotonic() < until, "what is in the folder was not taken up"
        time.sleep(0.1)


@pytest.mark.parametrize(("fault", "kept"), [(hung, True), (emptied, True), (unreadable, True), (gone, False)])
def test_whatever_becomes_of_the_folder_answers_go_on(everything, fault, kept):
    home, asker = everything
    other = write_bundle(home, "20260801", seed=1)
    good = write_bundle(home, "20260802", seed=2)
    until_in_force(asker, good)
    with fault(home, other):
        asker.slowest = 0.0
        asker.decide("bertta")  # whoever meets it first may be told nothing
        for _ in range(5):
            free, held = (asker.decide(who) for who in ("aino", "bertta"))
            assert free["state_status"] == "ok" and sold(free) and not sold(held)
            assert (free["versions"]["bundle"] == good) == kept
        assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    shutil.rmtree(home.bundles)
    until_in_force(asker, write_bundle(home, "20260803", seed=3))
