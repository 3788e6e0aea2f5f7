"""Keeping pandas out of processes that serve: they have no use for its seconds and megabytes."""

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("serving does without pandas", name=fullname)


def without_pandas() -> None:
    """Let pyarrow, which imports pandas at its first conversion if it can, find that it cannot."""
    if "pandas" not in sys.modules:
        finder = _NoPandas()
        sys.meta_path.insert(0, finder)
        pa.array([0])
        sys.meta_path.remove(finder)
