"""Who may do what in the console: each role is a set of rights, and each page and deed names the right it needs."""

from serving.console.language import N_

RIGHTS = {
    "look": N_("see campaigns, their lists and what became of them"),
    "draft": N_("make, change, preview and build campaigns, and take people off a list"),
    "approve": N_("approve a list that others made, or send it back"),
    "export": N_("take an approved list out of the house"),
    "customers": N_("see a customer, what she gets and why"),
    "care": N_("see who is unhappy, hold and release customers, and keep notes on them"),
    "journey": N_("see the touchpoints of the journey and what goes wrong there"),
    "pause": N_("pause offers for everyone whom an incident affects, and end such a pause"),
    "models": N_("see the models, the policy and the actions"),
    "people": N_("let people in, give them roles, and shut them out"),
}

ROLES = {
    "viewer": ("look", "journey"),
    "marketer": ("look", "draft", "export", "customers", "journey"),
    "approver": ("look", "approve", "customers", "journey"),
    "customer_service": ("customers", "care", "journey", "pause"),
    "data_scientist": ("look", "customers", "journey", "models"),
    "admin": tuple(RIGHTS),
}


def rights_of(roles: frozenset[str]) -> frozenset[str]:
    """All that somebody with these roles may do.

    >>> sorted(rights_of(frozenset({"viewer"})))
    ['journey', 'look']
    """
    return frozenset(right for role in roles for right in ROLES[role])
