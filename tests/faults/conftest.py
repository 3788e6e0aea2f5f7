"""The shop that the fault tests play in."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from regular_customer import Shop

from features.home import Home


@pytest.fixture
def shop(tmp_path):
    shop = Shop(Home.open(tmp_path / "home"))
    yield shop
    shop.service.close()
