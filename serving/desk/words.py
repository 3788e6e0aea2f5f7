"""When silence ends, in words, English and Finnish."""

from datetime import datetime

from features.customer.holds import RELEASE_CODES, Hold
from serving.core.ends import RELEASES_FI

UNKNOWN_ENDS: dict[str, tuple[str, str]] = {
    "rejected_event": (
        "a person corrects or dismisses the rejected event (tahdikas quarantine)",
        "työntekijä korjaa tai hylkää torjutun tapahtuman (tahdikas quarantine)",
    ),
    "future_dated": ("the moment has passed that her record is dated", "tietueen päiväys on ohitettu"),
    "": (
        "her record is made again from her events (any new event of hers, or an ingest, does so)",
        "tietue on koottu uudelleen tapahtumista (mikä tahansa hänen uusi tapahtumansa tekee sen)",
    ),
}
"""What ends the silence over an unknown state, by its reason; empty: any other."""


def ends_words(hold: Hold, now: datetime) -> tuple[str, str]:
    """When a hold ends, and when a person looks at it."""
    english, finnish = RELEASE_CODES[hold.release_when], RELEASES_FI[hold.release_when]
    if hold.ends_at is not None:
        english, finnish = f"{english}; by {_day(hold.ends_at)}", f"{finnish}; viimeistään {_paiva(hold.ends_at)}"
    else:
        english, finnish = f"when {english}", f"kun {finnish}"
    if hold.review_at is None:
        return english, finnish
    if hold.is_past_review(now):
        return (
            f"{english}; a person should have looked at it by {_day(hold.review_at)}",
            f"{finnish}; tarkistettava viimeistään {_paiva(hold.review_at)}, myöhässä",
        )
    return (
        f"{english}; to be looked at by {_day(hold.review_at)}",
        f"{finnish}; tarkistettava viimeistään {_paiva(hold.review_at)}",
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _paiva(moment: datetime) -> str:
    return f"{moment.day}.{moment.month}.{moment.year}"
