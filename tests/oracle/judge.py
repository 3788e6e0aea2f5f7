"""The oracle's judgement: which gates should stand before each action of a question, and what is wrong with an answer.

Written from docs/decisions-api.md and the two YAML files alone; shares nothing with the product.
"""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from tests.oracle import manners
from tests.oracle.holding import covers
from tests.oracle.situation import asked_for, may_show, situation, word
from tests.oracle.told import DAY


class Judge:
    """Policy, actions and items as the files say them, and what was told. A shop's arms are learned by looking."""

    def __init__(self, told):
        self.told = told
        self.policy, self.actions, self.items = {}, {}, {}
        self.arms = {}  # (salt, shares, identity) -> the arm first answered
        self.lottery = manners.Lottery()
        self.known = {}  # person and visitors -> her situation at this moment

    def forget(self):
        """To be called whenever an event, the policy or the clock may have changed what is known of people."""
        self.known.clear()

    def situation(self, question):
        """What is known of the one asked for, at the moment asked."""
        who = (*asked_for(self.told, question), question.get("anonymous_id"))
        if who not in self.known:
            self.known[who] = situation(self.told, self.policy, question)
        return self.known[who]

    # ---------------------------------------------------------------- the gates

    def gates(self, question, *, of_decision=None, released=(), as_if_free=False):
        """The gates that stand before each action: {action: set of codes}; empty for what may be shown.

        `of_decision` leaves out the contact that this decision itself brought about, `released` holds let go by chance.
        `as_if_free`: were there no holds at all.
        """
        known = self.situation(question)
        place = self.policy["placements"][question["placement"]]
        contacts = [c for c in known["contacts"] if of_decision is None or c["decision_id"] != of_decision]
        holds = [] if as_if_free else [h for h in known["holds"] if h["id"] not in released]
        over, reach = self._over_cap(known, contacts, question["channel"]), question.get("send_at", 0)
        asked = (question["placement"], question["channel"], place, contacts, holds, over, max(reach, known["now"]))
        stands = {n: self._own_gates(n, a, known, *asked) for n, a in self.actions.items() if n != "no_action"}
        ranking = [n for n, failed in stands.items() if not failed and self.actions[n].get("outranks")]
        for name, failed in stands.items():
            if ranking and not self.actions[name].get("outranks"):
                failed.add("outranked")
        serves = any(not failed and not sells(self.actions[name]) for name, failed in stands.items())
        if serves and (place.get("reserves_service") or holds):
            for name, failed in stands.items():
                if sells(self.actions[name]):
                    failed.add("service_first")
        return stands

    def _own_gates(self, name, action, known, placement, channel, place, contacts, holds, over, reach):
        outbound, marketing, failed = place["outbound"], sells(action), set()
        forms = manners.fitting(action, placement, channel)
        if action["category"] not in place["categories"] or not forms:
            return {"placement"}  # whatever else stands before it
        failed |= manners.gates_of_forms(forms, known["features"], reach)
        if not manners.is_valid(action, reach):
            failed.add("validity")
        for part in ("eligibility", "applicability", "suitability"):
            if not manners.meets(action.get(part, ()), known["features"]):
                failed.add(part)
        if any(covers(hold, action["category"], action["group"], channel, outbound) for hold in holds):
            failed.add("hold")
        if action.get("once_per") and (outbound or marketing):
            counted = [c for c in contacts if channel != "phone" or c["channel"] == "phone"]  # a call is a call
            if manners.is_said(name, action, counted, known["changed"]):
                failed.add("already_told")
        if manners.comes_later(action, self.actions, known, contacts):
            failed.add("comes_later")
        if "sample" in action and self.lottery.left_out(name, action, self.policy, known):
            failed.add("not_sampled")
        if action.get("asks") in known["facts"]:
            failed.add("already_known")
        if action.get("items") and not any(may_show(row, item, known) for item, row in self.items.items()):
            failed.add("no_items")
        if action.get("personal") and self._word(known, "profiling", channel) in ("withdrawn", "objected"):
            failed.add("profiling_objection")
        hours = self.policy.get("quiet_hours") or {"marketing": [], "all": []}
        quiet_for = hours["all"] + (hours["marketing"] if marketing else [])
        if outbound and channel in quiet_for and _is_quiet(hours, known["zone"] or hours["zone"], reach):
            failed.add("quiet_hours")
        if not marketing:
            return failed
        if known["problem"]:
            failed.add("state_unknown")
        if over:
            failed.add("contact_cap")
        if manners.over_own_cap(name, self.actions, channel, contacts, known):
            failed.add("action_cap")
        came = outbound and action["category"] == "sales"
        if came and manners.has_not_answered(self.policy, self.actions, contacts, known):
            failed.add("unanswered")
        purposes = self.policy["consent"]["purposes"]
        purpose = action.get("purpose") or purposes.get(action["group"]) or purposes.get(action["category"])
        said = self._word(known, purpose, channel)
        if (said not in ("granted", "declared")) if outbound else (said == "objected"):
            failed.add("consent")
        return failed

    def _word(self, known, purpose, channel):
        return word(self.told, self.policy, known, purpose, channel)

    def _over_cap(self, known, contacts, channel):
        cap, weights = self.policy["contact_cap"], self.policy["channels"]
        factor = cap["recovery_factor"] if known["recovering"] else 1
        for window in cap["windows"]:
            since, spent, counted = known["now"] - window["days"] * factor * DAY, 0.0, set()
            for contact in contacts:
                action = self.actions.get(contact["action"])
                if (action is not None and not sells(action)) or not since < contact["at"] <= known["ahead"]:
                    continue
                if contact["decision_id"] is None or contact["decision_id"] not in counted:
                    spent += weights[contact["channel"]]["weight"]
                    counted.add(contact["decision_id"])
            if spent + weights[channel]["weight"] > window["limit"] + 1e-9:
                return True
        return False

    # ---------------------------------------------------------------- what is wrong with an answer

    def objections(self, question, answer, stands):
        """What is wrong with an answer, in words; nothing if it may go out. `stands` are the gates of its question.

        `answer` is a dict: actions (action_id and items each), and where known arm, state_status and released.
        """
        known, wrong = self.situation(question), []
        for action_id, items in answer["actions"]:
            if action_id not in stands:
                wrong.append(f"{action_id} is not in the catalogue")
                continue
            wrong += [f"{action_id} is barred: {gate}" for gate in sorted(stands[action_id])]
            if sells(self.actions[action_id]) and answer.get("arm") == "holdout":
                wrong.append(f"{action_id} is barred: holdout")
            if self.actions[action_id].get("items") and not items:
                wrong.append(f"{action_id} shows no item")
            since = answer.get("since", 0)
            wrong += [f"{action_id} shows {i}" for i in items if not may_show(self.items[i], i, known, since)]
        wrong += self._unworn(question, known, answer.get("forms", ()))
        if known["problem"] and answer.get("state_status") == "ok":
            wrong.append(f"the state is said to be ok, and it is unknown: {known['problem']}")
        if answer.get("released"):
            wrong += self._may_not_release(known)
        if answer.get("arm"):
            wrong += self._arm_is_not_hers(known, answer["arm"])
        return wrong

    def _unworn(self, question, known, forms):
        """The forms of an answer that do not fit the place or her, or are not valid when it reaches her."""
        reach, wrong = max(question.get("send_at", 0), known["now"]), []
        for name, said in forms:
            there = manners.fitting(self.actions[name], question["placement"], question["channel"])
            good = [form["treatment"] for form in manners.wearable(there, known["features"], reach)]
            wrong += [] if said in good else [f"{name} in the form {said}, which it may not have here"]
        return wrong

    def releasable(self, question):
        """The holds that may be let go by chance: predictions beside no other hold, where the policy says so."""
        known = self.situation(question)
        return [] if self._may_not_release(known) else [hold["id"] for hold in known["holds"]]

    def look(self, question, answer):
        """See who was drawn for what goes to a sample only; what is wrong with that, in words."""
        known, wrong = self.situation(question), []
        if known["problem"] or answer["state_status"] != "ok":
            return wrong
        for name, gates, _ in answer["candidates"]:
            if "sample" in self.actions[name]:
                wrong += self.lottery.look(name, self.actions[name], self.policy, known, "not_sampled" not in gates)
        return wrong

    def _may_not_release(self, known):
        """Only predictions may be let go by chance, beside no other hold, and only where the policy says so."""
        if not self.policy["exploration"].get("predicted_release"):
            return ["a hold was let go by chance, and the policy does not say so"]
        kinds = {hold["kind"] for hold in known["holds"]}
        return [] if kinds == {"predicted"} else [f"holds were let go by chance beside {sorted(kinds)}"]

    def _arm_is_not_hers(self, known, arm):
        """The arm of her oldest identity is hers for as long as the salt and the shares stay."""
        shares = self.policy["arms"]
        mine = (self.policy["salt"], shares["holdout"], shares["control"], known["oldest"])
        first = self.arms.setdefault(mine, arm)
        return [] if first == arm else [f"the arm of {known['oldest']} was {first}, and is {arm}"]

    def needless(self, answer, stands):
        """Actions that the answer says are barred though no gate stands before them, as (action, gates said)."""
        found = []
        for action_id, said, _ in answer["candidates"]:
            if said and not stands[action_id] and (said != ("holdout",) or answer["arm"] != "holdout"):
                found.append((action_id, said))
        return found

    def let_through(self, answer, stands):
        """Actions that the answer says nothing stands before though a gate does, shown or not, as (action, gates)."""
        open_ones = [action_id for action_id, said, _ in answer["candidates"] if not said]
        return [(one, sorted(stands[one])) for one in open_ones if stands.get(one)]

    # ---------------------------------------------------------------- whether there was anything to hold

    def is_held(self, question, arm, stands):
        """Whether a hold keeps a sale back that would have won without it."""
        known = self.situation(question)
        if known["problem"] or arm == "holdout" or not any("hold" in failed for failed in stands.values()):
            return False
        free = self.gates(question, as_if_free=True)
        gains = {name: self._gain(name, question) for name, failed in free.items() if not failed}
        best = max(gains, key=gains.get, default=None)
        return (
            best is not None
            and gains[best] > 0
            and self.actions[best]["category"] == "sales"
            and "hold" in stands[best]
        )

    def _gain(self, name, question):
        action, place = self.actions[name], self.policy["placements"][question["placement"]]
        response = action["response"]["prior"]
        brings = response * action.get("incrementality", 1.0) * action["value"]
        lever = self.policy.get("levers", {}).get(name, 1.0) * place.get("context_weight", {}).get(name, 1.0)
        cost = self.policy["channels"][question["channel"]]["contact_cost"]
        return lever * (brings - response * action.get("incentive_cost", 0)) - cost

    def is_clear(self, question):
        """Whether her state is known and no hold of any kind is in force."""
        known = self.situation(question)
        return not known["problem"] and not known["holds"]


def sells(action):
    """Whether it is sales or care, which holds, caps, consent and holdout touch."""
    return action["category"] in ("sales", "care")


def _is_quiet(hours, zone, at):
    local = datetime.fromtimestamp(at / 1e6, UTC).astimezone(ZoneInfo(zone)).time()
    starts, ends = time.fromisoformat(hours["starts"]), time.fromisoformat(hours["ends"])
    return starts <= local < ends if starts < ends else local >= starts or local < ends
