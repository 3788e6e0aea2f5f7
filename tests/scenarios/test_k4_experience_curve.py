"""K4: how every touchpoint goes, its worst stories, one customer's own curve. R5: what people looked for in vain."""

from datetime import timedelta

import pytest


def touchpoints(shop, **asked):
    """What staff see of the journey, by touchpoint."""
    answer = shop.http.get("/v1/touchpoints", params=asked)
    assert answer.status_code == 200, answer.text
    return {one["touchpoint"]: one for one in answer.json()["touchpoints"]}


def curve(shop, customer, **asked):
    """One customer's own curve."""
    answer = shop.http.get(f"/v1/customers/{customer}/experience", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def neighbours_rate_the_delivery(shop, score, ago):
    for number in range(12):
        told = {"kind": "csat", "score": score, "touchpoint": "delivery", "ago": ago}
        shop.happens("feedback", f"neighbour-{number}", **told)


@pytest.fixture
def autumn(shop):
    """In spring the deliveries pleased; this month they do not. Aino's parcel has not come, and she complains."""
    shop.regular("aino")
    shop.happens("purchase", "visitor-long-ago", ago=timedelta(days=300), order_id="first", currency="EUR",
                 lines=[{"item_id": "laces", "quantity": 1, "unit_price": 500, "discount": 0}])  # fmt: skip
    neighbours_rate_the_delivery(shop, 5, timedelta(days=120))
    neighbours_rate_the_delivery(shop, 2, timedelta(days=10))
    line = {"item_id": "boot-39", "quantity": 1, "unit_price": 12900, "discount": 0}
    shop.happens("purchase", "aino", ago=timedelta(days=9), order_id="boots", currency="EUR", lines=[line])
    promise = (shop.now - timedelta(days=4)).isoformat()
    shop.happens("delivery", "aino", ago=timedelta(days=9), order_id="boots", status="promised", promised_at=promise)
    words = "A week late, and nobody answers"
    shop.happens("feedback", "aino", touchpoint="delivery", kind="complaint", case_id="late", text=words,
                 order_id="boots", language="en", ago=timedelta(days=1))  # fmt: skip
    return shop


def test_k4_for_every_touchpoint_volume_satisfaction_and_trend(autumn):
    seen = touchpoints(autumn)
    assert {"delivery", "checkout"} <= set(seen)
    delivery = seen["delivery"]
    assert delivery["people"] == 13 and delivery["answered"] == 12
    assert delivery["satisfaction"]["value"] == 0.25
    assert delivery["satisfaction_trend"]["direction"] == "falling"
    assert delivery["satisfaction_trend"]["change"] == -0.75 and delivery["satisfaction_trend"]["high"] < 0
    assert delivery["complaints"]["events"] == 1
    assert [trouble["kind"] for trouble in delivery["frictions"]] == ["late_delivery"]
    by_week = [week["satisfaction"] for week in delivery["weeks"]]
    assert by_week[-2] == 0.25 and by_week[:-2] == [None] * 11, "a week in which nobody answered is a gap"


def test_k4_the_worst_story_has_her_words_and_how_her_case_stands(autumn):
    story = touchpoints(autumn)["delivery"]["stories"][0]
    assert (story["customer_id"], story["text"]) == ("aino", "A week late, and nobody answers")
    assert story["case"]["case_id"] == "late" and story["case"]["is_open"]
    autumn.case("aino", "resolved", case_id="late", kind="complaint")
    (delivery,) = autumn.http.get("/v1/touchpoints/delivery").json()["touchpoints"]
    assert delivery["stories"][0]["case"]["status"] == "resolved", "seen by the next who looks"


def test_k4_the_curve_of_her_own_journey_falls_and_rises_with_it(autumn):
    fallen = curve(autumn, "aino", days=30)
    assert [moment["kind"] for moment in fallen["moments"]][-3:] == ["order", "promise_broken", "feedback"]
    steps = [moment["estimate"] for moment in fallen["moments"]][-3:]
    assert steps[0] is None and steps[2] < steps[1] < 0.5, "each blow leaves it lower"
    assert [case["case_id"] for case in fallen["open_cases"]] == ["late"]

    autumn.case("aino", "resolved", case_id="late", kind="complaint")
    autumn.wait(days=1)
    autumn.rates("aino", 5, case_id="late", touchpoint="support")
    risen = curve(autumn, "aino", days=30)
    assert risen["moments"][-1]["value"] == 1.0
    assert risen["estimate"] > fallen["estimate"] and risen["open_cases"] == []
    autumn.wait(days=60)
    assert curve(autumn, "aino")["estimate"] > risen["estimate"], "what was put right fades"


def test_k4_of_few_answers_nothing_is_made_up(shop):
    for number in range(4):
        shop.happens("feedback", f"neighbour-{number}", touchpoint="pickup", kind="csat", score=5)
    pickup = touchpoints(shop)["pickup"]
    assert pickup["answered"] == 4 and pickup["satisfaction"] is pickup["good"] is pickup["bad"] is None
    assert pickup["satisfaction_trend"]["change"] is None
    assert {week["satisfaction"] for week in pickup["weeks"]} == {None}
    assert pickup["stories"] == [], "nobody said a bad word"


def test_k4_nor_of_one_who_never_said_a_word(shop):
    shop.regular("venla")
    told = curve(shop, "venla")
    assert {moment["kind"] for moment in told["moments"]} == {"order", "delivery"}
    assert told["estimate"] is None and told["scores_in_all"] == 0, "silence is not satisfaction"
    assert shop.http.get("/v1/customers/nobody/experience").status_code == 404


def test_k4_one_who_answers_often_is_still_one(shop):
    for number in range(9):
        shop.happens("feedback", f"neighbour-{number}", touchpoint="pickup", kind="csat", score=5)
    for _ in range(50):
        shop.happens("feedback", "grumbler", touchpoint="pickup", kind="csat", score=1)
    assert touchpoints(shop)["pickup"]["satisfaction"]["value"] == 0.9


def test_k4_looking_changes_no_decision(autumn):
    before = autumn.asks("neighbour-1", "front_page", mode="simulate")
    touchpoints(autumn), curve(autumn, "neighbour-1")
    after = autumn.asks("neighbour-1", "front_page", mode="simulate")
    assert {**before, "decision_id": "", "latency_ms": 0} == {**after, "decision_id": "", "latency_ms": 0}


def test_k4_who_asked_to_be_forgotten_is_in_no_story(autumn):
    autumn.happens("erasure", "aino")
    assert "aino" not in autumn.http.get("/v1/touchpoints").text
    assert "nobody answers" not in autumn.http.get("/v1/touchpoints/delivery").text
    answer = autumn.http.get("/v1/customers/aino/experience")
    assert answer.status_code == 404 and "erased" in answer.json()["detail"]


def search(shop, who, query, results=0, session="today"):
    said = {"action": "search", "session_id": f"{session} of {who}", "query": query, "result_count": results}
    shop.happens("browse", who, touchpoint="search", **said)


def test_r5_what_people_looked_for_in_vain_is_reported_by_how_many_they_are(shop):
    for who in ("aino", "venla", "visitor-1"):
        search(shop, who, "  KAYAK")
    for attempt in range(30):
        search(shop, "visitor-2", "kanoe", session=str(attempt))
    search(shop, "visitor-2", "rain coat", results=1)
    search(shop, "venla", "rain coat", results=1)
    told = shop.http.get("/v1/demand").json()
    assert [(term["term"], term["people"]) for term in told["terms"]] == [("kayak", 3)]
    assert told["kept_back"] == 1, "what one person typed may tell who she is"
    assert told["terms"][0]["articles"] == 0, "nothing in the catalogue is called so"


def test_r5_and_what_they_could_not_get(shop):
    for who in ("aino", "venla"):
        shop.happens("friction", who, touchpoint="product_page", kind="out_of_stock", item_id="sun-hat")
    (lack,) = shop.http.get("/v1/demand").json()["frictions"]
    assert (lack["title"], lack["in_stock"], lack["people"]) == ("Sun hat", False, 2)
