"""T7: predicted dissatisfaction."""

import pytest


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


def scored(shop, customer, value, *, reason="third contact in a week; the parcel came late", **more):
    """The model that reads reviews and facts says how likely it is that she is dissatisfied."""
    told = {"model": "dissatisfaction", "version": "2026-08", "value": value, "reason": reason} | more
    shop.happens("score", customer, **{name: said for name, said in told.items() if said is not None})
    shop.wait(seconds=1)


@pytest.fixture
def predicted(shop):
    """Aino has said nothing, but everything points to it."""
    shop.regular("aino")
    assert shop.email("aino").sells
    shop.wait(days=3)
    scored(shop, "aino", 0.83)
    return shop


def test_t7_outbound_offers_pause_on_site_ones_do_not(predicted):
    for placement, channel in [("email", "email"), ("app_push", "app"), ("social_audience", "social")]:
        answer = predicted.asks("aino", placement, channel)
        assert answer.holds == {"predicted"} and not answer.sells, placement
    for placement in ("front_page", "product_page", "cart"):
        answer = predicted.asks("aino", placement)
        assert answer.holds == {"predicted"} and answer.sells, placement


def test_t7_the_reason_says_predicted_with_its_probability_and_main_causes(predicted):
    answer = predicted.email("aino")
    assert answer["no_action_reason"]["code"] == "hold"
    english, finnish = answer["no_action_reason"]["text"], answer["no_action_reason"]["text_fi"]
    assert "predicted" in english and "ennuste" in finnish
    for text in (english, finnish, answer.hold("predicted")["detail"]):
        assert "0.83" in text or "83 %" in text
        assert "third contact in a week; the parcel came late" in text


def test_t7_what_is_not_predicted_is_not_called_so(shop):
    shop.regular("aino")
    shop.happens("feedback", "aino", touchpoint="checkout", kind="rating", score=1)
    shop.wait(seconds=1)
    answer = shop.email("aino")
    assert answer.holds == {"bad_rating"} and not answer.sells
    assert "predicted" not in str(shop.why("aino", "email", "email")["candidates"])


@pytest.mark.parametrize("value", [0.0, 0.5, 0.69])
def test_t7_a_low_score_changes_nothing(shop, value):
    shop.regular("aino")
    scored(shop, "aino", value)
    answer = shop.email("aino")
    assert answer.holds == set() and answer.sells


def test_t7_a_score_of_another_model_is_none_of_its_business(shop):
    shop.regular("aino")
    scored(shop, "aino", 0.95, model="churn_v2", reason=None)
    assert shop.email("aino").sells


def test_t7_it_ends_by_a_clearly_lower_score_not_by_a_slightly_lower_one(predicted):
    scored(predicted, "aino", 0.65)
    assert not predicted.email("aino").sells, "between the thresholds nothing changes"
    scored(predicted, "aino", 0.5)
    answer = predicted.email("aino")
    assert answer.holds == set() and answer.sells


def test_t7_or_after_thirty_days_without_another_high_one(predicted):
    predicted.wait(days=29)
    assert not predicted.email("aino").sells
    scored(predicted, "aino", 0.9)
    predicted.wait(days=29)
    assert not predicted.email("aino").sells, "the later score counts"
    predicted.wait(days=2)
    answer = predicted.asks("aino", "email", "email", n=9)
    assert answer.holds == set() and answer.sells


def test_t7_service_still_goes_out(predicted):
    predicted.case("aino", "opened", kind="warranty")
    predicted.wait(seconds=1)
    assert predicted.email("aino").actions == {"case_status"}
