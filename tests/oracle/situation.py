"""All that the oracle knows of one person at one moment, looked up anew in what was told."""

from datetime import UTC, datetime

from tests.oracle.holding import held_later, holds_ever, in_force, recovering
from tests.oracle.reading import cases, goodness, is_bad, parcels, stance
from tests.oracle.told import DAY, HOUR, MINUTE

REACHED = ("sent", "impression", "click", "accept", "dismiss", "unsubscribe", "bounce")


def situation(told, policy, question):
    """A dict of what is known of the one asked for; its `problem` says why nothing may be sold to her, or is None."""
    now, rules, clearance = question["now"], policy["holds"], policy["clearance"]
    person, visitor = asked_for(told, question)
    events = told.of(person, visitor)
    whose = [*told.identities(person), *([visitor] if visitor else [])]
    ahead = now + clearance["future_tolerance_minutes"] * MINUTE
    last = max((event["at"] for event in events), default=now)
    # what is dated a little ahead has happened; but what only the clock ends meanwhile has not ended
    declared = [i["at"] for i in told.incidents if i["payload"]["action"] == "declare" and i["at"] <= ahead]
    seen = max([now, *declared, *([last] if last <= ahead else [])])
    happened = [event for event in events if event["at"] <= seen]
    ever = holds_ever(happened, told.incidents, rules, seen)
    held = in_force(ever, seen)
    if seen > now:
        before = holds_ever([event for event in events if event["at"] <= now], told.incidents, rules, now)
        held += [h for h in in_force(before, now) if h["ends"] is not None and h["ends"] <= seen]
    dated_ahead = last > ahead or held_later(happened, told.incidents, ahead)
    return {
        "person": person, "whose": whose, "events": happened, "holds": held, "now": now, "ahead": ahead,
        "problem": _problem(told, question, person, whose, events, dated_ahead, clearance, now),
        "recovering": recovering(ever, rules, seen), "features": _features(happened, held, rules, seen),
        "contacts": _contacts(told, happened, {*whose, *_visitor_of(question)}, now),
        "changed": _changes(happened, rules, seen), "oldest": events[0]["who"] if events else person,
        "words": {}, "lines": _lines(happened), "zone": _zone(happened),
        "facts": _facts(happened), "last_sign": _last_sign(happened, rules),
    }  # fmt: skip


def asked_for(told, question):
    """Whom a question is about, and a visitor of hers who belongs to nobody yet."""
    customer, visitor = question.get("customer_id"), question.get("anonymous_id")
    if customer and visitor:
        return told.person(customer), None if told.owner(visitor) else "anonymous:" + visitor
    return told.person(customer or "anonymous:" + visitor), None


def word(told, policy, known, purpose, channel):
    """Her word on a purpose in a channel; "declared" where only a source's legal basis speaks for her."""
    if (purpose, channel) not in known["words"]:
        said = stance(known["events"], purpose, channel)
        for basis in policy["consent"].get("declared", ()):
            if said is None and basis["purpose"] == purpose and channel in basis["channels"]:
                hers = (event for who in known["whose"] for event in told.events.get(who, ()))
                said = "declared" if any(event["source"] == basis["source"] for event in hers) else None
        known["words"][purpose, channel] = said
    return known["words"][purpose, channel]


def may_show(row, item, known, since=0):
    """Whether a product may be shown to her: in stock, in season, not returned, not owned unless used up.

    `since`: when it was told to her first; then only what she bought after that speaks against it.
    """
    month = datetime.fromtimestamp(known["now"] / 1e6, UTC).month
    returned = any(kind == "return" and name == item for kind, _, name in known["lines"])
    owned = any(kind == "purchase" and name == item and at > since for kind, at, name in known["lines"])
    in_season = not row["season_months"] or month in row["season_months"]
    return row["in_stock"] and in_season and not returned and (row["consumable"] or not owned)


def _visitor_of(question):
    """The visitor a question names, whoever she belongs to: what is doubtful of her or promised to her counts."""
    return ["anonymous:" + question["anonymous_id"]] if "anonymous_id" in question else []


def _problem(told, question, person, whose, events, dated_ahead, clearance, now):
    if person in told.damaged:
        return told.damaged[person]
    if any(event["type"] == "erasure" for event in events):
        return "erased"
    if dated_ahead:
        return "future_dated"
    for source, hours in clearance.get("required_sources", {}).items():
        if source not in told.heard or now - told.heard[source] > hours * HOUR:
            return f"source_silent:{source}"
    if any(told.doubted.get(one) for one in (*whose, *_visitor_of(question))):
        return "rejected_event"
    return None


