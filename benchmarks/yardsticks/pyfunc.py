"""A LightGBM model as `mlflow.pyfunc` serves it: pandas rows in, numbers out."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd

from features.inputs.candidates import CandidateFrame


def load_pyfunc(text: Path, inputs: Sequence[str], *, signed: bool) -> Callable[[CandidateFrame], Any]:
    """What predicts a frame's rows; with `signed` the model has a signature, which MLflow holds every row against."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    warnings.simplefilter("ignore")
    import lightgbm
    import mlflow.lightgbm
    from mlflow.models import infer_signature

    def rows(frame: CandidateFrame) -> pd.DataFrame:
        return pd.DataFrame(frame.inputs, columns=frame.names)[list(inputs)]

    example = pd.DataFrame(np.ones((2, len(inputs)), np.float32), columns=list(inputs))
    signature = infer_signature(example, np.ones(2)) if signed else None
    folder = Path(mkdtemp(dir=text.parent)) / "model"
    mlflow.lightgbm.save_model(
        lightgbm.Booster(model_file=text), str(folder), signature=signature, pip_requirements=["lightgbm"]
    )
    model = mlflow.pyfunc.load_model(str(folder))
    return lambda frame: model.predict(rows(frame))
