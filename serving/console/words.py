"""The console's words in English and Finnish, and how each language writes numbers, money and times."""

from datetime import UTC, datetime

from features.holds import RELEASE_CODES

LANGUAGES = ("en", "fi")

WORDS: dict[str, tuple[str, str]] = {
    "action": ("Action", "Toimenpide"),
    "all": ("all", "kaikki"),
    "back": ("All campaigns", "Kaikki kampanjat"),
    "built": ("Built", "Koottu"),
    "campaigns": ("Campaign lists", "Kampanjalistat"),
    "channel": ("Channel", "Kanava"),
    "close": ("Log out", "Kirjaudu ulos"),
    "code_ready": ("This link opens the console once.", "Tämä linkki avaa konsolin kerran."),
    "customer": ("Customer", "Asiakas"),
    "customers": ("Customers", "Asiakkaita"),
    "empty": (
        "Nothing here matches. Clear the filter to see all rows.",
        "Mikään ei vastaa hakua. Tyhjennä suodatin nähdäksesi kaikki rivit.",
    ),
    "expected": ("Expected gain", "Odotettu tuotto"),
    "filter": ("Filter", "Suodata"),
    "funnel": ("Where the customers went", "Minne asiakkaat päätyivät"),
    "gain": ("Gain", "Tuotto"),
    "instead": ("Gets instead", "Saa sen sijaan"),
    "items": ("Items", "Tuotteet"),
    "kept_off": ("Kept off", "Jätetty pois"),
    "key": ("API key with the scope console", "API-avain, jolla on oikeus console"),
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
    "no_action": ("No action", "Ei toimenpidettä"),
    "none": (
        "No list has been built yet. Build one with: tahdikas campaign build",
        "Listoja ei ole vielä koottu. Kokoa sellainen: tahdikas campaign build",
    ),
    "page": ("Page", "Sivu"),
    "pages": ("Pages", "Sivut"),
    "placement": ("Placement", "Paikka"),
    "previous": ("Previous", "Edellinen"),
    "probability": ("Probability", "Todennäköisyys"),
    "reason": ("Reason", "Syy"),
    "reasons": ("Why", "Miksi"),
    "review": ("reviewed", "tarkistetaan"),
    "rows": ("rows", "riviä"),
    "search": ("Search", "Haku"),
    "search_kept": ("Customer", "Asiakas"),
    "search_list": ("Customer or item", "Asiakas tai tuote"),
    "service_only": ("Service message instead of an offer", "Palveluviesti tarjouksen sijaan"),
    "share": ("Share", "Osuus"),
    "skip": ("Skip to content", "Siirry sisältöön"),
    "until": ("Until", "Kunnes"),
    "valid_until": ("Valid until", "Voimassa"),
    "withheld": ("Would have been", "Olisi ollut"),
}


RELEASES_FI = {
    "case_closed": "palautus on suljettu tai peruttu",
    "case_resolved": "asia on ratkaistu ja rauhoitusaika kulunut, tai hän sanoo kaiken menneen hyvin",
    "cool_down_over": "rauhoitusaika on kulunut, tai hän sanoo kaiken menneen hyvin",
    "delivered": "paketti on toimitettu ja rauhoitusaika kulunut, tai tilaus on peruttu",
    "good_rating": "aikaa on kulunut, tai hän antaa samasta kohdasta hyvän arvion",
    "score_below": "aikaa on kulunut, tai ennuste laskee alemman rajan alle",
    "time": "aikaa on kulunut",
    "person_releases": "työntekijä vapauttaa",
}


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


def word(key: str, language: str) -> str:
    """One of the console's words."""
    return WORDS[key][LANGUAGES.index(language)]


def number(value: float, language: str, places: int = 0) -> str:
    """A number with thousands set apart as the language does it."""
    text = f"{value:,.{places}f}"
    return text if language == "en" else text.replace(",", "\u00a0").replace(".", ",")


def money(minor: float | None, language: str) -> str:
    """Minor units as major units, two places; empty for None."""
    return "" if minor is None else number(minor / 100, language, 2)


def percent(share: float | None, language: str) -> str:
    """A share of one, in per cent; empty for None."""
    if share is None:
        return ""
    return number(100 * share, language, 1) + ("%" if language == "en" else "\u00a0%")


def instant(value: datetime | str | None, language: str) -> str:
    """A UTC instant to the minute; empty for None."""
    if value is None:
        return ""
    moment = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    if language == "fi":
        return f"{moment.day}.{moment.month}.{moment.year} klo {moment:%H.%M} UTC"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
