"""Lets the tests of this folder share `feature_histories` and `feature_oracle`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
