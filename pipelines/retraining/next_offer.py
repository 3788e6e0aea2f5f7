"""The step that learns what she buys next: purchases and the catalogue -> `home.models/next_offer/`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import load_items
from features.columns import CUSTOMER_ID
from features.favourites import Rhythm
from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS
from features.inputs.newcomers import newcomers_of, with_newcomers
from pipelines.retraining.files import flat, fresh, prepared_of, write_model
from pipelines.retraining.model_report import ModelReport
from training.browsing import load_browsing
from training.favourites import learn_rhythm
from training.languages import load_languages
from training.metrics import Array, Difference
from training.offer_sources import offer_source_worth
from training.params import Params
from training.purchases import item_categories
from training.ranker import NAMES, OfferResult, OfferRows, offer_rows, to_learn_from
from training.ranker import train_offers as fit_offers
from training.report import write_json
from training.retrieval import bought_between, connect, histories, item_table
from training.seasons import learn_seasons
from training.segments import Masks, list_segments, segments_of
from training.split import drawn

RANKER = "ranker"
NO_RANKER = "A simple rule of purchases alone is in force: it loses nothing where another source is missing."
EVIDENCE_CUSTOMERS = 2000  # of the offer window, kept to compare a later champion with


def train_next_offer(home: Home, params: Params) -> OfferResult:
    """prepared.json, purchases.parquet and the catalogue -> `home.models/next_offer/`, the item table included."""
    prepared = prepared_of(home)
    as_of, told = datetime.fromisoformat(prepared["as_of"]), params.next_offer
    categories, items = item_categories(home), load_items(home)
    groups: list[OfferRows] = []
    rhythm: Rhythm | None = None  # of the newest window
    with connect(pq.read_table(home.models / "purchases.parquet")) as con:
        for text in prepared["offer_cutoffs"]:
            cutoff = datetime.fromisoformat(text)
            table = item_table(con, cutoff, categories=categories, half_life_days=told.half_life_days)
            table = with_newcomers(table, newcomers_of(items, cutoff.timestamp()))
            customers, bought = histories(con, cutoff, table)
            taken = np.flatnonzero(drawn(np.array(customers, dtype=np.str_), told.most_customers))
            customers, bought = [customers[row] for row in taken.tolist()], bought.take(taken)
            end = cutoff + timedelta(days=told.window_days)
            truth = bought_between(con, customers, table, cutoff, end, as_of)
            rows = offer_rows(customers, bought, table, cutoff, truth)
            groups.append(to_learn_from(rows) if groups else rows)  # the newest judges too
            rhythm = rhythm or learn_rhythm(con, table, cutoff, told.window_days)
        result = fit_offers(groups, told)
        table = item_table(con, as_of, categories=categories, half_life_days=told.half_life_days)
        table = with_newcomers(table, newcomers_of(items, as_of.timestamp()))
        seasons = learn_seasons(con, as_of, categories)
    folder = fresh(home.models / "next_offer")
    table.save(folder / "items.npz")
    seasons.save(folder / "seasons.npz")
    write_json(folder / "rhythm.json", vars(rhythm))
    write_model(folder, "ranker", result.fitted, result.calibration, NAMES, groups[0].frame.inputs)
    newest = groups[0]
    who = np.array(newest.customers, dtype=np.str_)
    languages, browses = (load(home, who, newest.cutoff) for load in (load_languages, load_browsing))
    known = {"orders": newest.orders, "language": languages, "browses": browses}
    _write_offer_evidence(folder, result, newest, told.k, known)
    worth = offer_source_worth(groups, told) if result.chosen == RANKER else {}
    _report(result, worth, segments_of(newest.orders, languages, browses)).write(folder)
    return result


def _report(result: OfferResult, worth: Mapping[str, Difference], segments: Masks) -> ModelReport:
    ours = result.lists[result.chosen]
    return ModelReport(
        model="next_offer",
        figure="ndcg",
        chosen=result.chosen,
        validated_at=result.validated_at.isoformat(),
        inputs=NAMES,
        metrics=flat(result.scores) | {"candidate_recall": result.candidate_recall},
        compared={"ranker_less_best_baseline": str(result.difference)},
        reliability=result.reliability,
        importance=result.importance,
        source_worth={name: vars(one) for name, one in worth.items()},
        segments=list_segments(
            ours.ndcg, ours.customer, result.truth, result.probability, result.calibrated_customer, segments
        ),
        notes=[] if result.chosen == RANKER else [NO_RANKER],
    )


def _write_offer_evidence(
    folder: Path, result: OfferResult, newest: OfferRows, k: int, known: Mapping[str, Array]
) -> None:
    """evidence.parquet: NDCG per customer who bought, and what is `known` of her (`[customers]`, by column);
    candidates.parquet: rows to score another model on.
    """
    ours = result.lists[result.chosen]
    names = np.array(newest.customers, dtype=np.str_)[ours.customer]
    evidence = {
        CUSTOMER_ID: names.tolist(),
        "ndcg": ours.ndcg,
        "baseline": result.lists[result.best_baseline].ndcg,
        "k": np.full(len(names), k),
        **{name: column[ours.customer] for name, column in known.items()},
    }
    pq.write_table(pa.table(evidence), folder / "evidence.parquet", compression="zstd")
    pq.write_table(
        pa.table({"truth": result.truth, "probability": result.probability}),
        folder / "calibrated.parquet",
        compression="zstd",
    )
    kept = np.isin(newest.frame.customer, ours.customer[:EVIDENCE_CUSTOMERS])
    frame = {
        "customer": newest.frame.customer[kept],
        "item": newest.frame.item[kept],
        "recent_buyers": newest.recent_buyers[newest.frame.item[kept]],
        **{f"input_{name}": newest.frame.inputs[kept, j] for j, name in enumerate(CANDIDATE_INPUTS)},
    }
    pq.write_table(pa.table(frame), folder / "candidates.parquet", compression="zstd")
    who = np.isin(newest.bought[0], ours.customer[:EVIDENCE_CUSTOMERS])
    truth = {"customer": newest.bought[0][who], "item": newest.bought[1][who]}
    pq.write_table(pa.table(truth), folder / "bought.parquet", compression="zstd")
