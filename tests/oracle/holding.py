"""The oracle's holds: every hold a person's events ever opened, and until when, by naive loops over docs/holds.md."""

from tests.oracle.reading import ALMOST, cases, goodness, is_bad, is_good, parcels
from tests.oracle.told import DAY, micros

OUTBOUND = ("email", "phone", "social", "partner")
ONSITE = ("web", "app", "store")
FOR_EVER = 2**62
WORDS = {"any": (*ONSITE, *OUTBOUND), "outbound": OUTBOUND, "onsite": ONSITE}


def holds_ever(events, incidents, rules, now):
    """All holds known at `now`, each a dict; "ends" is None while something must happen first.

    `incidents` are the events of the shop that declare and close incidents, whatever their time.
    """
    found = [
        *_of_cases(events, rules, now), *_of_parcels(events, rules, now), *_of_ratings(events, rules),
        *_of_friction(events, rules), *_of_predictions(events, rules), *_of_staff(events, rules),
        *_of_incidents(events, incidents, rules, now),
    ]  # fmt: skip
    releases = [e for e in events if e["type"] == "hold" and e["payload"]["action"] == "release"]
    for hold in found:
        hers = [e["at"] for e in releases if e["payload"]["hold_id"] == hold["id"] and e["at"] >= hold["last_worse"]]
        hold["ends"] = min([*hers, *([] if hold["ends"] is None else [hold["ends"]])], default=None)
    return found


def in_force(holds, now):
    """Those in force at `now`: from their opening up to, not including, their end."""
    return [h for h in holds if h["opened"] <= now and (h["ends"] is None or now < h["ends"])]


def recovering(holds, rules, now):
    """Whether a grave hold ended within the days of recovery."""
    for hold in holds:
        ended = hold["ends"] is not None and hold["severity"] >= rules["recovery_severity"]
        if ended and hold["ends"] <= now < hold["ends"] + rules["recovery_days"] * DAY:
            return True
    return False


def covers(hold, category, group, channel, outbound):
    """Whether a hold keeps such an action back there. A push in the app is outbound like a letter."""
    if group == "recovery" or category == "regulation":
        return False
    if category not in hold["categories"] and group not in hold["groups"]:
        return False
    pushed = outbound and channel in ONSITE and any(c in OUTBOUND for c in hold["channels"])
    return pushed or channel in hold["channels"]


def _hold(kind, hold_id, rule, opened, ends, *, severity=None, last_worse=None, cool_down=False):
    return {
        "kind": kind, "id": hold_id, "severity": rule["severity"] if severity is None else severity,
        "categories": rule["categories"], "groups": rule.get("groups", ()), "channels": _channels(rule["channels"]),
        "opened": opened, "ends": ends, "last_worse": opened if last_worse is None else last_worse,
        "cool_down": cool_down,
    }  # fmt: skip


def _channels(words):
    return {channel for word in words for channel in WORDS.get(word, (word,))}


def _of_cases(events, rules, now):
    answers = [e for e in events if e["type"] == "feedback" and "case_id" in e["payload"]]
    for case in cases(events, rules, now):
        hers = [e for e in answers if e["payload"]["case_id"] == case["id"]]
        if case["hold"] is not None:
            rule, ends = rules[case["hold"]], None
            if case["finished"] is not None:
                ends = case["finished"] + rule["lasts_days"] * DAY
                if case["hold"] == "open_return" and case["closed"] is not None:
                    ends = min(ends, case["closed"])
                for event in hers:
                    if event["at"] >= case["finished"] and is_good(event["payload"], rules):
                        ends = min(ends, event["at"])
            yield _hold(
                case["hold"], f"{case['hold']}:{case['id']}", rule, case["opened"], ends, severity=case["severity"],
                last_worse=case["last_worse"], cool_down=case["finished"] is not None,
            )  # fmt: skip
        if case["first_finished"] is not None:
            bad = [e["at"] for e in hers if e["at"] >= case["first_finished"] and is_bad(e["payload"], rules)]
            if bad:
                rule = rules["bad_resolution"]
                yield _hold("bad_resolution", f"bad_resolution:{case['id']}", rule, bad[0], None, last_worse=bad[-1])


def _of_parcels(events, rules, now):
    for parcel in parcels(events, now):
        kind, opened, hold_id = "late_delivery", parcel["broken"], f"late_delivery:{parcel['order']}"
        if parcel["failed"] is not None:
            kind, opened, hold_id = "open_case", parcel["failed"], f"open_case:delivery:{parcel['order']}"
        if opened is None:
            continue
        rule, ends = rules[kind], None
        if parcel["cancelled"] is not None:
            ends = parcel["cancelled"]
        elif parcel["arrived"] is not None:
            ends = parcel["arrived"] + rule["lasts_days"] * DAY
        waited = ((now if parcel["over"] is None else parcel["over"]) - opened) / DAY
        severity = min(5, rule["severity"] + int(waited / rules["days_per_severity"] + ALMOST))
        worse = max(opened, parcel["last_worse"])
        yield _hold(kind, hold_id, rule, opened, ends, severity=severity, last_worse=worse, cool_down=ends is not None)


