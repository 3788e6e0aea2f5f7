"""The console's words in English and Finnish, and how each language writes numbers, money and times."""

from datetime import UTC, datetime

from features.customer.holds import RELEASE_CODES
from serving.core.ends import RELEASES_FI

LANGUAGES = ("en", "fi")

WORDS: dict[str, tuple[str, str]] = {
    "action": ("Message", "Viesti"),
    "all": ("all", "kaikki"),
    "back": ("All campaign lists", "Kaikki kampanjalistat"),
    "built": ("Built", "Koottu"),
    "campaigns": ("Campaign lists", "Kampanjalistat"),
    "campaigns_lead": (
        "Who gets which message, and who is left in peace. Every list is made by the engine that answers the web shop.",
        "Kuka saa minkäkin viestin ja kuka jätetään rauhaan. Listat tekee sama päättelijä, joka vastaa verkkokaupalle.",
    ),
    "category_care": ("care", "huolenpito"),
    "category_sales": ("offer", "tarjous"),
    "channel": ("Channel", "Kanava"),
    "channel_app": ("app", "sovellus"),
    "channel_email": ("e-mail", "sähköposti"),
    "channel_partner": ("partner", "kumppani"),
    "channel_phone": ("phone", "puhelin"),
    "channel_social": ("social media", "some"),
    "channel_store": ("store", "myymälä"),
    "channel_web": ("web shop", "verkkokauppa"),
    "clear": ("Show all", "Näytä kaikki"),
    "close": ("Log out", "Kirjaudu ulos"),
    "code_ready": ("This link opens the console once.", "Tämä linkki avaa konsolin kerran."),
    "columns": ("What the columns mean", "Mitä sarakkeet tarkoittavat"),
    "customer": ("Customer", "Asiakas"),
    "customer_means": ("The shop's own id.", "Kaupan oma tunnus."),
    "customers": ("Customers", "Asiakkaita"),
    "dropped": ("dropped out after the list was built", "jäi pois listan kokoamisen jälkeen"),
    "empty": (
        "Nothing here matches. Show all to see every row.",
        "Mikään ei vastaa hakua. Näytä kaikki, niin näet jokaisen rivin.",
    ),
    "empty_kept": ("Nobody was kept off.", "Ketään ei jätetty pois."),
    "empty_list": ("Nobody is on this list.", "Listalla ei ole ketään."),
    "expected": ("Expected gain", "Odotettu tuotto"),
    "expired": (
        "This list is too old to be sent. Build a new one: tahdikas campaign build",
        "Lista on liian vanha lähetettäväksi. Kokoa uusi: tahdikas campaign build",
    ),
    "expired_short": ("too old to be sent", "liian vanha lähetettäväksi"),
    "exported": ("Last exported", "Viety viimeksi"),
    "filter": ("Filter", "Suodata"),
    "funnel": ("Where the customers went", "Minne asiakkaat päätyivät"),
    "gain": ("Expected gain", "Odotettu tuotto"),
    "gain_means": (
        "What the message is expected to add to the margin, its cost already taken off.",
        "Paljonko viestin odotetaan lisäävän katetta, kun sen kulut on jo vähennetty.",
    ),
    "in_peace": ("Left in peace: something is open or went wrong", "Jätetty rauhaan: jotain on kesken tai meni vikaan"),
    "gain_note": (
        "For those kept off, the gain is what they would have brought: the price of silence.",
        "Pois jätetyillä tuotto on se, jonka he olisivat tuoneet: hiljaisuuden hinta.",
    ),
    "instead": ("Gets instead", "Saa sen sijaan"),
    "instead_means": ("The service message that is due to her now.", "Palveluviesti, joka hänelle nyt kuuluu."),
    "items": ("Products", "Tuotteet"),
    "items_means": ("What the message shows, best first.", "Mitä viestissä näytetään, paras ensin."),
    "kept_off": ("Kept off", "Jätetty pois"),
    "key": ("API key with the scope console", "API-avain, jolla on oikeus console"),
    "key_hint": (
        "The service prints a link here when it starts. Later, a key opens the console:",
        "Palvelu tulostaa käynnistyessään linkin tänne. Myöhemmin konsolin avaa avain:",
    ),
    "known": ("Known customers", "Tunnettuja asiakkaita"),
    "language": ("Suomeksi", "In English"),
    "listed": ("On the list", "Listalla"),
    "login": ("Open the console", "Avaa konsoli"),
    "login_failed": (
        "The console stays closed: the key or link is unknown, used, too old, or may not open it. Send a valid one.",
        "Konsoli ei auennut: avain tai linkki on tuntematon, käytetty, vanhentunut tai vailla oikeutta.",
    ),
    "name": ("Campaign", "Kampanja"),
    "next": ("Next", "Seuraava"),
    "none": ("No list has been built yet. Build one:", "Listoja ei ole vielä koottu. Kokoa sellainen:"),
    "of": ("of", "/"),
    "other": ("Kept off for other reasons", "Jätetty pois muista syistä"),
    "page": ("Page", "Sivu"),
    "pages": ("Pages", "Sivut"),
    "placement": ("place", "paikka"),
    "previous": ("Previous", "Edellinen"),
    "probability": ("Chance of a response", "Vastaamisen todennäköisyys"),
    "probability_means": (
        "How likely she is to do what the message hopes for.",
        "Miten todennäköisesti hän tekee sen, mitä viestillä toivotaan.",
    ),
    "reason": ("Why kept off", "Miksi jätetty pois"),
    "reasons": ("Why", "Miksi"),
    "review": ("a person looks at it by", "ihminen tarkistaa viimeistään"),
    "review_overdue": ("a person should have looked at it by", "ihmisen olisi pitänyt tarkistaa viimeistään"),
    "rows": ("Rows", "Rivit"),
    "search_kept": ("Customer", "Asiakas"),
    "search_list": ("Customer or product", "Asiakas tai tuote"),
    "send": ("Sending it", "Lähettäminen"),
    "send_means": (
        "Every row is asked about once more on its way out; whoever has an open case by then drops out. So a list "
        "leaves only through this command, which writes a spreadsheet file (CSV):",
        "Jokainen rivi tarkistetaan vielä kerran lähtiessään; pois jää, kenellä on silloin jotain kesken. Siksi lista "
        "lähtee vain tällä komennolla, joka kirjoittaa taulukkotiedoston (CSV):",
    ),
    "share": ("Share", "Osuus"),
    "skip": ("Skip to content", "Siirry sisältöön"),
    "until": ("Until", "Kunnes"),
    "until_means": (
        "When or by what the silence ends. Empty: for as long as the reason holds.",
        "Milloin tai mihin hiljaisuus päättyy. Tyhjä: niin kauan kuin syy on voimassa.",
    ),
    "valid_until": ("Valid until", "Vanhenee"),
    "withheld": ("Would have got", "Olisi saanut"),
    "withheld_means": (
        "What she would have got without the reason, and its expected gain: the price of silence.",
        "Mitä hän olisi saanut ilman syytä, ja sen odotettu tuotto: hiljaisuuden hinta.",
    ),
}


