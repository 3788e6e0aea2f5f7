"""The oracle's gates of manners: what comes first, who was asked or told enough, which form fits, who was drawn.

Written from docs/decisions-api.md and docs/decisions/0015 and 0016 alone; shares nothing with the product.
"""

from tests.oracle.told import DAY, micros

TESTS = {
    ">=": lambda x, y: x >= y, ">": lambda x, y: x > y, "<=": lambda x, y: x <= y, "<": lambda x, y: x < y,
    "==": lambda x, y: x == y, "between": lambda x, y: y[0] <= x <= y[1],
}  # fmt: skip


def meets(conditions, features):
    """Whether all conditions are met; one about what is not known is not."""
    for condition in conditions:
        value = features[condition["feature"]]
        if value is None or not TESTS[condition["op"]](value, condition["value"]):
            return False
    return True


def is_valid(thing, at):
    """Whether an action or a form is valid at an instant: from valid_from up to, not including, valid_until."""
    begun = "valid_from" not in thing or micros(thing["valid_from"]) <= at
    return begun and ("valid_until" not in thing or at < micros(thing["valid_until"]))


def fitting(action, placement, channel):
    """The forms of an action that fit a place, whatever else."""
    return [
        form
        for form in action["treatments"]
        if channel in form["channels"] and placement in form.get("placements", [placement])
    ]


def wearable(forms, features, at):
    """The forms among `forms` that are valid at `at` and have their own conditions met."""
    return [form for form in forms if is_valid(form, at) and meets(form.get("applicability", ()), features)]


def gates_of_forms(forms, features, at):
    """What stands before an action whose forms here are `forms`: some one of them must be valid and fit her."""
    if not any(is_valid(form, at) for form in forms):
        return {"validity"}
    return set() if wearable(forms, features, at) else {"applicability"}


def is_said(name, action, contacts, changed):
    """Whether an action was said since what it is once per last changed, by itself or by one it is said with."""
    said = [c["at"] for c in contacts if c["action"] in (name, *action.get("said_with", ()))]
    since = changed.get(action.get("once_per"))
    return bool(said) and (since is None or max(said) >= since)


def comes_later(action, actions, known, contacts):
    """Whether something that comes first is hers by its eligibility, and has not reached her: a promise has not."""
    reached = [c for c in contacts if not c.get("promised")]
    for first in action.get("after", ()):
        hers = meets(actions[first].get("eligibility", ()), known["features"])
        if hers and not is_said(first, actions[first], reached, known["changed"]):
            return True
    return False


def over_own_cap(name, actions, channel, contacts, known):
    """Whether one more contact with an action in a channel would pass the cap of its own."""
    cap, group = actions[name].get("cap"), actions[name]["group"]
    if cap is None or ("channels" in cap and channel not in cap["channels"]):
        return False
    count = 0
    for contact in contacts:
        alike = cap.get("whole_group") and actions.get(contact["action"], {}).get("group") == group
        there = "channels" not in cap or contact["channel"] in cap["channels"]
        recent = known["now"] - cap["days"] * DAY < contact["at"] <= known["ahead"]
        count += there and recent and (contact["action"] == name or bool(alike))
    return count >= cap["limit"]


def has_not_answered(policy, actions, contacts, known):
    """Whether so many offers in a row by which we came to her had no answer, each decision one offer."""
    limit, places = policy["contact_cap"].get("unanswered"), policy["placements"].values()
    if limit is None:
        return False
    ours = {channel for place in places if place["outbound"] for channel in place["channels"]}
    hers = {channel for place in places if not place["outbound"] for channel in place["channels"]}
    offers = set()
    for n, contact in enumerate(contacts):
        sold = actions.get(contact["action"], {"category": "sales"})["category"] == "sales"
        if sold and contact["channel"] in ours - hers and contact["at"] > known["last_sign"]:
            offers.add(contact["decision_id"] or n)
    return len(offers) >= limit


class Lottery:
    """Who was drawn for an action that goes to a sample only: learned by looking, one draw an occasion, for ever.

    How it is drawn is the product's own affair; that it stays, and that about as many are drawn as are said, is not.
    """

    def __init__(self):
        self.drawn = {}  # (salt, action, share, oldest identity, occasion) -> whether it was drawn

    def key(self, name, action, policy, known):
        """The occasion of an action that a person's next showing of it would be on."""
        occasion = known["changed"].get(action.get("once_per"))
        return policy["salt"], name, action["sample"], known["oldest"], occasion

    def left_out(self, *occasion):
        """Whether it is known that an occasion was not drawn."""
        return self.drawn.get(self.key(*occasion)) is False

    def look(self, name, action, policy, known, is_drawn):
        """An answer says whether an occasion was drawn; what is wrong with that, in words."""
        first = self.drawn.setdefault(self.key(name, action, policy, known), is_drawn)
        return [] if first == is_drawn else [f"{name} was drawn for her: {first}, and now: {is_drawn}"]

    def is_unfair(self):
        """What is wrong with the shares drawn: farther from those said than five deviations of so many draws."""
        wrong = []
        for name, share in {(key[1], key[2]) for key in self.drawn}:
            draws = [one for key, one in self.drawn.items() if key[1:3] == (name, share)]
            off = abs(sum(draws) - share * len(draws))
            if off > 5 * (share * (1 - share) * len(draws)) ** 0.5:
                wrong.append(f"{sum(draws)} of {len(draws)} were drawn for {name}, which goes to {share:.0%}")
        return wrong
