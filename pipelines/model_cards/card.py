"""A model card in Markdown: what training wrote of a model beside what stays true of it. Equal reports, equal cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.model_cards import markdown
from pipelines.model_cards.about import About
from pipelines.retraining.left_out import NONE
from pipelines.retraining.model_report import ModelReport
from training.params import PromotionParams

FIGURES = {
    "auc": "AUC", "seed_words.auc": "AUC", "ndcg": "NDCG", "mrr": "MRR", "rank": "rank correlation",
}  # fmt: skip
MOST_INPUTS = 8
_ITSELF = "+0.0000 [+0.0000, +0.0000]"  # the best beside itself
SECTIONS = (
    "What it predicts", "Use", "Personal data", "Data", "Choice", "Figures", "Calibration", "What it looks at",
    "Segments", "Without a source", "What it does not know", "Gates", "Roll-back",
)  # fmt: skip
"""Headings of a card, in order. A model with a threshold has `Errors` besides; one left out has the first three."""


@dataclass(frozen=True)
class Trained:
    """One training: what prepared.json says, the limits of promotion, and the folder of pictures as a link."""

    prepared: Mapping[str, Any]
    limits: PromotionParams
    pictures: str


def card(about: About, report: ModelReport, trained: Trained) -> str:
    """The whole card."""
    parts = [f"# {about.title}\n", _summary(report)]
    parts += _section("What it predicts", about.predicts)
    parts += _section("Use", "For:", _points(about.use), "Not for:", _points(about.not_for))
    parts += _section("Personal data", about.personal)
    if report.chosen == NONE:
        return "\n".join([*parts, *_section("Without it", about.without)])
    figure = FIGURES.get(report.figure, report.figure)
    parts += _section("Data", _data(about, report, trained.prepared))
    parts += _section("Choice", _choice(about, report))
    parts += _section(
        "Figures",
        "On the window that judged; names with a point are of what the choice was compared with.\n",
        markdown.of_metrics(report.metrics),
    )
    parts += _section("Calibration", *_calibration(report, trained.pictures))
    parts += _section("What it looks at", *_importance(report, trained.pictures))
    parts += _section("Segments", _segments(report, figure))
    if report.errors:
        told = f"Of texts the model had not seen, at the threshold {markdown.number(report.metrics['threshold'])}.\n"
        parts += _section("Errors", told, markdown.of_errors(report.errors))
    parts += _section("Without a source", *_sources(about, report, figure))
    parts += _section("What it does not know", _points(about.limits))
    parts += _section("Gates", _gates(about, trained.limits))
    parts += _section("Roll-back", ROLL_BACK)
    return "\n".join(parts)


ROLL_BACK = (
    "`tahdikas rollback` puts the bundle before this one in force, with all its models; the next decision uses it. "
    "A single model is never rolled back alone."
)


def _section(heading: str, *paragraphs: str) -> list[str]:
    return [f"## {heading}\n", *(text if text.endswith("\n") else f"{text}\n" for text in paragraphs)]


def _points(sentences: Sequence[str]) -> str:
    return "".join(f"- {sentence}\n" for sentence in sentences)


def _summary(report: ModelReport) -> str:
    return "".join(f"{line}\n" for line in summary(report))


def summary(report: ModelReport) -> list[str]:
    """What was chosen, its main figure, how well it is calibrated: a line each."""
    if report.chosen == NONE:
        return [f"Not learned here: {' '.join(report.notes)}"]
    name, value = FIGURES.get(report.figure, report.figure), report.metrics.get(report.figure)
    whole = next((row for row in report.segments if row["segment"] == "all" and row["value"] is not None), None)
    told = markdown.interval(whole) if whole else markdown.number(value)
    lines = [f"Chosen: {report.chosen}. {name} {told}."]
    if report.metrics.get("ece") is not None:
        brier, error = (markdown.number(report.metrics.get(key)) for key in ("brier", "ece"))
        lines.append(f"Brier {brier}, calibration error {error}.")
    return lines


def _data(about: About, report: ModelReport, prepared: Mapping[str, Any]) -> str:
    known = f"Everything received by {prepared['as_of'][:10]}, nothing later."
    if report.validated_at is None:
        return f"{known} There was too little of it to judge by."
    start = datetime.fromisoformat(report.validated_at)
    end = datetime.fromisoformat(prepared["as_of"])
    if about.window:
        end = start + timedelta(days=int(prepared[about.window]))
    judged = f"Judged on {start:%Y-%m-%d} to {end:%Y-%m-%d}, the newest window whose truth is known"
    if not about.cutoffs:
        return f"{known} {judged}; learned from what came before it, then from all."
    learned = [moment[:10] for moment in prepared[about.cutoffs]]
    older = f" and {len(learned) - 1} before it, the oldest from {learned[-1]} on" if len(learned) > 1 else ""
    return f"{known} {judged}; learned from that window{older}."


def _choice(about: About, report: ModelReport) -> str:
    compared = "".join(
        f"- {markdown.words(n)}: {told}\n" for n, told in report.compared.items() if told != _ITSELF and n != "note"
    )
    heading = "\nDifferences, paired, with 95 % intervals:\n\n" if compared else ""
    notes = "".join(f"\n{note}\n" for note in report.notes)
    return f"**{report.chosen}**: {about.rule}.\n{heading}{compared}{notes}"


def _calibration(report: ModelReport, pictures: str) -> list[str]:
    if not report.reliability:
        return ["Its scores put things in order; they are no probabilities, so there is nothing to calibrate."]
    picture = f"![predicted and observed]({pictures}/{report.model}_calibration.png)\n"
    return [picture, markdown.of_bins(report.reliability)]


def _importance(report: ModelReport, pictures: str) -> list[str]:
    shares = sorted(report.importance.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_INPUTS]
    shares = [(name, share) for name, share in shares if share > 0]
    if not shares:
        return [f"{', '.join(report.inputs)}; shares are not told of this model."]
    picture = f"![shares of inputs]({pictures}/{report.model}_importance.png)\n"
    return [picture, markdown.table(["input", "share"], [[f"`{n}`", markdown.number(s)] for n, s in shares])]


def _segments(report: ModelReport, figure: str) -> str:
    if not report.segments:
        return "Too little to tell anything by segment."
    return markdown.of_segments(report.segments, figure, bool(report.reliability))


def _sources(about: About, report: ModelReport, figure: str) -> list[str]:
    told = about.without
    if about.fallback and report.metrics.get(about.fallback) is not None:
        told += f" On the same window that has {figure} {markdown.number(report.metrics[about.fallback])}."
    return [told, markdown.of_sources(report.source_worth, figure)] if report.source_worth else [told]


def _gates(about: About, limits: PromotionParams) -> str:
    """Limits of `promotion` that speak of this model."""
    told = limits.model_dump()
    known = [name for name in about.gates if name in told]
    rows = markdown.table(["promotion", "limit"], [[f"`{name}`", f"{told[name]:g}"] for name in known])
    return f"What `tahdikas promote` asks of it; all gates are in [models.md](../models.md).\n\n{rows}"
