"""What takes long is loaded beside: the first value is waited for, later ones never; the last good one stands."""

import threading
import time

from features.errors import BundleError
from serving.watched import WatchedBeside


class Shelf:
    """What lies in a file now; loading it can be held up."""

    def __init__(self):
        self.content, self.loads = "first", 0
        self.go_on, self.begun = threading.Event(), threading.Event()
        self.go_on.set()

    def load(self):
        self.loads += 1
        content = self.content
        self.begun.set()
        assert self.go_on.wait(10)
        if content == "torn":
            raise BundleError("it is torn. Promote again.")
        return content


def watched(shelf, *, takes_long=True):
    one = WatchedBeside("shelf", shelf.load, lambda: takes_long)
    one.refresh((1,))
    shelf.begun.clear()
    return one


def loading_the_second(shelf):
    """The first is in force; the second has begun to be loaded and is held up."""
    one = watched(shelf)
    shelf.content = "second"
    shelf.go_on.clear()
    one.refresh((2,))
    assert shelf.begun.wait(10)
    return one


def settle(one, seen):
    """Until what is seen is in force, or refused."""
    for _ in range(1_000):
        if one.stands(seen) == seen == one.seen:
            return
        time.sleep(0.005)
    raise AssertionError("it never ended")


def test_the_first_is_waited_for():
    assert watched(Shelf()).value == "first"


def test_the_next_is_not_waited_for_and_the_one_before_stands_meanwhile():
    shelf = Shelf()
    one = loading_the_second(shelf)
    assert one.value == "first" and one.stands((2,)) == (1,)
    one.refresh((2,))  # asked again meanwhile: it is loaded once
    shelf.go_on.set()
    settle(one, (2,))
    assert one.value == "second" and one.problem is None and shelf.loads == 2


def test_a_torn_one_leaves_the_last_good_one_and_says_so():
    shelf = Shelf()
    one = watched(shelf)
    shelf.content = "torn"
    one.refresh((2,))
    settle(one, (2,))
    assert one.value == "first" and one.problem == "shelf: it is torn. Promote again."
    one.refresh((2,))
    assert shelf.loads == 2, "what was refused is not tried again before it changes"


def test_one_that_changes_while_it_is_loaded_is_loaded_again():
    shelf = Shelf()
    one = loading_the_second(shelf)
    shelf.content = "third"
    one.refresh((3,))
    shelf.go_on.set()
    settle(one, (2,))
    assert one.stands((3,)) == (3,) != one.seen
    one.refresh((3,))
    settle(one, (3,))
    assert one.value == "third"


def test_what_does_not_take_long_is_there_at_once():
    shelf = Shelf()
    one = watched(shelf, takes_long=False)
    shelf.content = "second"
    one.refresh((2,))
    assert one.value == "second" and one.stands((2,)) == one.seen == (2,)
