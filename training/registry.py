"""MLflow: one run a retraining with a child run a model; registered versions, of which `champion` is in force.

The only module that loads MLflow, and only inside its functions. Everything logged is text, numbers and pictures: model
files are kept as artifacts, and pickles are switched off.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.home import Home

EXPERIMENT = "tahdikas"
MOST_DESCRIBED = 5000  # characters MLflow keeps of a description
CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class ModelRun:
    """What is logged of one model: files of a folder, parameters, metrics and pictures; its card, and that in short."""

    name: str
    folder: Path
    files: Sequence[str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    pictures: Sequence[Path]
    card: Path
    description: str  # of the registered version; cut to what MLflow takes


@contextmanager
def _mlflow(home: Home) -> Iterator[Any]:
    """MLflow on this folder's database. It warns of its own libraries' deprecations."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.lightgbm

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        home.mlflow.mkdir(parents=True, exist_ok=True)
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"sqlite:///{home.mlflow / 'mlflow.db'}")
        try:
            if mlflow.get_experiment_by_name(EXPERIMENT) is None:
                mlflow.create_experiment(EXPERIMENT, artifact_location=(home.mlflow / "artifacts").as_uri())
            yield mlflow
        finally:
            mlflow.set_tracking_uri(before)


def log_training(
    home: Home, *, name: str, params: Mapping[str, Any], tags: Mapping[str, str], models: Sequence[ModelRun]
) -> dict[str, Any]:
    """Log one retraining; returns {"run": id, "versions": {model: version}}. New versions are `challenger`."""
    versions = {}
    with _mlflow(home) as mlflow:
        client = mlflow.MlflowClient()
        experiment = mlflow.get_experiment_by_name(EXPERIMENT).experiment_id
        with mlflow.start_run(run_name=name, experiment_id=experiment) as parent:
            mlflow.set_tags(dict(tags))
            mlflow.log_params(dict(params))
            mlflow.log_metrics({f"{m.name}.{k}": v for m in models for k, v in m.metrics.items()})
            for model in models:
                with mlflow.start_run(run_name=model.name, experiment_id=experiment, nested=True) as run:
                    mlflow.set_tags(dict(tags))
                    _log_model(mlflow, model)
                    source = f"{run.info.artifact_uri}/model"
                    versions[model.name] = _register(client, model, source, run.info.run_id)
    return {"run": parent.info.run_id, "versions": versions}


def _log_model(mlflow: Any, model: ModelRun) -> None:
    """All files of a model as they go into a bundle; its LightGBM parts once more in MLflow's own form, still text."""
    import lightgbm

    mlflow.log_params(dict(model.params))
    mlflow.log_metrics(dict(model.metrics))
    for file in model.files:
        mlflow.log_artifact(str(model.folder / file), "model")
        if file.endswith(".txt"):
            booster = lightgbm.Booster(model_file=model.folder / file)
            needs = [f"lightgbm=={version('lightgbm')}"]
            mlflow.lightgbm.log_model(booster, name=file.removesuffix(".txt"), pip_requirements=needs)
    for picture in model.pictures:
        mlflow.log_artifact(str(picture), "figures")
    mlflow.log_artifact(str(model.card))


def mark_champion(home: Home, versions: Mapping[str, str], bundle: str) -> None:
    """Give the promoted versions the alias `champion` and the tag of their bundle."""
    with _mlflow(home) as mlflow:
        client = mlflow.MlflowClient()
        for name, number in versions.items():
            client.set_registered_model_alias(_registered(name), CHAMPION, number)
            client.set_model_version_tag(_registered(name), number, "bundle", bundle)


def champion_of_bundle(home: Home, bundle: str) -> dict[str, str]:
    """The registered versions a bundle was made of: {model: version}."""
    with _mlflow(home) as mlflow:
        found = mlflow.MlflowClient().search_model_versions("")
    return {v.name.removeprefix("tahdikas-"): str(v.version) for v in found if v.tags.get("bundle") == bundle}


def _registered(name: str) -> str:
    return f"tahdikas-{name}"


def _register(client: Any, model: ModelRun, source: str, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    name = _registered(model.name)
    with suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    told = model.description[:MOST_DESCRIBED]
    number = str(client.create_model_version(name, source, run_id, description=told).version)
    client.set_registered_model_alias(name, CHALLENGER, number)
    return number
