"""The words in which PostgreSQL's SQL differs from what the statements are written in, and their values' types."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg.adapt import AdaptersMap, Buffer
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrBinaryDumper

_WORDS = re.compile(
    r"'(?:[^']|'')*'|\bin \((?P<list>\?(?:,\?)*)\)|\(values (?P<rows>\(\?\)(?:,\(\?\))*)\)"
    r"|\?(?P<mark>\d*)|\+(?=f\.)|\bcross join\b|\bmain\.|\bstage\."
)
NUL = "␀"
"""What stands for the null character, which PostgreSQL's text cannot hold. No id or text that is accepted has one."""


class Translated(NamedTuple):
    """A statement in PostgreSQL's words; which of its values, by place, are given how many times more."""

    text: str
    repeated: tuple[tuple[int, int], ...] = ()

    def values(self, given: Sequence[Any]) -> tuple[Any, ...]:
        """The values in the statement's order."""
        found = list(given)
        for place, times in reversed(self.repeated):
            found[place:place] = [found[place]] * times
        return tuple(found)


@lru_cache(maxsize=2_000)
def translated(sql: str, stage: str = "stage") -> Translated:
    """A statement with `$1` for its values, and in PostgreSQL's words; `stage` is the schema of an import's tables.

    A plus that keeps SQLite from an index goes. Of a list of values, and of rows of one, the last is repeated until
    there are 2, 4, 8...: of so few lengths each statement is soon known to the server. Rows may come twice then.

    >>> translated("select 1 from main.a cross join b on x = ? where y = '?' and z = ?").text
    "select 1 from a join b on x = $1 where y = '?' and z = $2"
    >>> translated("select ?2, ?1, ?2").text
    'select $2, $1, $2'
    >>> some = translated("select 1 from a where b = ? and c in (?,?,?) and d = ?")
    >>> some.text, some.values([9, 1, 2, 3, 7])
    ('select 1 from a where b = $1 and c in ($2,$3,$4,$5) and d = $6', (9, 1, 2, 3, 3, 7))
    """
    count, given, repeated = 0, 0, list[tuple[int, int]]()

    def several(known: int, row: str) -> str:
        nonlocal count, given
        wanted, start = 1 << (known - 1).bit_length(), count
        count, given = count + wanted, given + known
        if wanted > known:
            repeated.append((given - 1, wanted - known))
        return ",".join(row.format(f"${number}") for number in range(start + 1, count + 1))

    def word(found: re.Match[str]) -> str:
        nonlocal count, given
        text = found.group()
        if found["list"]:
            return f"in ({several(found['list'].count('?'), '{}')})"
        if found["rows"]:
            return f"(values {several(found['rows'].count('?'), '({})')})"
        if text.startswith("?"):
            count, given = count + 1, given + 1
            return f"${found['mark'] or count}"
        return {"cross join": "join", "main.": "", "+": "", "stage.": f"{stage}."}.get(text, text)

    return Translated(_WORDS.sub(word, sql), tuple(repeated))


_TYPES = (
    (r"\btext\b", 'text collate "C"'),
    (r"\binteger\b", "bigint"),
    (r"\bblob\b", "bytea"),
    (r" without rowid$", ""),
    (r"^create table\b", "create unlogged table"),
    (r"^create index stage\.(\w+) on ", r"create index \1 on stage."),
)


def staged(statement: str) -> str:
    """A table or index of an import, in PostgreSQL's types, and not durable: it is lost with the import.

    >>> staged("create index stage.by_id on rejects (id)")
    'create index by_id on stage.rejects (id)'
    >>> staged("create table stage.seen (id text primary key, content blob) without rowid")
    'create unlogged table stage.seen (id text collate "C" primary key, content bytea)'
    """
    for word, other in _TYPES:
        statement = re.sub(word, other, statement)
    return statement


def temporary(statement: str) -> str:
    """A temporary table that empties itself with each transaction: its emptied rows would else pile up.

    >>> temporary("create temp table if not exists a (b text primary key) without rowid")
    'create temp table if not exists a (b text collate "C" primary key) on commit delete rows'
    """
    return f"{staged(statement)} on commit delete rows"


class _Text(StrBinaryDumper):
    """Text, with `NUL` for what PostgreSQL does not take."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", NUL) if "\0" in obj else obj)


def adapt(adapters: AdaptersMap) -> None:
    """One type for each kind of value, so that a statement is planned once: text, bigint (for booleans too)."""
    whole: Any = Int8BinaryDumper
    adapters.register_dumper(int, whole)
    adapters.register_dumper(bool, whole)
    adapters.register_dumper(str, _Text)
