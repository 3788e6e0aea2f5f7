"""R9: no action is an action."""


def test_r9_where_nothing_is_worth_its_cost_nothing_is_sent_and_the_record_says_what_would_have_been_next(shop):
    shop.regular("aino")
    assert shop.email("aino").sells

    shop.edits_policy(lambda policy: policy["channels"]["email"].update(contact_cost=100_000))  # a letter costs 1000 e
    answer = shop.asks("aino", "email", "email", idempotency_key="dear-letter")
    assert answer.actions == set()
    assert answer["no_action_reason"]["code"] == "no_gain"

    why = shop.http.get("/v1/customers/aino/why", params={"channel": "email", "placement": "email"}).json()
    candidates = {c["action_id"]: c for c in why["candidates"]}
    assert candidates["no_action"]["expected_gain"] == 0
    assert all(c["expected_gain"] < 0 for c in candidates.values() if c["category"] == "sales" and not c["gates"])
    assert why["withheld"]["action_id"] in candidates, "the one that came closest is named"
    assert why["withheld"]["expected_gain"] < 0


def test_r9_the_discount_is_charged_on_those_who_would_have_bought_anyway(shop):
    shop.regular("aino")
    before = {c["action_id"]: c for c in shop.why("aino", "email", "email")["candidates"]}
    shop.edits_action("win_back_discount", lambda action: action.update(incentive_cost=5_000_000))
    after = {c["action_id"]: c for c in shop.why("aino", "email", "email")["candidates"]}
    assert after["win_back_discount"]["expected_gain"] < before["win_back_discount"]["expected_gain"]
    assert after["win_back_discount"]["expected_gain"] < 0
