"""The product's decisions in plain types, as the judge reads them, and the chances they were drawn by."""

from tests.oracle.told import micros


def as_answer(decision):
    """A decision in plain types, as the judge reads it."""
    return {
        "actions": [(a.action_id, [i.item_id for i in a.items]) for a in decision.actions],
        "forms": [(a.action_id, a.treatment_id) for a in decision.actions],
        "logged": [(a.action_id, a.logging_propensity) for a in decision.actions],
        "arm": decision.arm, "state_status": decision.state_status, "released": decision.released_holds,
        "candidates": [(c.action_id, c.gates, c.chances) for c in decision.candidates],
    }  # fmt: skip


def as_acted_on(decision):
    """An earlier decision that is about to be acted on: what goes out, in which form, decided when."""
    told = as_answer(decision)
    return {"actions": told["actions"], "forms": told["forms"], "since": micros(decision.decided_at)}


def odds_are_wrong(answer):
    """What is wrong with the chances an answer was drawn by: each draw's sum to one, the barred have none."""
    wrong, draws = [], {}
    for action_id, gates, chances in answer["candidates"]:
        if gates and any(chances):
            wrong.append(f"{action_id} is barred and has a chance")
        for place, chance in enumerate(chances):
            draws.setdefault(place, {})[action_id] = chance
    for place, odds in draws.items():
        if abs(sum(odds.values()) - 1) > 1e-9 or min(odds.values()) < 0:
            wrong.append(f"the chances of position {place + 1} are {odds}")
    for place, (action_id, logged) in enumerate(answer["logged"] if draws else ()):
        if not 0 < logged == draws[place].get(action_id):
            wrong.append(f"{action_id} was logged with chance {logged}")
    return wrong


def contact_event(decision, action, status, at):
    """The contact an outcome tells of, as docs/decisions-api.md says it reaches her record."""
    key = decision.customer_key
    who = {"anonymous_id": key.removeprefix("anonymous:")} if key.startswith("anonymous:") else {"customer_id": key}
    payload = {"action_id": action.action_id, "decision_id": decision.decision_id, "status": status}
    event_id = f"outcome:{decision.decision_id}:{action.action_id}:{status}"
    return {
        "event_id": event_id, "type": "contact", "occurred_at": at.isoformat(), "channel": decision.channel,
        "payload": payload, **who,
    }  # fmt: skip
