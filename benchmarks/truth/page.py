"""The page's parts of `benchmarks/shop_truth.py`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.comparison import OURS
from benchmarks.measure import Spent, verdict
from benchmarks.tact.differences import over_shops
from benchmarks.truth import leaving, moved, unhappy
from training.metrics import Difference

Facts = Mapping[str, Any]
Parts = list[dict[str, Any]]


def parts_of(
    shops: Sequence[Facts],
    letters: Mapping[int, Sequence[Facts]],
    *,
    customers: int,
    weeks: int,
    as_of: int,
    cost: Spent,
) -> Parts:
    """All of them."""
    words = (
        f"{len(shops)} shops of {customers:,} customers, {weeks} weeks each, through the event log and the feature "
        f"store. As of the first midnight of week {as_of} everything is learned; the weeks after it are only judged. "
        "The true probability of an order: from that midnight the same customers, as they feel and with what they are "
        f"about to run out of, live on {leaving.FUTURES} times with other dice (standard error at most "
        f"{1 / (2 * np.sqrt(leaving.FUTURES)):.3f}). Intervals: over shops, 95 %, as for a handful of them. A shop is "
        "one draw: no interval says how well the simulation resembles a real one. The newest windows learned from are "
        "of summer, those judged run to the weeks before Christmas, when more is bought. No model here knows seasons, "
        "which may be why levels err to that side. "
        f"Took: {cost}."
    )
    parts: Parts = [{"text": words}]
    for name in ("churn", "second purchase"):
        parts += leaving_parts(name, [shop[name] for shop in shops])
    return [*parts, *letter_parts(letters), *unhappy_parts([shop["unhappy"] for shop in shops])]


def leaving_parts(name: str, shops: Sequence[Facts]) -> Parts:
    """Calibration by method, and the verdict a shop."""
    methods = list(shops[0]["methods"])
    of: Callable[[str, str], list[float]] = lambda method, key: [s["methods"][method][key] for s in shops]  # noqa: E731
    rows = []
    for method in methods:
        row = [f"**{method}**" if method == OURS else method, f"{np.mean(of(method, 'auc')):.4f}"]
        row += [f"{np.mean(of(method, key)):.4f}" for key in ("rank", "distance", "ece_true", "ece_seen")]
        row += [_interval(of(method, key)) for key in ("apart", "slope", "intercept")]
        rows.append([*row, "" if method == OURS else _against(of(OURS, "auc"), of(method, "auc"))])
    columns = ["", "AUC", "rank correlation with the true", "mean distance to it", "ECE to the true"]
    columns += ["ECE to what happened", "told less true", "slope", "intercept", f"{OURS} better by, AUC"]
    per_shop = [
        [str(number), f"{s['customers']:,}", s["chosen"], f"{s['true']:.3f}", f"{s['happened']:.3f}"]
        + [f"{s['methods'][OURS][key]:{form}}" for key, form in SHOWN]
        + ["yes" if s["calibrated"] else "**no**"]
        for number, s in enumerate(shops, 1)
    ]
    heads = ["shop", "asked of", "chosen", "true mean", "happened", "told less true", "ECE to the true", "slope"]
    words = (
        f"Stated beforehand: calibrated where ECE to the true probability is at most {leaving.MOST_ECE}, the slope is "
        f"between {leaving.SLOPES[0]} and {leaving.SLOPES[1]} and the means at most {leaving.MOST_APART} apart. So in "
        f"{sum(bool(s['calibrated']) for s in shops)} of {len(shops)} shops. Slope and intercept: logistic line from "
        "told to true log-odds, 1 and 0 if perfect. The last row is as well as anybody could do: what is left to it is "
        "chance."
    )
    title = f"{name.capitalize()}, {leaving.HORIZON_WEEKS} weeks: told beside true"
    return [
        {"heading": title},
        {"table": {"columns": columns, "rows": rows}},
        {"table": {"columns": [*heads, "slope to what happened", "calibrated"], "rows": per_shop}},
        {"text": words},
    ]


SHOWN = (("apart", "+.3f"), ("ece_true", ".3f"), ("slope", ".2f"), ("slope_seen", ".2f"))


RIVALS = ("random order", "T-learner, logistic", "T-learner, LightGBM")


def letter_parts(letters: Mapping[int, Sequence[Facts]]) -> Parts:
    """Rank correlations and averages by the number of controls."""
    methods = list(dict.fromkeys(name for found in letters.values() for one in found for name in one["rank"]))
    methods = sorted(methods, key=lambda name: name != OURS)
    heads = [f"{np.mean([one['controls'] for one in found]):,.0f}" for found in letters.values()]
    rows = [[f"**{name}**" if name == OURS else name, *(_ranks(f, name) for f in letters.values())] for name in methods]
    facts = [
        ["shops", *(str(len(found)) for found in letters.values())],
        ["order recovered in", *(str(sum(bool(one["recovered"]) for one in found)) for found in letters.values())],
        ["uplift claimed in", *(str(sum(bool(one["claimed"]) for one in found)) for found in letters.values())],
        ["average covered by its interval in", *(_covered(found) for found in letters.values())],
        *([f"order better than by {name}", *(_ahead(f, name) for f in letters.values())] for name in RIVALS),
        ["true average", *(_mean(found, lambda one: one["true_average"], "+.4f") for found in letters.values())],
        ["half width of its interval", *(_mean(found, _half_width, ".4f") for found in letters.values())],
        ["error of her effect", *(_mean(found, lambda one: one.get("error"), ".4f") for found in letters.values())],
        [
            "the same of the average for all",
            *(_mean(found, lambda one: one.get("error_of_average"), ".4f") for found in letters.values()),
        ],
        [
            "spread of true effects",
            *(_mean(found, lambda one: one["true_spread"], ".4f") for found in letters.values()),
        ],
    ]
    return [
        {"heading": "Whom a letter moves, by the number of controls"},
        {
            "text": "Weekly letters of shops of growing size, 15 % held back by lot; 16 letters teach, the newest 8 "
            "are judged. Simulated directly: the inputs are what a shop can count of orders, spend, rhythm, discounts "
            "and letters, without a log or a store. Rank correlation of told and true effects on the chance of an "
            "order in the letter's week, mean over shops and lowest to highest. "
            f"\u201c{moved.CEILING}\u201d: trees that were told the effects themselves of "
            "another shop's letters, so what these inputs allow to know. "
            f"Stated beforehand: recovered from {moved.RECOVERED_SHARE:.0%} of that on."
        },
        {"table": {"columns": ["controls", *heads], "rows": rows}},
        {"table": {"columns": ["controls", *heads], "rows": facts}},
        {"text": letter_words(letters)},
    ]


def letter_words(letters: Mapping[int, Sequence[Facts]]) -> str:
    """From how many controls on the order is recovered in every shop, and how often the average's interval held it."""
    enough = [f for f in letters.values() if all(one["recovered"] for one in f)]
    told = [one for found in letters.values() for one in found if "covered" in one]
    held = sum(bool(one["covered"]) for one in told)
    since = f"from {enough[0][0]['controls']:,} controls on" if enough else "at none of these sizes"
    return (
        f"Recovered in every shop {since}. The interval of the average effect (95 %) held the true average in {held} "
        f"of {len(told)}. Errors: root mean square, in chances of an order; the effect told for her is of use where "
        "its error lies below that of the average for all."
    )


