"""The console's two languages: its texts, and how each writes numbers, money and times (by Babel).

Templates and code hold the English texts; `translations/fi.po` holds the Finnish ones. `?lang=` decides, and is
remembered; else the browser's own preference does; else it is English.
"""

from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol

from serving.said import Said

LANGUAGES = {"en": Locale("en", "GB"), "fi": Locale("fi", "FI")}
COOKIE = "tahdikas_language"


class Language:
    """One language: `gettext` and `ngettext` for its texts, the rest for what is written otherwise in each; times in
    the `zone`.
    """

    def __init__(self, code: str, texts: dict[str, tuple[str, ...]], zone: ZoneInfo) -> None:
        self.code, self.locale, self._texts, self.zone = code, LANGUAGES[code], texts, zone

    def gettext(self, text: str) -> str:
        """A text of the console, given in English."""
        return self._texts.get(text, (text,))[0]

    def ngettext(self, one: str, many: str, count: float) -> str:
        """A text that depends on a count."""
        return self._texts.get(one, (one, many))[int(count != 1)]

    def told(self, message: Any) -> Any:
        """A message in this language, if it is one that can be said in it; all else as it is."""
        if not isinstance(message, Said):
            return message
        return self.gettext(message.text) % {
            name: ", ".join(map(self.told, one)) if isinstance(one, tuple) else self.told(one)
            for name, one in message.values.items()
        }

    def knows(self, message: str) -> bool:
        """Whether a message can be said in this language."""
        return self.code == "en" or (isinstance(message, Said) and message.text in self._texts)

    def pick(self, english: str | None, finnish: str | None) -> str:
        """Of a text that comes in both languages the one to show; English where there is no Finnish."""
        return (finnish if self.code == "fi" else None) or english or ""

    def number(self, value: float | None, places: int = 0) -> str:
        """A number with at most so many places; empty for None."""
        if value is None:
            return ""
        return format_decimal(round(value, places) + 0.0, f"#,##0.{'#' * places}", locale=self.locale)

    def money(self, minor: float | None, currency: str | None = None) -> str:
        """Minor units as major units with the currency, where it is known; empty for None."""
        if minor is None:
            return ""
        small = 0 < minor < 1
        amount = 0.01 if small else round(minor) / 100 + 0.0
        text = (
            format_currency(amount, currency, locale=self.locale)
            if currency
            else format_decimal(amount, "#,##0.00", locale=self.locale)
        ).replace("-", "\u2212")
        return self.gettext("under") + "\u00a0" + text if small else text

    def money_in(self, currency: str | None) -> str:
        """What a sum is asked for in: the currency's sign, or a word where none is known."""
        return get_currency_symbol(currency, locale=self.locale) if currency else self.gettext("money")

    def percent(self, share: float | None, places: int = 1) -> str:
        """A share of one, in per cent; empty for None."""
        return (
            ""
            if share is None
            else format_percent(share, f"#,##0.{'#' * places}%", locale=self.locale).replace(
                "%", "%" if self.code == "en" else "\u00a0%"
            )
        )

    def instant(self, value: datetime | str | None) -> str:
        """An instant to the minute, by the zone's clock; empty for None."""
        written = "d.M.y 'klo' H.mm" if self.code == "fi" else "d MMM y 'at' HH:mm"
        return "" if value is None else format_datetime(self._there(value), written, locale=self.locale)

    def clock(self, value: time) -> str:
        """A time of the day."""
        return value.strftime("%H.%M" if self.code == "fi" else "%H:%M")

    def decimal(self, digits: str) -> str:
        """A number to be filled into a form, given with a point."""
        return digits.replace(".", ",") if self.code == "fi" else digits

    def day(self, value: datetime | str | None) -> str:
        """The day of an instant in the zone; empty for None."""
        return "" if value is None else format_date(self._there(value).date(), "medium", locale=self.locale)

    def ago(self, value: datetime | str | None, now: datetime) -> str:
        """How long ago or ahead an instant is, roughly; empty for None."""
        if value is None:
            return ""
        gone = self._there(value) - now
        if abs(gone) < timedelta(minutes=1):
            return self.gettext("just now")
        return format_timedelta(gone, add_direction=True, locale=self.locale)

    def _there(self, value: datetime | str) -> datetime:
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(self.zone)


@cache
def language(code: str, zone: str = "UTC") -> Language:
    """A language by its code, writing times of a zone of the tz database."""
    if code == "en":
        return Language(code, {}, ZoneInfo(zone))
    with files("serving.console").joinpath("translations", f"{code}.po").open("rb") as file:
        catalogue = read_po(file)
    texts = {}
    for message in catalogue:
        if message.id:
            one = message.id if isinstance(message.id, str) else message.id[0]
            texts[one] = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    return Language(code, texts, ZoneInfo(zone))


def chosen(asked: str | None, remembered: str | None, accepted: str | None) -> str:
    """The code of the language to answer in."""
    for said in (asked, remembered):
        if said in LANGUAGES:
            return said
    ranked = []
    for place, part in enumerate((accepted or "").split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, place, tag.strip().lower().partition("-")[0]))
    return next((tag for weight, _, tag in sorted(ranked) if tag in LANGUAGES and weight < 0), "en")


def N_(text: str) -> str:  # noqa: N802  (as everywhere: marks a text that is translated later)
    """A text to be translated where it is shown."""
    return text
