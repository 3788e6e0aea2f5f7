"""A few thousand of the same random questions, asked and told over HTTP, by two workers over one data folder."""

import sys
from datetime import datetime
from types import SimpleNamespace

from serving.api import create_app
from serving.core.question import Request
from serving.security import KeyStore
from serving.settings import ServingSettings
from tests.oracle.driver import START, Shop

DECISIONS = 2_500


def plainly(value):
    """A value as JSON says it."""
    return value.isoformat() if isinstance(value, datetime) else value


class OverHttp:
    """What the driver asks of the service, asked over HTTP."""

    def __init__(self, client):
        self.client = client

    def _send(self, path, body, *, good=(200, 207, 422), **headers):
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code in good, answer.text
        return answer.json()

    def ingest(self, events, now, source):
        sent = self._send("/v1/events", [event | {"source": source} for event in events])
        return [SimpleNamespace(status=one["status"]) for one in sent["results"]]

    def decide(self, request):
        asked = {
            name: plainly(value)
            for name in ("customer_id", "anonymous_id", "channel", "placement", "n", "send_at")
            if (value := getattr(request, name)) is not None
        }
        mode = request.mode if request.mode == "simulate" else "serve"
        key = {"idempotency-key": request.idempotency_key} if request.idempotency_key else {}
        return answered(self._send("/v1/decisions", asked | {"mode": mode}, good=(200,), **key))

    def decide_many(self, requests):
        return [self.decide(request) for request in requests]

    def recheck(self, decision_ids, now, **more):
        asked = {"decision_ids": decision_ids} | {name: plainly(value) for name, value in more.items()}
        found = self._send("/v1/recheck", asked, good=(200,)) if decision_ids else {"results": []}
        return [SimpleNamespace(allowed=one["allowed"]) for one in found["results"]]

    def record_outcome(self, outcome, now):
        said = {
            name: plainly(getattr(outcome, name)) for name in ("decision_id", "outcome", "occurred_at", "action_id")
        }
        return self._send("/v1/outcomes", said, good=(200,))["status"] == "recorded"

    def close(self):
        """Nothing to let go of: the apps end with the test."""


def answered(body):
    """A decision as the driver reads it. Of chances and arms HTTP says nothing."""
    actions = [
        SimpleNamespace(
            action_id=a["action_id"], treatment_id=a["treatment_id"], category=a["category"],
            logging_propensity=a["logging_propensity"],
            items=[SimpleNamespace(item_id=item["item_id"]) for item in a["items"]],
        )
        for a in body["actions"]
    ]  # fmt: skip
    told = {
        name: body[name] for name in ("decision_id", "customer_key", "channel", "state_status", "superseded", "mode")
    }
    at = datetime.fromisoformat(body["decided_at"])
    return SimpleNamespace(**told, actions=actions, decided_at=at, arm=None, candidates=[], released_holds=())


class ShopOnTheNet(Shop):
    """A shop whose every question and event goes over HTTP, one question a request."""

    alone_up_to = 10**9

    def __init__(self, root, seed, start):
        self.start, self.workers = start, []
        super().__init__(root, seed)

    def _open(self):
        """One of two workers; the first two calls make them."""
        if len(self.workers) < 2:
            _, token = KeyStore(self.home).create("oracle", ["admin"], now=START)
            settings = ServingSettings(decision_deadline_ms=20_000)  # what is tested here is not speed
            app = create_app(self.home, clock=lambda: self.now, settings=settings)
            self.workers.append(OverHttp(self.start(app, authorization=f"Bearer {token}")))
        return self.workers[-1] if len(self.workers) < 2 else self.rng.choice(self.workers)

    def new_policy(self):
        super().new_policy(predicted_release=0.0)  # an answer does not say which holds were let go by chance

    def tear_policy(self):
        for worker in self.workers:  # each has taken up the policy in force, and keeps it
            asked, _ = self._question(self.everybody[0])
            worker.decide(Request(now=self.now, mode="simulate", **asked))
        super().tear_policy()

    def ask_some(self, people):
        self.service = self._open()
        super().ask_some(min(people, 20))

    def _question(self, who):
        question, mode = super()._question(who)
        return question, mode if mode == "simulate" else "serve"

    def busy_store(self):
        """A worker would wait for as long as its deadline lets it: shown elsewhere."""


def test_a_few_thousand_decisions_over_http(tmp_path, start):
    shop = ShopOnTheNet(tmp_path / "home", 7, start)
    shop.live(DECISIONS)
    sys.stdout.write(f"{shop.tally}\n")
    assert shop.tally.objections == []
    assert shop.tally.held >= 0.15 * DECISIONS and shop.tally.sold_when_clear >= 0.3 * shop.tally.clear > 0
