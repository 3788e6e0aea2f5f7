"""What people typed into the search, brought to one spelling."""

import unicodedata

LONGEST_TERM = 80


def term_of(query: str) -> str:
    """The term of a query: compatibility forms and case folded, white space single, nothing invisible, cut to length.

    >>> term_of("  Ｋayak\\u200b  PADDLE ")
    'kayak paddle'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", query).casefold())
    spaced = " ".join(folded.split())
    seen = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(seen[:LONGEST_TERM].split())
