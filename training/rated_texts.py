"""Texts that came with a score, of the event log, with what was known of their writers when they wrote.

Facts are those of `features/customer/facts_at_feedback.py`, made by the function that judges a comment live.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice

import duckdb
import numpy as np
import pyarrow as pa

from features.customer.facts_at_feedback import FEEDBACK_FACTS, facts_at_feedback
from features.customer.hold_rules import HoldRules
from features.customer.ledger import Mark
from features.customer.scales import scale_of, unit_score
from features.customer.span import BAD, verdict
from features.customer.state_history import Span
from features.home import Home
from features.log.event_log import EventLog
from features.log.rules import RESERVED_PREFIX
from training.dissatisfaction import RatedTexts

CUSTOMERS_AT_ONCE = 1_000


def load_rated_texts(home: Home, as_of: datetime, most: int) -> RatedTexts:
    """The newest `most` texts with a score that had been written and received by `as_of` (exclusive, inclusive).

    Dissatisfied is a score that the shipped rules of holds call bad, on its own scale. Events in the lake only.
    """
    with EventLog(home) as log:
        rows = _rows(log, as_of, most).to_pylist()
        facts = facts_of(log, rows)
    texts = [row["text"] for row in rows]
    truth = np.array([_is_bad(row) for row in rows], np.float64)
    ids = [blake2b(row["event_id"].encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for row in rows]
    written = [row["occurred_at"].timestamp() for row in rows]
    languages = [row["language"] or "" for row in rows]
    return RatedTexts(texts, truth, languages, facts, FEEDBACK_FACTS, ids, written)


def _rows(log: EventLog, as_of: datetime, most: int) -> pa.Table:
    """Oldest first; a visitor's words are a customer's where that was known when they came in."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("links", log.links())
        found: pa.Table = con.sql(
            f"""with said as (
                  select event_id, customer_id, anonymous_id, occurred_at, received_at, kind, score, scale_min,
                    scale_max, higher_is_better, text, language
                  from ({log.scan()})
                  where type = 'feedback' and score is not null and trim(coalesce(text, '')) <> ''
                    and occurred_at < $as_of and received_at <= $as_of
                    and coalesce(customer_id, anonymous_id) is not null),
                newest as (select * from said order by occurred_at desc, event_id desc limit $most)
                select n.* exclude (customer_id, anonymous_id),
                  coalesce(n.customer_id, l.customer_id, '{RESERVED_PREFIX}' || n.anonymous_id) as who
                from newest n left join links l on n.customer_id is null and l.anonymous_id = n.anonymous_id
                  and l.linked_at <= n.received_at and (l.unlinked_at is null or l.unlinked_at > n.received_at)
                order by occurred_at, event_id""",
            params={"as_of": as_of, "most": most},
        ).to_arrow_table()
    return found


def _is_bad(row: dict[str, object]) -> bool:
    scale = scale_of(row["kind"], row["scale_min"], row["scale_max"], row["higher_is_better"])  # type: ignore[arg-type]
    unit = unit_score(row["score"], scale)  # type: ignore[arg-type]
    mark = Mark(0, "", "", str(row["kind"]), unit, None, None, None, None, None)
    return verdict(mark, HoldRules()) == BAD


def facts_of(log: EventLog, rows: Sequence[dict[str, object]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """`[rows, FEEDBACK_FACTS]`, as known when each was written; rows hold `who`, `occurred_at` and `received_at`."""
    found = np.full((len(rows), len(FEEDBACK_FACTS)), np.nan)
    by_writer: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        by_writer.setdefault(str(row["who"]), []).append(place)
    writers = iter(sorted(by_writer))
    while batch := list(islice(writers, CUSTOMERS_AT_ONCE)):
        facts, spans = log.facts_ever_of(batch)
        for who in batch:
            links = [Span(*told) for told in spans.get(who, [])]
            for place in by_writer[who]:
                at, heard = rows[place]["occurred_at"], rows[place]["received_at"]
                assert isinstance(at, datetime) and isinstance(heard, datetime)
                hers = {who} | {link.origin for link in links if link.holds_at(heard)}
                own = [fact for fact in facts.get(who, []) if fact.origin in hers]
                found[place] = facts_at_feedback(own, at, heard)
    return found
