"""What people typed into the search, brought to one spelling."""

import unicodedata

LONGEST_TERM = 80


def term_of(query: str) -> str:
    """The term of a query, `spelt` and cut to length.

    >>> term_of("  Ｋayak\\u200b  PADDLE ")
    'kayak paddle'
    """
    return spelt(query)[:LONGEST_TERM].strip()


def spelt(text: str) -> str:
    """A text in compatibility forms, case folded, white space single, nothing invisible."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = " ".join(folded.split())
    seen = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(seen.split())
