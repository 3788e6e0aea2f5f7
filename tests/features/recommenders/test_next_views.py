"""What a visitor looks at next: asked by names, saved and read back, and refused where its files were spoiled."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import BundleError
from features.recommenders.next_views import NextViews
from features.recommenders.next_views_canaries import canaries_of, miss
from features.recommenders.next_views_file import ARRAYS, SETTINGS, TREES, load_next_views, save_next_views
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_neighbours import Neighbours
from features.recommenders.session_views import as_looked_at
from training.blend import Lesson, fit_blend, lesson_rows
from training.learners import model_text
from training.next_views import shop_pool
from training.params import Trees

SESSIONS = [["boot", "sock", "wax"], ["boot", "sock"], ["cup", "tea"], ["cup", "tea", "sugar"], ["sock", "wax"]] * 20
ITEMS = Items.of(SESSIONS)
KNOWN = Sequences.of_sessions(SESSIONS, ITEMS)
VIEWS = [KNOWN.take(np.array([row])).item for row in range(5)]


def nearest() -> NextViews:
    return NextViews(ITEMS.names, Neighbours.fit(KNOWN, name="alike"))


def blended() -> tuple[NextViews, str]:
    """A blend of all ideas, taught what came last in each session, and the text of its trees."""
    pool = shop_pool(KNOWN)
    rows = lesson_rows(Lesson(pool, *KNOWN.before_last()))
    blend = fit_blend([rows], pool, Trees(rounds=10, min_data_in_leaf=5), seed=0)
    return NextViews(ITEMS.names, blend), model_text(blend.trees)  # type: ignore[arg-type]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_next_views(tmp_path, *blended())
    return tmp_path


def test_a_session_is_each_item_once_where_it_was_seen_last() -> None:
    of = Sequences.of_sessions([["boot", "cup", "boot", "tea"], [], ["wax", "wax"]], ITEMS)
    found = as_looked_at(of)
    assert found.owner_start.tolist() == [0, 3, 3, 4]
    assert [ITEMS.names[i] for i in found.item] == ["cup", "boot", "tea", "wax"]
    assert [ITEMS.names[i] for i in as_looked_at(of, 2).item] == ["boot", "tea", "wax"]


def test_the_next_look_changes_the_next_answer_and_nothing_seen_is_proposed() -> None:
    model = nearest()
    assert model.after(["boot"], 1) == ["sock"]
    assert model.after(["cup", "boot"], 1) == ["tea"], "the latest look counts most"
    assert not {"cup", "boot", "tea"} & set(model.after(["tea", "cup", "boot"], 9))
    assert model.after(["boot"], 9)[0] == "sock" and model.after(["boot"], 0) == []
    assert model.after(["unheard of"], 3) == model.after([], 3) == []
    assert model.after(["unheard of", "boot"], 3) == model.after(["boot"], 3)


@pytest.mark.parametrize("make", [lambda: (nearest(), None), blended], ids=["nearest", "blend"])
def test_read_back_it_says_the_same_and_saved_again_it_is_the_same_bytes(make, tmp_path: Path) -> None:
    model, trees = make()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_next_views(tmp_path / name, model, trees)
    again = load_next_views(tmp_path / "one")
    for seen in [["boot"], ["tea", "cup"], ["wax", "cup", "sock"], ["sugar"]]:
        assert again.after(seen, 9) == model.after(seen, 9)
    told = canaries_of(model, VIEWS)
    assert len(told["inputs"]) == 5 and miss(again, **told) == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_settings_are_kept_not_those_of_the_day(tmp_path: Path) -> None:
    index = Neighbours.fit(KNOWN, name="alike")
    old = NextViews(ITEMS.names, replace(index, fades=replace(index.fades, view=0.123, last=1)))
    save_next_views(tmp_path, old)
    ideas = load_next_views(tmp_path).ideas
    assert isinstance(ideas, Neighbours) and (ideas.fades.view, ideas.fades.last) == (0.123, 1)


def change(folder: Path, **arrays: object) -> None:
    with np.load(folder / ARRAYS) as file:
        kept = dict(file) | arrays
    np.savez(folder / ARRAYS, **{name: values for name, values in kept.items() if values is not None})  # type: ignore


def tell(folder: Path, **told: object) -> None:
    spec = json.loads((folder / SETTINGS).read_text())
    (folder / SETTINGS).write_text(json.dumps(spec | told))


FAULTS = {
    "no arrays": lambda f: (f / ARRAYS).unlink(),
    "torn arrays": lambda f: (f / ARRAYS).write_bytes((f / ARRAYS).read_bytes()[:900]),
    "an array less": lambda f: change(f, rarity=None),
    "fewer items": lambda f: change(f, item_id=np.array(["boot", "cup"])),
    "items beyond the last": lambda f: change(f, session_item=np.full(len(np.load(f / ARRAYS)["session_item"]), 99)),
    "sessions beyond the last": lambda f: change(f, item_session=np.full(len(np.load(f / ARRAYS)["item_place"]), 999)),
    "rows that begin elsewhere": lambda f: change(f, session_start=np.load(f / ARRAYS)["session_start"][::-1]),
    "a torn matrix": lambda f: change(f, walk_indices=np.load(f / ARRAYS)["walk_indices"] + 50),
    "facts of other items": lambda f: change(f, facts=np.zeros((2, 7))),
    "no trees": lambda f: (f / TREES).unlink(),
    "trees of another pool": lambda f: tell(f, ideas=json.loads((f / SETTINGS).read_text())["ideas"][1:]),
    "no settings": lambda f: (f / SETTINGS).unlink(),
    "torn settings": lambda f: (f / SETTINGS).write_text("{"),
    "an idea nobody knows": lambda f: tell(f, ideas=[{"kind": "oracle", "name": "x", "last": 1, "fade": 1}]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_spoiled_files_are_refused_with_the_remedy(saved: Path, fault: str) -> None:
    load_next_views(saved)
    FAULTS[fault](saved)
    with pytest.raises(BundleError, match="Promote again"):
        load_next_views(saved)


def test_canaries_notice_another_model() -> None:
    told = canaries_of(nearest(), VIEWS)
    model = nearest()
    assert isinstance(model.ideas, Neighbours)
    later = replace(model.ideas, fades=replace(model.ideas.fades, session=50.0))
    assert 0 < miss(NextViews(model.names, later), **told) < np.inf
    assert miss(NextViews(model.names[:2], model.ideas), **told) == np.inf
    first = [[*told["inputs"][0][:-1], told["inputs"][2][-1]]]
    assert miss(model, first, told["expected"][:1]) == np.inf, "another item is proposed first"
    assert miss(model, [], []) == miss(model, told["inputs"], []) == miss(model, [[None, 1.0]], [0.5]) == np.inf
