"""The words and small tables of the next-basket part of the page."""

from typing import Any

import pandas as pd

from benchmarks.comparison import OURS
from benchmarks.measure import Spent
from benchmarks.yardsticks.orders import Orders

HOW = {
    "all": "The ten best of all items, against everything that was bought.",
    "repeat": "The same scores, but only items that the household had before are listed, against those that it bought "
    "again.",
    "new": "The same scores, but only items that the household never had are listed, against the new ones that it "
    "bought. (Of ours, only candidates: neighbours of what she has, and popular items.)",
}


def protocol_words(orders: Orders, whole: pd.DataFrame, truth: dict[str, pd.DataFrame]) -> str:
    """Who is scored on what."""
    return (
        f"Learned from everything to 2017-11-30: {len(orders.customers):,} households, {len(orders.items):,} items "
        f"that were in at least ten orders by then. Truth: the first basket of each household in December, "
        f"{truth['all']['customer'].nunique():,} with at least one such item, {len(truth['all']):,} items "
        f"({1 - len(truth['all']) / len(whole):.0%} of what these baskets held are other items, which nobody is asked "
        f"for); {len(truth['repeat']):,} had been bought before by the household, {len(truth['new']):,} had not. NDCG "
        "against the ideal over the whole truth. The yardsticks' settings were chosen on the first baskets of "
        "November, learned to 2017-10-31, from a small grid each; ours on windows that end by the cutoff. Intervals: "
        "paired bootstrap over households, 95 %."
    )


def recall_words(found: dict[str, dict[str, float]], model: str) -> str:
    """What share of the truth the product's candidates hold, which caps what its ranker can find."""
    told = "; ".join(
        f"{part} items {recalls['all']:.1%} ("
        + ", ".join(f"{name} {value:.1%}" for name, value in recalls.items() if name != "all")
        + ")"
        for part, recalls in found.items()
    )
    return (
        f"The product chose: {model}. Its candidates hold, of what was bought, mean over households: {told}. The other "
        "methods score every item."
    )


def beyond_table(beyond: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """One row a method: what its lists of all items are like."""
    columns = [
        "",
        "coverage",
        "distinct / places",
        "entropy of categories, bits",
        "buyers, mean",
        "never bought before",
    ]
    bought = next(iter(beyond.values()))["buyers_bought"]
    rows = [
        [
            f"**{name}**" if name == OURS else name,
            f"{b['coverage']:.1%}",
            f"{b['distinct']:.1%}",
            f"{b['entropy']:.2f}",
            f"{b['buyers_listed']:.1%}",
            f"{b['new']:.1%}",
        ]
        for name, b in beyond.items()
    ]
    words = (
        "Lists of all items. Coverage: distinct items listed, of all items. Entropy: Shannon's, of the categories "
        f"within a list. Buyers: share of households that ever bought what is listed; of what was then bought it is "
        f"{bought:.1%}: more than that is a lean to the popular."
    )
    return [{"text": words}, {"table": {"columns": columns, "rows": rows}}]


def cost_words(costs: dict[str, Spent]) -> str:
    """What each took."""
    told = "; ".join(f"{name} {cost}" for name, cost in costs.items())
    return (
        f"Took, on one core: {told}. Peak memory is the whole process's, the data read included. The yardsticks' times "
        "include the three lists of each."
    )
