"""Recommenders: one idea of what comes next a file, all with the interface of `base.py`."""
