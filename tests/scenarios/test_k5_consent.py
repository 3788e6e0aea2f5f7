"""K5: consent. Every sentence of it."""

import pytest


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


@pytest.fixture
def asked_in_time(shop):
    """Aino bought a fortnight ago and has not rated anything since: a question about her order would fit."""
    shop.regular("aino", consent=False)
    return shop


def candidates(shop, customer, placement, channel):
    return {c["action_id"]: c for c in shop.why(customer, placement, channel)["candidates"]}


@pytest.mark.parametrize("placement,channel", [
    ("email", "email"), ("app_push", "app"), ("social_audience", "social"), ("partner_mailing", "partner"),
])  # fmt: skip
def test_k5_without_marketing_consent_nothing_commercial_goes_out(asked_in_time, placement, channel):
    answer = asked_in_time.asks("aino", placement, channel, n=5)
    assert answer.actions == set()
    assert answer["no_action_reason"]["code"] == "consent"
    for candidate in candidates(asked_in_time, "aino", placement, channel).values():
        if candidate["category"] in ("sales", "care"):
            assert "consent" in candidate["gates"], candidate["action_id"]


def test_k5_a_list_leaves_her_out_too(asked_in_time):
    report = asked_in_time.builds_list("autumn")
    assert "aino" not in asked_in_time.mailed(report)
    assert "consent" in asked_in_time.kept_off(report)["aino"]["reason"]


def test_k5_a_request_for_feedback_needs_consent_as_well(asked_in_time):
    shop = asked_in_time
    shop.happens("consent", "aino", purpose="marketing", status="granted")
    shop.wait(seconds=1)
    assert shop.email("aino").sells
    assert "consent" in candidates(shop, "aino", "email", "email")["feedback_request"]["gates"]
    shop.happens("consent", "aino", purpose="feedback", status="granted")
    shop.wait(seconds=1)
    assert candidates(shop, "aino", "email", "email")["feedback_request"]["gates"] == []


def test_k5_service_messages_still_go(asked_in_time):
    asked_in_time.happens("consent", "aino", purpose="marketing", status="objected")
    asked_in_time.case("aino", "opened")
    asked_in_time.wait(seconds=1)
    assert asked_in_time.email("aino").actions == {"case_status"}


def test_k5_consent_to_letters_is_none_to_anything_else(asked_in_time):
    shop = asked_in_time
    shop.happens("consent", "aino", purpose="marketing", status="granted", consent_channel="email")
    shop.wait(seconds=1)
    assert shop.email("aino").sells
    assert not shop.asks("aino", "app_push", "app").sells
    assert not shop.asks("aino", "social_audience", "social").sells


def test_k5_an_objection_to_profiling_leaves_popular_products_only(shop):
    shop.regular("aino")
    shop.looks_at("aino", "sneaker-39")
    places = [
        ("front_page", "web"),
        ("product_page", "web"),
        ("cart", "web"),
        ("email", "email"),
        ("store_desk", "store"),
    ]
    context = {"item": "boot-39", "cart": ["boot-39"]}
    for placement, channel in places:
        before = shop.asks("aino", placement, channel, n=9, context=context, mode="simulate")
        assert before.actions - {"popular_items", "feedback_request"}, placement

    shop.happens("consent", "aino", purpose="profiling", status="objected")
    shop.wait(seconds=1)
    for placement, channel in places:
        answer = shop.asks("aino", placement, channel, n=9, context=context)
        assert answer.sells and answer.actions <= {"popular_items", "feedback_request"}, placement
        for item in (item for action in answer["actions"] for item in action["items"]):
            assert item["probability"] is None, "no model has looked at her"
    by_id = candidates(shop, "aino", "front_page", "web")
    assert "profiling_objection" in by_id["recommended_items"]["gates"]


def test_k5_withdrawal_acts_on_the_very_next_request(shop):
    shop.regular("aino")
    shop.morning = shop.builds_list("morning")
    letter = shop.email("aino")
    assert letter.sells and "aino" in shop.mailed(shop.morning)

    shop.happens("consent", "aino", purpose="marketing", status="withdrawn")
    assert not shop.asks("aino", "email", "email", mode="simulate").sells
    (row,) = shop.rechecks([letter["decision_id"]])
    assert row["allowed"] is False and "consent" in {reason["code"] for reason in row["reasons"]}
    assert "aino" in {row["customer_id"] for row in shop.exports_list(shop.morning).dropped}
    assert shop.front_page("aino").sells, "in the shop itself she may still look around"

    shop.wait(days=1)
    shop.happens("consent", "aino", purpose="marketing", status="granted")
    assert shop.email("aino").sells, "and only her own word brings the letters back"


def test_k5_an_objection_to_marketing_counts_in_the_shop_too(shop):
    shop.regular("aino")
    shop.happens("consent", "aino", purpose="marketing", status="objected")
    assert not shop.front_page("aino").sells
    assert not shop.email("aino").sells


def test_k5_unsubscribe_is_a_withdrawal_in_that_channel(shop):
    shop.regular("aino")
    letter = shop.email("aino")
    shop.reports(letter, "sent")
    shop.wait(hours=1)
    shop.reports(letter, "unsubscribe")
    answer = shop.email("aino")
    assert not answer.sells and answer.actions == set()
    assert answer["no_action_reason"]["code"] == "consent"
    assert "consent" in candidates(shop, "aino", "email", "email")["feedback_request"]["gates"]
    assert shop.asks("aino", "app_push", "app").sells, "what she agreed to elsewhere stands"


def test_k5_a_visitor_without_any_consent_on_record_gets_an_unpersonalised_front_page(shop):
    answer = shop.front_page("visitor-1")
    assert answer.actions == {"popular_items"}
    assert answer.products == shop.front_page("visitor-2").products, "the same for everybody"
    assert all(item["probability"] is None for item in answer["actions"][0]["items"])
    assert shop.email("visitor-1").actions == set()
