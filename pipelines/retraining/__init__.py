"""Retraining, a step a module; `retrain.py` runs them all, `dvc.yaml` each by itself."""
