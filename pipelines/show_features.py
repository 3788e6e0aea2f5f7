"""The catalogue of features as people read it in a terminal, and as machines do."""

from typing import Any

from rich.table import Table

from features.feature_store.batch import BATCH_FEATURES, FeatureSpec
from features.feature_store.distributions import Distribution, Distributions
from features.feature_store.documentation import null_share, quantiles
from features.feature_store.lineage import made_of


def feature_table(chosen: list[FeatureSpec], measured: Distributions | None) -> Table:
    """One row a feature, with its distribution where there is a snapshot."""
    of = "no snapshot yet" if measured is None else f"{measured.customers:,} customers, {measured.as_of:%Y-%m-%d}"
    table = Table(title=f"Batch features ({of})", title_justify="left")
    for head in ("feature", "window", "null", "p5, p50, p95", "meaning"):
        table.add_column(head, no_wrap=head == "feature")
    for spec in chosen:
        told = _of(spec, measured)
        table.add_row(spec.name, spec.window, null_share(told), quantiles(told), f"{spec.description} ({spec.unit})")
    return table


def feature_json(chosen: list[FeatureSpec], measured: Distributions | None) -> dict[str, Any]:
    """The same for machines; `position` is a feature's place in the online record."""
    order = list(BATCH_FEATURES)
    return {
        "customers": None if measured is None else measured.customers,
        "as_of": None if measured is None else measured.as_of.isoformat(),
        "features": {
            spec.name: {
                "type": spec.dtype, "unit": spec.unit, "window_days": spec.days, "description": spec.description,
                "absence": spec.absence, "made_of": dict(made_of(spec)), "position": order.index(spec.name),
                "distribution": _fields(_of(spec, measured)),
            }
            for spec in chosen
        },
    }  # fmt: skip


def _of(spec: FeatureSpec, measured: Distributions | None) -> Distribution | None:
    return None if measured is None else measured.features.get(spec.name)


def _fields(told: Distribution | None) -> dict[str, Any] | None:
    return None if told is None else {name: getattr(told, name) for name in told.__struct_fields__}
