"""The page docs/a-year.md, written by living the year."""

import textwrap
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from pipelines.year.lives import FIRST, LAST, lives
from pipelines.year.town import CALLS, HELSINKI, MAIL, Entry, Life, town

PAGE = Path(__file__).parents[2] / "docs" / "a-year.md"
COMMAND = "tahdikas year"
MASS_LETTERS = 2 * 52
WIDTH = 125
NOON = time(12)


def live() -> list[Life]:
    """The whole year, day by day: the mail, the call list, and what each does at noon."""
    people = lives()
    with town(datetime.combine(FIRST, time(8), HELSINKI).astimezone(UTC)) as shop:
        day = FIRST
        while day <= LAST:
            shop.at(day, MAIL)
            for life in people:
                shop.mails(life)
            shop.at(day, CALLS)
            shop.calls(people)
            shop.at(day, NOON)
            for life in people:
                if day in life.diary:
                    life.diary[day](shop, life)
            day += timedelta(days=1)
    return people


def year_page() -> str:
    """The whole page, the same whenever and wherever it is made."""
    people = live()
    parts = [_beginning(), *(_life(life) for life in people), _counted(people), _filled(REVIEW)]
    return "\n\n".join(parts) + "\n"


def _beginning() -> str:
    return _filled(f"""# A year in three lives

Three customers of a small shop lived through {FIRST.year} day by day: every morning the real service was asked what
the mail may bring them, a person worked the call list, and they came to the shop when it suited them. `{COMMAND}`
lives the year again and prints this page; a test compares. The shipped policy and actions were in force but for the
holdout (nobody here is kept apart), no model was trained, and the one score is given. What the customers do is written
down beforehand (`pipelines/year/lives.py`); what the shop does is not.

The columns: what she did, or *what reached her* by e-mail, on the page (the first time in ninety days) or by phone. A
line **silence** says when the mail began to be kept back and why; mornings on which there was simply nothing worth
saying have no line.""")


ABOUT = {
    "Helmi": "the happy regular. Coffee every second week, a bicycle in May.",
    "Aino": "the unlucky first-timer. Boots of the wrong size, and an exchange that drags on.",
    "Sanna": "the silent leaver. She searches in vain, cannot pay, and stays away without a word.",
}
CHANNELS = {"web": "page", "email": "e-mail", "phone": "phone"}


def _life(life: Life) -> str:
    rows = ["| day | | |", "|---|---|---|"]
    rows += [_row(entry) for entry in told_once(life.entries)]
    return f"## {life.key}, {ABOUT[life.key]}\n\n" + "\n".join(rows)


def told_once(entries: list[Entry]) -> list[Entry]:
    """The entries without what a page shows again and again: of the same action on a page, the first in ninety days."""
    shown: dict[str, datetime] = {}
    kept = []
    for entry in entries:
        if entry.kind == "got" and entry.channel == "web":
            before = shown.get(entry.action_id)
            if before is not None and entry.at - before < timedelta(days=90):
                continue
            shown[entry.action_id] = entry.at
        kept.append(entry)
    return kept


def _row(entry: Entry) -> str:
    day = f"{entry.at.astimezone(HELSINKI):%-d %b}"
    match entry.kind:
        case "got":
            return f"| {day} | {CHANNELS[entry.channel]} | *{entry.text}* (`{entry.action_id}`) |"
        case "kept":
            return f"| {day} | **silence** | {entry.text} |"
    return f"| {day} | | {entry.text} |"


def _counted(people: list[Life]) -> str:
    rows = ["| | letters that sell | letters that serve or ask | calls | a mailing twice a week would have sent |",
            "|---|---|---|---|---|"]  # fmt: skip
    for life in people:
        count = Counter(
            ("phone" if e.channel == "phone" else "sales" if e.category == "sales" else "other")
            for e in life.entries
            if e.kind == "got" and e.channel != "web"
        )
        rows.append(f"| {life.key} | {count['sales']} | {count['other']} | {count['phone']} | {MASS_LETTERS} |")
    return "## Counted\n\n" + "\n".join(rows)


REVIEW = """## Reviewed

Read line by line, with one question: would I like to get this? The first year that was lived here had 51 letters that
sold to Helmi, often the day after an order, offers to Aino the morning after her exchange was put right, and
fortnightly ones to Sanna after she had stayed away. What that reading changed, each a condition, a cap or an action
of the shipped catalogue:

- no selling letter in the week after an order or while it is on its way, within the days after a grave hold, or to
  one who has lapsed;
- one such letter in four weeks, whatever its kind; a first-time buyer gets the nurture of one and not the letters of
  a regular;
- favourites are written about when they run out, not by the calendar;
- after four unanswered offers in a row the shop does not knock again until she shows up;
- whoever stays away is asked once why; a bad rating is answered once, before anything else; a question she leaves
  alone is not put again for half a year;
- whether everything arrived is asked only after it has.

What is still not good: the products chosen are the same month after month, since no model was trained and the shop is
tiny, and nothing yet leaves out what a letter showed before. Nobody wrote to Sanna when the dog coat came that she
had searched for in vain."""


def _filled(text: str) -> str:
    paragraphs = text.split("\n\n")
    return "\n\n".join(p if p[0] in "#-" else "\n".join(textwrap.wrap(p, WIDTH)) for p in paragraphs)