def _of_ratings(events, rules):
    rule = rules["bad_rating"]
    scored = [e for e in events if e["type"] == "feedback" and e["payload"].get("score") is not None]
    for event in scored:
        if not is_bad(event["payload"], rules):
            continue
        ends = event["at"] + rule["lasts_days"] * DAY
        for other in scored:
            same = other.get("touchpoint") == event.get("touchpoint") is not None and other["who"] == event["who"]
            if same and event["at"] < other["at"] < ends and is_good(other["payload"], rules):
                ends = other["at"]
        worst = goodness(event["payload"]) <= rules["worst_share"] + ALMOST
        severity = min(5, rule["severity"] + worst)
        yield _hold("bad_rating", f"bad_rating:{event['event_id']}", rule, event["at"], ends, severity=severity)


def _of_friction(events, rules):
    rule = rules["friction"]
    for event in events:
        said = event["payload"]
        if event["type"] != "friction" or said["kind"] not in rules["strong_frictions"]:
            continue
        if said["kind"] != "long_wait" or said.get("wait_seconds", 0) >= rules["long_wait_seconds"]:
            ends = event["at"] + rule["lasts_days"] * DAY
            yield _hold("friction", f"friction:{event['event_id']}", rule, event["at"], ends)


def _of_predictions(events, rules):
    """Per model and identity: a high score opens or renews, one below the lower threshold ends."""
    rule, open_now = rules["predicted"], {}
    for event in events:
        said = event["payload"]
        if event["type"] != "score" or said["model"] not in rules["predicted_models"]:
            continue
        whose = (said["model"], event["who"])
        hold = open_now.get(whose)
        if said["value"] >= rules["predicted_at"]:
            ends = event["at"] + rule["lasts_days"] * DAY
            opened = hold["opened"] if hold is not None and event["at"] < hold["ends"] else event["at"]
            hold_id = f"predicted:{whose[0]}:{whose[1]}"
            open_now[whose] = _hold("predicted", hold_id, rule, opened, ends, last_worse=event["at"])
        elif said["value"] < rules["predicted_below"] and hold is not None:
            hold["ends"] = min(hold["ends"], event["at"])
    return open_now.values()


def _of_staff(events, rules):
    for event in events:
        said = event["payload"]
        if event["type"] == "hold" and said["action"] == "add":
            rule = dict(rules["staff"])
            rule["categories"] = said.get("categories") or rule["categories"]
            rule["channels"] = said.get("channels") or rule["channels"]
            yield _hold("staff", said["hold_id"], rule, event["at"], None)


def _of_incidents(events, incidents, rules, now):
    """Each declaration until it is closed or declared anew, for whoever its rule takes in."""
    rule, said = (
        rules["incident"],
        sorted((i for i in incidents if i["at"] <= now), key=lambda i: (i["at"], i["event_id"])),
    )
    for place, event in enumerate(said):
        payload = event["payload"]
        if payload["action"] != "declare":
            continue
        ends = event["at"] + rule["lasts_days"] * DAY
        for later in said[place + 1 :]:
            if later["payload"]["incident_id"] == payload["incident_id"]:
                ends = min(ends, later["at"])
        moments = _taken_in(events, payload["rule"])
        opened = max(event["at"], min(moments, default=now))
        if moments and opened < ends:
            hold_id, worse = f"incident:{payload['incident_id']}", max(event["at"], *moments)
            yield _hold("incident", hold_id, rule, opened, ends, last_worse=worse)


def held_later(events, incidents, ahead):
    """Whether one takes her in that was declared after `ahead`, before our clock was set back, and still runs."""
    later = {}
    for event in sorted((i for i in incidents if i["at"] > ahead), key=lambda i: (i["at"], i["event_id"])):
        later[event["payload"]["incident_id"]] = event["payload"]
    return any(said["action"] == "declare" and _taken_in(events, said["rule"]) for said in later.values())


def _taken_in(events, rule):
    """When an incident's rule took her in: by orders that meet all it says of orders, by friction, by feedback."""
    between = [micros(instant) for instant in rule["orders_between"]] if "orders_between" in rule else None
    since = [micros(rule["since"]), FOR_EVER] if "since" in rule else None
    moments, orders, carried = [], {}, {}
    for event in events:
        said = event["payload"]
        if event["type"] == "purchase":
            orders[said["order_id"]] = event["at"], event.get("channel")
    for event in events:
        said = event["payload"]
        if event["type"] == "delivery":
            orders.setdefault(said["order_id"], (event["at"], None))
            if "carrier" in said:
                carried.setdefault((said["order_id"], said["carrier"]), event["at"])
        if event["type"] in ("friction", "feedback") and event.get("touchpoint") == rule.get("touchpoint") is not None:
            first, end = since or between or (0, FOR_EVER)
            moments += [event["at"]] if first <= event["at"] < end else []
    if "carrier" in rule or "channel" in rule or between or "touchpoint" not in rule:
        first, end = between or since or (0, FOR_EVER)
        for order_id, (at, channel) in orders.items():
            given = carried.get((order_id, rule["carrier"])) if "carrier" in rule else at
            if first <= at < end and given is not None and rule.get("channel", channel) == channel:
                moments.append(max(at, given))
    return moments
