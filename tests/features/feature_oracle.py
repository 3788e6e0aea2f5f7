"""Batch features written again in plain loops, a customer and a cutoff at a time: what `compute` is held against."""

import math
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from features.customer.scales import scale_of, unit_score

Row = dict[str, Any]
SUBJECTS = {"purchase", "browse", "feedback", "return", "delivery", "contact", "case", "friction", "consent"}


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
    def of(kind: str, days: int | None = None, **equal: Any) -> list[Row]:
        since = datetime.min.replace(tzinfo=UTC) if days is None else cutoff - timedelta(days=days)
        return [
            r
            for r in own
            if r["type"] == kind and r["occurred_at"] >= since and all(r.get(k) == v for k, v in equal.items())
        ]

    def counted(source: str, value: int) -> int | None:
        return value if source in present else None

    out: Row = {}
    times = [r["occurred_at"] for r in of("purchase")]
    out["first_purchase_at"], out["last_purchase_at"] = min(times, default=None), max(times, default=None)
    for name, days in (("30d", 30), ("90d", 90), ("365d", 365), ("total", None)):
        bought = [line for r in of("purchase", days) for line in r["lines"]]
        out[f"purchase_count_{name}"] = counted("purchase", len(of("purchase", days)))
        if name != "30d":
            out[f"revenue_{name}"] = counted("purchase", sum(_gross(b) - (b["discount"] or 0) for b in bought))
        if name == "365d":
            gross = sum(_gross(b) for b in bought)
            out["discount_share_365d"] = sum(b["discount"] or 0 for b in bought) / gross if gross else None
            out |= _category(bought, items, cutoff)
        if name == "total":
            out["items_total"] = counted("purchase", sum(b["quantity"] for b in bought))
            out["distinct_items_total"] = counted("purchase", len({b["item_id"] for b in bought}))
    out |= _gaps(times)
    out["return_count_365d"] = counted("return", len(of("return", 365)))
    back = sum(line["amount"] or 0 for r in of("return", 365) for line in r["lines"])
    out["returned_amount_365d"] = counted("return", back)
    month = of("browse", 30)
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
    out |= _deliveries(of("delivery"), present, cutoff)
    out["email_contacts_28d"] = counted("contact", len(of("contact", 28, channel="email", status="sent")))
    out["email_clicks_90d"] = counted("contact", len(of("contact", 90, channel="email", status="click")))
    out["offers_accepted_365d"] = counted("contact", len(of("contact", 365, status="accept")))
    return out


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


def _gaps(times: list[datetime]) -> Row:
    seconds = sorted({math.floor(t.timestamp()) for t in times})
    gaps = [b - a for a, b in pairwise(seconds)]
    mean = _mean([float(g) for g in gaps])
    sd = math.sqrt(sum((g - mean) ** 2 for g in gaps) / len(gaps)) if mean is not None and len(gaps) > 1 else None
    return {"mean_gap_seconds": mean, "sd_gap_seconds": sd, "last_gap_seconds": float(gaps[-1]) if gaps else None}


def _category(bought: list[Row], items: list[Row], cutoff: datetime) -> Row:
    def at_cutoff(item: str) -> str | None:
        for row in items:
            begun = row["valid_from"] is None or row["valid_from"] <= cutoff
            if row["item_id"] == item and begun and (row["valid_to"] is None or row["valid_to"] > cutoff):
                return str(row["category"]).split("/")[0]
        return None

    lines = Counter(c for b in bought if (c := at_cutoff(b["item_id"])))
    if not lines:
        return {"top_category": None, "top_category_share_365d": None}
    top = min(lines, key=lambda c: (-lines[c], c))
    return {"top_category": top, "top_category_share_365d": lines[top] / lines.total()}


def _deliveries(rows: list[Row], present: set[str], cutoff: datetime) -> Row:
    since, late, lateness = cutoff - timedelta(days=365), 0, []
    for order in {r["order_id"] for r in rows}:
        own = [r for r in rows if r["order_id"] == order]
        promised = min((r["promised_at"] for r in own if r.get("promised_at")), default=None)
        delivered = min((r["occurred_at"] for r in own if r["status"] == "delivered"), default=None)
        if promised and delivered and delivered >= since:
            late += delivered > promised
            lateness.append(max(math.floor(delivered.timestamp()) - math.floor(promised.timestamp()), 0))
        elif promised and not delivered and not any(r["status"] in ("cancelled", "failed") for r in own):
            late += since <= promised < cutoff
    return {
        "late_delivery_count_365d": late if "delivery" in present else None,
        "lateness_mean_seconds_365d": _mean([float(x) for x in lateness]),
    }
