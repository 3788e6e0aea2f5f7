"""T8: one cause, many customers."""

import pytest

POSTI = {"carrier": "posti", "since": "2026-09-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


def parcel(shop, customer, carrier, order):
    """She orders something, and the carrier takes it."""
    line = {"item_id": "wool-socks", "quantity": 1, "unit_price": 1900, "discount": 0}
    shop.happens("purchase", customer, order_id=order, currency="EUR", lines=[line])
    shop.happens("delivery", customer, order_id=order, status="shipped", carrier=carrier)


def arrives(shop, customer, order, status="delivered"):
    shop.happens("delivery", customer, touchpoint="delivery", order_id=order, status=status)


def alarms(shop):
    """What the staff are told."""
    answer = shop.http.get("/v1/incidents/alarms")
    assert answer.status_code == 200, answer.text
    return answer.json()["alarms"]


def declares(shop, rule=POSTI, incident_id="posti-broke-down"):
    """A person pauses the campaigns for everyone it affects: one click."""
    sent = {"incident_id": incident_id, "rule": rule, "person": "maija", "reason": "Posti's vans do not run"}
    answer = shop.http.post("/v1/incidents", json=sent)
    assert answer.status_code == 201, answer.text
    return answer.json()


def would_mail(shop, customer):
    """What the newsletter would send her; looking only."""
    return shop.asks(customer, "email", "email", mode="simulate")


@pytest.fixture
def parcels(shop):
    """Aino waits for a parcel with Posti, Venla for one with Matkahuolto; neither is late."""
    shop.regular("aino")
    shop.regular("venla")
    parcel(shop, "aino", "posti", "aino's socks")
    parcel(shop, "venla", "matkahuolto", "venla's socks")
    shop.wait(hours=1)
    return shop


@pytest.fixture
def breakdown(shop):
    """Five ordinary weeks with two carriers; then, one day, Posti fails."""
    for day in range(36):
        for carrier in ("posti", "matkahuolto"):
            order = f"{carrier}-{day}"
            parcel(shop, f"buyer of {order}", carrier, order)
            arrives(shop, f"buyer of {order}", order, "delayed" if day % 9 == 4 else "delivered")
        shop.wait(days=1)
    shop.regular("aino")
    parcel(shop, "aino", "posti", "aino's socks")
    assert alarms(shop) == [], "now and then a parcel is late: that is no incident"
    for number in range(12):
        parcel(shop, f"neighbour-{number}", "posti", f"socks-{number}")
    shop.wait(hours=3)
    for number in range(12):
        arrives(shop, f"neighbour-{number}", f"socks-{number}", "failed")
    shop.wait(minutes=5)
    return shop


def posti(found):
    """The alarm about the carrier, among all."""
    (one,) = [alarm for alarm in found if alarm["carrier"] == "posti"]
    return one


def test_t8_staff_are_alerted_with_the_carrier_the_numbers_and_the_rule_to_declare_it_by(breakdown):
    alarm = posti(alarms(breakdown))
    assert alarm["customers"] == 12 and alarm["expected"] < 2 and alarm["p_value"] < 1e-4
    assert alarm["rule"]["carrier"] == "posti"
    assert "12" in alarm["text"] and "12" in alarm["text_fi"]
    assert not any(alarm["carrier"] == "matkahuolto" for alarm in alarms(breakdown))
    assert would_mail(breakdown, "aino").sells, "an alarm alone pauses nothing: a person looks first"


def test_t8_before_the_click_it_says_whom_it_would_reach(breakdown):
    rule = posti(alarms(breakdown))["rule"]
    reach = breakdown.http.post("/v1/incidents/reach", json={"rule": rule}).json()
    assert 13 <= reach["affected"] < reach["customers"]
    assert would_mail(breakdown, "aino").sells, "and that was looking only"


def test_t8_declared_by_its_own_rule_it_pauses_them_and_does_not_call_again(breakdown):
    declares(breakdown, posti(alarms(breakdown))["rule"])
    breakdown.wait(minutes=5)
    mail = would_mail(breakdown, "aino")
    assert mail.holds == {"incident"} and not mail.sells
    assert posti(alarms(breakdown))["declared"] == "posti-broke-down"


def test_t8_one_click_pauses_outbound_offers_for_everyone_affected_at_once(parcels):
    newsletter = parcels.builds_list("newsletter")
    assert {"aino", "venla"} <= parcels.mailed(newsletter)
    letter = parcels.email("aino")
    assert letter.sells

    declares(parcels)
    parcels.wait(seconds=1)
    mail = would_mail(parcels, "aino")
    assert mail.holds == {"incident"} and not mail.sells
    assert mail["no_action_reason"]["code"] == "hold"
    assert parcels.front_page("aino").sells, "in the shop itself she may look around"
    assert would_mail(parcels, "venla").holds == set() and would_mail(parcels, "venla").sells

    (row,) = parcels.rechecks([letter["decision_id"]])
    assert row["allowed"] is False
    dropped = {row["customer_id"] for row in parcels.exports_list(newsletter).dropped}
    assert "aino" in dropped and "venla" not in dropped, "nor does the list built before reach her"
    assert "aino" not in parcels.mailed(parcels.builds_list("afternoon"))


def test_t8_who_becomes_affected_later_is_paused_too(parcels):
    declares(parcels)
    parcels.wait(days=1)
    assert would_mail(parcels, "venla").sells
    parcel(parcels, "venla", "posti", "venla's next socks")
    parcels.wait(minutes=1)
    assert would_mail(parcels, "venla").holds == {"incident"} and not would_mail(parcels, "venla").sells


def test_t8_the_pause_ends_by_hand(parcels):
    declares(parcels)
    parcels.wait(hours=2)
    closed = parcels.http.post(
        "/v1/incidents/posti-broke-down/close", json={"person": "maija", "reason": "The vans run again"}
    )
    assert closed.status_code == 200
    parcels.wait(seconds=1)
    assert would_mail(parcels, "aino").holds == set() and would_mail(parcels, "aino").sells


def test_t8_or_by_itself(parcels):
    declared = declares(parcels)
    parcels.wait(seconds=1)
    hold = would_mail(parcels, "aino").hold("incident")
    assert declared["ends_at"] and hold["review_at"], "it says when, and when somebody looks at it before"
    parcels.wait(days=13, hours=23)
    assert not would_mail(parcels, "aino").sells
    parcels.wait(hours=2)
    assert would_mail(parcels, "aino").holds == set() and would_mail(parcels, "aino").sells


def test_t8_a_person_may_let_one_customer_go(parcels):
    declares(parcels)
    parcels.happens(
        "hold", "aino", action="release", hold_id="incident:posti-broke-down", person="maija", reason="hers has come"
    )
    parcels.wait(seconds=1)
    assert would_mail(parcels, "aino").sells


@pytest.mark.parametrize("rule", [{}, {"carier": "posti"}, {"orders_between": ["2026-09-02T00:00:00Z"]}])
def test_t8_a_rule_that_says_nothing_or_nonsense_is_refused(shop, rule):
    answer = shop.http.post("/v1/incidents", json={"rule": rule, "person": "maija", "reason": "?"})
    assert answer.status_code == 422 and answer.json()["detail"]
    assert shop.http.get("/v1/incidents").json()["incidents"] == []
