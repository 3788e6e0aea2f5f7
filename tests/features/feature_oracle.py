"""Batch features written again in plain loops, a customer and a cutoff at a time: what `compute` is held against."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from features.customer.scales import scale_of, unit_score

Row = dict[str, Any]
SUBJECTS = {"purchase", "browse", "feedback", "return", "delivery", "contact", "case", "friction", "consent"}


class Her:
    """One customer at a cutoff: her events that were known."""

    def __init__(self, own: list[Row], present: set[str], cutoff: datetime) -> None:
        self.own, self.present, self.cutoff = own, present, cutoff

    def of(self, event_type: str, days: int | None = None, /, **equal: Any) -> list[Row]:
        """Her events of the type, of the last `days`, with these values."""
        since = datetime.min.replace(tzinfo=UTC) if days is None else self.cutoff - timedelta(days=days)
        of_type = [r for r in self.own if r["type"] == event_type and r["occurred_at"] >= since]
        return [r for r in of_type if all(r.get(k) == v for k, v in equal.items())]

    def counted(self, source: str, value: int) -> int | None:
        """The value, absent where nobody has any event of the source."""
        return value if source in self.present else None


Told = Callable[[Her], Any]
_TOLD: dict[str, Told] = {}


def says(name: str) -> Callable[[Told], Told]:
    """Above a function of `Her`: what the feature `name` is."""

    def remember(told: Told) -> Told:
        _TOLD[name] = told
        return told

    return remember


def types_known(rows: list[Row], cutoff: datetime) -> set[str]:
    """The types of event that the log has at the cutoff."""
    return {r["type"] for r in rows if r["received_at"] <= cutoff and r["occurred_at"] < cutoff}


def features_at(rows: list[Row], items: list[Row], cutoff: datetime, present: set[str] | None = None) -> dict[str, Row]:
    """Every customer known at the cutoff with all her features; `present`: types in the whole log, if `rows` is not."""
    heard = [r for r in rows if r["received_at"] <= cutoff]
    known = [r for r in heard if r["occurred_at"] < cutoff]
    linked: dict[str, str | None] = {}
    for row in sorted(heard, key=lambda r: (r["occurred_at"], r["event_id"])):
        if row["type"] == "identity":
            if row["action"] == "link":
                linked[row["anonymous_id"]] = row["customer_id"]
            elif linked.get(row["anonymous_id"]) == row["customer_id"]:
                linked[row["anonymous_id"]] = None
    hers = defaultdict(list)
    for row in known:
        who = row["customer_id"] or linked.get(row.get("anonymous_id") or "")
        if who and row["type"] in SUBJECTS:
            hers[who].append(row)
    present = types_known(rows, cutoff) if present is None else present
    return {who: _one(own, present, items, cutoff) for who, own in hers.items()}


def _one(own: list[Row], present: set[str], items: list[Row], cutoff: datetime) -> Row:
    her = Her(own, present, cutoff)
    of, counted = her.of, her.counted
    out: Row = {name: told(her) for name, told in _TOLD.items()}
    times = [r["occurred_at"] for r in of("purchase")]
    out["first_purchase_at"], out["last_purchase_at"] = min(times, default=None), max(times, default=None)
    out |= _orders(of("purchase"), present, cutoff)
    for name, days in (("30d", 30), ("90d", 90), ("365d", 365), ("total", None)):
        bought = [line for r in of("purchase", days) for line in r["lines"]]
        out[f"purchase_count_{name}"] = counted("purchase", len(of("purchase", days)))
        if name != "30d":
            out[f"revenue_{name}"] = counted("purchase", sum(_gross(b) - (b["discount"] or 0) for b in bought))
        if name == "365d":
            gross = sum(_gross(b) for b in bought)
            out["discount_share_365d"] = sum(b["discount"] or 0 for b in bought) / gross if gross else None
            discounted = [b for b in bought if (b["discount"] or 0) > 0]
            out["discounted_lines_share_365d"] = len(discounted) / len(bought) if bought else None
            out["items_365d"] = counted("purchase", sum(b["quantity"] for b in bought))
            out |= _category(bought, items, cutoff)
        if name == "total":
            out["items_total"] = counted("purchase", sum(b["quantity"] for b in bought))
            kinds = {b["item_id"] for b in bought}
            out["distinct_items_total"] = counted("purchase", len(kinds))
            out["repeat_share_total"] = (len(bought) - len(kinds)) / len(bought) if bought else None
    out |= _gaps(times)
    out["return_count_365d"] = counted("return", len(of("return", 365)))
    back = sum(line["amount"] or 0 for r in of("return", 365) for line in r["lines"])
    out["returned_amount_365d"] = counted("return", back)
    pieces = sum(line["quantity"] for r in of("return", 365) for line in r["lines"])
    out["returned_items_365d"] = counted("return", pieces)
    out["last_return_at"] = _last(of("return"))
    month, quarter = of("browse", 30), of("browse", 90)
    out["browse_days_90d"] = counted("browse", len({r["occurred_at"].date() for r in quarter}))
    seen = {r["item_id"] for r in month if r["action"] == "view"} - {None}
    out["distinct_items_viewed_30d"] = counted("browse", len(seen))
    out["checkout_starts_30d"] = counted("browse", sum(r["action"] == "checkout_start" for r in month))
    out["wishlist_adds_90d"] = counted("browse", sum(r["action"] == "wishlist" for r in quarter))
    out["searches_90d"] = counted("browse", sum(r["action"] == "search" for r in quarter))
    out["items_left_in_cart_30d"] = counted("browse", _left_in_cart(own, cutoff))
    out["browse_views_30d"] = counted("browse", sum(r["action"] == "view" for r in month))
    out["browse_sessions_30d"] = counted("browse", len({r["session_id"] for r in month}))
    out["cart_adds_30d"] = counted("browse", sum(r["action"] == "cart_add" for r in month))
    in_vain = sum(r["action"] == "search" and r["result_count"] == 0 for r in month)
    out["searches_without_result_30d"] = counted("browse", in_vain)
    out["last_browse_at"] = max((r["occurred_at"] for r in of("browse")), default=None)
    out["feedback_count_365d"] = counted("feedback", len(of("feedback", 365)))
    recent = [u for r in of("feedback", 90) if (u := _unit(r)) is not None]
    year = [u for r in of("feedback", 365) if (u := _unit(r)) is not None]
    before = [u for r in of("feedback", 365) if r not in of("feedback", 90) and (u := _unit(r)) is not None]
    out["feedback_mean_365d"] = _mean(year)
    out["feedback_trend"] = _mean(recent) - _mean(before) if recent and before else None
    out["worst_score_365d"] = min(year, default=None)
    scored = [(r["occurred_at"], r["event_id"], u) for r in of("feedback") if (u := _unit(r)) is not None]
    out["last_score"] = max(scored)[2] if scored else None
    out["bad_scores_365d"] = counted("feedback", sum(u <= 0.4 for u in year))
    out["complaints_voiced_365d"] = counted("feedback", len(of("feedback", 365, kind="complaint")))
    out["last_feedback_at"] = _last(of("feedback"))
    out |= _deliveries(of("delivery"), present, cutoff)
    out |= _cases(of("case"), present, cutoff)
    out["times_asked_365d"] = counted("case", len(of("case", 365, status="customer_asked")))
    out["friction_count_28d"] = counted("friction", len(of("friction", 28)))
    out["friction_count_90d"] = counted("friction", len(of("friction", 90)))
    out["last_friction_at"] = _last(of("friction"))
    out["email_contacts_28d"] = counted("contact", len(of("contact", 28, channel="email", status="sent")))
    out["email_clicks_90d"] = counted("contact", len(of("contact", 90, channel="email", status="click")))
    out["offers_accepted_365d"] = counted("contact", len(of("contact", 365, status="accept")))
    out["contacts_dismissed_90d"] = counted("contact", len(of("contact", 90, status="dismiss")))
    reached = [*of("contact", 365, status="sent"), *of("contact", 365, status="impression")]
    out["click_rate_365d"] = len(of("contact", 365, status="click")) / len(reached) if reached else None
    out["last_contact_at"] = _last([*of("contact", status="sent"), *of("contact", status="impression")])
    return out


def _last(rows: list[Row]) -> datetime | None:
    return max((r["occurred_at"] for r in rows), default=None)


def _gross(line: Row) -> int:
    return int(line["quantity"] * line["unit_price"])


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _unit(row: Row) -> float | None:
    """To the nearest millionth, as the features keep it."""
    if row["score"] is None:
        return None
    scale = scale_of(row["kind"], None, row["scale_max"], row["higher_is_better"])
    return math.floor(unit_score(row["score"], scale) * 1e6 + 0.5) / 1e6


def _orders(bought: list[Row], present: set[str], cutoff: datetime) -> Row:
    """What depends on a purchase as a whole, on when it was, or on two windows."""

    def since(days: int) -> list[Row]:
        return [r for r in bought if r["occurred_at"] >= cutoff - timedelta(days=days)]

    def between(older: int, newer: int) -> list[Row]:
        return [r for r in since(older) if r not in since(newer)]

    def paid(row: Row) -> int:
        return sum(_gross(line) - (line["discount"] or 0) for line in row["lines"])

    recent, before = sum(map(paid, since(90))), sum(map(paid, between(180, 90)))
    year, two_years = since(365), since(730)
    season = between(730, 640) + between(365, 275)
    weekends = [r for r in year if r["occurred_at"].isoweekday() in (6, 7)]
    last = max(bought, key=lambda r: (r["occurred_at"], r["event_id"]), default=None)
    return {
        "revenue_trend_180d": (recent - before) / (recent + before) if recent + before else None,
        "order_value_mean_365d": _mean([float(paid(r)) for r in year]),
        "order_value_max_365d": max(map(paid, year), default=None),
        "last_order_value": None if last is None else paid(last),
        "weekend_share_365d": len(weekends) / len(year) if year else None,
        "purchases_a_year_ago": len(between(365, 275)) if "purchase" in present else None,
        "season_share": len(season) / len(two_years) if two_years else None,
    }


def _left_in_cart(own: list[Row], cutoff: datetime) -> int:
    def last(item: str, *actions: str) -> datetime | None:
        """When she last did one of these with the item; buying is one."""
        browsed = [r for r in own if r["type"] == "browse" and r["action"] in actions and r["item_id"] == item]
        bought = [r for r in own if r["type"] == "purchase" and item in [line["item_id"] for line in r["lines"]]]
        return _last(browsed + (bought if "buy" in actions else []))

    left = 0
    for item in {r["item_id"] for r in own if r["type"] == "browse" and r["item_id"]}:
        added, gone = last(item, "cart_add"), last(item, "cart_remove", "buy")
        if added and added >= cutoff - timedelta(days=30) and (gone is None or gone < added):
            left += 1
    return left


def _gaps(times: list[datetime]) -> Row:
    seconds = sorted({math.floor(t.timestamp()) for t in times})
    gaps = [b - a for a, b in pairwise(seconds)]
    mean = _mean([float(g) for g in gaps])
    sd = math.sqrt(sum((g - mean) ** 2 for g in gaps) / len(gaps)) if mean is not None and len(gaps) > 1 else None
    return {
        "mean_gap_seconds": mean,
        "sd_gap_seconds": sd,
        "gap_variation": None if sd is None or mean is None else sd / mean,
        "last_gap_seconds": float(gaps[-1]) if gaps else None,
    }


def _category(bought: list[Row], items: list[Row], cutoff: datetime) -> Row:
    def at_cutoff(item: str) -> str | None:
        for row in items:
            begun = row["valid_from"] is None or row["valid_from"] <= cutoff
            if row["item_id"] == item and begun and (row["valid_to"] is None or row["valid_to"] > cutoff):
                return str(row["category"]).split("/")[0]
        return None

    lines = Counter(c for b in bought if (c := at_cutoff(b["item_id"])))
    if not lines:
        return {"top_category": None, "top_category_share_365d": None, "distinct_categories_365d": None}
    top = min(lines, key=lambda c: (-lines[c], c))
    share = lines[top] / lines.total()
    return {"top_category": top, "top_category_share_365d": share, "distinct_categories_365d": len(lines)}


def _deliveries(rows: list[Row], present: set[str], cutoff: datetime) -> Row:
    since, late, underway, failed = cutoff - timedelta(days=365), 0, 0, 0
    lateness, on_time, arrivals = [], [], []
    for order in {r["order_id"] for r in rows}:
        own = [r for r in rows if r["order_id"] == order]
        promised = min((r["promised_at"] for r in own if r.get("promised_at")), default=None)
        delivered = min((r["occurred_at"] for r in own if r["status"] == "delivered"), default=None)
        failures = [r["occurred_at"] for r in own if r["status"] == "failed"]
        ended = bool(failures) or any(r["status"] == "cancelled" for r in own)
        failed += bool(failures) and min(failures) >= since
        underway += not delivered and not ended
        if delivered:
            arrivals.append(delivered)
        if promised and delivered and delivered >= since:
            late += delivered > promised
            on_time.append(float(delivered <= promised))
            lateness.append(max(math.floor(delivered.timestamp()) - math.floor(promised.timestamp()), 0))
        elif promised and not delivered and not ended:
            late += since <= promised < cutoff
    there = "delivery" in present
    return {
        "late_delivery_count_365d": late if there else None,
        "orders_underway": underway if there else None,
        "failed_deliveries_365d": failed if there else None,
        "lateness_mean_seconds_365d": _mean([float(x) for x in lateness]),
        "on_time_share_365d": _mean(on_time),
        "last_delivery_at": max(arrivals, default=None),
    }


def _cases(rows: list[Row], present: set[str], cutoff: datetime) -> Row:
    since, opened, complaints, returns, unresolved, took = cutoff - timedelta(days=365), [], 0, 0, 0, []
    for case in {r["case_id"] for r in rows}:
        steps = sorted((r for r in rows if r["case_id"] == case), key=lambda r: (r["occurred_at"], r["event_id"]))
        begun, over = steps[0]["occurred_at"], ("resolved", "closed", "cancelled")
        opened.append(begun)
        complaints += begun >= since and "complaint" in [r["kind"] for r in steps]
        returns += begun >= since and "return" in [r["kind"] for r in steps]
        unresolved += steps[-1]["status"] not in over
        finished = min((r["occurred_at"] for r in steps if r["status"] in over), default=None)
        if finished and finished >= since:
            took.append(float(math.floor(finished.timestamp()) - math.floor(begun.timestamp())))
    there = "case" in present
    return {
        "complaint_cases_opened_365d": complaints if there else None,
        "return_cases_opened_365d": returns if there else None,
        "unresolved_cases": unresolved if there else None,
        "resolution_mean_seconds_365d": _mean(took),
        "last_case_opened_at": max(opened, default=None),
    }
