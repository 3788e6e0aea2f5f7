"""Whom the shop's incidents affect: found by looking at everyone once, then kept up with what is told since."""

import threading
from collections.abc import Callable, Iterable

import msgspec

from features.customer.incidents import Incident, affected, affects
from features.customer.state import CustomerState
from features.instants import days, to_us
from features.log.connection import Connection
from serving.desk.lens import Lens
from serving.desk.scan import all_states, of
from serving.desk.touched import touched

EXAMPLES = 10
_EVER = 2**62


class Reached(msgspec.Struct, frozen=True):
    """How many customers an incident's rule takes in, of how many, and some of them."""

    affected: int
    customers: int
    examples: list[str]


def running(lens: Lens) -> list[Incident]:
    """The incidents that may hold somebody at the lens's moment."""
    now, lasts = to_us(lens.now), days(lens.rules.incident.lasts_days or 0)
    return [i for i in lens.incidents if (i.closed_at is None or i.closed_at > now) and i.declared_at + lasts > now]


def reached(run: Connection, incident: Incident, lens: Lens, pause: Callable[[], None]) -> Reached:
    """Whom an incident's rule would take in at the lens's moment, whether it is declared or not. Looks at everyone."""
    found: list[str] = []
    looked_at = 0
    for standing in all_states(run, lens, pause=pause):
        looked_at += 1
        if affects(incident, standing.state, lens.ahead):
            found.append(standing.customer_id)
    return Reached(len(found), looked_at, found[:EXAMPLES])


class Reach:
    """The customers affected by running incidents, for one data folder. Safe to share between threads."""

    def __init__(self, pause: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._pause = pause
        self._position = 0
        self._found: dict[str, set[str]] = {}

    def affected(self, run: Connection, lens: Lens) -> set[str]:
        """Who is affected by any running incident, by what is known of them now."""
        incidents = {i.source_event: i for i in running(lens)}
        if not incidents:
            return set()
        with self._lock:
            (position,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
            if position < self._position:
                self._found.clear()  # another store than before
            self._found = {event: who for event, who in self._found.items() if event in incidents}
            if self._found and position > self._position:
                changed = touched(run, self._position, position)
                before = {event: i for event, i in incidents.items() if event in self._found}
                self._note(((s.customer_id, s.state) for s in of(run, sorted(changed), lens)), before, self._found)
            new = {event: i for event, i in incidents.items() if event not in self._found}
            if new:
                self._found |= {event: set() for event in new}
                everyone = all_states(run, lens, pause=self._pause)
                self._note(((s.customer_id, s.state) for s in everyone), new, self._found)
            self._position = position
            return set().union(*self._found.values())

    def _note(
        self,
        states: Iterable[tuple[str, CustomerState]],
        incidents: dict[str, Incident],
        found: dict[str, set[str]],
    ) -> None:
        for customer, state in states:
            for event, incident in incidents.items():
                if affected(incident, state, _EVER) is not None:
                    found[event].add(customer)
                else:
                    found[event].discard(customer)
