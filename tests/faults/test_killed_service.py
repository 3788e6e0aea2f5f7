"""Promises 1 and 2 over HTTP: `kill -9` of a service under load loses and doubles nothing; no held one is sold to."""

import os
import random
import signal
import threading
import time

import pytest
from served import Asker, LostError, behind, event, exchange, misses, regulars, rows, served, shop_to_serve, sold

DECIDERS, TELLERS, NEWCOMERS = 3, 2, 12


class Load:
    """Threads that decide and tell until the service dies, and what was acknowledged to them over all its lives."""

    def __init__(self, home, seed):
        self.home, self.seed = home, seed
        self.told, self.decided = set(), {}
        self.held, self.covered, self.wrong = set(), [], []
        self.open_events, self.open_questions = [], []

    def life(self, number, seconds):
        """Start, settle what the last kill left open, load, kill."""
        with served(self.home) as service:
            asker = Asker(service)
            self._settle(asker)
            names = [f"c{number}-{n}" for n in range(NEWCOMERS)]
            self._tell(asker, list(regulars(names)))
            if not sold(self._decide(asker, names[0], f"first {number}")):
                self.wrong.append(f"{names[0]} is not sold to")
            jobs = [(self._ask_on, n) for n in range(DECIDERS)] + [(self._tell_on, n) for n in range(TELLERS)]
            threads = [threading.Thread(target=job, args=(service, f"{number}-{n}", names)) for job, n in jobs]
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            os.kill(service.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            asker.close()

    def after_all(self):
        """A last life: nothing is left open, and nobody held is sold to."""
        with served(self.home) as service:
            asker = Asker(service)
            self._settle(asker)
            for who in sorted(self.held):
                self._decide(asker, who, f"last {who}")
            asker.close()

    def _settle(self, asker):
        """What was not answered is sent again; of what was, the last is asked again."""
        for events in self.open_events:
            self._tell(asker, events, ("accepted", "duplicate"))
        for who, key in self.open_questions:
            self._decide(asker, who, key)
        for (who, key), first in list(self.decided.items())[-5:]:
            if self._decide(asker, who, key)["decision_id"] != first:
                self.wrong.append(f"{key} was answered anew")
        self.open_events, self.open_questions = [], []

    def _ask_on(self, service, name, names):
        asker, pick, n = Asker(service), random.Random(f"{self.seed} {name}"), 0
        try:
            while True:
                question = pick.choice([*names, *sorted(self.held)[-3:]]), f"{name} {n}"
                self._decide(asker, *question)
                n += 1
        except LostError:
            self.open_questions.append(question)

    def _tell_on(self, service, name, names):
        asker, pick, n = Asker(service), random.Random(f"{self.seed} {name}"), 0
        mine = names[1 + int(name[-1]) :: TELLERS]
        try:
            while True:
                who = pick.choice(names)
                events = [event(f"e{name} {n} {k}", "friction", who, kind="payment_error") for k in range(3)]
                opens = mine.pop() if mine and n % 4 == 0 else None
                events += [exchange(opens)] if opens else []
                self._tell(asker, events)
                if opens:
                    self.held.add(opens)
                    self._decide(asker, opens, f"{name} {n} held")
                n += 1
        except LostError:
            self.open_events.append(events)

    def _decide(self, asker, who, key):
        held = who in self.held
        answer = asker.decide(who, key)
        if held and sold(answer):
            self.covered.append((who, key))
        if answer["decision_id"] is not None:
            self.decided[who, key] = answer["decision_id"]
        elif answer["state_status"] != "unknown:deadline":
            self.wrong.append(answer["state_status"])
        return answer

    def _tell(self, asker, events, fine=("accepted",)):
        status, results = asker.tell(events)
        if status != 200 or not set(results) <= set(fine):
            self.wrong.append((status, results))
        self.told |= {one["event_id"] for one in events}
        self.held |= {one["customer_id"] for one in events if one["type"] == "case"}


def killed(home, kills, seed, record_property):
    load, pick = Load(home, seed), random.Random(seed)
    for number in range(kills):
        load.life(number, pick.uniform(0.02, 0.8))
    load.after_all()
    record_property("kills", kills)
    record_property("events acknowledged", len(load.told))
    record_property("decisions answered", len(load.decided))
    record_property("customers held", len(load.held))
    record_property("covered sales", len(load.covered))
    assert load.covered == [] and load.wrong == []
    assert misses(home, load.told) == {} and behind(home) == 0
    there = dict(rows(home, "select key, decision_id from idempotency"))
    assert {key: there.get(key) for _, key in load.decided} == {key: made for (_, key), made in load.decided.items()}
    recorded = {one for (one,) in rows(home, "select decision_id from decisions")}
    assert recorded == set(there.values()), "each was asked for under a key of its own, and is on record"
    assert rows(home, "pragma integrity_check") == [("ok",)]
    return load


def test_a_killed_service_loses_doubles_and_sells_nothing_that_it_may_not(tmp_path, record_property):
    load = killed(shop_to_serve(tmp_path / "home"), 3, 1, record_property)
    assert len(load.decided) > 20 and len(load.told) > 150 and load.held


@pytest.mark.slow
def test_two_hundred_kills(tmp_path, record_property):
    load = killed(shop_to_serve(tmp_path / "home"), 200, 2, record_property)
    assert len(load.decided) > 2_000 and len(load.told) > 10_000 and len(load.held) > 200