PROBLEMS_FI = {
    "malformed-json": "Pyyntöä ei voi lukea",
    "unauthorised": "Tarvitaan voimassa oleva avain",
    "forbidden": "Tämä ei ole sallittua",
    "not-found": "Tällaista listaa tai sivua ei ole",
    "method-not-allowed": "Tätä osoitetta ei voi käyttää näin",
    "too-large": "Pyyntö on liian suuri",
    "unsupported-media-type": "Pyynnön muoto on väärä",
    "invalid-request": "Osoitteessa tai lomakkeessa on jotain väärin",
    "conflict": "Se ei onnistu nykyisessä tilanteessa",
    "no-event-accepted": "Yhtään tapahtumaa ei hyväksytty",
    "too-many-requests": "Avaimella kysytään liian usein",
    "too-slow": "Pyyntö ei tullut perille ajoissa",
    "internal-error": "Jokin meni täällä vikaan",
    "unavailable": "Sivua ei voi juuri nyt näyttää; yritä hetken kuluttua uudelleen",
}
"""The titles of problems; the English ones are the API's own."""

_MONTHS = (
    ("January", "tammikuuta"), ("February", "helmikuuta"), ("March", "maaliskuuta"), ("April", "huhtikuuta"),
    ("May", "toukokuuta"), ("June", "kesäkuuta"), ("July", "heinäkuuta"), ("August", "elokuuta"),
    ("September", "syyskuuta"), ("October", "lokakuuta"), ("November", "marraskuuta"), ("December", "joulukuuta"),
)  # fmt: skip
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def release(code: str, language: str) -> str:
    """What ends a hold, in words; an unknown code as it is."""
    return (RELEASES_FI if language == "fi" else RELEASE_CODES).get(code, code)


def language_of(asked: str | None, accepted: str | None) -> str:
    """`?lang=` decides, else the best of the Accept-Language header, else English."""
    if asked in LANGUAGES:
        return str(asked)
    ranked = []
    for place, part in enumerate((accepted or "").split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, place, tag.strip().lower().partition("-")[0]))
    return next((tag for weight, _, tag in sorted(ranked) if tag in LANGUAGES and weight < 0), "en")


def word(key: str, language: str, default: str | None = None) -> str:
    """One of the console's words; `default` for a word that there may not be."""
    pair = WORDS[key] if default is None else WORDS.get(key)
    return pair[LANGUAGES.index(language)] if pair else str(default)


def number(value: float, language: str, places: int = 0) -> str:
    """A number with thousands set apart as the language does it."""
    text = f"{round(value, places) + 0.0:,.{places}f}"
    return text if language == "en" else text.replace(",", "\u00a0").replace(".", ",")


def money(minor: float | None, language: str, currency: str | None = None) -> str:
    """Minor units as major units with the currency, where it is known; empty for None."""
    if minor is None:
        return ""
    small = 0 < minor < 1
    text = number(0.01 if small else abs(minor) / 100, language, 2)
    sign = "\u2212" if round(minor) < 0 else ""
    if language == "fi":
        return (
            ("alle\u00a0" if small else sign) + text + (f"\u00a0{_SIGNS.get(currency, currency)}" if currency else "")
        )
    before = _SIGNS.get(currency, f"{currency}\u00a0") if currency else ""
    return ("under\u00a0" if small else sign) + before + text


def percent(share: float | None, language: str) -> str:
    """A share of one, in per cent; empty for None."""
    if share is None:
        return ""
    return number(100 * share, language, 1) + ("%" if language == "en" else "\u00a0%")


def instant(value: datetime | str | None, language: str) -> str:
    """A UTC instant to the minute, in words; empty for None."""
    if value is None:
        return ""
    at = _utc(value)
    month = _MONTHS[at.month - 1][LANGUAGES.index(language)]
    if language == "fi":
        return f"{at.day}. {month} {at.year} klo {at.hour}.{at:%M} UTC"
    return f"{at.day} {month} {at.year} at {at:%H:%M} UTC"


def day(value: datetime | str | None, language: str) -> str:
    """The UTC day of an instant, short enough for a table; empty for None."""
    if value is None:
        return ""
    at = _utc(value)
    return (
        f"{at.day}.{at.month}.{at.year}" if language == "fi" else f"{at.day} {_MONTHS[at.month - 1][0][:3]} {at.year}"
    )


def _utc(value: datetime | str) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
