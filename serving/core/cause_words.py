"""The causes of a prediction in words: what a score event tells (`Judged.reason`) in English and in Finnish."""

import re

CAUSES: dict[str, tuple[str, str]] = {
    "late_orders": ("an order is late", "tilaus on myöhässä"),
    "late_deliveries_90d": ("parcels came late lately", "paketteja on viime aikoina myöhästynyt"),
    "orders_in_delivery": ("orders are on their way", "tilauksia on matkalla"),
    "days_since_last_delivery": ("the time since a parcel came", "aika viime paketista"),
    "open_cases": ("a case of hers is open", "hänen asiansa on kesken"),
    "max_case_age_days": ("how long her case has been open", "asian kesto"),
    "case_asks": ("she had to ask about it", "hän on joutunut kysymään perään"),
    "cases_365d": ("her cases of the last year", "vuoden aikana olleet asiat"),
    "complaints_365d": ("she has complained before", "hän on reklamoinut aiemmin"),
    "return_cases_365d": ("her returns of the last year", "vuoden aikana tehdyt palautukset"),
    "frictions_28d": ("something went wrong for her lately", "jokin on äskettäin mennyt vikaan"),
    "bad_ratings_365d": ("she has given bad ratings before", "hän on antanut huonoja arvioita aiemmin"),
    "last_rating_unit": ("her last rating", "hänen viime arvionsa"),
    "orders_total": ("how many orders she has made", "hänen tilaustensa määrä"),
}
"""Every one of `features.customer.facts_at_feedback.FEEDBACK_FACTS`."""

_OURS = re.compile(
    r"\S+ \S+: (?P<value>[01]\.\d+)(?: \((?:words: (?P<words>[^;]*?))?(?:; )?(?:facts: (?P<facts>[a-z0-9_, ]+))?\))?"
)


def told_causes(detail: str) -> tuple[str, str] | None:
    """The detail of a predicted hold in English and in Finnish; None where it is not one of our own model's.

    >>> told_causes("dissatisfaction 20260801-f71dda76dbfc: 0.83 (words: late; facts: case_asks)")[0]
    '83 % likely; her words: late; besides: she had to ask about it'
    >>> told_causes("dissatisfaction 1: 0.83 (a late parcel)") is None
    True
    """
    found = _OURS.fullmatch(detail)
    if found is None:
        return None
    facts = [name for name in (found["facts"] or "").split(", ") if name]
    if any(name not in CAUSES for name in facts):
        return None
    percent = f"{100 * float(found['value']):.0f} %"
    english, finnish = [f"{percent} likely"], [f"todennäköisyys {percent}"]
    if found["words"]:
        english.append(f"her words: {found['words']}")
        finnish.append(f"hänen sanojaan: {found['words']}")
    if facts:
        english.append(f"besides: {', '.join(CAUSES[name][0] for name in facts)}")
        finnish.append(f"lisäksi: {', '.join(CAUSES[name][1] for name in facts)}")
    return "; ".join(english), "; ".join(finnish)
