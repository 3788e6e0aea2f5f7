"""What the session already holds."""

import numpy as np

from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_items import SessionItems
from tests.features.recommenders.contract import Contract


class TestContract(Contract):
    def fit(self, known: Sequences) -> SessionItems:
        return SessionItems()


def test_late_and_often() -> None:
    of = Sequences.of_sessions([["bread", "milk", "bread"]], Items(["bread", "milk"]))
    assert np.allclose(SessionItems().scores(of).toarray(), [[1 + 0.5, 0.5**0.5]])
