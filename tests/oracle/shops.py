"""Random shops: a policy and a catalogue of actions, whose conditions use only what the oracle can work out itself."""

ITEMS = {
    "bread": {"in_stock": True, "consumable": True, "season_months": []},
    "coat": {"in_stock": True, "consumable": False, "season_months": []},
    "lamp": {"in_stock": True, "consumable": False, "season_months": []},
    "skis": {"in_stock": True, "consumable": False, "season_months": [1, 2, 12]},
    "tent": {"in_stock": False, "consumable": False, "season_months": []},
}
PLACES = (
    ("front_page", "web"), ("front_page", "app"), ("product_page", "web"), ("product_page", "app"),
    ("store_desk", "store"), ("letter", "email"), ("letter", "email"), ("push", "app"), ("call_list", "phone"),
    ("audience", "social"), ("checkout", "web"),
)  # fmt: skip
_ALL = ["regulation", "data", "service", "care", "sales"]


def random_policy(rng, *, plain=False):
    """A policy as the file says it. `plain`: nothing but the rules themselves stands before a sale."""
    arms = {"holdout": 0.0, "control": 0.0} if plain else rng.choice(
        [{"holdout": 0.05, "control": 0.0}, {"holdout": 0.1, "control": 0.2}, {"holdout": 0.0, "control": 0.0}]
    )  # fmt: skip
    return {
        "salt": f"salt-{rng.randrange(3)}",
        "time_bucket_hours": rng.choice([1, 24]),
        "arms": arms,
        "clearance": {
            "required_sources": {} if plain or rng.random() < 0.5 else {"till": rng.choice([24, 72])},
            "future_tolerance_minutes": rng.choice([0, 5, 30]),
        },
        "consent": {
            "purposes": {"sales": "marketing", "care": "marketing", "feedback_request": "feedback"},
            "declared": [] if rng.random() < 0.7 else [
                {"source": "till", "purpose": "marketing", "channels": ["email"], "basis": "customers' own"}
            ],
        },
        "contact_cap": {
            "windows": rng.choice([
                [{"days": 3, "limit": 3}], [{"days": 7, "limit": 2}],
                [{"days": 1, "limit": 2}, {"days": 7, "limit": 4}],
            ]),
            "recovery_factor": rng.choice([1, 2, 3]), "reservation_hours": rng.choice([6, 48]),
            "unanswered": None if plain else rng.choice([None, 1, 2]),
        },
        "channels": {
            "email": {"weight": 1, "contact_cost": 1}, "phone": {"weight": 1, "contact_cost": 40},
            "social": {"weight": 1, "contact_cost": 5}, "store": {"weight": 0.05, "contact_cost": 0},
            "app": {"weight": 0.02, "contact_cost": 0}, "web": {"weight": 0.02, "contact_cost": 0},
        },
        "worth": {"default_margin": 500, "margin_share": 0.25},
        "quiet_hours": rng.choice([None, None, {
            "starts": rng.choice(["21:00", "12:00"]), "ends": rng.choice(["08:00", "13:30"]), "zone": "Europe/Helsinki",
            "marketing": ["email", "app"], "all": ["phone"],
        }]),
        "exploration": {"epsilon": rng.choice([0.0, 0.1, 0.5]), "predicted_release": rng.choice([0.0, 0.0, 0.2])},
        "levers": {name: rng.choice([0.5, 1.0, 3.0]) for name in ("shelf", "discount", "tip")},
        "placements": {
            "front_page": {"channels": ["web", "app"], "outbound": False, "reserves_service": rng.random() < 0.3,
                           "categories": _ALL, "context_weight": {"shelf": rng.choice([0.5, 2.0])}},
            "product_page": {"channels": ["web", "app"], "outbound": False, "categories": _ALL},
            "store_desk": {"channels": ["store"], "outbound": False, "categories": ["service", "care", "sales"]},
            "letter": {"channels": ["email"], "outbound": True, "reserves_service": True, "categories": _ALL},
            "push": {"channels": ["app"], "outbound": True, "categories": ["service", "care", "sales"]},
            "call_list": {"channels": ["phone"], "outbound": True, "categories": ["service", "care", "sales"]},
            "audience": {"channels": ["social"], "outbound": True, "categories": ["care", "sales"]},
            "checkout": {"channels": ["web"], "outbound": False, "categories": ["regulation", "service"]},
        },
        "holds": _random_holds(rng),
    }  # fmt: skip


