"""The sentences and tables of the coupon benchmark."""

from typing import Any

from benchmarks.comparison import OURS
from training.coupons import CampaignRows, CouponResult
from training.metrics import Floats, reliability

COMPARED = {"auc": "AUC", "list_auc": "AUC in a list", "recall": "Recall@{k}"}


def protocol_words(learned: list[CampaignRows], test: list[CampaignRows], last_day: float) -> str:
    """Who is judged, on what, and what the data cannot say."""
    return (
        "Pairs of a household that was sent a campaign and a coupon of that campaign; true if the household used the "
        f"coupon in that campaign. Learned from {_counts(learned)} that ended before 2017-09-01 and started after at "
        f"least 28 days of purchases; tested once on {_counts(test)} that started on 2017-09-01 or later, of which "
        f"{sum(r.campaign.end > last_day for r in test)} were still running when the data end: their truth is what "
        "was used by then. Campaign 13 ran across the split and is in neither. Inputs and yardsticks know purchases "
        "and uses of the days before a campaign's start, local time: of a running campaign, what it had brought by "
        "then. In campaigns of type A each household was sent 16 coupons picked for it, and which ones is not in the "
        "data: all of the campaign's coupons count as received, so a pair may be false because it never was. List "
        "figures are means over lists (household and campaign) with a use; equal scores count as if drawn in random "
        "order. Intervals are over households, all pairs of a household drawn together."
    )


def _counts(rows: list[CampaignRows]) -> str:
    pairs, used = sum(len(r.truth) for r in rows), sum(r.truth.sum() for r in rows)
    lists = sum(int(r.truth.reshape(-1, len(r.campaign.coupons)).any(axis=1).sum()) for r in rows)
    return f"{len(rows)} campaigns ({pairs:,} pairs, {used:.0f} used in {lists} lists)"


def table(facts: dict[str, Any], k: int) -> dict[str, Any]:
    """One row a method; Brier and ECE only where scores are probabilities."""
    names = {figure: name.format(k=k) for figure, name in COMPARED.items()}
    columns = ["", *names.values(), "Brier", "ECE", *(f"{OURS} better by, {name}" for name in names.values())]
    rows = []
    for method, found in facts.items():
        better = found.get("ours_better_by", {})
        row = [f"**{method}**" if method == OURS else method, *(f"{found[figure]:.4f}" for figure in names)]
        row += [f"{found[figure]:.5f}" if figure in found else "" for figure in ("brier", "ece")]
        row += [f"{better[figure]['text']} {better[figure]['verdict']}" if better else "" for figure in names]
        rows.append(row)
    return {"table": {"columns": columns, "rows": rows}}


def tried_words(result: CouponResult) -> str:
    """What each candidate scored walking forward through the learned campaigns, and which was taken."""
    told_scores = "; ".join(
        f"{name}: AUC {found['auc']:.4f}, log loss {found['log_loss']:.6f}"
        for name, found in result.scores.items()
        if name != "champion"
    )
    validated = ", ".join(map(str, result.validated_on))
    return (
        f"Campaigns {validated} were each predicted by what the campaigns that were over before their start teach "
        f"({told_scores}). Taken: **{result.chosen}**, the simplest that the best does not beat in log loss; "
        f"calibrated ({result.model.calibration['kind']}) on the same predictions."
    )


def importance_words(result: CouponResult) -> str:
    """The inputs that carry most of the model."""
    first = list(result.importance.items())[:10]
    of = "coefficients (standardised, by size)" if result.chosen == "line" else "gain of its trees"
    return f"What tells most, as shares of the {of}: " + ", ".join(f"{n} {s:.0%}" for n, s in first) + "."


def calibration_table(used: Floats, probabilities: dict[str, Floats]) -> dict[str, Any]:
    """Expected and seen in tenths of the pairs, from the least likely up."""
    rows = [
        [name, *(f"{100 * b['predicted']:.3f} / {100 * b['observed']:.3f}" for b in reliability(used, p))]
        for name, p in probabilities.items()
    ]
    width = max(len(row) for row in rows)
    columns = ["% expected / seen", *(f"tenth {i}" for i in range(1, width))]
    return {"table": {"columns": columns, "rows": [row + [""] * (width - len(row)) for row in rows]}}


def probability_words(facts: dict[str, Any]) -> str:
    """How the probabilities compare, and whether their mean was right."""
    sentences = []
    for name, found in facts.items():
        if "brier_better_by" in found:
            less = found["brier_better_by"]
            interval = f"{less['value']:+.5f} [{less['low']:+.5f}, {less['high']:+.5f}]"
            sentences.append(f"Brier better than that of {name} by {interval}: **{less['verdict']}**.")
        if "mean_probability" in found:
            sentences.append(f"{name} expects {found['mean_probability']:.3%}, seen {found['seen']:.3%}.")
    return " ".join(sentences)
