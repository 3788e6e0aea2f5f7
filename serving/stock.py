"""What was last told of each item's stock, in the live store: of several words about one item the latest stands.

Words of the same moment that differ leave the item out of stock, so that their order of arrival makes no difference.
Every word that changes what stands gets the next number; whoever remembers a number reads only what came after it.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from features.errors import TahdikasError
from features.log.connection import STORE_ERRORS, Connection
from features.log.store import from_micros, to_micros, transaction
from serving.core.articles import StockWord
from serving.core.items import Articles

TABLES = (
    """create table if not exists stock (
        item_id text primary key, in_stock integer not null, occurred_at integer not null,
        received_at integer not null, change integer not null) without rowid""",
    "create index if not exists stock_by_change on stock (change)",
)
AHEAD = timedelta(minutes=5)
Became = Literal["recorded", "known", "older", "rejected"]

_TELL = """insert into stock values (?, ?, ?, ?, (select coalesce(max(change), 0) + 1 from stock))
    on conflict (item_id) do update set in_stock = excluded.in_stock, occurred_at = excluded.occurred_at,
        received_at = excluded.received_at, change = excluded.change
    where excluded.occurred_at > stock.occurred_at
        or (excluded.occurred_at = stock.occurred_at and excluded.in_stock < stock.in_stock)"""


class StockResult(NamedTuple):
    """What became of a word, and the item's stock as it stands for the next decision; None where nobody says.

    `recorded`: it stands now; `known`: it stood already; `older`: what was told, or the catalogue, is of a later
    moment; `rejected`: not taken, `detail` says why and what to do.
    """

    item_id: str
    status: Became
    in_stock: bool | None
    detail: str = ""


def fault(word: StockWord, articles: Articles, now: datetime) -> str:
    """Why a word cannot be taken, with the remedy; empty where it can."""
    if word.item_id not in articles.by_id:
        return (
            f"item {word.item_id!r} is not in the catalogue as it stands. Import it first (tahdikas catalogue import), "
            "or correct the id."
        )
    if word.occurred_at > to_micros(now + AHEAD):
        at = from_micros(word.occurred_at).isoformat()
        return f"occurred_at {at} is more than five minutes ahead of {now.isoformat()}. Correct it or the clock."
    return ""


def became(word: StockWord, status: Became, articles: Articles) -> StockResult:
    """The result of a word taken, by the `articles` in force since."""
    stands = articles.in_stock(word.item_id)
    return StockResult(word.item_id, status if stands == word.in_stock else "older", stands)


def tell(run: Connection, words: Iterable[StockWord], now: datetime) -> list[Became]:
    """Take words in, all in one transaction, durable when this returns; gives what became of each, in order."""
    with transaction(run):
        return [_tell(run, word, to_micros(now)) for word in words]


def _tell(run: Connection, word: StockWord, received_at: int) -> Became:
    if run.execute(_TELL, (*word, received_at)).rowcount:
        return "recorded"
    standing = run.execute("select item_id, in_stock, occurred_at from stock where item_id = ?", word[:1]).fetchone()
    return "known" if tuple(standing) == tuple(word) else "older"


def last_change(run: Connection) -> int:
    """The number of the latest word; 0 before the first."""
    number: int | None = run.execute("select max(change) from stock").fetchone()[0]
    return number or 0


def told_since(run: Connection, change: int = 0) -> tuple[list[StockWord], int]:
    """The words that stand and came after a number, and the number to remember."""
    rows: Sequence[tuple[str, int, int, int]] = run.execute(
        "select item_id, in_stock, occurred_at, change from stock where change > ? order by change", (change,)
    ).fetchall()
    words = [StockWord(item_id, bool(in_stock), at) for item_id, in_stock, at, _ in rows]
    return words, rows[-1][3] if rows else change


class _Kept(NamedTuple):
    said: Articles
    number: int
    articles: Articles


class StockOver:
    """Lays what was told over what the catalogue says; safe to share between threads.

    What was told before `over` is called is in what it returns, whichever process it was told to. A store that does
    not answer changes nothing: nobody is sold anything then.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._kept = _Kept(Articles(), 0, Articles())

    def over(self, said: Articles) -> Articles:
        """The items of the catalogue with the stock as it stands; the same object as long as neither changes."""
        try:
            run = self._connection()
            number = last_change(run)
            if (found := self._at(said, number)) is not None:
                return found
            with self._lock:
                number = last_change(run)  # another thread may have read on meanwhile
                return self._at(said, number) or self._read(run, said, number)
        except (*STORE_ERRORS, TahdikasError):
            kept = self._kept
            return kept.articles if kept.said is said else said

    def _at(self, said: Articles, number: int) -> Articles | None:
        kept = self._kept
        return kept.articles if kept.said is said and kept.number == number else None

    def _read(self, run: Connection, said: Articles, number: int) -> Articles:
        kept = self._kept
        if kept.said is not said or kept.number > number:  # another catalogue; an older copy of the store
            kept = _Kept(said, 0, said)
        words, number = told_since(run, kept.number)
        articles = kept.articles
        if words:
            version = hashlib.sha256(f"{said.version} {number}".encode()).hexdigest()[:16]
            articles = articles.with_stock(words, version)
        self._kept = _Kept(said, number, articles)
        return articles
