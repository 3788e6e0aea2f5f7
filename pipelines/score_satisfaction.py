"""How dissatisfied the writers of some texts are, learned from other texts that came with a score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.customer.scales import Scale, unit_score
from features.errors import DataError
from features.inputs.satisfaction import Satisfaction
from training.given_facts import GivenFacts
from training.leaks import leak_in
from training.metrics import Array
from training.satisfaction import train_satisfaction

TEXT, SCORE, ROW, PROBABILITY, CAUSES = "text", "score", "row", "dissatisfaction_probability", "causes"
SCALES = (Scale(0, 1), Scale(1, 5), Scale(0, 10), Scale(0, 100))
LOW_SHARE, NPS_BAD = 0.4, 6


@dataclass(frozen=True)
class Satisfied:
    """What was done: rows written, and what a reader should know."""

    rows: int
    notes: list[str] = field(default_factory=list)
    auc: float | None = None


def score_satisfaction(
    asked: Path, train: Path | None, out: Path, *, low: float | None = None, high: float | None = None
) -> Satisfied:
    """Write (row, ids of the input, dissatisfaction_probability, causes), in the order of the input.

    `asked` and `train` hold `text`, `train` also `score`; every other column both have, ids apart, is a fact. Without
    `train` the seed words judge. `low` and `high` are the ends of the score's scale, higher being better. Raises
    `DataError` for files that are not that.
    """
    table = _read(asked, [TEXT])
    texts = _texts(table)
    if train is None:
        notes = ["No rated texts: judged by seed words of seven languages, and the level is an assumption."]
        _write(table, Satisfaction(), texts, None, out)
        return Satisfied(len(table), notes)
    learned = _read(train, [TEXT, SCORE])
    truth, told = dissatisfied(learned[SCORE], train, low, high)
    shared = [name for name in learned.column_names if name in table.column_names and _is_fact(name)]
    facts = GivenFacts.of(learned, shared)
    _check_numbers(table, facts.numbers, asked)
    known = facts.matrix(learned)
    notes = [told]
    if leak := leak_in(known, truth, facts.names, seed=0):
        notes.append(
            f"The column {leak[0]} alone tells the score (AUC {leak[1]:.3f}): drop it if it was known only later."
        )
    result = train_satisfaction(_texts(learned), truth, known, facts.names)
    _write(table, result.model, texts, facts.matrix(table) if result.model.trees else None, out)
    both = 0 < truth.sum() < len(truth)
    return Satisfied(len(table), [*notes, *result.notes], result.auc(truth) if both else None)


def dissatisfied(score: pa.ChunkedArray, file: Path, low: float | None, high: float | None) -> tuple[Array, str]:
    """1 for the dissatisfied, and the rule in words: the lowest 40 % of the scale, of 0 to 10 the scores up to 6.

    Without its ends the scale is the smallest of 0-1, 1-5, 0-10, 0-100 that holds all scores. Raises `DataError`.
    """
    values = np.asarray(pc.cast(score, pa.float64()).to_numpy(zero_copy_only=False))
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"{file}: score of row {row} is {values[row]}. Give every rated text a number, or leave it out."
        )
    lowest, highest = float(values.min()), float(values.max())
    found = next((s for s in SCALES if s.low <= lowest and highest <= s.high), None)
    ends = (found.low if low is None and found else low, found.high if high is None and found else high)
    if ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
        raise DataError(f"{file}: scores reach from {lowest} to {highest}. Say the scale's ends: --low and --high.")
    scale = Scale(ends[0], ends[1])
    if (lowest, highest) != (max(lowest, scale.low), min(highest, scale.high)):
        raise DataError(
            f"{file}: scores reach from {lowest} to {highest}, beyond the scale {scale.low:g} to {scale.high:g}."
        )
    limit = NPS_BAD / 10 if (scale.low, scale.high) == (0, 10) else LOW_SHARE
    bad = np.array([unit_score(value, scale) <= limit + 1e-9 for value in values], np.float64)
    most = scale.low + limit * (scale.high - scale.low)
    unsure = (
        "" if lowest < highest or (low, high) != (None, None) else " All are equal: say the scale by --low, --high."
    )
    return bad, (
        f"Scores are read as {scale.low:g} (worst) to {scale.high:g} (best): dissatisfied is {most:g} or less, "
        f"{int(bad.sum()):,} of {len(bad):,}.{unsure}"
    )


def _read(file: Path, columns: list[str]) -> pa.Table:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{file} cannot be read as Parquet ({error}). Write it with {', '.join(columns)}.") from error
    _check_utf8(table, file)
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DataError(
            f"{file} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}. Rename or add it."
        )
    if not len(table):
        raise DataError(f"{file} has no rows. Put at least one {columns[0]} into it.")
    if not (pa.types.is_string(table[TEXT].type) or pa.types.is_large_string(table[TEXT].type)):
        raise DataError(f"{file}: text is {table[TEXT].type}, not words. Write it as strings.")
    if SCORE in columns and not _is_number(table[SCORE].type):
        raise DataError(f"{file}: score is {table[SCORE].type}, not a number. Write it as numbers.")
    return table


def _check_utf8(table: pa.Table, file: Path) -> None:
    """Raises `DataError` naming the first column of words that holds bytes which are no UTF-8: Arrow reads any."""
    for name in table.column_names:
        try:
            table[name].validate(full=True)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{file}: the column {name} is not UTF-8 ({error}). Write its words as UTF-8, without halves of "
                "surrogate pairs."
            ) from error


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _texts(table: pa.Table) -> list[str]:
    return [text or "" for text in table[TEXT].to_pylist()]


def _check_numbers(table: pa.Table, numbers: Sequence[str], file: Path) -> None:
    """Raises `DataError` where a column that is a number in the rated texts cannot be read as one here."""
    for name in numbers:
        try:
            pc.cast(table[name], pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{file}: {name} is {table[name].type} ({error}), but a number in the rated texts. Write it as numbers "
                "in both files, or leave it out."
            ) from error


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _is_fact(name: str) -> bool:
    return name not in (TEXT, SCORE) and not _is_id(name)


def _write(table: pa.Table, model: Satisfaction, texts: list[str], facts: Array | None, out: Path) -> None:
    columns = {ROW: pa.array(range(len(texts)), pa.int64())}
    columns |= {name: table[name] for name in table.column_names if _is_id(name)}
    columns[PROBABILITY] = pa.array(model.probability(texts, facts))
    columns[CAUSES] = pa.array([model.causes(text) for text in texts], pa.list_(pa.string()))
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), out)