def _random_holds(rng):
    def rule(severity, categories, channels, **more):
        return {"severity": severity, "categories": categories, "channels": channels, **more}

    somewhere = lambda usual: rng.choice([[usual], [usual], [usual], ["any"], ["web", "outbound"]])  # noqa: E731
    groups = ["feedback_request"]
    return {
        "open_return": rule(1, ["sales"], somewhere("outbound"), lasts_days=rng.choice([3, 7]), review_days=30),
        "open_case": rule(2, ["sales"], ["any"], groups=groups, lasts_days=rng.choice([2, 7, 20]), review_days=14),
        "open_complaint": rule(3, ["sales", "care"], ["any"], groups=groups, lasts_days=rng.choice([10, 30]),
                               review_days=14),
        "bad_resolution": rule(4, ["sales", "care"], ["any"], groups=groups, review_days=14),
        "bad_rating": rule(rng.choice([1, 2, 3]), ["sales"], somewhere("any"), lasts_days=rng.choice([10, 30])),
        "late_delivery": rule(2, ["sales"], ["any"], lasts_days=rng.choice([1, 3, 9]), review_days=14),
        "friction": rule(1, ["sales"], somewhere("outbound"), lasts_days=rng.choice([3, 6])),
        "predicted": rule(1, rng.choice([["sales"], ["sales", "care"]]), somewhere("outbound"), lasts_days=30),
        "incident": rule(1, ["sales"], somewhere("outbound"), lasts_days=rng.choice([3, 14]), review_days=3),
        "staff": rule(2, ["sales"], ["any"], review_days=14),
        "bad_share": rng.choice([0.3, 0.4]), "worst_share": 0.2, "good_share": rng.choice([0.3, 0.4]),
        "nps_bad_max": rng.choice([5, 6]), "nps_good_min": 9, "days_per_severity": rng.choice([3, 7]),
        "strong_frictions": ["failed_checkout", "payment_error", "long_wait"],
        "long_wait_seconds": rng.choice([600, 1800]), "predicted_models": ["dissatisfaction"],
        "predicted_at": 0.7, "predicted_below": rng.choice([0.5, 0.6]), "recovery_severity": rng.choice([2, 3]),
        "recovery_days": rng.choice([10, 30]),
    }  # fmt: skip


def random_actions(rng):
    """A catalogue as the file says it: help, service, what the law asks, care and sales, and no_action."""
    page = ["web", "app", "store"]
    sold = [{"treatment": "anywhere", "channels": [*page, "email", "phone", "social"]}]
    helped = [{"treatment": "page", "channels": page}, {"treatment": "message", "channels": ["email"]}]

    def at_least(feature, value):
        return {"feature": feature, "op": ">=", "value": value}

    def exactly(feature, value):
        return {"feature": feature, "op": "==", "value": value}

    since = "days_since_last_purchase"
    valid = {} if rng.random() < 0.5 else {
        "valid_from": f"2026-03-{rng.randint(1, 6):02}T12:00:00+00:00", "valid_until": "2026-03-14T12:00:00+00:00"
    }  # fmt: skip
    actions = {
        "case_status": {
            "category": "service", "group": "recovery", "applicability": [at_least("max_case_severity", 2)],
            "response": {"prior": 0.5}, "value": 40, "once_per": "case", "treatments": helped,
        },
        "staff_call": {
            "category": "service", "group": "recovery", "applicability": [at_least("max_hold_severity", 4)],
            "response": {"prior": 0.8}, "value": 3000, "once_per": "case", "outranks": True,
            "treatments": [{"treatment": "call", "channels": ["phone", "email", "store"]}],
        },
        "late_word": {
            "category": "service", "group": "recovery", "applicability": [at_least("late_orders", 1)],
            "response": {"prior": 0.5}, "value": 30, "once_per": "delivery", "treatments": helped,
        },
        "check_in": {
            "category": "service", "group": "recovery", "response": {"prior": 0.3}, "value": 30, "once_per": "case",
            "applicability": [
                at_least("cool_downs", 1), at_least("cases_unanswered_30d", 1), exactly("open_cases", 0)
            ],
            "treatments": helped,
        },
        "welcome": {
            "category": "service", "group": "onboarding", "eligibility": [exactly("orders_total", 1)],
            "applicability": [{"feature": since, "op": "<=", "value": 7}], "response": {"prior": 0.4}, "value": 20,
            "once_per": "order", "treatments": [{"treatment": "hello", "channels": ["web", "email"]}],
        },
        "terms": {
            "category": "regulation", "group": "terms", "applicability": [exactly("known", 1)],
            "response": {"prior": 0.1}, "value": 10, "once_per": "customer",
            "treatments": [{"treatment": "terms", "channels": ["email", "web"], "placements": ["letter", "checkout"]}],
        },
        "shelf": {
            "category": "sales", "group": "offers", "response": {"prior": 0.1}, "incrementality": 0.5, "value": 2500,
            "items": {"source": "popular", "count": 2}, "treatments": sold,
        },
        "for_her": {
            "category": "sales", "group": "offers", "personal": True, "applicability": [at_least("orders_total", 1)],
            "response": {"prior": 0.1}, "incrementality": 0.6, "value": 2600, "treatments": sold,
        },
        "discount": {
            "category": "sales", "group": "incentives", "personal": True,
            "eligibility": [at_least("orders_total", 2)], "applicability": [at_least(since, rng.choice([10, 20]))],
            "suitability": [exactly("ratings_90d", 0)], "response": {"prior": 0.2}, "incrementality": 0.5,
            "incentive_cost": 300, "value": 2500, "treatments": sold, **valid,
        },
        "how_was_it": {
            "category": "care", "group": "feedback_request", "purpose": "feedback",
            "applicability": [{"feature": since, "op": "between", "value": [3, 60]}, exactly("open_cases", 0)],
            "suitability": [exactly("ratings_90d", 0)], "response": {"prior": 0.1}, "value": 200, "once_per": "order",
            "treatments": sold,
        },
        "tip": {
            "category": "care", "group": "tips", "response": {"prior": 0.1}, "value": 150, "treatments": sold,
            "cap": {"days": rng.choice([2, 10]), "limit": 1},
        },
        "no_action": {"category": "none", "group": "silence", "response": {"prior": 0}, "value": 0},
    }  # fmt: skip
    actions |= _with_manners(rng, sold, at_least)
    for name, action in actions.items():
        action["name"] = {"en": name, "fi": name}
        for form in action.get("treatments", ()):
            form["text"] = {"en": name, "fi": name}
    return {"actions": actions}


