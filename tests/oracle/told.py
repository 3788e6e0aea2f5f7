"""What the oracle remembers: the raw events that were acknowledged, in plain lists, and what was done to the shop.

Nothing is folded or kept up to date here: every question is answered by looking through the lists again.
Instants are whole microseconds since 1970.
"""

import json
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
HARMLESS = ("purchase", "browse", "contact", "score", "profile", "incident")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment):
    """An instant, given as an aware datetime or as RFC 3339 text."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Told:
    """All that the shop was told and answered. A `who` is a customer id, or "anonymous:<id>" for a visitor."""

    def __init__(self):
        self.events = {}  # who it was recorded under -> her events as sent, each with "at" and "who" added
        self.sorted = {}  # the same in the order (occurred_at, event_id), made when first asked for
        self.links = {}  # visitor's id -> what was said of it: (at, event_id, action, customer)
        self.heard = {}  # source -> when it last reported
        self.doubted = {}  # who -> ids of refused events that may have held her
        self.refused = {}  # event id -> the texts refused under it
        self.settled = set()  # refused texts whose meaning came in after all: sent again they tell nothing new
        self.damaged = {}  # customer -> what was done to her row of the state
        self.perhaps_mended = set()  # customers whose damaged row may have been mended
        self.places = []  # contacts promised to a sender: dicts with decision_id, who, action, channel, at, until
        self.incidents = []  # declarations and closings, as sent

    def accept(self, event, received_at, source):
        """An event was acknowledged as accepted."""
        who = event.get("customer_id") or "anonymous:" + event.get("anonymous_id", "")
        before = self.person(who)
        self.without_doubt(event["event_id"])
        kept = dict(event, at=micros(event["occurred_at"]), who=who, source=event.get("source", source))
        for name in ("promised_at", "promised_by"):
            if name in event["payload"]:
                kept["payload"] = dict(event["payload"], promised_us=micros(event["payload"][name]))
        self.heard[kept["source"]] = max(self.heard.get(kept["source"], 0), received_at)
        if event["type"] == "incident":
            self.incidents.append(kept)
            return
        self.events.setdefault(who, []).append(kept)
        self.sorted.clear() if event["type"] == "identity" else self.sorted.pop(before, None)
        touched = {who, before}
        if event["type"] == "identity":
            visitor = event["anonymous_id"]
            touched |= {"anonymous:" + visitor, self.person("anonymous:" + visitor)}
            said = (kept["at"], event["event_id"], event["payload"]["action"], event["customer_id"])
            self.links.setdefault(visitor, []).append(said)
            past = {customer for _, _, _, customer in self.links[visitor]} & set(self.damaged)
            self.perhaps_mended |= past  # whoever once had the visitor's id is folded again too
            touched |= past
        for one in touched:  # whoever is told something new is folded again, which mends her row
            self.damaged.pop(one, None)

    def refuse(self, event):
        """An event was refused; whomever it names is in doubt, unless its type could hold nobody."""
        is_unsubscribing = event["type"] == "contact" and event["payload"].get("status") == "unsubscribe"
        if event["type"] in HARMLESS and not is_unsubscribing:
            return
        text = json.dumps(event, sort_keys=True)
        if text in self.settled:
            return
        self.refused.setdefault(event["event_id"], set()).add(text)
        for who in (event.get("customer_id"), "anonymous:" + event.get("anonymous_id", "")):
            if who and who != "anonymous:":
                self.doubted.setdefault(who, set()).add(event["event_id"])

    def without_doubt(self, event_id):
        """What was refused under this id was accepted after all, or a person says that it is of no concern."""
        self.settled |= self.refused.pop(event_id, set())
        for doubts in self.doubted.values():
            doubts.discard(event_id)

    def owner(self, visitor):
        """The customer a visitor's id belongs to: the last link's, unless that one was undone later."""
        found = None
        for _, _, action, customer in sorted(self.links.get(visitor, ())):
            if action == "link":
                found = customer
            elif customer == found:
                found = None
        return found

    def person(self, who):
        """Whom a customer id or "anonymous:<id>" is counted for now."""
        if who.startswith("anonymous:"):
            return self.owner(who.removeprefix("anonymous:")) or who
        return who

    def identities(self, person):
        """All that is counted for a person: her own id, then those of the visitors linked to her."""
        return [person, *("anonymous:" + v for v in self.links if self.owner(v) == person)]

    def of(self, person, and_visitor=None):
        """A person's events in the order (occurred_at, event_id), those of her linked visitors among them.

        `and_visitor`: a visitor who belongs to nobody yet, named in the same question.
        """
        key = person if and_visitor is None else (person, and_visitor)
        if and_visitor is not None or key not in self.sorted:
            whose = self.identities(person) + ([] if and_visitor is None else [and_visitor])
            hers = [event for who in whose for event in self.events.get(who, ())]
            self.sorted[key] = sorted(hers, key=lambda event: (event["at"], event["event_id"]))
        return self.sorted[key]
