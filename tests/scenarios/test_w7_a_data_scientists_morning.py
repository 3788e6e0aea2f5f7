"""W7: a data scientist's morning. She changes one feature and one parameter, and sees what moved.

Runs the real DVC, Feast and MLflow on a copy of the repository with a small simulated shop.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.sqlite_only  # one checkout for all tests, and commands of its own
PEOPLE = ["train_churn", "train_second_purchase", "train_value"]
STAGES = [
    "events",
    "prepare",
    "train_churn",
    "train_second_purchase",
    "train_value",
    "train_response",
    "train_next_offer",
    "train_dissatisfaction",
    "train_sessions",
    "evaluate",
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Her checkout, with a shop's events taken in and the pipeline run and committed once."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.tahdikas("simulate", "--customers", "400")
    desk.tahdikas("ingest", "simulated", str(desk.folder / "home" / "simulated"))
    assert sorted(desk.repro()) == sorted(STAGES)
    desk.run("git", "add", "-A")
    desk.run("git", "commit", "-qm", "The pipeline as it was")
    return desk


class Desk:
    """A copy of the repository with its own git and its own data folder."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("features", "training", "serving", "pipelines", ".dvc"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "tmp", "cache"))
        for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(ROOT / name, folder / name)
        # A small shop, few cutoffs: the way is the same, and short.
        self.edit("params.yaml", "cutoffs: 6", "cutoffs: 2")
        self.edit("params.yaml", "cutoffs: 4", "cutoffs: 2")
        self.run("git", "init", "-q", "-b", "main")
        self.run("git", "config", "user.email", "her@example.org")
        self.run("git", "config", "user.name", "A data scientist")

    def run(self, *command):
        environment = {k: v for k, v in os.environ.items() if k != "TAHDIKAS_HOME"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def tahdikas(self, *words):
        return self.run(sys.executable, "-m", "pipelines.cli", "--home", "home", *words)

    def repro(self):
        """Run the pipeline; the stages that really ran."""
        told = self.run(sys.executable, "-m", "dvc", "repro")
        return [line.split("'")[1] for line in told.splitlines() if line.startswith("Running stage")]

    def edit(self, name, old, new):
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def runs(self):
        """From MLflow: the values tried of the parameter, oldest first, and how many retrainings there were."""
        code = (
            "import mlflow, json; mlflow.set_tracking_uri('sqlite:///home/mlflow/mlflow.db');"
            "runs = mlflow.search_runs(search_all_experiments=True, output_format='list');"
            "runs.sort(key=lambda run: run.info.start_time);"
            "leaves = [r.data.params['num_leaves'] for r in runs if r.info.run_name == 'churn'];"
            "print(json.dumps([leaves, len([r for r in runs if r.info.run_name.startswith('retrain')])]))"
        )
        return json.loads(self.run(sys.executable, "-W", "ignore", "-c", code))

    def models(self):
        """Every model file's content."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in ("churn", "next_offer")
            for path in sorted((self.folder / "home" / "models" / folder).iterdir())
        }


def test_w7_one_parameter_and_one_feature(desk):
    before = desk.models()

    # Nothing changed: the log is looked at, nothing is computed.
    assert desk.repro() == ["events"]

    # One parameter of the churn model, and one feature: the largest return instead of the sum of returns.
    desk.edit("params.yaml", "num_leaves: 8", "num_leaves: 4")
    feature = "features/feature_store/batch_features/returns.py"
    desk.edit(feature, "rows.amount.sum(where=inside)", "rows.amount.max(where=inside)")
    assert sorted(desk.repro()) == sorted(["events", "prepare", *PEOPLE, "evaluate"]), "other models are not touched"
    after = desk.models()
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed and not [name for name in changed if "next_offer" in name]

    # What moved, against the last commit.
    moved = json.loads(desk.run(sys.executable, "-m", "dvc", "metrics", "diff", "--json"))
    names = [name for figures in moved.values() for name in figures]
    assert any(name.startswith("churn.") for name in names)
    assert not any(name.startswith("next_offer.") for name in names)
    plots = desk.run(sys.executable, "-m", "dvc", "plots", "diff", "--json")
    assert "churn_calibration" in plots

    # And in MLflow: one run more, with the parameter she changed.
    assert desk.runs() == [["8", "4"], 2]


def test_w7_the_exact_training_frame_in_a_notebook(desk):
    code = (
        "from features.home import Home; from training.dataset import load_training_set; import json;"
        "told = json.load(open('home/models/prepared.json'));"
        "from datetime import datetime;"
        "frame = load_training_set('churn_v1', home=Home.open('home'),"
        " cutoffs=[datetime.fromisoformat(c) for c in told['churn_cutoffs']]);"
        "print(type(frame).__module__, len(frame), frame['event_timestamp'].nunique(), len(told['churn_cutoffs']),"
        " 'purchase_count_90d' in frame, 'holds_in_force' in frame)"
    )
    told = desk.run(sys.executable, "-W", "ignore", "-c", code).split()
    assert told[0].startswith("pandas")
    assert int(told[1]) > 300
    assert told[2] == told[3], "one group of rows a cutoff"
    assert told[4:] == ["True", "True"]
