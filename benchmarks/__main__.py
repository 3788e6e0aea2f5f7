"""`python -m benchmarks [name ...]`: run the named measurements, or all, and write the page."""

import argparse
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks import (
    churn_cutoffs,
    console,
    coupons,
    decide,
    false_alarms,
    favourites,
    features,
    hillstrom,
    letters,
    main_job,
    memory,
    next_basket,
    online,
    people,
    policies,
    retrain,
    satisfaction,
    scoring,
    serve,
    sessions,
    shop_truth,
    tafeng,
    training_sets,
)
from features.errors import TahdikasError

BENCHMARKS: dict[str, Callable[[datetime], bool]] = {
    "online_retail": lambda now: main_job.run(main_job.ONLINE_RETAIL, now),
    "complete_journey": lambda now: main_job.run(main_job.COMPLETE_JOURNEY, now),
    "churn": churn_cutoffs.run,
    "people": people.run,
    "next_basket": next_basket.run,
    "scoring": scoring.run,
    "coupons": coupons.run,
    "sessions": sessions.run,
    "tafeng": tafeng.run,
    "satisfaction": satisfaction.run,
    "hillstrom": hillstrom.run,
    "letters": letters.run,
    "shop_truth": shop_truth.run,
    "policies": policies.run,
    "features": features.run,
    "features_large": features.run_large,
    "retrain": retrain.run,
    "online": online.run,
    "training_sets": training_sets.run,
    "decide": decide.run,
    "console": console.run,
    "serve": serve.run,
    "memory": memory.run,
    "favourites": favourites.run,
    "false_alarms": false_alarms.run,
}
"""Name -> measurement; it returns False where its data are absent, having said so."""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: all measured; 1: something could not be; 2: no such benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if len(names) > 1:  # each in a process of its own, so that none counts the memory of the one before
        runs = [subprocess.run([sys.executable, "-m", "benchmarks", name], check=False) for name in names]
        return max(run.returncode for run in runs)
    warnings.showwarning = lambda *_, **__: None  # what libraries tell their developers
    try:
        done = [BENCHMARKS[name](datetime.now(UTC)) for name in names]
    except TahdikasError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
