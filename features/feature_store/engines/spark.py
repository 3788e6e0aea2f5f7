"""Spark: batch features on many machines, or on one for tests, from the same expressions as on DuckDB.

Nothing that grows with customers comes to this process: Spark reads the Parquet files and writes the parts. On a
cluster, files and folders therefore lie where every machine sees them under the same path.
"""

import itertools
import re
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from features.feature_store.batch import TIME, compute
from features.feature_store.engines.spark_session import SparkSettings, spark_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_GLOB = re.compile(r"([\[\]{}*?\\])")


class SparkEngine:
    """One Spark session, from the making of this object to its `close`."""

    name = "spark"

    def __init__(self, settings: SparkSettings) -> None:
        self._open = ExitStack()
        self.session = self._open.enter_context(spark_session(settings))
        self.connection = ibis.pyspark.connect(self.session)
        self._views = itertools.count()

    def parquet(self, files: Sequence[Path], empty: Any) -> Any:
        """See `Engine`."""
        return self.table(self.read(files, empty))

    def compute(self, events: Any, links: Any, items: Any | None, cutoffs: Sequence[datetime], *, presence: Any) -> Any:
        """See `Engine`."""
        return compute(events, links, items, cutoffs, presence=presence)

    def write(self, expression: Any, folder: Path, *, order_by: Sequence[str] = ()) -> None:
        """See `Engine`; as many parts as Spark's last stage had tasks."""
        self.write_frame(self.frame(expression), folder, order_by=order_by)

    def rows(self, expression: Any) -> list[dict[str, Any]]:
        """See `Engine`."""
        found: list[dict[str, Any]] = self.frame(expression).toArrow().to_pylist()
        return found

    def close(self) -> None:
        """See `Engine`."""
        self._open.close()

    def read(self, files: Sequence[Path], empty: pa.Table) -> "DataFrame":
        """The rows of Parquet files as Spark has them, without columns made of the folders' names.

        Where `empty` names columns, they are taken as it says and no file is opened to ask.
        """
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.sql.types import StructType

        schema = from_arrow_schema(empty.schema) if empty.column_names else StructType()
        if not files:
            return self.session.createDataFrame([], schema)
        reader = self.session.read.option("recursiveFileLookup", "true")
        if empty.column_names:
            reader = reader.schema(schema)
        return reader.parquet(*(_GLOB.sub(r"\\\1", str(file)) for file in files))

    def table(self, frame: "DataFrame") -> Any:
        """Spark's rows as an Ibis table."""
        view = f"tahdikas_{next(self._views)}"
        frame.createOrReplaceTempView(view)
        table = self.connection.table(view)
        instants = [name for name, kind in frame.dtypes if kind == "timestamp"]
        return table.mutate(**{name: table[name].cast(TIME) for name in instants})  # Ibis forgets the zone, Spark not

    def frame(self, expression: Any) -> "DataFrame":
        """An Ibis expression as Spark has it; nothing runs yet."""
        view = f"tahdikas_{next(self._views)}"
        self.connection.create_view(view, expression)
        return self.session.table(view)

    def write_frame(self, frame: "DataFrame", folder: Path, *, order_by: Sequence[str] = ()) -> None:
        """Write Spark's rows as Parquet parts into a folder, in this order over all parts."""
        ordered = frame.orderBy(*order_by) if order_by else frame
        ordered.write.mode("append").parquet(str(folder))
        for checksum in folder.glob(".*.crc"):  # Hadoop's own, beside every part; Parquet has its own
            checksum.unlink()