def unhappy_parts(shops: Sequence[Facts]) -> Parts:
    """AUC by state of mind, and the errors at the threshold."""
    rows = []
    for name in (OURS, unhappy.SEEDS, unhappy.SCORE):
        row = [f"**{name}**" if name == OURS else name]
        row += [
            _interval([s[key][name] for s in shops], ".3f") if name in shops[0][key] else ""
            for key in ("auc", "auc_of_rated")
        ]
        against = [[s["auc_of_rated"][method] for s in shops] for method in (OURS, name)]
        rows.append([*row, "" if name == OURS else _against(*against)])
    rows.append(["random order", "0.500", "0.500", ""])
    per_shop = [
        [
            *(str(number), f"{s['learned']:,}", s["chosen"], f"{s['texts']:,}", f"{s['unhappy']:.1%}"),
            f"{s['auc'][OURS]:.3f}",
            *(f"{s[key]:.0%}" if key in s else "" for key in ("missed", "needless")),
            f"{s['auc_of_rated'][OURS]:.3f} / {s['auc_of_rated'][unhappy.SCORE]:.3f}",
            "yes" if s["recovered"] else "**no**",
        ]
        for number, s in enumerate(shops, 1)
    ]
    heads = ["shop", "texts learned from", "chosen", "texts judged", "unhappy", "AUC", "unhappy missed"]
    heads += ["others held", "AUC of rated: text / score", "recovered"]
    return [
        {"heading": "Who is unhappy, after a text"},
        {
            "text": "Every text after the learning, by its writer's true satisfaction in that week: unhappy below "
            f"{unhappy.UNHAPPY:.2f}, where she is twice as likely to leave for good as at 0. A text is about one "
            "order; her mind is about everything that happened, so not even the score that she gave beside it orders "
            f"minds well. Stated beforehand: recovered where the text's AUC is at most {unhappy.BEHIND_SCORE} lower "
            "than the score's, on texts that have one. The errors are those at the model's own threshold, which was "
            "chosen for scores, not for minds."
        },
        {
            "table": {
                "columns": ["", "AUC, all texts", "AUC, texts with a score", f"{OURS} better by, texts with a score"],
                "rows": rows,
            }
        },
        {"table": {"columns": heads, "rows": per_shop}},
    ]


def _interval(values: Sequence[float], form: str = "+.3f") -> str:
    found = over_shops(values, [0.0] * len(values))
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"


def _against(ours: Sequence[float], theirs: Sequence[float]) -> str:
    found: Difference = over_shops(ours, theirs)
    return f"{found} {verdict(found)}"


def _ranks(found: Sequence[Facts], name: str) -> str:
    values = [one["rank"][name] for one in found if name in one["rank"]]
    return f"{np.mean(values):+.3f} ({min(values):+.3f} to {max(values):+.3f})" if values else "refused"


def _ahead(found: Sequence[Facts], name: str) -> str:
    """Our rank correlation less theirs, over the shops in which ours was not refused."""
    pairs = [(one["rank"][OURS], one["rank"][name]) for one in found if OURS in one["rank"]]
    return _against(*map(list, zip(*pairs, strict=True))) if pairs else "refused"


def _covered(found: Sequence[Facts]) -> str:
    told = [bool(one["covered"]) for one in found if "covered" in one]
    return f"{sum(told)} of {len(told)}"


def _half_width(one: Facts) -> float | None:
    return (one["average"]["high"] - one["average"]["low"]) / 2 if "average" in one else None


def _mean(found: Sequence[Facts], value: Callable[[Facts], float | None], form: str) -> str:
    told = [v for one in found if (v := value(one)) is not None]
    return f"{np.mean(told):{form}}" if told else "refused"
