"""A Spark session set up as features need it: on this machine's cores, or on a cluster by its master's address."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import DataError
from features.feature_store.engines.spark_java import REMEDY, java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGING = """rootLogger.level = error
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
"""
_REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.parser.quotedRegexColumnNames": "true",  # Feast sets it: let nothing behave differently without Feast
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
"""What values rest on; `conf` cannot change these."""

_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


@dataclass(frozen=True)
class SparkSettings:
    """Where Spark runs. `master` is `local[n]` for n cores of this machine, or a cluster's address.

    `memory_gb` bounds the driver, which on a `local` master does all the work. `scratch` is a folder for what is
    spilled (None: the system's temporary folder); `java` a Java home to use (None: found); `conf` further settings.
    """

    master: str = "local[2]"
    memory_gb: float | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    scratch: Path | None = None
    java: Path | None = None

    @property
    def local(self) -> bool:
        """Whether everything runs on this machine."""
        return self.master.startswith("local")


@contextmanager
def spark_session(settings: SparkSettings) -> Iterator["SparkSession"]:
    """A session for as long as the block lasts; its scratch files go with it.

    Raises `DataError` without the extra `spark`, or without a Java, if settings contradict what values rest on, or if
    another session runs in this process, which would lend its own settings.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise DataError(f"Spark is not installed. {REMEDY}, or set the engine to duckdb.") from error
    if SparkSession.getActiveSession() is not None:
        raise DataError("A Spark session already runs in this process. Close it first, or use that one.")
    if settings.scratch is not None:
        settings.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="tahdikas-spark-", dir=settings.scratch))
    try:
        with _environment(_variables(settings, scratch)):
            builder = SparkSession.builder.master(settings.master).appName("tahdikas")
            session = builder.config(map=dict(configuration(settings, scratch))).getOrCreate()
        try:
            yield session
        finally:
            session.stop()
            _end_java()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def configuration(settings: SparkSettings, scratch: Path) -> dict[str, str]:
    """All of Spark's settings for ours; raises `DataError` where `conf` contradicts one that values rest on."""
    for name, value in _REQUIRED.items():
        if settings.conf.get(name, value) != value:
            raise DataError(f"spark_conf sets {name} to {settings.conf[name]!r}; features need {value!r}. Remove it.")
    logging = scratch / "log4j2.properties"
    logging.write_text(_LOGGING)
    chosen = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
    }
    if settings.local:
        chosen |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        chosen["spark.sql.shuffle.partitions"] = "8"  # 200, the default, is meant for clusters
    if settings.memory_gb is not None:
        chosen["spark.driver.memory"] = f"{max(512, round(settings.memory_gb * 1024))}m"
    java = f"-Dlog4j2.configurationFile={logging.as_uri()} -Dderby.system.home={scratch}"
    java = f"{java} {settings.conf.get(_JAVA_OPTIONS, '')}".rstrip()
    return chosen | dict(settings.conf) | _REQUIRED | {_JAVA_OPTIONS: java}


def _variables(settings: SparkSettings, scratch: Path) -> dict[str, str]:
    home = java_home(scratch, installed=settings.java)
    told = {"JAVA_HOME": str(home), "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    return told | ({"SPARK_LOCAL_IP": "127.0.0.1"} if settings.local else {})


def _end_java() -> None:
    """Spark keeps its Java running after the session, with its memory and sockets; the next one starts its own."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return
    process = getattr(gateway, "proc", None)
    gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    if process is not None:
        process.stdin.close()
        process.wait(timeout=60)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Spark's launcher reads these from the environment alone; they are taken back once it has started."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
