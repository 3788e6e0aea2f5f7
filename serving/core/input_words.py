"""What the inputs of models of people mean, in words: topic, English, Finnish, and how a value is written."""

from collections.abc import Callable
from math import expm1
from typing import NamedTuple

Writer = Callable[[float], str]


class InputWords(NamedTuple):
    """One input: inputs of one topic say nearly the same, so only the weightiest of a topic is told."""

    topic: str
    english: str
    finnish: str
    written: Writer


def _number(value: float) -> str:
    """With one decimal where it is small and broken.

    >>> _number(3.0), _number(0.25), _number(21.4), _number(12345.0)
    ('3', '0.2', '21', '12,345')
    """
    return f"{value:,.1f}" if abs(value) < 10 and abs(value - round(value)) > 0.05 else f"{value:,.0f}"


def _days(value: float) -> str:
    return f"{_number(value)} d"


def _count(value: float) -> str:
    return _number(expm1(value))


def _money(value: float) -> str:
    """Logarithms of minor units as major ones."""
    return f"{expm1(value) / 100:,.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _times(value: float) -> str:
    return f"{_number(value)}×"


INPUT_WORDS: dict[str, InputWords] = {
    "recency_days": InputWords("last order", "days since her last order", "päiviä viime tilauksesta", _days),
    "recency_over_mean_gap": InputWords(
        "last order", "days since her last order, by her usual gap", "aika viime tilauksesta, omaan rytmiin", _times
    ),
    "recency_over_last_gap": InputWords(
        "last order", "days since her last order, by the gap before it", "aika viime tilauksesta, edelliseen väliin",
        _times,
    ),
    "recency_overdue_z": InputWords(
        "last order", "how far past her usual gap, in its spread", "kuinka myöhässä omasta rytmistään, hajonnassa",
        _number,
    ),
    "recency_over_tenure": InputWords(
        "last order", "share of her time as a customer since the last order",
        "viime tilauksesta kulunut osuus asiakkuudesta", _share,
    ),
    "tenure_days": InputWords("tenure", "how long a customer", "asiakkuuden pituus", _days),
    "log_purchase_count_30d": InputWords(
        "orders lately", "orders of the last 30 days", "tilauksia 30 päivässä", _count
    ),
    "log_purchase_count_90d": InputWords(
        "orders lately", "orders of the last 90 days", "tilauksia 90 päivässä", _count
    ),
    "log_purchase_count_365d": InputWords("orders", "orders of the last year", "tilauksia vuodessa", _count),
    "log_purchase_count_total": InputWords("orders", "orders in all", "tilauksia kaikkiaan", _count),
    "purchases_90d_of_365d": InputWords(
        "orders lately", "share of the year's orders in the last 90 days", "vuoden tilauksista viime 90 päivänä", _share
    ),
    "log_revenue_90d": InputWords("money lately", "spent in the last 90 days", "ostanut 90 päivässä", _money),
    "revenue_90d_of_365d": InputWords(
        "money lately", "share of the year's money in the last 90 days", "vuoden ostoista viime 90 päivänä", _share
    ),
    "log_revenue_365d": InputWords("money", "spent in the last year", "ostanut vuodessa", _money),
    "log_revenue_total": InputWords("money", "spent in all", "ostanut kaikkiaan", _money),
    "log_order_value": InputWords("money", "a mean order of hers", "keskiostos", _money),
    "log_items_total": InputWords("items", "pieces bought in all", "ostettuja kappaleita", _count),
    "log_distinct_items_total": InputWords("items", "different items bought", "eri tuotteita", _count),
    "mean_gap_days": InputWords("rhythm", "her usual gap between orders", "tavallinen tilausväli", _days),
    "sd_gap_days": InputWords("rhythm", "how much her gaps vary", "tilausvälin vaihtelu", _days),
    "last_gap_days": InputWords("rhythm", "her latest gap between orders", "viimeisin tilausväli", _days),
    "discount_share_365d": InputWords("discounts", "bought at a discount", "ostettu alennuksella", _share),
    "top_category_share_365d": InputWords(
        "variety", "of her purchases in one category", "ostoksista yhdestä tuoteryhmästä", _share
    ),
    "log_return_count_365d": InputWords("returns", "returns of the last year", "palautuksia vuodessa", _count),
    "returned_share_365d": InputWords("returns", "of her money returned", "palautettu ostoista", _share),
    "log_browse_views_30d": InputWords("visits", "items viewed in 30 days", "katsottuja tuotteita 30 päivässä", _count),
    "log_browse_sessions_30d": InputWords("visits", "visits in 30 days", "käyntejä 30 päivässä", _count),
    "log_cart_adds_30d": InputWords("visits", "put into the cart in 30 days", "koriin 30 päivässä", _count),
    "browse_age_days": InputWords("visits", "days since her last visit", "päiviä viime käynnistä", _days),
    "log_searches_without_result_30d": InputWords(
        "searches", "searches in vain in 30 days", "turhia hakuja 30 päivässä", _count
    ),
    "log_feedback_count_365d": InputWords("feedback", "times she gave feedback in a year", "palautteita vuodessa",
                                          _count),
    "feedback_mean_365d": InputWords("ratings", "her mean rating of a year", "arvioiden keskiarvo vuodessa", _share),
    "feedback_trend": InputWords("ratings", "how her ratings changed", "arvioiden suunta", _number),
    "last_rating_unit": InputWords("ratings", "her last rating", "viime arvio", _share),
    "ratings_90d": InputWords("feedback", "ratings in 90 days", "arvioita 90 päivässä", _number),
    "late_delivery_count_365d": InputWords(
        "deliveries", "late deliveries in a year", "myöhästyneitä toimituksia vuodessa", _number
    ),
    "lateness_mean_days_365d": InputWords(
        "deliveries", "how late her parcels came", "toimitusten myöhästyminen", _days
    ),
    "late_deliveries_90d": InputWords(
        "deliveries", "late deliveries in 90 days", "myöhästyneitä toimituksia 90 päivässä", _number
    ),
    "log_email_contacts_28d": InputWords("contacts", "e-mails in 28 days", "sähköposteja 28 päivässä", _count),
    "contacts_28d": InputWords("contacts", "times we wrote in 28 days", "yhteydenottojamme 28 päivässä", _number),
    "days_since_last_contact": InputWords(
        "contacts", "days since we wrote", "päiviä viime yhteydenotostamme", _days
    ),
    "log_email_clicks_90d": InputWords("answers", "e-mails clicked in 90 days", "klikattuja sähköposteja 90 päivässä",
                                       _count),
    "log_offers_accepted_365d": InputWords("answers", "offers taken in a year", "käytettyjä tarjouksia vuodessa",
                                           _count),
    "open_cases": InputWords("cases", "open cases", "keskeneräisiä asioita", _number),
    "max_case_age_days": InputWords("cases", "how long her case has been open", "asia ollut auki", _days),
    "holds_in_force": InputWords("holds", "reasons to be silent in force", "voimassa olevia taukoja", _number),
    "complaints_365d": InputWords("complaints", "complaints in a year", "reklamaatioita vuodessa", _number),
}  # fmt: skip
"""Every one of `features.inputs.frame.CHURN_INPUTS`."""
