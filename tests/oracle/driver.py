"""Drives one random shop through its days, asks for decisions all the while, and lets the judge object.

Seeded: the same number gives the same shop, the same events, the same faults and the same questions.
"""

import json
import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from serving.core.question import Request
from serving.service import DecisionService, Outcome
from tests.oracle.answers import as_acted_on, as_answer, contact_event, odds_are_wrong
from tests.oracle.happenings import USUAL, Happenings
from tests.oracle.judge import Judge
from tests.oracle.shops import ITEMS, PLACES, random_actions, random_policy
from tests.oracle.tally import Tally
from tests.oracle.told import Told, micros

UNRECORDED = "unknown:unrecorded"
MENDABLE = ("unknown:corrupt", "unknown:behind")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Shop:
    """One shop: its service, its clock, what it was told, and the judge."""

    alone_up_to = 8  # so many questions are asked one after another, more of them in one breath

    def __init__(self, root, seed, *, weights=USUAL, people=50, visitors=8, until_noticed=False):
        self.rng, self.seed, self.now = random.Random(seed), seed, START
        self.home, self.told, self.tally, self.until_noticed = Home.open(root), Told(), Tally(), until_noticed
        self.judge = Judge(self.told)
        names, cookies = [f"c{i}" for i in range(people)], [f"v{i}" for i in range(visitors)]
        weights = dict(weights)
        self.silence = weights.pop("silence", 0.02)
        self.happenings = Happenings(self.rng, names, cookies, weights, self._also_known_as)
        self.everybody = names + ["anonymous:" + v for v in cookies]
        self.keyed, self.listed, self.last_events, self.refused = [], [], [], []
        self.silent_for, self.noted = 0, set()
        self.home.config.mkdir(exist_ok=True)
        self._stock(ITEMS)
        self.judge.actions = random_actions(self.rng)["actions"]
        (self.home.config / "actions.yaml").write_text(json.dumps({"actions": self.judge.actions}))
        self.new_policy()
        self.service = self._open()
        self._found()

    def _open(self):
        return DecisionService(self.home, durable=False, patience_seconds=0.05)

    def _also_known_as(self, who):
        return self.told.identities(self.told.person(who))

    def close(self):
        """Let go of the service."""
        self.service.close()

    # ---------------------------------------------------------------- what happens to the shop

    def _found(self):
        """The customers' first words and orders, a while ago."""
        events = []
        for who in self.everybody:
            for purpose in ("marketing", "feedback"):
                if self.rng.random() < 0.9:
                    at = self.now - timedelta(days=self.rng.uniform(90, 99))
                    events.append(self.happenings._event("consent", who, at, purpose=purpose, status="granted"))
            for _ in range(self.rng.choice((0, 1, 1, 2, 3))):
                at = self.now - timedelta(days=self.rng.uniform(1, 60))
                events.append(self.happenings.one("purchase", self.now, who, at))
        self.tell(events)
        self.report()

    def tell(self, events, source="api", *, again=False):
        """Send events, and remember what was acknowledged; gives the statuses.

        `again`: nobody knows whether they came in before; a duplicate did.
        """
        received, statuses = micros(self.now), []
        for event, result in zip(events, self.service.ingest(events, self.now, source) if events else (), strict=True):
            self.tally.counts[result.status] += 1
            statuses.append(result.status)
            if result.status == "accepted" or (again and result.status == "duplicate"):
                self.told.accept(event, received, source)
            elif result.status == "rejected":
                self.told.refuse(event)
        self.last_events = (self.last_events + events)[-50:]
        return statuses

    def report(self):
        """The till reports, as the policy may require."""
        event = {
            "event_id": f"till{self.happenings.told}-{micros(self.now)}", "type": "browse", "anonymous_id": "till",
            "occurred_at": self.now.isoformat(), "payload": {"action": "view", "session_id": "till"},
        }  # fmt: skip
        who = self.rng.choice(self.happenings.people)
        self.tell([event, self.happenings.one("browse", self.now, who, self.now)], source="till")

    def new_policy(self, **exploration):
        """Other rules, from the next decision on."""
        self.judge.policy = random_policy(self.rng)
        self.judge.policy["exploration"] |= exploration
        draft = self.home.config / "draft"
        draft.write_text(json.dumps(self.judge.policy))
        draft.replace(self.home.config / "policy.yaml")

    def tear_policy(self):
        """A policy file cut short: the last good one stays in force."""
        text = json.dumps(random_policy(self.rng))
        self.ask_some(3)  # the policy in force has been taken up
        (self.home.config / "policy.yaml").write_text(text[: self.rng.randrange(len(text) - 2)])

    def restart(self):
        """Another process over the same folder; it needs a policy it can read."""
        (self.home.config / "policy.yaml").write_text(json.dumps(self.judge.policy))
        self.service.close()
        self.service = self._open()

    def _stock(self, items):
        self.judge.items = items
        rows = [{"item_id": name, "title": name, "price": 1000, "margin": 500, **row} for name, row in items.items()]
        merge_items(self.home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))

    def restock(self):
        """Some products run out, others come in."""
        self._stock({name: row | {"in_stock": self.rng.random() < 0.7} for name, row in ITEMS.items()})

    def damage(self):
        """Somebody's row of the state is torn, altered, lost, or left behind the log."""
        who = self.told.person(self.rng.choice(self.everybody))
        fault = self.rng.choice(("torn", "altered", "lost", "behind", "emptied"))
        with sqlite3.connect(self.home.live_db) as run:
            row = run.execute("select position, body from state where customer_id = ?", (who,)).fetchone()
            if row is None or who in self.told.damaged:
                return
            body = bytes(row[1])
            if fault == "behind":
                self.tell([self.happenings.one("complaint", self.now, who, self.now)])
                run.execute("update state set position = ?, body = ? where customer_id = ?", (*row, who))
            elif fault == "lost":
                run.execute("delete from state where customer_id = ?", (who,))
            else:
                place = self.rng.randrange(5, len(body))
                altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
                spoiled = {"torn": body[:place], "altered": altered, "emptied": b""}[fault]
                run.execute("update state set body = ? where customer_id = ?", (spoiled, who))
        run.close()
        self.told.damaged[who] = fault

    def repeat_and_contradict(self):
        """Events sent again: as they were, with another content, and with a fault."""
        if not self.last_events:
            return
        event = self.rng.choice(self.last_events)
        self.tell([event])
        if self.rng.random() < 0.3:
            kind = self.rng.choice(("complaint", "friction", "case", "consent", "purchase"))
            meant = self.happenings.one(kind, self.now)
            spoiled = self.happenings.spoiled(meant)
            self.tell([spoiled])
            self.refused.append(meant | {"event_id": spoiled["event_id"]})
        if self.refused and self.rng.random() < 0.3:
            self.tell([self.refused.pop()])  # corrected, under its own id
        if self.rng.random() < 0.3:
            self.tell([dict(event, touchpoint="elsewhere")])

    # ---------------------------------------------------------------- questions

    def _question(self, who):
        """One random question about somebody, as the product is asked and as the judge reads it."""
        rng = self.rng
        placement, channel = rng.choice(PLACES)
        asked = {"placement": placement, "channel": channel, "n": rng.choice((1, 1, 2, 3))}
        if who.startswith("anonymous:"):
            asked["anonymous_id"] = who.removeprefix("anonymous:")
            if rng.random() < 0.2:
                asked["customer_id"] = rng.choice(self.happenings.people)
        else:
            asked["customer_id"] = who
        if rng.random() < 0.2:
            asked["send_at"] = self.now + timedelta(hours=rng.uniform(-1, 14))
        mode = rng.choice(("simulate", "simulate", "simulate", "list", "serve", "manual"))
        return asked, mode

    def ask_some(self, people):
        """Ask about some people in several places at this moment, and judge every answer."""
        asked = []
        for who in self.rng.sample(self.everybody, min(people, len(self.everybody))):
            for _ in range(self.rng.choice((2, 4, 8))):
                question, mode = self._question(who)
                if mode == "serve" and self.rng.random() < 0.3:
                    question["idempotency_key"] = f"key{len(self.keyed)}"
                    self.keyed.append(question)
                asked.append((question, mode))
        if len(asked) > self.alone_up_to:
            self._ask(asked)
            return
        for one in asked:
            self._ask([one])

    def _ask(self, asked):
        """Ask in one breath, judge every answer, and remember what may be acted on."""
        answers = self.service.decide_many([Request(now=self.now, mode=mode, **question) for question, mode in asked])
        self.judge.forget()
        for (question, mode), answer in zip(asked, answers, strict=True):
            self._judged(question, answer, shared=mode == "serve" and len(asked) > 1)
        for (question, mode), answer in zip(asked, answers, strict=True):
            if mode != "simulate":
                self.note(question, mode, answer)

    def _as_judged(self, question):
        """A question as the judge reads it: instants in microseconds."""
        asked = dict(question, now=micros(self.now))
        return asked | {"send_at": micros(asked["send_at"])} if "send_at" in asked else asked

    def _judged(self, question, decision, shared):
        """Judge one answer. `shared`: others asked in the same breath may have taken its place in the cap before it."""
        question = self._as_judged(question)
        judge, answer, tally = self.judge, as_answer(decision), self.tally
        unsteady = judge.look(question, answer)
        stands = judge.gates(question, released=decision.released_holds)
        self._object(question, judge.objections(question, answer, stands) + odds_are_wrong(answer) + unsteady)
        tainted = decision.state_status in MENDABLE and decision.customer_key in self.told.perhaps_mended
        if decision.state_status == UNRECORDED:  # the store was busy, or the place was taken again and again
            tally.counts["unrecorded"] += 1
            tainted = True
        if not (shared or tainted):
            about = f"seed {self.seed}: {question}: {decision.state_status}, {decision.mode}"
            tally.needless += [f"{about}: {one}" for one in judge.needless(answer, stands)]
            tally.objections += [f"{about}: would let through {one}" for one in judge.let_through(answer, stands)]
        tally.decisions += 1
        if judge.is_held(question, decision.arm, stands):
            tally.held += 1
        elif judge.is_clear(question):
            tally.clear += 1
            tally.sold_when_clear += any(a.category == "sales" for a in decision.actions)

    def _object(self, question, wrong):
        self.tally.objections += [f"seed {self.seed}: {question}: {one}" for one in wrong]

    def note(self, question, mode, decision):
        """Remember an answer that may be acted on, and the place it holds in the contact cap.

        Of answers given in one breath, each must fit beside the places of those before it.
        """
        if decision.state_status == UNRECORDED:
            return
        self.noted.add(decision.decision_id)
        self.listed = [*self.listed[-300:], (question, decision)]
        if mode != "serve" or not decision.actions:
            return
        if self.judge.policy["placements"][question["placement"]]["outbound"]:
            if any(a.category in ("sales", "care") for a in decision.actions):
                self.judge.forget()
                asked = self._as_judged(question)
                stands = self.judge.gates(asked, released=decision.released_holds)
                wrong = self.judge.objections(asked, as_answer(decision), stands)
                self._object(asked, [f"in one breath: {one}" for one in wrong])
            self._promise(decision, micros(decision.decided_at))

    def _promise(self, decision, at):
        hours = self.judge.policy["contact_cap"]["reservation_hours"]
        self.told.places.append(
            {"decision_id": decision.decision_id, "who": decision.customer_key, "action": decision.actions[0].action_id,
             "channel": decision.channel, "at": at, "until": at + round(hours * 3600e6)}
        )  # fmt: skip

    def recheck(self):
        """Ask again before acting on earlier answers, as an export or a sender does."""
        chosen = self.rng.sample(self.listed, min(20, len(self.listed)))
        reserve = self.rng.random() < 0.3
        later = {"send_at": self.now + timedelta(hours=self.rng.uniform(0, 14))} if self.rng.random() < 0.3 else {}
        ids = [decision.decision_id for _, decision in chosen]
        verdicts = self.service.recheck(ids, self.now, reserve=reserve, **later)
        self.judge.forget()
        for (question, decision), verdict in zip(chosen, verdicts, strict=True):
            self.tally.counts["rechecked"] += 1
            if verdict.allowed:
                again = as_acted_on(decision)
                self.tally.counts["still allowed"] += 1
                asked = dict(question, customer_id=decision.customer_key) | later
                for gone in {"send_at": not later, "anonymous_id": "customer_id" not in question}.items():
                    asked.pop(gone[0] if gone[1] else None, None)
                asked = self._as_judged(asked)
                lucky = self.judge.releasable(asked)
                stands = self.judge.gates(asked, of_decision=decision.decision_id, released=lucky)
                wrong = self.judge.objections(asked, again, stands)
                self._object(asked, [f"rechecked as allowed: {one}" for one in wrong])
        for (_, decision), verdict in zip(chosen, verdicts, strict=True):
            if reserve and verdict.allowed and decision.actions:
                self.told.places = [p for p in self.told.places if p["decision_id"] != decision.decision_id]
                self._promise(decision, micros(self.now))

    def retry(self):
        """Ask again under the same key: the first answer, or that it no longer stands."""
        for question in self.rng.sample(self.keyed, min(6, len(self.keyed))):
            decision = self.service.decide(Request(now=self.now, mode="serve", **question))
            self.judge.forget()
            if decision.decision_id not in self.noted:  # the first answer was not recorded: this is the first
                self._judged(question, decision, shared=False)
                self.note(question, "serve", decision)
                continue
            self.tally.counts["superseded" if decision.superseded else "retried"] += 1
            asked = self._as_judged(question)
            answer = as_acted_on(decision)
            lucky = self.judge.releasable(asked)
            stands = self.judge.gates(asked, of_decision=decision.decision_id, released=lucky)
            wrong = self.judge.objections(asked, answer, stands)
            self._object(asked, [f"retried: {one}" for one in wrong])

    def outcomes(self):
        """What came of earlier answers: sent, seen, given back, turned down."""
        for _, decision in self.rng.sample(self.listed, min(8, len(self.listed))):
            if not decision.actions:
                continue
            action = self.rng.choice(decision.actions)
            said = self.rng.choice(
                ("sent", "sent", "impression", "impression", "released", "dismiss", "click", "unsubscribe")
            )
            at = self.now - timedelta(seconds=self.rng.uniform(0, 600))
            outcome = Outcome(
                decision_id=decision.decision_id, outcome=said, occurred_at=at, action_id=action.action_id
            )
            if self.service.record_outcome(outcome, self.now):
                reached = max(at, min(decision.decided_at, self.now))  # nothing reached her before it was decided on
                self.told.accept(contact_event(decision, action, said, reached), micros(self.now), "outcomes")
                self.told.places = [p for p in self.told.places if p["decision_id"] != decision.decision_id]

    # ---------------------------------------------------------------- the days

    def live(self, decisions):
        """Go on until so many decisions were asked for, or until something was noticed, if that is to be the end."""
        while self.tally.decisions < decisions and not (self.until_noticed and self.tally.noticed):
            self.moment()
        self.tally.objections += [f"seed {self.seed}: {one}" for one in self.judge.lottery.is_unfair()]

    def moment(self):
        """A while later: things happen, faults too, and questions are asked."""
        rng = self.rng
        self.now += timedelta(hours=rng.choice((0.02, 0.5, 3, 12, 30)), microseconds=rng.randrange(10**6))
        self.tell(self.happenings.some(self.now, rng.randrange(50)))
        self.silent_for -= 1
        if self.silent_for < 0 and rng.random() < self.silence:
            self.silent_for = 6  # the till falls silent for a while
        if self.silent_for < 0:
            self.report()
        for chance, trouble in (
            (0.15, self.new_policy), (0.05, self.tear_policy), (0.04, self.restart), (0.3, self.damage),
            (0.05, self.restock), (0.3, self.repeat_and_contradict), (0.05, self.clock_jumps_back),
            (0.02, self.busy_store),
        ):  # fmt: skip
            if rng.random() < chance:
                self.tally.counts[trouble.__name__] += 1
                trouble()
        self.ask_some(rng.choice((1, 40, 60)))
        for chance, deed in ((0.6, self.outcomes), (0.5, self.recheck), (0.5, self.retry)):
            if rng.random() < chance:
                deed()

    def clock_jumps_back(self):
        """The clock is set back for a while, and then right again."""
        right = self.now
        self.now -= timedelta(minutes=self.rng.choice((0.5, 4, 20, 60 * 24)))
        self.ask_some(20)
        self.recheck()
        self.now = right

    def busy_store(self):
        """Another writer holds the store: what cannot be recorded is not sold."""
        blocker = sqlite3.connect(self.home.live_db, isolation_level=None)
        blocker.execute("begin immediate")
        question, _ = self._question(self.rng.choice(self.everybody))
        decision = self.service.decide(Request(now=self.now, mode="serve", **question))
        blocker.execute("rollback")
        blocker.close()
        if any(a.category in ("sales", "care") for a in decision.actions):
            self._object(question, ["sold although it could not be recorded"])
