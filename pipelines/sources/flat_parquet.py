"""Strict Parquet of flat rows: its columns must be those of an Arrow schema, nothing guessed."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import SourceError
from pipelines.sources.base import SourceBatch

BATCH_ROWS = 65_536


def read_parquet(path: Path, schema: pa.Schema, required: tuple[str, ...]) -> Iterator[SourceBatch]:
    """The rows of a file with any of `schema`'s columns, `required` among them, in typed batches.

    Whole numbers and time units are widened; text for a number, a fraction for money or an instant without a zone is
    not. Raises `SourceError` for an unreadable file and for columns that do not fit.
    """
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow
            _check(path, found, schema, required)
            for batch in file.iter_batches(BATCH_ROWS):
                columns = {f.name: _cast(path, batch[f.name], schema.field(f.name)) for f in found}
                yield SourceBatch(pa.table(columns))
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{path} cannot be read as Parquet ({str(error)[:300]}); it may be cut. Nothing of it was taken; "
            "export the file again, whole."
        ) from error


def _check(path: Path, found: pa.Schema, schema: pa.Schema, required: tuple[str, ...]) -> None:
    unknown = [name for name in found.names if name not in schema.names]
    missing = [name for name in required if name not in found.names]
    if unknown or missing:
        told = f"unknown {unknown}" if unknown else f"missing {missing}"
        raise SourceError(
            f"{path}: the columns do not fit ({told}). Known: {', '.join(schema.names)}; needed: {', '.join(required)}."
        )


def _cast(path: Path, column: pa.Array, field: pa.Field) -> pa.Array:
    kind, wanted = column.type, field.type
    if pa.types.is_dictionary(kind):
        return _cast(path, column.dictionary_decode(), field)
    if pa.types.is_null(kind) or kind == wanted:
        return column.cast(wanted)
    if pa.types.is_timestamp(wanted):
        fits = pa.types.is_timestamp(kind) and kind.tz is not None
        # A time zone's instants are the same in UTC; nanoseconds are cut, as the log keeps microseconds.
        return column.cast(wanted, safe=False) if fits else _refuse(path, field, kind)
    if pa.types.is_list(wanted):
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            return _refuse(path, field, kind)
        return _cast_list(path, column, field)
    if pa.types.is_struct(wanted):
        if not pa.types.is_struct(kind) or {f.name for f in kind} - {f.name for f in wanted}:
            return _refuse(path, field, kind)
        names = {f.name for f in kind}
        parts = [
            _cast(path, pc.struct_field(column, f.name), f) if f.name in names else pa.nulls(len(column), f.type)
            for f in wanted
        ]
        return pa.StructArray.from_arrays(parts, fields=list(wanted), mask=pc.is_null(column))
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    numbers = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and pa.types.is_floating(wanted))
    if (texts and pa.types.is_string(wanted)) or (numbers and not pa.types.is_string(wanted)):
        return column.cast(wanted)
    return _refuse(path, field, kind)


def _cast_list(path: Path, column: pa.Array, field: pa.Field) -> pa.Array:
    values = _cast(path, pc.list_flatten(column), pa.field(f"{field.name}[]", field.type.value_type))
    counts = pc.fill_null(pc.list_value_length(column), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, values, type=field.type, mask=pc.is_null(column))


def _refuse(path: Path, field: pa.Field, kind: pa.DataType) -> pa.Array:
    hint = "; write instants with a zone (UTC)" if pa.types.is_timestamp(field.type) else ""
    raise SourceError(f"{path}: column {field.name} is {kind}, not {field.type}{hint}. Nothing of it was taken.")
