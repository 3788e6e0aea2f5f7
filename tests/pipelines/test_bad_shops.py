"""Shops that hardly teach anything: a simpler model with a message, or a refusal with the remedy, by the command."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.inputs.dissatisfaction import NAME, Dissatisfaction
from features.log.event_log import EventLog
from pipelines.cli import main
from pipelines.retraining import dissatisfaction as step
from tests.pipelines.test_bad_texts import LONG, MIXED, WEIRD
from tests.training.rated_texts import rated_texts
from tests.training.shops import day, events, rhythmic
from training.params import Params
from training.report import write_json

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Command = Callable[..., str]


def home_of(folder: Path, *batches: pa.Table) -> Home:
    """Its log alone, with what `prepare` would say of the moment."""
    home = Home.open(folder)
    with EventLog(home) as log:
        log.append_history(list(batches), source="test", now=NOW)
    write_json(home.models / "prepared.json", {"as_of": day(196).isoformat()})
    return home


def reviews(texts: list[str | None], scores: list[float]) -> pa.Table:
    """One after the other, by a hundred customers."""
    rows = [
        {
            "event_id": f"r{n}", "type": "feedback", "customer_id": f"c{n % 100:03d}", "source": "test",
            "occurred_at": day(195 * n / len(texts)), "received_at": day(195 * n / len(texts)), "schema_version": 1,
            "kind": "review", "text": text, "score": score,
        }
        for n, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)


def trained(home: Home) -> tuple[Dissatisfaction, dict[str, Any]]:
    """The step's files, read as serving reads them, and its report."""
    step.train(home, Params())
    report = step.report(home)
    assert report is not None
    return Dissatisfaction.load(home.models / NAME), report


def test_rated_texts_of_any_kind_teach_what_they_can(tmp_path: Path) -> None:
    rated = rated_texts(300, 1)
    odd = [text for text in WEIRD if text] * 3
    texts = [*rated.texts, *odd]
    scores = [*(1.0 if bad else 5.0 for bad in rated.truth), *(1.0 + 4 * (n % 2) for n in range(len(odd)))]
    order = [n * 7919 % len(texts) for n in range(len(texts))]
    assert len(set(order)) == len(texts)
    model, report = trained(home_of(tmp_path, reviews([texts[n] for n in order], [scores[n] for n in order])))
    assert report["chosen"] == "text" and report["metrics"]["auc"] > 0.8
    for text in (*WEIRD, MIXED, "a" * LONG):
        assert 0 <= model.judge(text or "", ()).probability <= 1


@pytest.mark.parametrize(
    ("texts", "scores", "why"),
    [
        (["fine, thanks"] * 200, [5.0] * 200, "0 of the rarer kind"),
        (["never arrived"] * 200, [1.0] * 200, "0 of the rarer kind"),
        (["late", "lovely"] * 5, [1.0, 5.0] * 5, "10 rated texts"),
        (["the same"] * 200, [1.0, 5.0] * 100, "say the same, or nothing"),
        (["."] * 200, [1.0, 5.0] * 100, "say the same, or nothing"),
        ([None, "  "] * 100, [1.0, 5.0] * 100, "0 rated texts"),
    ],
    ids=["all_content", "all_unhappy", "ten_texts", "one_text", "no_letters", "no_text"],
)
def test_texts_that_teach_nothing_leave_the_seed_words_and_the_report_says_why(
    tmp_path: Path, texts: list[str | None], scores: list[float], why: str
) -> None:
    model, report = trained(home_of(tmp_path, reviews(texts, scores)))
    assert report["chosen"] == "seed_words" and why in " ".join(report["notes"])
    assert "eed words" in step.told(report) and model.holds_from is None
    assert model.judge("Terrible, never again", ()).probability > model.judge("Kiitos, hyvä!", ()).probability


@pytest.fixture
def retrain(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`tahdikas retrain` as a person runs it; what it says when it fails."""

    def run(home: Home, as_of: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tahdikas", "--home", str(home.root), "retrain", "--as-of", as_of])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code not in (0, None), told.out
        return " ".join((told.out + told.err).split())

    return run


def faithful() -> list[tuple[str, str, str, int, float]]:
    """Sixty customers who join one after the other, and come every week from then on."""
    rows = []
    for n in range(60):
        moments = [3.0 * n + (5 + n % 4) * k + (7 * k + n) % 3 for k in range(40)]
        rows += [(f"c{n:03d}", f"o{n}-{k}", f"i{(n + k) % 9}", 700 + n, at) for k, at in enumerate(moments) if at < 199]
    return rows


@pytest.mark.slow  # a log, its snapshots and the command, twice
@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        (rhythmic(9), "Ingest more customers, or train as of a later date"),
        (faithful(), "Change churn.horizon_days in params.yaml, or train as of another date"),
    ],
    ids=["nine_customers", "nobody_leaves"],
)
def test_too_few_customers_and_one_class_are_refused_by_the_command_with_the_remedy(
    tmp_path: Path, retrain: Command, rows: list[tuple[str, str, str, int, float]], remedy: str
) -> None:
    told = retrain(home_of(tmp_path, events(rows)), "2025-07-16")
    assert remedy in told
    assert "Traceback" not in told
