"""`NextViews` on disk: settings as JSON, arrays, LightGBM text; docs/bundle.md is the format.

The settings of every idea are written down, so that a model goes on saying what it said when its authors change theirs.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.errors import BundleError
from features.inputs.boosters import Booster
from features.recommenders.base import Recommender
from features.recommenders.blend import Blend, Pool
from features.recommenders.next_views import Ideas, NextViews
from features.recommenders.session_facts import ITEM, SessionFacts
from features.recommenders.session_neighbours import Fades, Neighbours
from features.recommenders.session_transitions import Transitions
from features.recommenders.session_walk import Walk

SETTINGS, ARRAYS, TREES = "sessions.json", "sessions.npz", "sessions.txt"
INDEX = ("session_start", "session_item", "session_place", "item_start", "item_session", "item_place", "rarity")
_MATRIX = ("data", "indices", "indptr")
_REMEDY = "Promote again, or roll back to another bundle."

Arrays = dict[str, npt.NDArray[Any]]
Spec = dict[str, Any]


def save_next_views(folder: Path, model: NextViews, trees: str | None = None) -> None:
    """Write the files of a model; `trees` is a blend's LightGBM text. The same model gives the same bytes.

    All ideas of sessions alike must be over the same sessions: they are written once.
    """
    arrays: Arrays = {"item_id": np.array(model.names, np.str_)}
    ideas = model.ideas.pool.ideas if isinstance(model.ideas, Blend) else (model.ideas,)
    spec: Spec = {"ideas": [_taken_apart(idea, arrays) for idea in ideas]}
    if isinstance(model.ideas, Blend):
        facts = model.ideas.pool.facts
        assert isinstance(facts, SessionFacts) and trees is not None
        spec |= {"most": model.ideas.pool.most, "calibration": model.ideas.calibration}
        arrays["facts"] = facts.items
        (folder / TREES).write_text(trees, "utf-8")
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    (folder / SETTINGS).write_text(json.dumps(spec, indent=1, sort_keys=True) + "\n", "utf-8")


def load_next_views(folder: Path) -> NextViews:
    """Read what `save_next_views` wrote; raises `BundleError` for anything else.

    A truncated LightGBM file can kill the process: check the bundle's sums before.
    """
    try:
        spec = json.loads((folder / SETTINGS).read_text("utf-8"))
        with (folder / ARRAYS).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays: Arrays = dict(file)
        names: list[str] = arrays["item_id"].tolist()
        ideas = [_put_together(one, arrays, len(names)) for one in spec["ideas"]]
        return NextViews(names, _blended(folder, spec, ideas, arrays) if "most" in spec else _alone(ideas))
    except (OSError, KeyError, ValueError, TypeError, IndexError, EOFError, BadZipFile, BundleError) as error:
        raise BundleError(f"{folder / ARRAYS} has no recommender of sessions ({error!r}). {_REMEDY}") from error


def _taken_apart(idea: Recommender, arrays: Arrays) -> Spec:
    """The settings of an idea; its arrays are put to the others."""
    match idea:
        case Neighbours():
            arrays |= {name: getattr(idea, name) for name in INDEX}
            return {"kind": "neighbours", "name": idea.name, "fades": asdict(idea.fades)}
        case Transitions():
            arrays |= _rows_of(idea.name, idea.follows)
            return {"kind": "transitions", "name": idea.name, "last": idea.last, "fade": idea.fade}
        case Walk():
            arrays |= _rows_of(idea.name, idea.step)
            return {"kind": "walk", "name": idea.name, "last": idea.last, "fade": idea.fade}
    raise TypeError(f"{idea.name} has no place in a bundle. Leave it out, or write down what it is made of.")


def _put_together(spec: Spec, arrays: Arrays, items: int) -> Neighbours | Transitions | Walk:
    """The idea that `_taken_apart` took apart; raises `ValueError` where arrays do not fit together."""
    name, kind = str(spec["name"]), spec["kind"]
    if kind == "neighbours":
        return _neighbours(name, Fades(**spec["fades"]), arrays, items)
    if kind not in ("transitions", "walk"):
        raise ValueError(f"an idea of kind {kind!r} is not known")
    matrix = sparse.csr_array(tuple(arrays[f"{name}_{part}"] for part in _MATRIX), shape=(items, items))
    matrix.check_format(full_check=True)
    last, fade = int(spec["last"]), float(spec["fade"])
    return Walk(matrix, last, fade) if kind == "walk" else Transitions(name, matrix, last, fade)


def _neighbours(name: str, fades: Fades, arrays: Arrays, items: int) -> Neighbours:
    index: Arrays = {part: arrays[part] for part in INDEX}
    sessions = len(index["session_start"]) - 1
    _check_ranges(index["session_start"], index["session_item"], items)
    _check_ranges(index["item_start"], index["item_session"], sessions)
    if len(index["item_start"]) != items + 1 or len(index["rarity"]) != items:
        raise ValueError(f"its sessions are of other items than its {items} names")
    return Neighbours(name=name, fades=fades, sessions=sessions, **index)


def _check_ranges(start: npt.NDArray[Any], held: npt.NDArray[Any], below: int) -> None:
    if start[0] != 0 or (np.diff(start) < 0).any() or start[-1] != len(held):
        raise ValueError("rows begin elsewhere than told")
    if len(held) and (held.min() < 0 or held.max() >= below):
        raise ValueError(f"numbers from {held.min()} to {held.max()} where there are {below}")


def _blended(folder: Path, spec: Spec, ideas: Sequence[Recommender], arrays: Arrays) -> Blend:
    pool = Pool(tuple(ideas), SessionFacts(arrays["facts"]), int(spec["most"]))
    trees = Booster(folder / TREES)
    if trees.inputs != len(pool.names) or arrays["facts"].shape != (len(arrays["item_id"]), len(ITEM)):
        raise ValueError(f"its trees take {trees.inputs} inputs, its ideas and facts give {len(pool.names)}")
    return Blend(pool, trees, spec["calibration"])


def _alone(ideas: Sequence[Neighbours | Transitions | Walk]) -> Ideas:
    (only,) = ideas
    if not isinstance(only, Neighbours):
        raise ValueError(f"{only.name} stands alone")
    return only


def _rows_of(name: str, matrix: sparse.csr_array) -> Arrays:
    return {f"{name}_{part}": getattr(matrix, part) for part in _MATRIX}
