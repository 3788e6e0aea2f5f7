"""The oracle's reading of one person's events up to a moment: her cases, parcels, scores and words, by naive loops.

Written from docs/holds.md and docs/events.md alone; shares nothing with the product. `events` are in the order
(occurred_at, event_id) and hold nothing later than the moment asked about, `now`.
"""

from tests.oracle.told import DAY

FINISHING = ("resolved", "closed", "cancelled")
SCALES = {"nps": (0, 10, True), "ces": (1, 7, False)}  # all others: 1 to 5, high is good
ALMOST = 1e-9


def goodness(payload):
    """A score from 0 (worst) to 1 (best), None without one."""
    if payload.get("score") is None:
        return None
    low, high, high_is_good = SCALES.get(payload["kind"], (1, 5, True))
    low, high = payload.get("scale_min", low), payload.get("scale_max", high)
    share = (payload["score"] - low) / (high - low)
    return share if payload.get("higher_is_better", high_is_good) else 1 - share


def is_bad(payload, rules):
    """Whether a score lies in the lowest part of its scale."""
    share = goodness(payload)
    limit = rules["nps_bad_max"] / 10 if payload["kind"] == "nps" else rules["bad_share"]
    return share is not None and share <= limit + ALMOST


def is_good(payload, rules):
    """Whether a score lies in the highest part of its scale; a complaint never does."""
    share = goodness(payload)
    limit = rules["nps_good_min"] / 10 if payload["kind"] == "nps" else 1 - rules["good_share"]
    return share is not None and payload["kind"] != "complaint" and share >= limit - ALMOST


def cases(events, rules, now):
    """Her cases, each a dict of how it stands."""
    steps = {}
    for event in events:
        said = event["payload"]
        if event["type"] == "case":
            steps.setdefault(said["case_id"], []).append((event["at"], said["status"], said["kind"], said))
        elif event["type"] == "feedback" and said["kind"] == "complaint":
            case_id = said.get("case_id") or event["event_id"]
            steps.setdefault(case_id, []).append((event["at"], "opened", "complaint", said))
    return [_case(case_id, course, rules, now) for case_id, course in steps.items()]


def _case(case_id, steps, rules, now):
    kinds = {kind for _, _, kind, _ in steps}
    asked = sum(status == "customer_asked" for _, status, _, _ in steps)
    drags_since = []
    last_worse, days_open, promise, first_finished = steps[0][0], 0, None, None
    for i, (at, status, _, said) in enumerate(steps):
        was = steps[i - 1][1] if i else "opened"
        until = steps[i + 1][0] if i + 1 < len(steps) else now
        if status in FINISHING:
            first_finished = at if first_finished is None else first_finished
            promise = None
            continue
        if was in FINISHING:
            drags_since.append(at)
            last_worse = at
        if status in ("opened", "customer_asked", "reopened"):
            last_worse = at
        if status in ("customer_asked", "reopened"):
            drags_since.append(at)
        if "promised_by" in said:
            promise = said["promised_us"] if promise is None else min(promise, said["promised_us"])
        if status != "waiting_customer":
            days_open += (until - at) / DAY
            drags_since += [max(promise, at)] if promise is not None and promise < until else []
    finished = closed = None
    for at, status, _, _ in reversed(steps):
        if status not in FINISHING:
            break
        finished = at
        closed = at if status != "resolved" else closed
    serious, drags, opened = kinds - {"return", "question"}, bool(drags_since), steps[0][0]
    if drags and not serious:
        opened = min(drags_since)  # until then it was an ordinary one
    if "complaint" in kinds:
        hold = "open_complaint"
    elif serious or drags:
        hold = "open_case"
    else:
        hold = "open_return" if "return" in kinds else None
    ordinary = not serious and not drags
    severity = rules["open_return"]["severity"]
    if not ordinary:
        severity = min(5, rules[hold]["severity"] + asked + int(days_open / rules["days_per_severity"] + ALMOST))
    return {
        "id": case_id, "hold": hold, "severity": severity, "opened": opened, "finished": finished, "closed": closed,
        "first_finished": first_finished, "last_worse": max(opened, last_worse),
    }  # fmt: skip


def parcels(events, now):
    """Her orders on their way or arrived, each a dict of how it stands."""
    steps = {}
    for event in events:
        if event["type"] == "delivery":
            steps.setdefault(event["payload"]["order_id"], []).append((event["at"], event["payload"]))
    found = []
    for order_id, course in steps.items():
        promises, failed, arrived, cancelled, last_worse = [], None, None, None, 0
        for at, said in course:
            if said["status"] == "delivered":
                arrived = at if arrived is None else arrived
            elif said["status"] == "cancelled":
                cancelled = at if cancelled is None else cancelled
            elif said["status"] in ("failed", "delayed"):
                arrived = cancelled = None  # whatever arrived, she waits again
                last_worse = at
                if said["status"] == "failed":
                    failed = at if failed is None else failed
                elif not promises and "promised_at" not in said:
                    promises.append(at)
            if "promised_at" in said and said["status"] not in ("delivered", "cancelled"):
                promises.append(said["promised_us"])
        over = arrived if arrived is not None else cancelled
        promise = min(promises, default=None)
        broken = promise if promise is not None and promise < (now if over is None else over) else None
        found.append(
            {"order": order_id, "failed": failed, "broken": broken, "arrived": arrived, "cancelled": cancelled,
             "over": over, "last_worse": last_worse, "promises": promises}
        )  # fmt: skip
    return found


def stance(events, purpose, channel):
    """Her word on a purpose in a channel: granted, withdrawn, objected, or None.

    A refusal stands until a later grant; of two words at one moment the refusal stands.
    """
    words = []
    for event in events:
        said = event["payload"]
        if event["type"] == "consent" and said["purpose"] == purpose and said.get("channel") in (None, channel):
            words.append((event["at"], said["status"] != "granted", said["status"]))
        unsubscribed = event["type"] == "contact" and said["status"] == "unsubscribe" and purpose != "profiling"
        if unsubscribed and event.get("channel") in (None, channel):
            words.append((event["at"], True, "withdrawn"))
    standing = None
    for _, _, status in sorted(words):
        if status == "withdrawn" and standing == "objected":
            continue  # an objection stays one until she grants it again
        standing = status
    return standing
