"""R5: lost or enchanted. Who searches in vain is helped; who is happily absorbed is not interrupted."""

import pytest


def test_r5_a_search_that_finds_nothing_gets_help_not_an_offer(shop):
    shop.regular("aino")
    shop.searches("aino", "reflective dog coat", 0)
    for placement in ("search_page", "front_page"):
        answer = shop.asks("aino", placement)
        assert answer.actions == {"search_help"}, placement
        assert not answer.sells


def test_r5_whoever_goes_round_in_circles_is_offered_a_person(shop):
    for query in ("coat", "dog coat", "reflective coat"):
        shop.searches("visitor-1", query, 40)
    assert shop.asks("visitor-1", "search_page").actions == {"search_help_circles"}
    shop.searches("visitor-1", "coat for dogs", 40)
    assert shop.asks("visitor-1", "search_page").actions == {"person_help"}


def test_r5_once_she_has_found_something_to_look_at_nobody_helps_her(shop):
    shop.regular("aino")
    shop.searches("aino", "reflective dog coat", 0)
    shop.looks_at("aino", "rain-coat")
    answer = shop.asks("aino", "search_page")
    assert not answer.actions & {"search_help", "search_help_circles", "person_help"}


def test_r5_a_search_in_vain_is_forgotten_with_its_session(shop):
    shop.regular("aino")
    shop.searches("aino", "reflective dog coat", 0)
    shop.wait(hours=1)
    assert "search_help" not in shop.front_page("aino").actions


def absorbed(shop, who, knowledge=None):
    """She looks at nine lamps, two minutes each."""
    for number in range(9):
        url = f"{knowledge}/{number}" if knowledge else None
        shop.stocks(f"lamp-{number}", f"Lamp {number}", "home/lamps", 5000 + number, knowledge_url=url)
    for number in range(9):
        shop.looks_at(who, f"lamp-{number}")
        shop.wait(minutes=2)


@pytest.mark.parametrize("who", ["aino", "visitor-1"])
@pytest.mark.parametrize("placement", ["front_page", "product_page", "search_page"])
def test_r5_one_happily_absorbed_is_told_what_is_worth_knowing_and_sold_nothing(shop, who, placement):
    if who == "aino":
        shop.regular(who)
    absorbed(shop, who, "https://shop.example/lamps")
    answer = shop.asks(who, placement, n=5, context={"item": "lamp-8"})
    assert answer.actions == {"product_knowledge"}
    assert [item["knowledge_url"] for item in answer["actions"][0]["items"]] == [
        f"https://shop.example/lamps/{number}" for number in (8, 7, 6)
    ]


def test_r5_or_nothing(shop):
    shop.regular("aino")
    absorbed(shop, "aino")
    assert shop.asks("aino", "front_page", n=5).actions == set()


def test_r5_a_quick_look_round_is_no_absorption(shop):
    shop.regular("aino")
    shop.looks_at("aino", "sneaker-39", "boot-39", "clog-39")
    assert shop.front_page("aino").sells


def test_r5_what_she_searched_for_is_not_kept_with_what_was_decided(shop):
    shop.searches("aino", "a very private thing", 0)
    asked = shop.asks("aino", "search_page", context={"query": "a very private thing", "page": "search"})
    replayed = shop.http.get(f"/v1/decisions/{asked['decision_id']}/replay")
    assert replayed.status_code == 200 and replayed.json()["exact"], replayed.text
    assert "search" in replayed.text and "private" not in replayed.text
