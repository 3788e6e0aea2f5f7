"""Who is dissatisfied, from what they wrote: Olist's reviews and translated Finnish ones beside TF-IDF + logistic.

Olist: score 1 or 2 of 5, five folds. ScandiSent: the published split. Cold: no rated text at all, and learned from one
of the two sets, judged on the other, in another language.
"""

import sys
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from benchmarks.comparison import OURS, compare_probabilities, verdict_words
from benchmarks.data import shared_data
from benchmarks.measure import spent
from benchmarks.report import write_result
from features.customer.hold_rules import HoldRules
from features.inputs.satisfaction import Satisfaction
from training.given_facts import GivenFacts
from training.metrics import Array, auc, paired_bootstrap
from training.satisfaction import train_satisfaction

FOLDS, SEED, DRAWS = 5, 0, 2000
HOLDS = HoldRules().predicted_at
ALONE, PLAIN = f"{OURS}, text alone", "TF-IDF + logistic"
DELIVERY = (
    "order_purchase_timestamp", "order_estimated_delivery_date", "order_delivered_customer_date",
    "review_creation_date", "order_status", "order_items_qty", "order_sellers_qty",
)  # fmt: skip
Texts = list[str]


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    olist, finnish = (shared_data(f) for f in ("olist_classified", "scandisent_mt"))
    if olist is None or finnish is None:
        print("satisfaction: skipped, olist_classified or scandisent_mt is absent", file=sys.stderr)  # noqa: T201
        return False
    reviews = pq.read_table(olist / "orders_reviews_votes.parquet")
    texts = [text or "" for text in reviews["review_comment_message"].to_pylist()]
    truth = (reviews["review_score"].to_numpy() <= 2).astype(np.float64)
    with spent() as cost:
        scores = _folds(reviews, texts, truth)
    olist_table, olist_facts = compare_probabilities(truth, scores)
    alone = paired_bootstrap(scores[ALONE], scores[PLAIN], truth=truth, metric=auc, draws=DRAWS)
    learn, judge = _published_split(pq.read_table(finnish / "fi.parquet"))
    with spent() as finnish_cost:
        whole = train_satisfaction(*learn).model
        told = {OURS: whole.probability(judge[0]), PLAIN: _plain(*learn, judge[0])}
    finnish_table, finnish_facts = compare_probabilities(judge[1], told)
    right = {name: ((p > 0.5) == (judge[1] > 0.5)).astype(np.float64) for name, p in told.items()}
    accurate = paired_bootstrap(right[OURS], right[PLAIN], draws=DRAWS)
    cold = _cold({"Olist (Portuguese)": (texts, truth), "ScandiSent (English from Finnish)": judge}, learn)
    write_result(
        "satisfaction",
        title="Who is dissatisfied, from what they wrote",
        order=36,
        command="python -m benchmarks satisfaction",
        today=now.date(),
        parts=[
            {"heading": "Olist: score 1 or 2, five folds"},
            {
                "text": f"{len(texts):,} Portuguese reviews, {truth.mean():.1%} dissatisfied. Facts: when it was "
                "bought, promised, delivered and reviewed, the order's status, how many items and sellers. "
                f"Took: {cost}, yardstick included."
            },
            olist_table,
            {"text": f"{verdict_words(olist_facts)} The text alone beside the yardstick, AUC: {alone}."},
            {"heading": "ScandiSent, Finnish reviews in translation: the published split"},
            {
                "text": f"{len(learn[0]):,} to learn from, {len(judge[0]):,} judged. Accuracy at one half: "
                f"{OURS} {right[OURS].mean():.4f}, {PLAIN} {right[PLAIN].mean():.4f}, difference {accurate}. "
                f"Took: {finnish_cost}."
            },
            finnish_table,
            {"heading": "Cold start"},
            {
                "text": "AUC where the shop has no rated text of its own: seed words of seven languages alone, and a "
                "model learned from the other set, in another language. Held: by seed words, at the policy's threshold."
            },
            {
                "table": {
                    "columns": [
                        "judged on",
                        "seed words",
                        "of the dissatisfied held",
                        "of the held dissatisfied",
                        "learned from the other set",
                    ],
                    "rows": cold,
                }
            },
        ],
        facts={"olist": olist_facts, "finnish": finnish_facts, "cold": cold},
    )
    return True


def _folds(reviews: pa.Table, texts: Texts, truth: Array) -> dict[str, Array]:
    scores = {name: np.zeros(len(truth)) for name in (OURS, ALONE, PLAIN)}
    for known, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, truth):
        learn, judge = ([texts[i] for i in rows.tolist()] for rows in (known, asked))
        facts = GivenFacts.of(reviews.take(known), DELIVERY)
        matrix = facts.matrix(reviews)
        model = train_satisfaction(learn, truth[known], matrix[known], facts.names).model
        alone = Satisfaction(model.line, model.text)
        scores[ALONE][asked] = alone.probability(judge)
        scores[OURS][asked] = model.probability(judge, matrix[asked] if model.trees else None)
        scores[PLAIN][asked] = _plain(learn, truth[known], judge)
    return scores


def _plain(learn: Texts, truth: Array, judge: Texts) -> Array:
    """scikit-learn's vectoriser of words and pairs, and logistic regression, hardly regularised."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(learn, truth > 0.5)
    return np.asarray(model.predict_proba(judge)[:, 1])


def _published_split(table: pa.Table) -> tuple[tuple[Texts, Array], tuple[Texts, Array]]:
    """Texts and 1 for the dissatisfied, to learn from and to judge."""
    split = np.array(table["split"].to_pylist())
    texts, bad = table["text"].to_pylist(), 1.0 - table["label"].to_numpy()
    learn, judge = (np.flatnonzero((split == "train") == known).tolist() for known in (True, False))
    return ([texts[i] for i in learn], bad[learn]), ([texts[i] for i in judge], bad[judge])


def _cold(judged: dict[str, tuple[Texts, Array]], finnish: tuple[Texts, Array]) -> list[list[Any]]:
    (olist, on_olist), (other, on_other) = judged.items()
    lessons = {olist: finnish, other: on_olist}
    rows = []
    for name, (texts, truth) in ((olist, on_olist), (other, on_other)):
        by_seeds, learned = (
            model.probability(texts) for model in (Satisfaction(), train_satisfaction(*lessons[name]).model)
        )
        held, bad = by_seeds >= HOLDS, truth > 0.5
        shares = f"{held[bad].mean():.1%}", f"{bad[held].mean():.1%}"
        rows.append([name, f"{auc(truth, by_seeds):.3f}", *shares, f"{auc(truth, learned):.3f}"])
    return rows
