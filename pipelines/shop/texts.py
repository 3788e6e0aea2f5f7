"""What a customer writes, from what truly happened to her: topics by cause, sentences by topic, language and goods."""

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.fates import DEFECT, FAILED, LATE, REGRET, WRONG_SIZE
from pipelines.shop.moments import Moments
from pipelines.shop.phrases import LANGUAGES, OPENERS, TOPICS, sentences
from pipelines.shop.weeks import Life

TOPIC = {name: i for i, name in enumerate((*TOPICS, *OPENERS))}


def written_language(customers: Customers, who: Ints) -> Ints:
    """Finnish speakers write Finnish, all others English."""
    return np.where(customers.language[who] == 0, 1, 0)


def texts(
    rng: np.random.Generator,
    catalogue: Catalogue,
    customers: Customers,
    life: Life,
    moments: Moments,
    good: Floats,
    department: Ints,
    writes: Flags,
) -> pa.Array:
    """An opening by mood, what mattered most, perhaps a second thing, seldom a third; null where nothing is written."""
    fates, order = life.fates, moments.order
    n, cause, known = len(order), fates.cause[order], ~moments.tablet
    stuck = fates.slow[order] & (moments.at > fates.opened[order] + 10)
    asked = fates.asks[order] * (moments.at > fates.opened[order] + 2 * fates.ask_gap[order])
    eased = (fates.case[order] >= 0) & ~fates.slow[order] & (moments.at > fates.resolved[order])
    trouble = np.select(
        [known & (cause == c) for c in (FAILED, DEFECT, LATE, WRONG_SIZE, REGRET)],
        [TOPIC[t] for t in ("failed", "defect", "late", "wrong_size", "regret")],
        -1,
    )
    hindered = fates.friction[order] >= 0
    u = rng.random(n)
    plain = np.where(
        good >= 0.7,
        np.where(u < 0.6, TOPIC["good_product"], np.where(known & (u < 0.85), TOPIC["fast_delivery"], TOPIC["fine"])),
        np.where(u < 0.4, TOPIC["price"], TOPIC["fine"]),
    )
    main = np.select(
        [
            stuck & (asked >= 2),
            stuck,
            eased & moments.about_case & (good >= 0.45),
            trouble >= 0,
            hindered,
            fates.kind_staff[order],
        ],
        [
            TOPIC["asked_often"],
            TOPIC["slow_case"],
            TOPIC["quick_help"],
            trouble,
            np.where(moments.tablet, TOPIC["rude_wait"], TOPIC["friction"]),
            TOPIC["kind_staff"],
        ],
        plain,
    )
    second = np.select(
        [stuck | (eased & moments.about_case), fates.kind_staff[order], u < 0.3],
        [
            np.where(trouble >= 0, trouble, TOPIC["slow_case"] * stuck + TOPIC["quick_help"] * ~stuck),
            TOPIC["kind_staff"],
            plain,
        ],
        -1,
    )
    second = np.where(second == main, -1, second)
    third = np.where(stuck & (rng.random(n) < 0.25), TOPIC["mailing"], -1)
    mood = np.where(good < 0.45, TOPIC["bad"], np.where(good < 0.7, TOPIC["mixed"], TOPIC["good"]))
    language = written_language(customers, life.orders.who[order])
    rows = np.flatnonzero(writes)
    slots = [np.where(writes, t, -1)[rows] for t in (mood, main, second, third)]
    text = compose(rng, catalogue, language[rows], department[rows], slots)
    back = np.full(n, -1, dtype=np.int64)
    back[rows] = np.arange(len(rows))
    return text.take(pa.array(back, mask=back < 0))


def compose(
    rng: np.random.Generator, catalogue: Catalogue, language: Ints, department: Ints, slots: list[Ints]
) -> pa.Array:
    """One text a row: a drawn sentence per slot (a topic number, -1 none); a few are typed without care."""
    sentence, first, count = _bank(catalogue.departments)
    drawn = []
    for slot in slots:
        place = (language, np.maximum(slot, 0), department)
        number = first[place] + np.floor(rng.random(len(slot)) * count[place]).astype(np.int64)
        drawn.append(sentence.take(pa.array(number, mask=slot < 0)))
    text = pc.binary_join_element_wise(*drawn, " ", null_handling="skip")
    careless = pc.replace_substring_regex(pc.utf8_lower(text), "[.,!]", "")
    return pc.if_else(pa.array(chance(rng, 0.15, len(language))), careless, text)


@functools.cache
def _bank(departments: tuple[str, ...]) -> tuple[pa.Array, Ints, Ints]:
    """Every sentence there is, and of each language, topic and department the first and how many."""
    topics = (*TOPICS, *OPENERS)
    bank: list[str | None] = []
    first: Ints = np.zeros((len(LANGUAGES), len(topics), len(departments)), dtype=np.int64)
    count = np.zeros_like(first)
    for a, tongue in enumerate(LANGUAGES):
        for b, topic in enumerate(topics):
            for c, name in enumerate(departments):
                said = sentences(tongue, topic, name)
                first[a, b, c], count[a, b, c] = len(bank), len(said)
                bank += [s or None for s in said]
    return pa.array(bank, pa.string()), first, count
