"""Tables and words of the scoring benchmark."""

from typing import Any

Part = dict[str, Any]


def way_parts(ways: dict[str, Any], customers: int) -> list[Part]:
    """Whole lists beside ALS; the trees alone beside `mlflow.pyfunc`."""
    ours, als, trees = ways["ours"], ways["als"], ways["pyfunc"]
    each = ours["all"]["seconds"] / customers * 1e6
    lists = [
        ["**Tahdikas**, from what she bought to her list", ours["one_us"], each, ours["all"]["peak_mb"]],
        ["ALS (implicit), stored factors", als["one_us"], _each(als["all"], customers), als["all"]["peak_mb"]],
        [
            "ALS (implicit), factors anew of what she bought",
            als["one_anew_us"],
            _each(als["all_anew"], customers),
            als["all_anew"]["peak_mb"],
        ],
    ]
    per_row = {name: us / trees["block_rows"] for name, us in trees["block_us"].items()}
    names = {"ours": "**Tahdikas**, arrays", "pyfunc": "`mlflow.pyfunc`", "pyfunc_signed": "`mlflow.pyfunc`, signature"}
    return [
        {
            "table": {
                "columns": [
                    "lists",
                    "one customer, µs",
                    "beside ours",
                    "everybody, µs each",
                    "beside ours",
                    "peak memory",
                ],
                "rows": [
                    [
                        name,
                        f"{one:,.0f}",
                        f"{one / ours['one_us']:.2f} x",
                        f"{all_:,.0f}",
                        f"{all_ / each:.2f} x",
                        f"{mb:,.0f} MB",
                    ]
                    for name, one, all_, mb in lists
                ],
            }
        },
        {
            "text": f"One customer of ours: candidates {ours['candidates_us']:,.0f} µs, trees on {ours['rows']:.0f} "
            f"candidates {ours['trees_us']:,.0f} µs, calibrated and put in order with them {ours['rank_us']:,.0f} µs. "
            f"{_beside_als(ours, als)} Stored factors know nothing bought since they were learned "
            f"({als['learning']['seconds']:.0f} s); ours and factors made anew do."
        },
        {
            "table": {
                "columns": [
                    "the item model's trees on the same rows",
                    "one customer, µs",
                    "beside ours",
                    "everybody, µs a row",
                    "beside ours",
                ],
                "rows": [
                    [
                        names[name],
                        f"{one:,.0f}",
                        f"{one / trees['one_us']['ours']:.1f} x",
                        f"{per_row[name]:.2f}",
                        f"{per_row[name] / per_row['ours']:.2f} x",
                    ]
                    for name, one in trees["one_us"].items()
                ],
            }
        },
        {
            "text": "It is the same library underneath: over a thousand customers at once the trees themselves take "
            "the time; for one customer it is pandas and the wrapping around it."
        },
    ]


def growth_parts(points: list[dict[str, Any]]) -> list[Part]:
    """The table of all points, and why the curves bend."""
    columns = ["customers", "items", "lines", "item table", "peak memory", "histories", "one, µs"]
    columns += ["in a block, µs each", "candidates", "trees"]
    rows = [
        [
            f"{p['customers']:,}",
            f"{p['items']:,}",
            f"{p['lines']:,}",
            f"{p['table']['seconds']:.1f} s",
            f"{p['table']['peak_mb']:,.0f} MB",
            f"{p['histories']['seconds']:.1f} s",
            f"{p['one_us']:,.0f}",
            f"{p['block_us']:,.0f}",
            f"{p['candidates_us']:,.0f}",
            f"{p['trees_us']:,.0f}",
        ]
        for p in points
    ]
    small, large = points[0], points[-1]
    sampled = max(p["scored"] for p in points)
    ratio = [p["table"]["seconds"] / p["lines"] * 1e6 for p in points]
    return [
        {
            "text": "Made-up shops: about twelve lines a customer in a year, half of them of her six favourites, items "
            "by a power law. Item table and histories are made of all purchases (wall time, two threads in DuckDB); "
            f"lists are timed on a sample of at most {sampled:,} customers, evenly over all (processor time). Nothing "
            "of a list depends on how many other customers there are."
        },
        {"table": {"columns": columns, "rows": rows}},
        {
            "text": f"A customer takes {small['one_us']:,.0f} µs in the smallest shop and {large['one_us']:,.0f} in "
            "the largest: what is done for her grows with her candidates "
            f"({min(p['rows'] for p in points):.0f} to {max(p['rows'] for p in points):.0f} of them), not with the "
            "shop; a larger item table lies further from the processor. The item table takes "
            f"{min(ratio):.1f} to {max(ratio):.1f} µs a line. It bends where neighbours are counted: every pair of "
            "items of an order, and of a customer, is a product to add up, and with more items fewer pairs fall on the "
            f"same cell, so that more of them are to be kept apart and sorted. Everybody in the largest shop: about "
            f"{large['customers'] * large['block_us'] / 6e7:.0f} minutes of one core (reckoned from the sample)."
        },
    ]


def _each(all_: dict[str, float], customers: int) -> float:
    return all_["seconds"] / customers * 1e6


def _beside_als(ours: dict[str, Any], als: dict[str, Any]) -> str:
    one = ours["one_us"] / als["one_us"]
    if one > 1:
        return f"ALS is faster: one product with all items and a selection, no candidates and no trees ({one:.1f} x)."
    return f"ALS is slower: it scores every item ({1 / one:.1f} x)."