def _features(events, held, rules, now):
    orders = [e["at"] for e in events if e["type"] == "purchase"]
    feedback = [e for e in events if e["type"] == "feedback"]
    all_cases = cases(events, rules, now)
    unfinished = [c for c in all_cases if c["finished"] is None]
    unanswered = 0
    for case in all_cases:
        if case["finished"] is not None and case["finished"] > now - 30 * DAY:
            answers = [e["at"] for e in feedback if e["payload"].get("case_id") == case["id"]]
            unanswered += not any(at >= case["finished"] for at in answers)
    waiting = [p for p in parcels(events, now) if p["over"] is None]
    return {
        "known": float(bool(events)),
        "orders_total": len({e["payload"]["order_id"] for e in events if e["type"] == "purchase"}),
        "days_since_last_purchase": (now - max(orders)) / DAY if orders else None,
        "ratings_90d": sum(now - 90 * DAY < e["at"] and goodness(e["payload"]) is not None for e in feedback),
        "open_cases": len(unfinished),
        "max_case_severity": max((c["severity"] for c in unfinished), default=0),
        "max_hold_severity": max((h["severity"] for h in held), default=0),
        "cool_downs": sum(h["cool_down"] for h in held),
        "cases_unanswered_30d": unanswered,
        "late_orders": sum(p["failed"] is not None or p["broken"] is not None for p in waiting),
    }


def _contacts(told, events, whose, now):
    """What reached her or is promised to a sender: dicts with action, channel, at, decision_id."""
    reached, actions_told = {}, set()
    for event in events:
        said = event["payload"]
        if event["type"] != "contact" or said["status"] not in REACHED:
            continue
        decision_id = said.get("decision_id")
        if decision_id is None:
            if said["status"] not in ("sent", "impression") and (event["who"], said["action_id"]) in actions_told:
                continue  # it answers the contact before, made under the same id of hers
            actions_told.add((event["who"], said["action_id"]))
        contact = {"action": said["action_id"], "channel": event.get("channel"), "at": event["at"]}
        key = decision_id or event["event_id"], said["action_id"]
        reached.setdefault(key, contact | {"decision_id": decision_id})
    settled = {contact["decision_id"] for contact in reached.values()}
    promised = [
        p
        | {"at": min(p["at"], now), "promised": True}  # what was promised before the clock was set back is promised now
        for p in told.places
        if p["who"] in whose and p["until"] > now and p["decision_id"] not in settled
    ]
    return [*reached.values(), *promised]


def _changes(events, rules, now):
    """When her cases, parcels, orders and bad ratings last changed; a promise that passes is a change."""
    changed = {"case": [], "delivery": [], "order": [], "rating": []}
    for event in events:
        said = event["payload"]
        if event["type"] == "case" or (event["type"] == "feedback" and said["kind"] == "complaint"):
            changed["case"].append(event["at"])
        if event["type"] == "delivery":
            changed["delivery"] += [at for at in (event["at"], said.get("promised_us")) if at is not None and at <= now]
        if event["type"] == "purchase":
            changed["order"].append(event["at"])
        if event["type"] == "feedback" and "case_id" not in said and is_bad(said, rules):
            changed["rating"].append(event["at"])
    return {name: max(found) for name, found in changed.items() if found}


def _lines(events):
    """What she bought and gave back: (type, at, item)."""
    return [(e["type"], e["at"], line["item_id"]) for e in events for line in e["payload"].get("lines", ())]


def _zone(events):
    zone = None
    for event in events:
        if event["type"] == "profile":
            zone = event["payload"].get("facts", {}).get("time_zone", zone)
    return zone


def _facts(events):
    """The names of facts she told, or would rather not tell."""
    said = [event["payload"] for event in events if event["type"] == "profile"]
    return {name for one in said for name in (*one.get("facts", ()), *one.get("refused", ()))}


def _last_sign(events, rules):
    """When she last visited, ordered, said something or followed a contact, 0 if never; a dismissal is a no, and to say
    that she is unhappy asks for help, not for offers.
    """
    signs = [0]
    for event in events:
        said = event["payload"]
        follows = event["type"] == "contact" and said["status"] in ("click", "accept")
        speaks = event["type"] == "feedback" and said["kind"] != "complaint" and not is_bad(said, rules)
        if follows or speaks or event["type"] in ("browse", "purchase"):
            signs.append(event["at"])
    return max(signs)
