"""Reading LightGBM models and predicting with them, through LightGBM's C library alone.

`import lightgbm` brings scikit-learn, scipy and pandas along where they are installed: seconds and megabytes that a
process which only predicts has no use for. The numbers are the same: it is the same library.
"""

import ctypes
import math
import re
from collections.abc import Iterable
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import BundleError
from features.inputs.forest import Block, Forest, Ints

_TREES = re.compile(r"^(num_leaves|left_child|right_child)=(.*)$", re.MULTILINE)
_PLAIN = re.compile(rb"\nobjective=(binary sigmoid:1|regression|lambdarank)\n")  # what `told` makes of sums is known
_FLOAT64, _ROW_MAJOR, _NORMAL, _CONTRIBUTIONS, _ALL = 1, 1, 0, 3, -1


class Booster:
    """A trained model, unchangeable. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open LightGBM text; raises `BundleError`, `OSError`, `UnicodeDecodeError`.

        A truncated file can kill the process: check its sum before.
        """
        told = path.read_text("utf-8")
        _check_branches(path, told)
        self._text = text = told.encode("utf-8")
        self._handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        _call("LGBM_BoosterLoadModelFromString", text, ctypes.byref(rounds), ctypes.byref(self._handle))
        self.inputs = self._count("LGBM_BoosterGetNumFeature")
        self.is_log_odds = b"\nobjective=binary" in text
        """Whether trees add up log-odds, of which `predict` gives the probability."""
        if (classes := self._count("LGBM_BoosterGetNumClasses")) != 1:
            raise BundleError(f"{path} has {classes} classes; one number a row is needed. Train it again.")

    @cached_property
    def forest(self) -> Forest | None:
        """The same trees for many rows that share their parts; None where there is no such form of them."""
        return Forest.read(self._text.decode("utf-8")) if _PLAIN.search(self._text) else None

    def predict(self, rows: npt.NDArray[np.floating[Any]], /, *, num_threads: int = 1) -> npt.NDArray[np.float64]:
        """The model's output for each row of `[n, p]`, NaN being absent; p must be the model's number of inputs."""
        return self._predict(rows, _NORMAL, 1, num_threads)[:, 0]

    def predict_blocks(self, blocks: Iterable[Block], inputs: Ints, n: int) -> npt.NDArray[np.float64] | None:
        """What `predict` says of each of `n` rows in blocks, bit for bit, column `inputs[j]` being the input j.

        None where the trees have no such form.
        """
        if self.forest is None:
            return None
        sums, of = self.forest.sums(blocks, inputs, n)
        return self.told(sums) if of is None else self.told(sums)[of]

    def told(self, sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The model's output where its trees add up to `sums`: their number itself, or the probability it stands for.

        By the C library's `exp`, as LightGBM has it: numpy's own may differ in the last bit.
        """
        if not self.is_log_odds:
            return sums
        exp = math.exp
        return np.array([1.0 / (1.0 + exp(-z)) for z in sums.tolist()])

    def contributions(self, rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """What each input adds to the sum of the trees, [n, p + 1], the last being what they say of nobody in
        particular: LightGBM's own, TreeSHAP (Lundberg, Erion & Lee, arXiv:1802.03888).
        """
        return self._predict(rows, _CONTRIBUTIONS, self.inputs + 1, 1)

    def _predict(
        self, rows: npt.NDArray[np.floating[Any]], kind: int, width: int, num_threads: int
    ) -> npt.NDArray[np.float64]:
        """`width` numbers a row."""
        matrix = np.ascontiguousarray(rows, np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != self.inputs:
            raise BundleError(f"The model takes {self.inputs} inputs, not {matrix.shape}. Promote again.")
        found = np.empty((len(matrix), width))
        length = ctypes.c_int64()
        _call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            matrix.ctypes.data_as(ctypes.c_void_p),
            _FLOAT64,
            ctypes.c_int32(matrix.shape[0]),
            ctypes.c_int32(matrix.shape[1]),
            _ROW_MAJOR,
            kind,
            0,
            _ALL,
            f"num_threads={num_threads} verbosity=-1".encode(),
            ctypes.byref(length),
            found.ctypes.data_as(ctypes.c_void_p),
        )
        return found

    def _count(self, name: str) -> int:
        found = ctypes.c_int()
        _call(name, self._handle, ctypes.byref(found))
        return found.value

    def __del__(self) -> None:
        """Free the model's memory."""
        if getattr(self, "_handle", None):
            _library().LGBM_BoosterFree(self._handle)


def _check_branches(path: Path, text: str) -> None:
    """That every branch leads to a leaf of its tree or to a later node: LightGBM would follow others without end.

    Nodes are numbered as they were split, so that a node's branches are later than it; a leaf k is written as -1 - k.
    """
    leaves = 1
    for name, told in _TREES.findall(text):
        if name == "num_leaves":
            leaves = int(told)
        else:
            to = np.array(told.split(), np.int64)
            leads = (to >= -leaves) & ((to < 0) | (to > np.arange(len(to)))) & (to < leaves - 1)
            if len(to) != leaves - 1 or not leads.all():
                raise BundleError(f"{path} has a tree of {leaves} leaves with branches {told[:40]}... Train it again.")


@cache
def _library() -> ctypes.CDLL:
    package = find_spec("lightgbm")
    folders = list(package.submodule_search_locations or ()) if package else []
    found = [path for folder in folders for path in Path(folder, "lib").glob("lib_lightgbm.*")]
    if not found:
        raise BundleError("LightGBM's library is not installed. Run `make demo`, which sets the environment up.")
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def _call(name: str, *arguments: Any) -> None:
    library = _library()
    if getattr(library, name)(*arguments) != 0:
        raise BundleError(f"LightGBM: {library.LGBM_GetLastError().decode('utf-8', 'replace')}. Promote again.")
