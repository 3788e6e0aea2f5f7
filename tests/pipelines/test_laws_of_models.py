"""What holds of every model of a retraining: twice the same bytes, and in the bundle what MLflow's registry has."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import lightgbm
import numpy as np
import pyarrow.parquet as pq
import pytest

from features.errors import BundleError
from features.home import Home
from features.inputs.dissatisfaction import SPEC, Dissatisfaction
from features.inputs.scoring import Model, read_model
from features.inputs.value import ValueModel, read_value
from features.recommenders.blend import Blend
from features.recommenders.next_views import NextViews
from features.recommenders.next_views_file import load_next_views
from features.recommenders.sequences import Sequences
from pipelines.bundles import current_bundle
from pipelines.promote import promote
from pipelines.retraining.retrain import retrain
from tests.pipelines.whole_shop import AS_OF, NOW, PARAMS, whole_shop
from tests.training.rated_texts import rated_texts

MODELS = {"churn", "second_purchase", "value", "next_offer", "dissatisfaction", "sessions"}
SAME = 1e-12
Boosters = dict[str, lightgbm.Booster]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Retrained and promoted; evidence copies of what was judged stay in `home.models`."""
    home = whole_shop(tmp_path_factory.mktemp("home"))
    retrain(home, AS_OF, PARAMS)
    result = promote(home, PARAMS, now=NOW)
    assert result.promoted, str(result)
    return home


def test_every_model_was_learned_from_this_shop(home: Home) -> None:
    """Else the laws below would hold of nothing."""
    for name in MODELS:
        report = json.loads((home.models / name / "report.json").read_text("utf-8"))
        assert report["chosen"] not in ("none", "seed_words", "goes_with"), (name, report["chosen"])


@pytest.mark.slow  # a second retraining of everything
def test_retraining_twice_gives_identical_files_of_every_model(home: Home, tmp_path: Path) -> None:
    again = whole_shop(tmp_path / "again")
    retrain(again, AS_OF, PARAMS)
    ours, theirs = (_files(one) for one in (home, again))
    assert {name.parts[0] for name in theirs} >= MODELS
    assert set(theirs) == set(ours)
    assert [str(name) for name in theirs if ours[name] != theirs[name]] == []


