"""Asking again through random shops' days: word for word what the gates of whole decisions say."""

import shutil
from collections import Counter
from datetime import timedelta

import pytest

from serving.answering import decided
from serving.core import standing
from serving.core.recheck import has_place, recheck, without
from serving.core.standing import standing_of
from serving.core.words import reason
from serving.rechecking import Recheck, _question
from tests.oracle.driver import Shop


class AskingAgain(Shop):
    """A shop where whoever is asked again is asked in full, too."""

    def __init__(self, root, seed):
        super().__init__(root, seed)
        self.differ, self.asked, self.why = [], 0, Counter()

    def recheck(self):
        """Ask again of all that may still be acted on, for now and for a later moment."""
        ids = [decision.decision_id for _, decision in self.listed]
        for send_at in (None, self.now + timedelta(hours=self.rng.uniform(0, 14))):
            narrow = self.service.recheck(ids, self.now, send_at=send_at)
            pairs = zip(narrow, self.in_full(ids, send_at), strict=True)
            self.differ += [(self.now, *pair) for pair in pairs if pair[0] != pair[1]]
            self.asked += len(ids)
            self.why.update(one.reasons[0].code for one in narrow if not one.allowed)
        super().recheck()

    def in_full(self, ids, send_at):
        """By whole decisions of all, whatever was answered."""
        force, service = self.service.in_force(self.now), self.service
        firsts = [service.decision(one) for one in ids]
        asked = [f for f in firsts if has_place(f.channel, f.placement, force.policy)]
        requests = [_question(one, self.now, send_at) for one in asked]
        known = [without(k, one.decision_id) for k, one in zip(service.read(requests, force), asked, strict=True)]
        answers = zip(asked, known, decided(requests, known, force), strict=True)
        agains = {one.decision_id: standing_of(answer, snapshot) for one, snapshot, answer in answers}
        return [self._verdict(one, agains.get(one.decision_id), force) for one in firsts]

    def _verdict(self, first, again, force):
        if again is None:
            return Recheck(decision_id=first.decision_id, allowed=False, reasons=[reason("placement")])
        allowed, reasons = recheck(first, again, force.articles, force.catalogue)
        holds = list(again.snapshot.holds)
        return Recheck(decision_id=first.decision_id, allowed=allowed, reasons=reasons, holds=holds)


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.slow] if n > 1 else []) for n in range(12)])
def test_word_for_word(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(standing, "FEW", 1 + seed % 2 * 3)
    shop = AskingAgain(tmp_path / "shop", seed)
    shop.live(1_500)
    shop.close()
    shutil.rmtree(tmp_path / "shop")
    assert shop.differ == []
    assert shop.tally.objections == []
    assert 0.1 * shop.asked < shop.why.total() < 0.9 * shop.asked
    assert len(shop.why) > 8, shop.why
