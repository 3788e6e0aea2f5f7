"""Strict CSV of flat rows: typed by an Arrow schema, nothing guessed.

UTF-8, commas, a header line, empty for absent; instants with their zone (2026-01-31T12:00:00Z, or +02:00 for Z), money
as whole minor units, lists and lines as JSON text. A file that is broken as a whole (encoding, columns, a cut line) is
refused; a row with a value that cannot be read becomes a reject.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from features.columns import TIME
from features.errors import SourceError
from features.log.event_objects import Line, object_of
from pipelines.sources.base import Reason, Reject, SourceBatch

BLOCK_BYTES = 1 << 24
_INT = r"^-?[0-9]{1,18}$"
_FLOAT = r"^(?i:[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf))$"
_BOOL = r"^(true|false)$"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"( ?UTC|Z|[+-][0-9]{2}:?[0-9]{2})$"
)


def read_csv(path: Path, schema: pa.Schema, required: tuple[str, ...]) -> Iterator[SourceBatch]:
    """The rows of a file whose header names any of `schema`'s columns, `required` among them, in batches.

    Batches have the file's columns, typed. Raises `SourceError` for a file that is no such CSV as a whole.
    """
    check_text(path, table=True)
    names = _header(path, schema, required)
    done = 0
    try:
        with pc_csv.open_csv(
            path,
            read_options=pc_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pc_csv.ParseOptions(newlines_in_values=True),
            convert_options=pc_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        ) as reader:
            for block in reader:
                yield _typed(pa.Table.from_batches([block]), schema, path, done)
                done += block.num_rows
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{path} is broken ({str(error)[:300]}). Nothing of it was taken; "
            "export the file again, whole, or mend quotes and commas at that place."
        ) from error


def check_text(path: Path, *, table: bool) -> None:
    """Raise `SourceError` unless the file is UTF-8 text without NUL; a `table` must end its last line and quotes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, quotes, last = 1, 0, b""
    try:
        with path.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                nul = block.find(b"\0")
                if nul >= 0:
                    raise SourceError(_encoding(path, lines + block[:nul].count(b"\n"), "it holds zero bytes"))
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    bad = max(0, error.start - (len(error.object) - len(block)))
                    raise SourceError(_encoding(path, lines + block[:bad].count(b"\n"), error.reason)) from error
                lines += block.count(b"\n")
                quotes += block.count(b'"')
                last = block[-1:]
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                raise SourceError(_encoding(path, lines, "it ends in the middle of a character")) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Check the name and your rights.") from error
    if not last:
        raise SourceError(f"{path} is empty. Export it again.")
    if table and last != b"\n":
        raise SourceError(
            f"{path} has no line end after its last line {lines}, so it may be cut. Nothing of it was taken; "
            "export it again, or add a line end if that line is whole."
        )
    if table and quotes % 2:
        raise SourceError(
            f"{path} has {quotes} quotation marks, so one is never closed. Nothing of it was taken; export it again, "
            "or double the marks inside values and put such values in quotes."
        )


def _encoding(path: Path, line: int, problem: str) -> str:
    return f"{path}, line {line}: not UTF-8 text ({problem}). Nothing of it was taken; save the file as UTF-8."


def _header(path: Path, schema: pa.Schema, required: tuple[str, ...]) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline().rstrip("\r\n")
    names = [name.strip().strip('"') for name in line.split(",")]
    unknown = [name for name in names if name not in schema.names]
    missing = [name for name in required if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        told = f"unknown {unknown}" if unknown else f"missing {missing}" if missing else "a column twice"
        raise SourceError(
            f"{path}, line 1: the columns do not fit ({told}). Known: {', '.join(schema.names)}; "
            f"needed: {', '.join(required)}; commas between them."
        )
    return names


def _typed(block: pa.Table, schema: pa.Schema, path: Path, done: int) -> SourceBatch:
    typed, bad = {}, np.zeros(block.num_rows, dtype=bool)
    reasons: dict[int, tuple[Reason, str]] = {}
    for name in block.column_names:
        texts = block[name].combine_chunks()
        kind = schema.field(name).type
        typed[name], wrong = _values(texts, kind, name)
        for row in np.flatnonzero(wrong & ~bad).tolist():
            reason = Reason.BAD_TIME if kind == TIME else Reason.BAD_VALUE
            reasons[row] = (reason, f"row {done + row + 1} of {path.name}: {name} {texts[row].as_py()!r} {_say(kind)}")
        bad |= wrong
    rejects = []
    for row, (reason, detail) in sorted(reasons.items()):
        values = block.slice(row, 1).to_pylist()[0]
        raw = msgspec.json.encode(object_of(values)).decode()
        rejects.append(Reject(values.get("event_id"), reason, detail[:400], raw, done + row))
    table = pa.table(typed)
    return SourceBatch(table.filter(pa.array(~bad)) if bad.any() else table, rejects)


def _values(texts: Any, kind: pa.DataType, name: str) -> tuple[pa.Array, Any]:
    """The texts as `kind`, null where empty or wrong, and which are wrong."""
    if kind == pa.string():
        return texts, np.zeros(len(texts), dtype=bool)
    if pa.types.is_list(kind):
        return _from_json(texts, kind, name)
    pattern = _INSTANT if kind == TIME else _BOOL if pa.types.is_boolean(kind) else _FLOAT
    right = pc.match_substring_regex(texts, _INT if pa.types.is_integer(kind) else pattern)
    good = pc.if_else(right, texts, None)
    if kind == TIME:
        good = pc.replace_substring_regex(good, " ?UTC$", "Z")
    try:
        values = good.cast(kind)
    except pa.ArrowInvalid:  # a day like February 30, a number too large: look one by one
        values = pa.array([_one(text, kind) for text in good.to_pylist()], kind)
    wrong = pc.and_(pc.is_valid(texts), pc.is_null(values))
    return values, wrong.to_numpy(zero_copy_only=False)


def _one(text: str | None, kind: pa.DataType) -> Any:
    try:
        return None if text is None else pa.scalar(text).cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def _from_json(texts: Any, kind: pa.DataType, name: str) -> tuple[pa.Array, Any]:
    shape: Any = list[Line] if name == "lines" else list[int] if pa.types.is_integer(kind.value_type) else list[str]
    decode = msgspec.json.Decoder(shape).decode
    values: list[Any] = []
    wrong = np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts.to_pylist()):
        try:
            found = None if text is None else decode(text)
        except msgspec.DecodeError:
            found, wrong[row] = None, True
        values.append([msgspec.structs.asdict(x) if isinstance(x, Line) else x for x in found] if found else found)
    return pa.array(values, kind), wrong


def _say(kind: pa.DataType) -> str:
    if kind == TIME:
        return "is no instant with its zone, like 2026-01-31T12:00:00Z"
    if pa.types.is_list(kind):
        return f"is no JSON list of the form {kind}"
    return "is not true or false" if pa.types.is_boolean(kind) else f"is no {kind} (whole numbers without separators)"