def _files(home: Home) -> dict[Path, bytes]:
    """What training wrote; MLflow numbers its runs anew, and promoting keeps a ledger beside the models."""
    found = {}
    for folder in [*(home.models / name for name in sorted(MODELS)), home.models / "figures"]:
        found |= {p.relative_to(home.models): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    alone = ("metrics.json", "prepared.json", "snapshots.json", "purchases.parquet", "views.parquet")
    return found | {Path(name): (home.models / name).read_bytes() for name in alone}


class Champion:
    """A model as MLflow's registry has it under the alias `champion`: artifacts, and boosters in MLflow's own form."""

    def __init__(self, mlflow: Any, name: str) -> None:
        client = mlflow.MlflowClient()
        version = client.get_model_version_by_alias(f"tahdikas-{name}", "champion")
        self.folder = Path(unquote(urlparse(version.source).path))
        self.bundle = version.tags["bundle"]
        outputs = client.get_run(version.run_id).outputs
        logged = [client.get_logged_model(one.model_id) for one in (outputs.model_outputs if outputs else [])]
        self.boosters: Boosters = {
            f"{one.name}.txt": mlflow.lightgbm.load_model(f"models:/{one.model_id}") for one in logged
        }

    def model(self, name: str) -> Model:
        """Its spec and calibration over LightGBM's own boosters."""
        spec, calibration = (
            json.loads((self.folder / f"{name}{end}.json").read_text()) for end in ("", "_calibration")
        )
        return Model(spec, calibration, self.boosters)


@pytest.fixture(scope="module")
def registry(home: Home) -> Iterator[Callable[[str], Champion]]:
    """Looks a champion up, in this process, by MLflow alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.lightgbm

        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"sqlite:///{home.mlflow / 'mlflow.db'}")
        yield lambda name: Champion(mlflow, name)
        mlflow.set_tracking_uri(before)


def _inputs(file: Path) -> tuple[np.ndarray, list[str]]:
    """Rows of evidence and the names of their inputs."""
    table = pq.read_table(file)
    names = [name for name in table.column_names if name.startswith("input_")]
    return np.column_stack([table[n].to_numpy() for n in names]), [n.removeprefix("input_") for n in names]


@pytest.mark.parametrize(
    ("folder", "name", "evidence"),
    [
        ("churn", "churn", "evidence.parquet"),
        ("second_purchase", "second_purchase", "evidence.parquet"),
        ("next_offer", "ranker", "candidates.parquet"),
    ],
)
def test_a_promoted_bundle_scores_as_mlflows_model(
    home: Home, registry: Callable[[str], Champion], folder: str, name: str, evidence: str
) -> None:
    rows, names = _inputs(home.models / folder / evidence)
    champion, bundle = registry(folder), current_bundle(home)
    assert champion.bundle == bundle.name
    ours = read_model(bundle, name).probability(rows, names)
    theirs = champion.model(name).probability(rows, names)
    assert len(ours) > 50 and np.ptp(ours) > 0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=SAME)


def test_a_promoted_value_model_expects_what_mlflows_does(home: Home, registry: Callable[[str], Champion]) -> None:
    rows, names = _inputs(home.models / "value" / "evidence.parquet")
    champion, bundle = registry("value"), current_bundle(home)
    ours = read_value(bundle, read_model(bundle, "churn"))
    theirs: ValueModel = read_value(champion.folder, registry("churn").model("churn"))
    assert champion.bundle == bundle.name
    np.testing.assert_allclose(ours.expected(rows, names), theirs.expected(rows, names), rtol=SAME)


def test_a_promoted_model_of_dissatisfaction_judges_as_mlflows(home: Home, registry: Callable[[str], Champion]) -> None:
    champion, bundle = registry("dissatisfaction"), current_bundle(home)
    rated = rated_texts(60, 9)
    one, other = (Dissatisfaction.load(folder) for folder in (bundle, champion.folder))
    facts = rated.facts if one.needs_facts else None
    assert champion.bundle == bundle.name and one.holds_from == other.holds_from
    np.testing.assert_array_equal(
        one.model.probability(rated.texts, facts), other.model.probability(rated.texts, facts)
    )
    assert (bundle / SPEC).read_bytes() == (champion.folder / SPEC).read_bytes()


def test_a_promoted_model_of_sessions_ranks_as_mlflows(home: Home, registry: Callable[[str], Champion]) -> None:
    champion, bundle = registry("sessions"), current_bundle(home)
    one = load_next_views(bundle)
    theirs = load_next_views(champion.folder)
    if isinstance(theirs.ideas, Blend):
        blend = theirs.ideas
        theirs = NextViews(theirs.names, Blend(blend.pool, champion.boosters["sessions.txt"], blend.calibration))
    asked = _sessions(one, 40)
    ours, others = (model.ideas.scores(asked).toarray() for model in (one, theirs))
    assert champion.bundle == bundle.name and ours.max() > 0
    np.testing.assert_allclose(ours, others, rtol=0, atol=SAME)


def _sessions(model: NextViews, n: int) -> Sequences:
    """Short sessions over the model's items."""
    draw = np.random.default_rng(2)
    told = [[model.names[i] for i in draw.integers(0, len(model.names), 2)] for _ in range(n)]
    return Sequences.of_sessions(told, _items(model))


def _items(model: NextViews) -> Any:
    from features.recommenders.sequences import Items

    return Items.of([model.names])


def test_the_law_can_fail(home: Home, registry: Callable[[str], Champion], tmp_path: Path) -> None:
    """A bundle whose calibration moved a little is not MLflow's model."""
    rows, names = _inputs(home.models / "churn" / "evidence.parquet")
    model = registry("churn").model("churn")
    moved = {**model.calibration, "intercept": model.calibration.get("intercept", 0.0) + 1e-6}
    if model.calibration["kind"] != "platt":
        raise BundleError("This shop is too small for an isotonic curve.")
    other = Model(model.spec, moved, model.boosters).probability(rows, names)
    assert np.abs(other - model.probability(rows, names)).max() > SAME
