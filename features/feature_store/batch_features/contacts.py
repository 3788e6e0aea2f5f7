"""What we say to her, and what she makes of it."""

from typing import Any

from features.feature_store.batch_relations.contacts import contacts
from features.feature_store.declaration import ALWAYS, FLOAT, TIME, feature


@feature(contacts, "contact", "contacts", days=28)
def email_contacts_28d(rows: Any, inside: Any) -> Any:
    """E-mails sent."""
    return rows.count(where=inside & (rows.channel == "email") & (rows.status == "sent"))


@feature(contacts, "contact", "contacts", days=90)
def email_clicks_90d(rows: Any, inside: Any) -> Any:
    """Clicks in e-mails."""
    return rows.count(where=inside & (rows.channel == "email") & (rows.status == "click"))


@feature(contacts, "contact", "contacts", days=365)
def offers_accepted_365d(rows: Any, inside: Any) -> Any:
    """Contacts accepted, any channel."""
    return rows.count(where=inside & (rows.status == "accept"))


@feature(contacts, "contact", "contacts", days=90)
def contacts_dismissed_90d(rows: Any, inside: Any) -> Any:
    """Contacts dismissed, any channel."""
    return rows.count(where=inside & (rows.status == "dismiss"))


@feature(contacts, "contact", "clicks per contact", days=365, dtype=FLOAT)
def click_rate_365d(rows: Any, inside: Any) -> Any:
    """Clicks over contacts sent or seen, any channel; null where there were none."""
    reached = rows.status.isin(("sent", "impression"))
    return rows.count(where=inside & (rows.status == "click")) / rows.count(where=inside & reached).nullif(0)


@feature(contacts, "contact", "time", since=ALWAYS, dtype=TIME)
def last_contact_at(rows: Any, _inside: Any) -> Any:
    """Last contact sent or seen, any channel."""
    return rows.occurred_at.max(where=rows.status.isin(("sent", "impression")))
