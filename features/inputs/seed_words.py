"""Words of praise and of complaint in seven languages: a first judgement of texts before the shop has rated ones.

The lists are short and written by hand; `seed_score` is an order, no probability. As soon as there are rated texts it
is one input among others, and weighs what they say it is worth.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from features.inputs.candidates import Floats
from features.inputs.seed_lists import (
    ANSWERED,
    ASKING,
    COMPLAINT,
    COUNTS,
    DENIED_BY_EN,
    ELSEWHERE,
    LEAVING,
    NEGATION,
    NO_REFUSAL,
    NOUN_AFTER,
    OFTEN,
    OUTRAGE,
    PRAISE,
    SAYINGS,
    TIMES,
    WHOLE,
)
from features.inputs.texts import looked_at, tokens

_LONGEST = 100_000  # characters read, in about 0.1 s; a novel must not hold up who else writes
_SHORTEST_STEM = 4  # letters; a shorter entry must be the whole word
_REACH = 3  # words that a negation turns
_LEAVING_REACH = 4  # words between a refusal and what is bought no more
_GAP = r"(?: (?!know|hesitat)\w+){0,3}"
_CLAUSE = re.compile(r"[^.,;:!?()\n]{1,2000}")
_GLAD, _CROSS = frozenset("😀😃😄😁😊🙂😍🥰👍❤🎉👏💯🤩"), frozenset("😡😠🤬👎😞😢😭🙁☹😤💩😒")


def seed_scores(texts: Iterable[str]) -> Floats:
    """`seed_score` of each text."""
    return np.array([seed_score(text) for text in texts], np.float64)


def seed_score(text: str) -> float:
    """From -1 (praise only) to 1 (complaint only); 0 for a text without a word of either, or as much of both.

    A word of praise within three words after a negation in the same clause counts as a complaint; a complaint that is
    negated counts for nothing, nor does what negates it. Outrage counts as two complaints, and so does each saying.

    >>> seed_score("Not good, arrived broken") > 0 > seed_score("Kiitos, hyvä palvelu!")
    True
    >>> seed_score("This is the last time I order from you") > 0.6, seed_score("I was not disappointed")
    (True, 0.0)
    """
    complaint = praise = 0
    for words in _clauses(text):
        complaint += 2 * len(_said(words))
        for _, told in _told(words):
            complaint, praise = complaint + max(told, 0), praise + max(-told, 0)
    return (complaint - praise) / (complaint + praise + 1)


def seed_words(text: str, most: int = 3) -> list[str]:
    """The words of complaint in a text, in their order, what is said in several words first."""
    clauses = list(_clauses(text))
    said = [saying for words in clauses for saying in _said(words)]
    single = [word for words in clauses for word, told in _told(words) if told > 0 and _weight(word) > 0]
    return list(dict.fromkeys([*said, *single]))[:most]


def _clauses(text: str) -> Iterator[list[str]]:
    return (tokens(clause[0]) for clause in _CLAUSE.finditer(looked_at(text, _LONGEST)))


def _told(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The words of a clause that tell something, complaint being above 0, and praise below."""
    weights = [_weight(word) for word in words]
    denials = [one in NEGATION or (one == "en" and after in DENIED_BY_EN) for one, after in pairwise([*words, ""])]
    for at, word in enumerate(words):
        denied = any(denials[max(0, at - _REACH) : at])
        denies = denials[at] and max(weights[at + 1 : at + 1 + _REACH], default=0) > 0
        if weights[at] < 0:
            yield word, 1 if denied else -1
        elif weights[at] and not denied and not denies:
            yield word, weights[at]


def _said(words: Sequence[str]) -> list[str]:
    """What is said in several words of one clause."""
    sayings = [found[0] for found in _sayings().finditer(" ".join(words))]
    return [*sayings, *filter(None, (_leaving(words), _asked_again(words)))]


def _leaving(words: Sequence[str]) -> str:
    """The words by which she buys no more; "" where she stays."""
    elsewhere = not ELSEWHERE.isdisjoint(words)
    for refusals, buying, for_good in LEAVING:
        bought = [
            at
            for at, (before, word) in enumerate(pairwise(["", *words]))
            if word in buying and before not in NOUN_AFTER
        ]
        refused = [at for at, word in enumerate(words) if word in refusals]
        near = any(abs(here - there) <= _LEAVING_REACH for here in bought for there in refused)
        kept = for_good.intersection(words)
        goes = not refused if elsewhere else near and kept and NO_REFUSAL.isdisjoint(words)
        if bought and goes:
            return " ".join(word for word in words if word in buying | refusals | kept | ELSEWHERE)
    return ""


def _asked_again(words: Sequence[str]) -> str:
    """How often she asked; "" where she does not say so."""
    answered = not ANSWERED.isdisjoint(words) and NEGATION.isdisjoint(words)
    if answered or not any(word.startswith(ASKING) for word in words):
        return ""
    counted = [f"{one} {after}" for one, after in pairwise(words) if one in COUNTS and after in TIMES]
    return next(iter([*counted, *(word for word in words if word in OFTEN)]), "")


@cache
def _sayings() -> re.Pattern[str]:
    """`SAYINGS` as one pattern for the words of a clause, a space between them."""
    return re.compile(rf"\b(?:{'|'.join(_pattern(line) for line in SAYINGS.splitlines() if line)})\b")


def _pattern(line: str) -> str:
    groups = (f"(?:{word})" if "|" in word else word for word in line.split())
    return " ".join(groups).replace(" ..", _GAP).replace("*", r"\w*").replace("_", " ")


def _weight(word: str) -> int:
    """2 for a word of outrage, 1 for one of complaint, -1 for one of praise, 0 for any other."""
    if word in _CROSS or word in _GLAD:
        return 1 if word in _CROSS else -1
    heads = [word, *(word[:size] for size in range(_SHORTEST_STEM, len(word)))]
    return next((_weights()[head] for head in heads if head in _weights() and (head == word or head not in WHOLE)), 0)


@cache
def _weights() -> dict[str, int]:
    """Of whole words and of stems of four letters or more that a word may begin with; of equals the graver."""
    lists = ((-1, PRAISE), (1, COMPLAINT), (2, OUTRAGE))
    return {entry: weight for weight, spoken in lists for entries in spoken.values() for entry in entries.split()}
