"""The cells of a catalogue in CSV, each kind written in one way; what cannot be read says how to write it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa

from features.columns import TIME

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class CellError(ValueError):
    """A cell that cannot be read: what it is not, and how to write it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def read_cells(texts: Any, kind: pa.DataType) -> tuple[Any, list[tuple[int, CellError]]]:
    """The texts of a column as `kind`, null where empty or unreadable, and the rows of those that are."""
    if kind == pa.string():
        return texts, []
    coded = texts.dictionary_encode()
    parse = _PARSERS[kind]
    values, wrong = [], {}
    for code, text in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(parse(text.strip()))
        except CellError as error:
            values.append(None)
            wrong[code] = error
    codes = coded.indices
    read = pa.array(values, kind).take(codes)
    return read, [(row, wrong[code]) for row, code in enumerate(codes.to_pylist()) if code in wrong] if wrong else []


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        remedy = "Write minor units without separators: 12900 for 129.00."
        raise CellError("is no whole number of minor units (cents)", remedy)
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise CellError("is neither true nor false", "Write true or false; leave it empty where it is not known.")
    return text.lower() == "true"


def _texts(text: str) -> list[str]:
    if text.startswith(("[", '"')):
        raise CellError("is no list of ids", "Write ids with a bar between them: a|b.")
    return [part.strip() for part in text.split("|")]


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split("|")]
    if not all(_WHOLE.fullmatch(part) for part in parts):
        raise CellError("is no list of months", "Write months 1 to 12 with a bar between them: 10|11|12.")
    return [int(part) for part in parts]


def _moment(text: str) -> datetime:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise CellError("is no moment with its time zone", "Write 2026-10-01, or 2026-10-01T08:00:00Z.")


_PARSERS: dict[pa.DataType, Callable[[str], Any]] = {
    pa.int64(): _whole,
    pa.bool_(): _flag,
    pa.list_(pa.string()): _texts,
    pa.list_(pa.int64()): _numbers,
    TIME: _moment,
}
