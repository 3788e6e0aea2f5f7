"""Random events of a shop: what happens to its people, in any order, early, late, twice and contradicting itself."""

import json
from datetime import timedelta

CASE_KINDS = ("return", "return", "exchange", "warranty", "delivery_claim", "question", "complaint")
CASE_STEPS = ("customer_asked", "waiting_customer", "waiting_shop", "resolved", "resolved", "resolved", "closed",
              "cancelled", "reopened")  # fmt: skip
PARCEL_STEPS = ("shipped", "delayed", "delivered", "delivered", "delivered", "failed", "cancelled")
TOUCHPOINTS = ("store_visit", "checkout", "support", None)
STAFF = ({}, {}, {"categories": ["care"]}, {"channels": ["email"]}, {"categories": ["service"], "channels": ["web"]})

USUAL = {
    "purchase": 6, "browse": 2, "rating": 6, "complaint": 1, "case": 4, "case_step": 8, "answer": 3, "parcel": 4,
    "parcel_step": 5, "friction": 4, "consent": 3, "link": 2, "unlink": 1, "hold": 1.5, "release": 1.5, "score": 4,
    "goods_back": 1, "contact": 1.5, "erasure": 0.02, "incident": 1, "profile": 2,
}  # fmt: skip


class Happenings:
    """Draws events for the people of one shop. `weights` says how often which happens."""

    def __init__(self, rng, people, visitors, weights, also_known_as):
        self.rng, self.people, self.visitors = rng, people, visitors
        self.also_known_as = also_known_as
        self.kinds, self.weights = list(weights), list(weights.values())
        self.told = 0
        self.cases, self.parcels, self.holds, self.orders = [], [], [], {}

    def some(self, now, how_many):
        """Up to `how_many` events, around `now`."""
        drawn = self.rng.choices(self.kinds, self.weights, k=how_many)
        return [event for kind in drawn if (event := self.one(kind, now)) is not None]

    def one(self, kind, now, who=None, at=None):
        """One event of a kind, None where nobody is there for it."""
        return getattr(self, "_" + kind)(now, who or self.whoever(), at or self._when(now))

    def whoever(self):
        """A customer, or now and then a visitor."""
        visitor = self.visitors and self.rng.random() < 0.15
        return "anonymous:" + self.rng.choice(self.visitors) if visitor else self.rng.choice(self.people)

    def _another_id(self, who):
        """The same person, now and then under another of her ids."""
        return self.rng.choice(self.also_known_as(who)) if self.rng.random() < 0.3 else who

    def _when(self, now):
        """Mostly just now; sometimes days late, seldom a little ahead of our clock."""
        chance = self.rng.random()
        if chance < 0.8:
            return now - timedelta(seconds=self.rng.uniform(0, 3600))
        if chance < 0.97:
            return now - timedelta(days=self.rng.uniform(0, 12))
        return now + timedelta(seconds=self.rng.uniform(1, 290))

    def _event(self, kind, who, at, touchpoint=None, channel=None, /, **payload):
        self.told += 1
        event = {"event_id": f"e{self.told}", "type": kind, "occurred_at": at.isoformat(), "payload": payload}
        event |= {"touchpoint": touchpoint} if touchpoint else {}
        event |= {"channel": channel} if channel else {}
        if who.startswith("anonymous:"):
            return event | {"anonymous_id": who.removeprefix("anonymous:")}
        return event | {"customer_id": who}

    def _purchase(self, now, who, at):
        order = f"o{self.told}"
        self.orders.setdefault(who, []).append(order)
        items = self.rng.sample(("bread", "coat", "lamp", "skis", "hat"), self.rng.choice((1, 1, 1, 2)))
        lines = [{"item_id": item, "quantity": 1, "unit_price": 1000} for item in items]
        channel = self.rng.choice(("web", "web", "store"))
        return self._event("purchase", who, at, None, channel, order_id=order, currency="EUR", lines=lines)

    def _browse(self, now, who, at):
        return self._event("browse", who, at, action="view", session_id="s", item_id="coat")

    def _rating(self, now, who, at):
        rng = self.rng
        kind, score = rng.choice(
            [("rating", rng.randint(1, 5)), ("csat", rng.randint(1, 5)), ("nps", rng.randint(0, 10)),
             ("ces", rng.randint(1, 7))]
        )  # fmt: skip
        more = rng.choice([{}, {}, {}, {"scale_min": 0, "scale_max": 20}]) if kind == "rating" else {}
        return self._event("feedback", who, at, rng.choice(TOUCHPOINTS), kind=kind, score=score, **more)

    def _complaint(self, now, who, at):
        mine = [c for c, whose, _ in self.cases if whose == who]
        more = {"case_id": self.rng.choice(mine)} if mine and self.rng.random() < 0.3 else {}
        more |= {"score": 5} if self.rng.random() < 0.2 else {}
        event = self._event("feedback", who, at, kind="complaint", text="No!", **more)
        if "case_id" not in more:
            self.cases.append((event["event_id"], who, "complaint"))
        return event

    def _case(self, now, who, at):
        kind, case_id = self.rng.choice(CASE_KINDS), f"case{self.told}"
        self.cases.append((case_id, who, kind))
        return self._event("case", who, at, case_id=case_id, kind=kind, status="opened", **self._promise(at))

    def _promise(self, at):
        if self.rng.random() < 0.5:
            return {}
        return {"promised_by": (at + timedelta(days=self.rng.uniform(0.1, 9))).isoformat()}

    def _case_step(self, now, who, at):
        if not self.cases:
            return None
        case_id, who, kind = self.rng.choice(self.cases[-60:])
        status = self.rng.choice(CASE_STEPS)
        more = {} if status in ("resolved", "closed", "cancelled") else self._promise(at)
        return self._event("case", self._another_id(who), at, case_id=case_id, kind=kind, status=status, **more)

    def _answer(self, now, who, at):
        if not self.cases:
            return None
        case_id, who, _ = self.rng.choice(self.cases[-60:])
        touchpoint, score = self.rng.choice(TOUCHPOINTS), self.rng.choice((1, 2, 3, 4, 5, 5, 5))
        who = self._another_id(who)
        return self._event("feedback", who, at, touchpoint, kind="csat", score=score, case_id=case_id)

    def _parcel(self, now, who, at):
        order = self.rng.choice(self.orders.get(who) or [f"o-{self.told}"])
        self.parcels.append((order, who))
        promised = (at + timedelta(days=self.rng.uniform(0.2, 6))).isoformat()
        return self._event("delivery", who, at, order_id=order, status="promised", promised_at=promised)

    def _parcel_step(self, now, who, at):
        if not self.parcels:
            return None
        order, who = self.rng.choice(self.parcels[-60:])
        status, more = self.rng.choice(PARCEL_STEPS), {}
        if self.rng.random() < 0.5:
            more["carrier"] = self.rng.choice(("posti", "dhl"))
        if status in ("shipped", "delayed") and self.rng.random() < 0.5:
            more["promised_at"] = (at + timedelta(days=self.rng.uniform(-2, 6))).isoformat()
        return self._event("delivery", self._another_id(who), at, order_id=order, status=status, **more)

    def _friction(self, now, who, at):
        kind = self.rng.choice(("failed_checkout", "payment_error", "out_of_stock", "long_wait", "pickup_unavailable"))
        more = {"wait_seconds": self.rng.choice((60, 900, 3600))} if kind == "long_wait" else {}
        return self._event("friction", who, at, self.rng.choice(TOUCHPOINTS), kind=kind, **more)

    def _consent(self, now, who, at):
        purpose = self.rng.choice(("marketing", "marketing", "feedback", "profiling"))
        status = self.rng.choice(("granted", "granted", "granted", "granted", "withdrawn", "objected"))
        more = self.rng.choice(({}, {}, {"channel": "email"}, {"channel": "app"}))
        return self._event("consent", who, at, purpose=purpose, status=status, **more)

    def _link(self, now, who, at):
        return self._identity("link", at)

    def _unlink(self, now, who, at):
        return self._identity("unlink", at)

    def _identity(self, action, at):
        if not self.visitors:
            return None
        visitor, who = self.rng.choice(self.visitors), self.rng.choice(self.people[: 3 * len(self.visitors)])
        return self._event("identity", who, at, action=action) | {"anonymous_id": visitor}

    def _hold(self, now, who, at):
        hold_id = f"h{self.told}" if self.rng.random() < 0.8 or not self.holds else self.rng.choice(self.holds)[0]
        self.holds.append((hold_id, who))
        review = (at + timedelta(days=10)).isoformat()
        more = self.rng.choice(STAFF)
        return self._event("hold", who, at, action="add", hold_id=hold_id, person="Ritva", review_at=review, **more)

    def _release(self, now, who, at):
        known = [
            f"{kind}:{c}" for c, whose, _ in self.cases if whose == who for kind in ("open_case", "bad_resolution")
        ]
        known += [hold_id for hold_id, whose in self.holds if whose == who]
        if not known and self.holds:
            hold_id, who = self.rng.choice(self.holds[-30:])
            known = [hold_id]
        if not known:
            return None
        chosen = self.rng.choice(known)
        return self._event("hold", who, at, action="release", hold_id=chosen, person="Ritva", reason="all is well")

    def _score(self, now, who, at):
        model = self.rng.choice(("dissatisfaction", "dissatisfaction", "mood"))
        value = self.rng.choice((0.1, 0.55, 0.65, 0.75, 0.95))
        return self._event("score", who, at, model=model, version="1", value=value)

    def _goods_back(self, now, who, at):
        if not self.orders.get(who):
            return None
        lines = [{"item_id": self.rng.choice(("coat", "lamp", "bread")), "quantity": 1, "amount": 900}]
        return self._event("return", who, at, order_id=self.rng.choice(self.orders[who]), lines=lines)

    def _contact(self, now, who, at):
        action, channel = (
            self.rng.choice(("shelf", "case_status", "tip", "elsewhere", "bundle", "welcome", "how_was_it")),
            self.rng.choice(("email", "app")),
        )
        status = self.rng.choice(("sent", "sent", "sent", "sent", "click", "unsubscribe"))
        return self._event("contact", who, at, None, channel, action_id=action, status=status)

    def _incident(self, now, who, at):
        """Something of the shop's that touches many; declared, declared anew or closed, never ahead of the clock."""
        rng, at = self.rng, min(at, now)
        name = f"i{rng.randrange(6)}"
        since, until = at - timedelta(days=rng.uniform(1, 9)), at + timedelta(days=rng.uniform(-1, 2))
        rules = (
            {"touchpoint": rng.choice(TOUCHPOINTS[:3]), "since": since.isoformat()},
            {"carrier": "posti"},
            {"channel": "web", "since": since.isoformat()},
            {"carrier": "dhl", "orders_between": [(since - timedelta(days=20)).isoformat(), until.isoformat()]},
        )
        more = {"action": "declare", "rule": rng.choice(rules)} if rng.random() < 0.5 else {"action": "close"}
        event = self._event("incident", who, at, incident_id=name, person="Ritva", **more)
        return {key: value for key, value in event.items() if not key.endswith("_id") or key == "event_id"}

    def _profile(self, now, who, at):
        zone = self.rng.choice(("Europe/Helsinki", "America/New_York", "Asia/Tokyo"))
        said = self.rng.choice((
            {"facts": {"time_zone": zone}}, {"facts": {"time_zone": zone}}, {"facts": {"size": "M"}},
            {"refused": ["size"]}, {"facts": {"taste": "plain"}, "refused": ["size"]}, {"refused": ["taste"]},
        ))  # fmt: skip
        return self._event("profile", who, at, **said)

    def _erasure(self, now, who, at):
        return self._event("erasure", who, at)

    def spoiled(self, event):
        """The event with a fault that gets it refused, under an id of its own."""
        self.told += 1
        bad = json.loads(json.dumps(event)) | {"event_id": f"e{self.told}"}
        fault = self.rng.choice(("kind", "field", "future"))
        if fault == "future":
            bad["occurred_at"] = "2150-01-01T00:00:00+00:00"
        elif fault == "field":
            bad["payload"]["nonsense"] = 1
        else:
            bad["type"] = "complain"
        return bad
