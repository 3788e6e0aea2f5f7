"""Lets the tests here import the folders of raw data they share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
