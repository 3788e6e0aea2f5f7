"""Three lives: what each customer does in her year, and how she takes what reaches her."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from pipelines.year.town import HELSINKI, ITEMS, LINK, Life, Town

YEAR = 2026
FIRST, LAST = date(YEAR, 1, 2), date(YEAR, 12, 31)
Deed = Callable[[Town, Life], None]
DOG_COAT = ("dog-coat", "Reflective dog coat", "pets/dogs", 3900, {"knowledge_url": LINK + "dog-coat"})


def lives() -> list[Life]:
    """The happy regular, the unlucky first-timer, the silent leaver."""
    return [helmi(), aino(), sanna()]


def agrees(town: Town, life: Life) -> None:
    """She may be written to, and asked how it went."""
    for purpose in ("marketing", "feedback"):
        town.happens(life, "consent", purpose=purpose, status="granted")


def _day(month: int, day: int) -> date:
    return date(YEAR, month, day)


def shops(order: str, *items: str, quantity: int = 1) -> Deed:
    """A visit to the front page that ends in an order, delivered two days later (`arrives`)."""

    def deed(town: Town, life: Life) -> None:
        town.looks(life, "view", item_id=items[0])
        town.opens(life, "front_page")
        town.looks(life, "cart_add", item_id=items[0])
        town.orders(life, order, *items, quantity=quantity)
        town.notes(life, "orders " + ", ".join(_title(i).lower() for i in items))
        town.opens(life, "thank_you_page")

    return deed


def arrives(order: str) -> Deed:
    """A parcel comes in time."""
    return lambda town, life: town.delivers(life, order)


def rates(score: int, words: str, **more: str) -> Deed:
    """She says how it was, of five."""

    def deed(town: Town, life: Life) -> None:
        town.happens(life, "feedback", kind="rating", score=score, text=words, **more)
        town.notes(life, f'rates {score} of 5: "{words}"')

    return deed


def case(status: str, note: str, **more: str) -> Deed:
    """A step of her exchange."""

    def deed(town: Town, life: Life) -> None:
        town.happens(life, "case", touchpoint="returns", case_id="exchange-1", kind="exchange", status=status, **more)
        town.notes(life, note)

    return deed


def both(*deeds: Deed) -> Deed:
    """One thing after another."""

    def deed(town: Town, life: Life) -> None:
        for one in deeds:
            one(town, life)

    return deed


def _title(item_id: str) -> str:
    return next((row[1] for row in (*ITEMS, DOG_COAT) if row[0] == item_id), item_id)


def helmi() -> Life:
    """Coffee every second week, oats now and then, a bicycle in May: glad to be a customer."""

    def account(town: Town, life: Life) -> None:
        town.opens(life, "account_page")

    diary: dict[date, Deed] = {FIRST: agrees}
    for number in range(25):
        day = _day(1, 9) + timedelta(days=14 * number)
        items = ("coffee-500", "oats-1") if number % 2 == 0 else ("coffee-500",)
        diary[day] = shops(f"h{number}", *items, quantity=2)
        diary[day + timedelta(days=2)] = arrives(f"h{number}")
    diary[_day(5, 12)] = shops("h-bicycle", "bicycle")
    diary[_day(5, 14)] = arrives("h-bicycle")
    diary[_day(6, 11)] = account

    def tells(town: Town, life: Life, channel: str) -> None:
        town.happens(life, "profile", facts={"interest": "cycling"})
        town.notes(life, "tells: cycling")

    def buys_tyres(town: Town, life: Life, channel: str) -> None:
        if not any("winter tyre" in e.text for e in life.entries if e.kind == "did"):
            town.orders(life, "h-tyres", "winter-tyre", quantity=2)
            town.notes(life, "orders two winter tyres")

    def answers_well(town: Town, life: Life, channel: str) -> None:
        rates(5, "Always as it should be, thank you")(town, life)

    def recommends(town: Town, life: Life, channel: str) -> None:
        town.notes(life, "writes to her sister about the shop")

    answers = {
        "ask_interest": tells, "seasonal_offer": buys_tyres, "feedback_request": answers_well,
        "touchpoint_question": answers_well, "invite_to_recommend": recommends,
    }  # fmt: skip
    return Life("Helmi", diary, answers)


def aino() -> Life:
    """Her first order: boots of the wrong size, and an exchange that drags on. A second one that is late."""
    promised = datetime(YEAR, 10, 9, 18, tzinfo=HELSINKI)

    def second_order(town: Town, life: Life) -> None:
        shops("a2", "wool-socks", "shoe-care")(town, life)
        town.delivers(life, "a2", "promised", promised)

    def answers_well(town: Town, life: Life, channel: str) -> None:
        town.happens(life, "feedback", kind="csat", score=4, case_id="exchange-1", text="In the end, yes")
        town.notes(life, 'answers 4 of 5: "In the end, yes"')

    def front(town: Town, life: Life) -> None:
        town.opens(life, "front_page")

    def resolved(town: Town, life: Life) -> None:
        line = {"item_id": "boot-39", "quantity": 1, "amount": 12900}
        town.happens(life, "return", touchpoint="returns", order_id="a1", lines=[line], case_id="exchange-1")
        case("resolved", "gets the right boots")(town, life)

    def is_called(town: Town, life: Life, channel: str) -> None:
        if channel == "phone":
            town.notes(life, "talks to a person, who sends the right boots that day")

    diary: dict[date, Deed] = {
        FIRST: lambda town, life: None,
        _day(2, 2): both(agrees, shops("a1", "boot-39")),
        _day(2, 4): arrives("a1"),
        _day(2, 6): case("opened", "opens an exchange: the boots are too small", order_id="a1", reason="too small"),
        _day(2, 9): case("customer_asked", "asks what has become of it"),
        _day(2, 12): both(front, case("customer_asked", "asks again")),
        _day(2, 16): resolved,
        _day(9, 28): second_order,
        _day(10, 5): lambda town, life: town.delivers(life, "a2", "shipped"),
        _day(10, 13): arrives("a2"),
        _day(12, 1): shops("a3", "rain-coat"),
        _day(12, 3): arrives("a3"),
    }
    return Life("Aino", diary, {"check_in": answers_well, "check_in_later": answers_well, "staff_call": is_called})


def sanna() -> Life:
    """A good customer for months, who searches in vain, has a payment fail, and stays away without a word."""

    def searches(town: Town, life: Life) -> None:
        for query in ("reflective dog coat", "dog coat", "coat for dogs", "dog vest"):
            town.looks(life, "search", query=query, result_count=0)
            town.now += timedelta(seconds=30)
        town.notes(life, "searches four times for a dog coat, and finds none")
        town.opens(life, "search_page")

    def fails_to_pay(town: Town, life: Life) -> None:
        town.looks(life, "cart_add", item_id="lamp")
        town.happens(life, "friction", touchpoint="checkout", kind="payment_error")
        town.notes(life, "cannot pay: the terminal of the checkout fails")

    def scored(town: Town, life: Life) -> None:
        town.happens(
            life,
            "score",
            model="dissatisfaction",
            version="given",
            value=0.82,
            reason="payment failed, searches in vain",
        )
        town.notes(life, "is scored overnight: probably dissatisfied, 0.82 (a given score)")

    def explains(town: Town, life: Life, channel: str) -> None:
        del life.answers["lapsing_question"]  # she says it once
        rates(2, "You had no coat for my dog, and then I could not even pay")(town, life)

    def comes_back(town: Town, life: Life) -> None:
        town.looks(life, "search", query="dog coat", result_count=1)
        town.looks(life, "view", item_id="dog-coat")
        town.opens(life, "product_page", item="dog-coat")
        town.orders(life, "s-coat", "dog-coat")
        town.notes(life, "has heard that there are dog coats now, and orders one")

    diary: dict[date, Deed] = {FIRST: agrees}
    for number in range(5):
        day = _day(1, 5) + timedelta(days=21 * number)
        diary[day] = shops(f"s{number}", "tea-20", "wool-socks" if number == 2 else "oats-1")
        diary[day + timedelta(days=2)] = arrives(f"s{number}")
    diary[_day(2, 20)] = rates(4, "Good tea")
    diary[_day(4, 20)] = searches
    diary[_day(4, 28)] = fails_to_pay
    diary[_day(4, 29)] = scored
    diary[_day(9, 1)] = lambda town, life: town.stocks(DOG_COAT)
    diary[_day(10, 20)] = comes_back
    diary[_day(10, 22)] = arrives("s-coat")
    return Life("Sanna", diary, {"lapsing_question": explains})