def _with_manners(rng, sold, at_least):
    """Actions that wait for others, go to a sample, ask for facts, or have caps or forms of their own."""
    question = {"category": "care", "purpose": "feedback", "response": {"prior": 0.1}, "treatments": sold}
    asking = question | {"group": "acquaintance", "cap": {"days": rng.choice([3, 9]), "limit": 1, "whole_group": True}}
    page = {"treatment": "page", "channels": ["web", "app", "store"]}
    letter = {"treatment": "letter", "channels": ["email", "app"], "applicability": [at_least("orders_total", 2)]}
    early = {"treatment": "early", "channels": ["email", "web"], "valid_until": "2026-03-07T09:00:00+00:00"}
    late = {"treatment": "late", "channels": ["email", "web"], "valid_from": "2026-03-05T09:00:00+00:00"}
    letters = {"days": 5, "limit": rng.choice([1, 2]), "channels": ["email"], "whole_group": True}
    return {
        "bundle": {
            "category": "sales", "group": "nurture", "after": ["welcome"], "response": {"prior": 0.1},
            "incrementality": 0.5, "value": rng.choice([2000, 3500]), "cap": letters, "treatments": [page, letter],
        },
        "novelty": {
            "category": "sales", "group": "nurture", "response": {"prior": 0.1}, "incrementality": 0.5,
            "value": rng.choice([2000, 4000]), "cap": {"days": 9, "limit": rng.choice([1, 2]), "channels": ["email"]},
            "treatments": [
                early | {"applicability": [at_least("orders_total", 1)]}, late,
                {"treatment": "call", "channels": ["phone"], "applicability": [at_least("orders_total", 2)]},
            ],
        },
        "recommend": {
            "category": "care", "group": "tips", "after": ["how_was_it", "welcome"], "response": {"prior": 0.1},
            "value": 250, "once_per": "customer", "treatments": sold,
        },
        "how_is_it": question | {
            "group": "feedback_request", "value": 210, "once_per": "order", "said_with": ["how_was_it"], "sample": 0.5,
        },
        "sorry": question | {"group": "tips", "value": 120, "once_per": "rating", "sample": 0.3},
        "ask_size": asking | {"value": 140, "asks": "size"},
        "ask_taste": asking | {"value": 160, "asks": "taste", "after": ["welcome"]},
    }  # fmt: skip
