"""Tells what customers say: after orders, on the store's tablet, after cases; complaints and comments."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.deeds import Names, case_lines
from pipelines.shop.fates import COMPLAINT, FAILED, LATE, by_day
from pipelines.shop.moments import CES, COMMENT, KINDS, NPS, REVIEW, SCALES, Moments, draw_moments, experience
from pipelines.shop.parameters import Parameters
from pipelines.shop.phrases import LANGUAGES
from pipelines.shop.telling import Coded, Told, tell, written
from pipelines.shop.texts import TOPIC, compose, texts, written_language
from pipelines.shop.weeks import Life

BAD = 0.4  # share of the scale up to which an answer about a case makes somebody call
CALLS = ("apologised, put right", "voucher given", "talked it over", "misunderstanding cleared up")


def opinions(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, names: Names, p: Parameters
) -> list[Told]:
    """All feedback of the chunk."""
    moments = draw_moments(rng, life, p)
    said, called = answers(rng, catalogue, customers, life, names, moments)
    return [
        said,
        complaints(rng, catalogue, customers, life, names),
        calls(rng, life, names, moments.order[called], moments.at[called], p),
    ]


def answers(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, names: Names, moments: Moments
) -> tuple[Told, Flags]:
    """What is said at the `moments`, and after which of them somebody should call."""
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
    text = texts(rng, catalogue, customers, life, moments, good, catalogue.department[item], writes)
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
        language=Coded(np.where(writes, written_language(customers, who), -1), LANGUAGES),
        order_id=Coded(order, names.orders),
        item_id=Coded(np.where(moments.kind == REVIEW, item, -1), catalogue.ids),
        case_id=Coded(np.where(moments.about_case, order, -1), names.cases),
    )
    return said, moments.about_case & (good <= BAD)


def _touchpoint(life: Life, moments: Moments) -> Ints:
    cause = life.fates.cause[moments.order]
    after = np.where(np.isin(cause, (LATE, FAILED)) | (moments.kind == NPS), 1, 0)
    return np.where(moments.tablet, 2, np.where(moments.about_case, 3, after))


def calls(rng: np.random.Generator, life: Life, names: Names, order: Ints, at: Floats, p: Parameters) -> Told:
    """The service desk calls nearly everybody who rated the handling of her case badly, and then lifts that hold."""
    made = np.flatnonzero(chance(rng, p.called, len(order)))
    order, n = order[made], len(made)
    cases = written(Coded(order, names.cases), n)
    return tell(
        "hold",
        by_day(at[made] + 1 + rng.gamma(1.5, p.call_days / 1.5, n), 8, 16),
        life.orders.who[order],
        "phone",
        "support",
        action="release",
        hold_id=pc.binary_join_element_wise("bad_resolution", cases, ":"),
        person="service desk",
        reason=Coded(rng.integers(0, len(CALLS), n), CALLS),
    )


def complaints(rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, names: Names) -> Told:
    """The words with which complaints begin; the case is opened some minutes later."""
    order, line = case_lines(life)
    chosen = life.fates.case[order] == COMPLAINT
    order, line = order[chosen], line[chosen]
    who, department = life.orders.who[order], catalogue.department[life.lines.item[line]]
    late = life.fates.cause[order] == LATE
    language, n = written_language(customers, who), len(order)
    none = np.full(n, -1, dtype=np.int64)
    slots = [
        np.where(late, TOPIC["complaint_late"], TOPIC["complaint_defect"]),
        np.where(chance(rng, 0.3, n), TOPIC["bad"], none),
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
