"""The step of training that learns what visitors look at next: the event log's browsing -> `home.models/sessions/`."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue import load_items
from features.home import Home
from features.inputs.newcomers import newcomers_of, with_newcomers
from features.recommenders.blend import Blend
from features.recommenders.next_views import NextViews
from features.recommenders.next_views_canaries import canaries_of
from features.recommenders.next_views_file import load_next_views, save_next_views
from features.recommenders.sequences import Ints, Items, Sequences
from pipelines.retraining.model_report import ModelReport
from training.learners import model_text
from training.next_views import Choice, K, Present, choose
from training.params import Params
from training.purchases import item_categories
from training.report import write_json
from training.retrieval import connect, item_table
from training.sessions import blocks
from training.shown_without import shown_without
from training.views import load_views

CANARIES = 8
VIEWS = "views.parquet"


def write_views(home: Home, as_of: datetime) -> None:
    """The sessions known by `as_of` -> views.parquet."""
    home.models.mkdir(parents=True, exist_ok=True)
    pq.write_table(load_views(home, as_of), home.models / VIEWS, compression="zstd")


def train_sessions(home: Home, params: Params) -> Choice:
    """views.parquet, purchases.parquet and the catalogue -> `home.models/sessions/`: report.json, and files of a model
    (docs/bundle.md) where one was chosen."""
    views = pq.read_table(home.models / VIEWS)
    sessions: list[list[str]] = views["items"].to_pylist()
    items = Items.of(sessions)
    known = Sequences.of_sessions(sessions, items)
    choice = choose(known, _present(home, params, views, items.names), seed=params.next_offer.seed)
    folder = home.models / "sessions"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    if choice.ideas is not None:
        _write_model(folder, NextViews(items.names, choice.ideas), known)
    _report(choice, len(known), _newest_block(views) if choice.metrics else None).write(folder)
    return choice


def _report(choice: Choice, sessions: int, judged_from: datetime | None) -> ModelReport:
    return ModelReport(
        model="sessions",
        figure="mrr",
        chosen=choice.chosen,
        validated_at=judged_from.isoformat() if judged_from else None,
        inputs=["browse"],
        metrics=choice.metrics | ({"sessions": float(sessions)} if choice.metrics else {}),
        compared=choice.compared,
        source_worth={"browse": vars(choice.worth)} if choice.worth else {},
        segments=choice.segments,
        notes=[choice.told],
    )


def sessions_files(home: Home) -> dict[str, Path]:
    """By name, what of it belongs into a bundle; nothing where what goes together by past sales was no worse."""
    return {path.name: path for path in sorted((home.models / "sessions").glob("sessions.*"))}


def _present(home: Home, params: Params, views: pa.Table, names: list[str]) -> Present:
    """What would be shown without sessions, by what was known when the newest block began."""

    def shown(seen: Sequence[Ints]) -> list[list[int]]:
        began = _newest_block(views)
        with connect(pq.read_table(home.models / "purchases.parquet")) as con:
            half_life = params.next_offer.half_life_days
            table = item_table(con, began, categories=item_categories(home), half_life_days=half_life)
        table = with_newcomers(table, newcomers_of(load_items(home), began.timestamp()))
        return shown_without(seen, names, table, K)

    return shown


def _newest_block(views: pa.Table) -> datetime:
    """When the block began that judges."""
    began: datetime = pc.min(views["started_at"][blocks(len(views))[-1][0] :]).as_py()
    return began


def _write_model(folder: Path, model: NextViews, known: Sequences) -> None:
    """Its files, and canaries: sessions spread over time, with what the files just written say of them."""
    trees = model.ideas.trees if isinstance(model.ideas, Blend) else None
    assert trees is None or isinstance(trees, lightgbm.Booster)
    save_next_views(folder, model, None if trees is None else model_text(trees))
    chosen = np.linspace(0, len(known) - 1, CANARIES).astype(int)
    parts = [known.take(np.array([session])).item for session in chosen.tolist()]
    write_json(folder / "canaries.json", canaries_of(load_next_views(folder), parts))
