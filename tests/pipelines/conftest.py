"""Lets the tests here import the folders of raw data they share, and the online stores that the features' tests use."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "features")]
