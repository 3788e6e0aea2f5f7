"""Tells what customers say: after orders, on the store's tablet, after cases; complaints and comments."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.deeds import Names, case_lines
from pipelines.shop.fates import COMPLAINT, DEFECT, FAILED, LATE, REGRET, WRONG_SIZE
from pipelines.shop.parameters import Parameters
from pipelines.shop.phrases import LANGUAGES, OPENERS, TOPICS, sentences
from pipelines.shop.telling import Coded, Told, tell
from pipelines.shop.weeks import Life

KINDS = ("rating", "review", "nps", "csat", "ces", "complaint", "comment")
RATING, REVIEW, NPS, CSAT, CES, COMPLAINS, COMMENT = range(7)
# By kind: lowest and highest score, the score of an ordinary experience, points per unit of experience.
SCALES = np.array([[1, 5, 4.15, 1.2], [1, 5, 4.2, 1.25], [0, 10, 8.1, 2.6], [1, 5, 4.1, 1.15], [1, 7, 2.5, -1.7]])
_T = {name: i for i, name in enumerate((*TOPICS, *OPENERS))}


@dataclass(frozen=True)
class Moments:
    """Moments at which somebody may say something about an order, one row each."""

    order: Ints
    at: Floats
    kind: Ints
    about_case: Flags
    tablet: Flags


def opinions(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, names: Names, p: Parameters
) -> list[Told]:
    """All feedback of the chunk."""
    moments = _moments(rng, life, p)
    order, kind = moments.order, np.minimum(moments.kind, CES)
    felt = experience(rng, life, moments)
    low, high, middle, slope = SCALES[kind].T
    score = np.clip(np.round(middle + slope * felt), low, high)
    unscored = moments.kind == COMMENT
    good = (score - low) / (high - low)
    good = np.where(slope < 0, 1 - good, good)
    who = life.orders.who[order]
    counts = np.bincount(life.lines.order, minlength=len(life.orders.who))
    line = (np.cumsum(counts) - counts)[order] + np.floor(life.fates.wrong_line[order] * counts[order]).astype(np.int64)
    item = life.lines.item[line]
    writes = unscored | chance(
        rng, np.array([0.2, 0.95, 0.35, 0.3, 0.25])[kind] * np.where(moments.tablet, 0.6, 1.0), len(order)
    )
    text = _texts(rng, catalogue, customers, life, moments, good, catalogue.department[item], writes)
    said = tell(
        "feedback",
        moments.at,
        who,
        Coded(np.where(moments.tablet, 2, np.where(kind >= NPS, 1, 0)), ("web", "email", "store")),
        Coded(_touchpoint(life, moments), ("product_page", "delivery", "store_visit", "support", "checkout")),
        kind=Coded(moments.kind, KINDS),
        score=pa.array(score, mask=unscored),
        scale_min=pa.array(low, mask=unscored),
        scale_max=pa.array(high, mask=unscored),
        higher_is_better=pa.array(slope > 0, mask=unscored),
        text=text,
        language=Coded(np.where(writes, _language(customers, who), -1), LANGUAGES),
        order_id=Coded(order, names.orders),
        item_id=Coded(np.where(moments.kind == REVIEW, item, -1), catalogue.ids),
        case_id=Coded(np.where(moments.about_case, order, -1), names.cases),
    )
    return [said, _complaints(rng, catalogue, customers, life, names)]


def _moments(rng: np.random.Generator, life: Life, p: Parameters) -> Moments:
    """Web orders are asked about or reviewed some days after delivery, store visits at once, cases when resolved."""
    fates, orders = life.fates, life.orders
    n = len(orders.who)
    hurt = np.isin(fates.cause, (DEFECT, LATE, FAILED)) | fates.slow
    after = np.flatnonzero(~orders.store & chance(rng, p.feedback * np.where(hurt, 2.0, 1.0), n))
    tablet = np.flatnonzero(orders.store & chance(rng, p.tablet, n))
    done = np.flatnonzero((fates.case >= 0) & ~fates.cancelled & chance(rng, p.case_feedback, n))
    kinds = [
        rng.choice(7, len(after), p=[0.22, 0.42, 0.11, 0.11, 0.08, 0.0, 0.06]),
        np.full(len(tablet), RATING),
        rng.choice([CSAT, CES, RATING], len(done), p=[0.45, 0.35, 0.2]),
    ]
    times = [
        fates.delivered[after] + 1 + rng.gamma(2.0, 2.5, len(after)),
        orders.at[tablet] + 0.002 + 0.004 * rng.random(len(tablet)),
        fates.resolved[done] + 0.1 + rng.exponential(1.0, len(done)),
    ]
    order = np.concatenate([after, tablet, done])
    part = np.repeat([0, 1, 2], [len(after), len(tablet), len(done)])
    return Moments(order, np.concatenate(times), np.concatenate(kinds).astype(np.int64), part == 2, part == 1)


def experience(rng: np.random.Generator, life: Life, moments: Moments) -> Floats:
    """How it was for her, 0 being ordinary: her satisfaction then, what she knows of the order by then, and chance."""
    fates, order = life.fates, moments.order
    week = np.clip(moments.at // 7, 0, len(life.satisfaction) - 1).astype(np.int64)
    mood = np.clip(life.satisfaction[week, life.orders.who[order]], -2.5, 1.5)
    cause, seen = fates.cause[order], ~moments.tablet
    overdue = np.clip(fates.delivered[order] - np.minimum(fates.promised[order], fates.delivered[order]), 0, 10)
    stuck = fates.slow[order] & (moments.at > fates.opened[order] + 10)
    eased = (fates.case[order] >= 0) & ~fates.slow[order] & (moments.at > fates.resolved[order])
    waited = moments.tablet & (fates.friction[order] == 3)
    bad_day = chance(rng, np.where(moments.tablet, 0.06, 0.015), len(order))
    felt = (
        0.45 * mood
        + seen
        * np.select(
            [cause == LATE, cause == WRONG_SIZE, cause == DEFECT, cause == FAILED], [-0.6, -0.7, -1.9, -2.0], 0.0
        )
        - seen * 0.1 * overdue
        - 1.5 * stuck
        + np.where(eased, np.where(moments.about_case, 1.0, 0.4), 0.0)
        + 0.4 * fates.kind_staff[order]
        - np.where(waited, 1.9, np.where(fates.friction[order] >= 0, 0.5, 0.0))
        - 2.8 * bad_day
    )
    return np.asarray(felt + rng.normal(0, 0.55, len(order)))


def _touchpoint(life: Life, moments: Moments) -> Ints:
    cause = life.fates.cause[moments.order]
    after = np.where(np.isin(cause, (LATE, FAILED)) | (moments.kind == NPS), 1, 0)
    return np.where(moments.tablet, 2, np.where(moments.about_case, 3, after))


def _language(customers: Customers, who: Ints) -> Ints:
    """Finnish speakers write Finnish, all others English."""
    return np.where(customers.language[who] == 0, 1, 0)


def _texts(
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
        [_T[t] for t in ("failed", "defect", "late", "wrong_size", "regret")],
        -1,
    )
    hindered = fates.friction[order] >= 0
    u = rng.random(n)
    plain = np.where(
        good >= 0.7,
        np.where(u < 0.6, _T["good_product"], np.where(known & (u < 0.85), _T["fast_delivery"], _T["fine"])),
        np.where(u < 0.4, _T["price"], _T["fine"]),
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
            _T["asked_often"],
            _T["slow_case"],
            _T["quick_help"],
            trouble,
            np.where(moments.tablet, _T["rude_wait"], _T["friction"]),
            _T["kind_staff"],
        ],
        plain,
    )
    second = np.select(
        [stuck | (eased & moments.about_case), fates.kind_staff[order], u < 0.3],
        [np.where(trouble >= 0, trouble, _T["slow_case"] * stuck + _T["quick_help"] * ~stuck), _T["kind_staff"], plain],
        -1,
    )
    second = np.where(second == main, -1, second)
    third = np.where(stuck & (rng.random(n) < 0.25), _T["mailing"], -1)
    mood = np.where(good < 0.45, _T["bad"], np.where(good < 0.7, _T["mixed"], _T["good"]))
    language = _language(customers, life.orders.who[order])
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
    topics = (*TOPICS, *OPENERS)
    bank: list[str | None] = []
    first = np.zeros((len(LANGUAGES), len(topics), len(catalogue.departments)), dtype=np.int64)
    count = np.zeros_like(first)
    for a, tongue in enumerate(LANGUAGES):
        for b, topic in enumerate(topics):
            for c, name in enumerate(catalogue.departments):
                said = sentences(tongue, topic, name)
                first[a, b, c], count[a, b, c] = len(bank), len(said)
                bank += [s or None for s in said]
    sentence = pa.array(bank, pa.string())
    drawn = []
    for topic in slots:
        place = (language, np.maximum(topic, 0), department)
        number = first[place] + np.floor(rng.random(len(topic)) * count[place]).astype(np.int64)
        drawn.append(sentence.take(pa.array(number, mask=topic < 0)))
    text = pc.binary_join_element_wise(*drawn, " ", null_handling="skip")
    careless = pc.replace_substring_regex(pc.utf8_lower(text), "[.,!]", "")
    return pc.if_else(pa.array(chance(rng, 0.15, len(language))), careless, text)


def _complaints(rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, names: Names) -> Told:
    """The words with which complaints begin; the case is opened some minutes later."""
    order, line = case_lines(life)
    chosen = life.fates.case[order] == COMPLAINT
    order, line = order[chosen], line[chosen]
    who, department = life.orders.who[order], catalogue.department[life.lines.item[line]]
    late = life.fates.cause[order] == LATE
    language, n = _language(customers, who), len(order)
    none = np.full(n, -1, dtype=np.int64)
    slots = [
        np.where(late, _T["complaint_late"], _T["complaint_defect"]),
        np.where(chance(rng, 0.3, n), _T["bad"], none),
    ]
    where = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    return tell(
        "feedback",
        life.fates.opened[order] - 0.003,
        who,
        Coded(where, ("web", "email", "phone")),
        Coded(np.where(late, 0, 1), ("delivery", "support")),
        kind="complaint",
        text=compose(rng, catalogue, language, department, slots),
        language=Coded(language, LANGUAGES),
        order_id=Coded(order, names.orders),
        item_id=Coded(life.lines.item[line], names.items),
        case_id=Coded(order, names.cases),
    )
