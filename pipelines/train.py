"""Training, step by step: each step reads and writes named files under `home.models`, so that DVC reruns what changed.

`prepare` (log -> purchases, sessions, snapshots) -> `train_churn`, `train_next_offer`, `train_sessions` (-> model
files, evidence) -> `evaluate` (-> metrics.json, figures, MLflow). `retrain` runs them all. The same files give the
same bytes.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue import load_items
from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.errors import DataError
from features.favourites import Rhythm
from features.feature_store.quality.reference import write_profile
from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS
from features.inputs.frame import customer_inputs, to_columns
from features.inputs.newcomers import newcomers_of, with_newcomers
from features.inputs.scoring import Spec, read_model
from features.log.event_log import EventLog
from pipelines import train_dissatisfaction
from pipelines.materialize import build_snapshots
from pipelines.quality import PROFILE, REPORT, check_training
from pipelines.train_sessions import sessions_report, sessions_run, train_sessions, write_views
from training.churn import ChurnResult, ChurnRows
from training.churn import train_churn as fit_churn
from training.favourites import learn_rhythm
from training.labels import horizon_days, lapsed
from training.learners import Fitted, model_text
from training.params import Params
from training.purchases import item_categories, load_purchases
from training.ranker import NAMES, OfferResult, OfferRows, offer_rows
from training.ranker import train_offers as fit_offers
from training.registry import ModelRun, log_training
from training.report import write_drift, write_figures, write_json
from training.retrieval import bought_between, connect, histories, item_table
from training.seasons import learn_seasons
from training.short_history import is_short
from training.source_worth import SOURCES
from training.split import cutoffs

Progress = Callable[[int], None]
CANARIES = 8
EVIDENCE_CUSTOMERS = 2000  # of the offer window, kept to compare a later champion with


@dataclass(frozen=True)
class RetrainReport:
    """What a retraining did: the moment it knew, the models chosen, flat metrics, and where MLflow has it.

    `source_worth` has, per source that tells something here, the churn AUC that is lost without it (value, low, high:
    a paired 95 % interval); `missing` names the sources that tell nothing here. `quality` is
    what the checks of the data found (`QualityReport.to_json`), `dissatisfaction` the report of that model.
    `sessions` says by what visitors are shown things within a session, and how that was chosen.
    """

    as_of: datetime
    horizon_days: int
    cutoffs: int
    chosen: dict[str, str]
    metrics: dict[str, float]
    source_worth: dict[str, dict[str, float]]
    missing: list[str]
    mlflow: dict[str, Any]
    models: Path
    quality: dict[str, Any]
    dissatisfaction: dict[str, Any] | None = None
    sessions: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "cutoffs": self.cutoffs,
            "chosen": self.chosen,
            "metrics": self.metrics,
            "source_worth": self.source_worth,
            "missing": self.missing,
            "mlflow": self.mlflow,
            "models": str(self.models),
            "quality": self.quality,
            "dissatisfaction": self.dissatisfaction,
            "sessions": self.sessions,
        }

    def __str__(self) -> str:
        m = self.metrics
        return (
            f"Trained as of {self.as_of:%Y-%m-%d} (churn = no purchase in {self.horizon_days} days).\n"
            f"churn: {self.chosen['churn']}, AUC {m['churn.auc']:.3f}, Brier {m['churn.brier']:.3f}, calibration error "
            f"{m['churn.ece']:.3f} (recency alone: AUC {m['churn.recency.auc']:.3f})\n"
            f"next offer: {self.chosen['next_offer']}, NDCG@k {m['next_offer.ndcg']:.3f}, recall@k "
            f"{m['next_offer.recall']:.3f} (personal + popular: {m['next_offer.personal_popular.ndcg']:.3f}, "
            f"{m['next_offer.personal_popular.recall']:.3f})\n"
            f"within a session: {self.sessions}\n"
            f"{train_dissatisfaction.told(self.dissatisfaction) if self.dissatisfaction else ''}"
            f"{self._sources()}"
            f"{self._data()}"
            f"Models in {self.models}; not in force until: tahdikas promote"
        )

    def _data(self) -> str:
        """What the checks of the data found."""
        told, judged = self.quality, sum(one["psi"] is not None for one in self.quality["features"])
        against = (
            f"{judged} features compared with {told['compared_with']}" if told["compared_with"] else "first snapshot"
        )
        found = "".join(f"  {one['severity']} {one['name']}: {one['message']}\n" for one in told["findings"])
        return f"data: {against}; {len(told['findings']) or 'no'} findings\n{found}"

    def _sources(self) -> str:
        """What each source is worth, and what those that are missing may cost."""
        told = "".join(
            f"  without {name}: churn AUC {-w['value']:+.4f} [{-w['high']:+.4f}, {-w['low']:+.4f}]\n"
            for name, w in sorted(self.source_worth.items(), key=lambda pair: -pair[1]["value"])
        )
        missing = (
            f"Missing here: {', '.join(self.missing)}; docs/models.md says what each is worth where it is there.\n"
        )
        return told + (missing if self.missing else "")


def retrain(home: Home, as_of: datetime | None, params: Params, *, progress: Progress | None = None) -> RetrainReport:
    """Train everything from the event log with what was known at `as_of` (None: the one of `params`).

    `progress` is called with the number of steps done, of four. Raises `DataError` where the history is too short, or
    too few customers or repeat purchases are in it.
    """
    say = progress or (lambda _: None)
    prepare(home, as_of, params)
    say(1)
    train_churn(home, params)
    say(2)
    train_next_offer(home, params)
    say(3)
    train_dissatisfaction.train(home, params)
    train_sessions(home, params)
    report = evaluate(home, params)
    say(4)
    return report


def resolve_as_of(home: Home, text: str = "auto") -> datetime:
    """A date as its 00:00 UTC; "auto" is the 00:00 UTC after the newest purchase, so that nothing known is left out."""
    if text != "auto":
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    newest: datetime = pc.max(load_purchases(home)["occurred_at"]).as_py()
    return (newest + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def prepare(home: Home, as_of: datetime | None, params: Params) -> None:
    """Live events to the lake, feature snapshots at the churn cutoffs; writes
    purchases.parquet, prepared.json and snapshots.json.
    """
    with EventLog(home) as log:
        log.flush_live()
        fingerprint = log.fingerprint()
    moment = as_of or resolve_as_of(home, params.as_of)
    lines = load_purchases(home)
    known = pc.and_(
        pc.less(lines["occurred_at"], pa.scalar(moment, lines.schema.field("occurred_at").type)),
        pc.less_equal(lines["received_at"], pa.scalar(moment, lines.schema.field("received_at").type)),
    )
    lines = lines.filter(known)
    if not len(lines):
        raise DataError(f"No purchase was known by {moment:%Y-%m-%d}. Ingest events, or train as of a later date.")
    first: datetime = pc.min(lines["occurred_at"]).as_py()
    with connect(lines) as con:
        told = params.churn.horizon_days
        horizon = horizon_days(con, moment) if told == "auto" else told
    churn = cutoffs(
        moment, first, window_days=horizon, step_days=params.churn.step_days,
        count=params.churn.cutoffs, min_history_days=params.churn.min_history_days,
    )  # fmt: skip
    window = params.next_offer.window_days
    offers = cutoffs(
        moment, first, window_days=window, step_days=window,
        count=params.next_offer.cutoffs, min_history_days=params.next_offer.min_history_days,
    )  # fmt: skip
    young = [moment] if is_short(first, churn[0], horizon) else []
    snapshots = build_snapshots(home, [*churn, *young])
    write_views(home, moment)
    home.models.mkdir(parents=True, exist_ok=True)
    pq.write_table(lines, home.models / "purchases.parquet", compression="zstd")
    write_json(
        home.models / "prepared.json",
        {
            "as_of": moment.isoformat(),
            "as_of_named": as_of is not None or params.as_of != "auto",
            "horizon_days": horizon,
            "churn_cutoffs": [c.isoformat() for c in churn],
            "level_drawn_at": [c.isoformat() for c in young],
            "offer_cutoffs": [c.isoformat() for c in offers],
            "offer_window_days": window,
            "log_fingerprint": fingerprint,
        },
    )
    # Apart, because only what learns from snapshots need notice that a feature changed.
    write_json(
        home.models / "snapshots.json", {f"{s.kind} {s.cutoff:%Y-%m-%d}": s.manifest.fingerprint for s in snapshots}
    )


def train_churn(home: Home, params: Params) -> ChurnResult:
    """prepared.json, purchases.parquet and the snapshots -> `home.models/churn/`, with what the data was like.

    Raises `DataError`, and leaves everything as it was, where a check of the data stops training.
    """
    from training.dataset import load_training_set  # Feast: six seconds of import, only where needed

    prepared = _prepared(home)
    as_of, horizon = datetime.fromisoformat(prepared["as_of"]), int(prepared["horizon_days"])
    moments = [datetime.fromisoformat(c) for c in prepared["churn_cutoffs"]]
    quality, profile = check_training(home, moments, as_of, params.quality, named=prepared.get("as_of_named", False))
    young = [datetime.fromisoformat(c) for c in prepared["level_drawn_at"]]
    frame = load_training_set("churn_v1", home=home, cutoffs=[*moments, *young])
    frame = frame[frame["last_purchase_at"].notna()].sort_values([EVENT_TIMESTAMP, CUSTOMER_ID], kind="stable")
    groups = []
    with connect(pq.read_table(home.models / "purchases.parquet")) as con:
        for cutoff in moments:
            rows = frame[frame[EVENT_TIMESTAMP] == cutoff].reset_index(drop=True)
            names, inputs = customer_inputs(to_columns(rows), np.full(len(rows), cutoff.timestamp()))
            customers = rows[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
            truth = lapsed(con, customers.tolist(), cutoff, horizon, as_of)
            groups.append(ChurnRows(cutoff, customers, inputs, truth))
    today = None
    for moment in young:
        rows = frame[frame[EVENT_TIMESTAMP] == moment]
        today = customer_inputs(to_columns(rows), np.full(len(rows), moment.timestamp()))[1]
    result = fit_churn(groups, names, horizon, params.churn, today)
    folder = _fresh(home.models / "churn")
    newest = groups[0]
    _write_model(folder, "churn", result.fitted, result.calibration, names, newest.inputs)
    evidence = {
        CUSTOMER_ID: newest.customers.tolist(),
        "truth": newest.truth,
        "probability": result.probability,
        "baseline": result.baseline,
        "orders": np.expm1(newest.inputs[:, names.index("log_purchase_count_total")]).round(),
    }
    columns = {f"input_{name}": newest.inputs[:, j] for j, name in enumerate(names)}
    pq.write_table(pa.table(evidence | columns), folder / "evidence.parquet", compression="zstd")
    compared = {f"{n}_auc_behind": str(d) for n, d in result.differences.items()}
    _write_report(folder, result, names, compared | ({"note": result.note} if result.note else {}))
    write_json(folder / REPORT, quality.to_json())
    write_profile(folder / PROFILE, profile)
    return result


def train_next_offer(home: Home, params: Params) -> OfferResult:
    """prepared.json, purchases.parquet and the catalogue -> `home.models/next_offer/`, the item table included."""
    prepared = _prepared(home)
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
            end = cutoff + timedelta(days=told.window_days)
            truth = bought_between(con, customers, table, cutoff, end, as_of)
            groups.append(offer_rows(customers, bought, table, cutoff, truth))
            rhythm = rhythm or learn_rhythm(con, table, cutoff, told.window_days)
        result = fit_offers(groups, told)
        table = item_table(con, as_of, categories=categories, half_life_days=told.half_life_days)
        table = with_newcomers(table, newcomers_of(items, as_of.timestamp()))
        seasons = learn_seasons(con, as_of, categories)
    folder = _fresh(home.models / "next_offer")
    table.save(folder / "items.npz")
    seasons.save(folder / "seasons.npz")
    write_json(folder / "rhythm.json", vars(rhythm))
    _write_model(folder, "ranker", result.fitted, result.calibration, NAMES, groups[0].frame.inputs)
    _write_offer_evidence(folder, result, groups[0], told.k)
    _write_report(folder, result, NAMES, {"ranker_less_best_baseline": str(result.difference)})
    return result


def evaluate(home: Home, params: Params) -> RetrainReport:
    """The two reports -> metrics.json, figures, and a run in MLflow (mlflow.json)."""
    prepared = _prepared(home)
    reports = {name: _read(home.models / name / "report.json") for name in ("churn", "next_offer")}
    reports["sessions"] = sessions_report(home)
    metrics = {f"{name}.{key}": value for name, r in reports.items() for key, value in r["metrics"].items()}
    mood = train_dissatisfaction.report(home)
    metrics |= {f"dissatisfaction.{key}": value for key, value in mood["metrics"].items()} if mood else {}
    write_json(home.models / "metrics.json", metrics)
    figures = home.models / "figures"
    if figures.exists():
        shutil.rmtree(figures)
    quality = _read(home.models / "churn" / REPORT)
    drifts = write_drift(figures, quality["features"], params.quality.warn_psi, params.quality.max_psi)
    runs = []
    for name, section in (("churn", params.churn), ("next_offer", params.next_offer)):
        folder, report = home.models / name, reports[name]
        pictures = write_figures(figures, name, report["reliability"], report["importance"])
        pictures += drifts if name == "churn" else []
        files = sorted(p.name for p in folder.iterdir() if p.suffix in (".json", ".txt", ".npz"))
        told = {k: v for k, v in section.model_dump(mode="json").items() if k != "trees"} | section.trees.model_dump()
        runs.append(ModelRun(name, folder, files, told | {"chosen": report["chosen"]}, report["metrics"], pictures))
    runs += sessions_run(home)
    tags = {"as_of": prepared["as_of"], "log_fingerprint": prepared["log_fingerprint"]}
    logged = log_training(
        home,
        name=f"retrain {prepared['as_of'][:10]}",
        params={"horizon_days": prepared["horizon_days"], "as_of": prepared["as_of"]},
        tags=tags,
        models=runs,
    )
    write_json(home.models / "mlflow.json", logged)
    return RetrainReport(
        as_of=datetime.fromisoformat(prepared["as_of"]),
        horizon_days=int(prepared["horizon_days"]),
        cutoffs=len(prepared["churn_cutoffs"]),
        chosen={name: r["chosen"] for name, r in reports.items()},
        metrics=metrics,
        source_worth=reports["churn"]["source_worth"],
        missing=[name for name in SOURCES if name not in reports["churn"]["source_worth"]],
        mlflow=logged,
        models=home.models,
        quality=quality,
        dissatisfaction=mood,
        sessions=reports["sessions"]["told"],
    )


def _write_model(folder: Path, name: str, fitted: Fitted, calibration: Spec, names: Sequence[str], rows: Any) -> None:
    """Model files, and canaries: rows spread over the scores, with what the files just written give for them."""
    write_json(folder / f"{name}.json", fitted.spec)
    write_json(folder / f"{name}_calibration.json", calibration)
    for file, booster in fitted.boosters.items():
        (folder / file).write_text(model_text(booster), "utf-8")
    model = read_model(folder, name)
    probability = model.probability(rows, names)
    chosen = np.argsort(probability, kind="stable")[np.linspace(0, len(rows) - 1, CANARIES).astype(int)]
    inputs = [[None if v != v else v for v in row] for row in rows[chosen].astype(np.float64).tolist()]
    write_json(folder / "canaries.json", {"inputs": inputs, "expected": probability[chosen].tolist()})


def _write_report(
    folder: Path, result: ChurnResult | OfferResult, names: Sequence[str], compared: dict[str, str]
) -> None:
    """report.json: what was chosen among what, the flat metrics of the choice, and the points of the figures."""
    champion = result.scores["champion"]
    others = {f"{c}.{k}": v for c, s in result.scores.items() if c != "champion" for k, v in s.items()}
    extra: dict[str, float] = {}
    sources: dict[str, dict[str, float]] = {}
    if isinstance(result, OfferResult):
        extra = {"candidate_recall": result.candidate_recall}
    else:
        sources = {name: vars(worth) for name, worth in result.source_worth.items()}
    write_json(
        folder / "report.json",
        {
            "chosen": result.chosen,
            "validated_at": result.validated_at.isoformat(),
            "inputs": list(names),
            "metrics": champion | others | extra,
            "compared": compared,
            "source_worth": sources,
            "reliability": result.reliability,
            "importance": result.importance,
        },
    )


def _write_offer_evidence(folder: Path, result: OfferResult, newest: OfferRows, k: int) -> None:
    """evidence.parquet: NDCG per customer who bought; candidates.parquet: rows to score another model on."""
    ours = result.lists[result.chosen]
    names = np.array(newest.customers, dtype=np.str_)[ours.customer]
    evidence = {
        CUSTOMER_ID: names.tolist(),
        "ndcg": ours.ndcg,
        "baseline": result.lists[result.best_baseline].ndcg,
        "k": np.full(len(names), k),
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


def _prepared(home: Home) -> dict[str, Any]:
    return _read(home.models / "prepared.json")


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise DataError(f"{path} is not there: nothing was trained in this folder yet. Run: tahdikas retrain")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _fresh(folder: Path) -> Path:
    """An empty folder: files of an earlier kind of model must not stay."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder
