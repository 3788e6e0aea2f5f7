"""R2: season. What her things need, when they need it."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.log.event_log import EventLog
from tests.serving.core.test_bundles import write_bundle
from training.purchases import item_categories, load_purchases
from training.retrieval import connect
from training.seasons import learn_seasons

AUTUMN, SPRING, WINTER = (datetime(2026, month, 20, 12, tzinfo=UTC) for month in (10, 3, 1))


@pytest.fixture
def shop(shop):
    """A shop that also sells bicycles and skis, and what goes with them in its season."""
    shop.stocks("bicycle", "Bicycle", "bikes/city", 79900)
    shop.stocks("winter-tyre", "Winter tyre", "bikes/tyres", 4900, accessory_of=["bicycle"], season_months=[9, 10, 11])
    shop.stocks("bell", "Bell", "bikes/bells", 900, accessory_of=["bicycle"])
    shop.stocks("skis", "Skis", "winter/skis", 29900)
    shop.stocks("ski-service", "Ski service", "winter/services", 3900, service_for=["skis"], season_months=[3, 4])
    shop.edits_policy(lambda policy: policy.update(time_bucket_hours=1))
    return shop


def owner(shop, name, item, now):
    shop.now = now
    shop.regular(name)
    shop.orders(name, item, ago=timedelta(days=100))


def test_r2_winter_tyres_for_the_bicycle_in_autumn(shop):
    owner(shop, "aino", "bicycle", AUTUMN)
    why = shop.why("aino", "email", "email")
    offer = next(c for c in why["candidates"] if c["action_id"] == "seasonal_offer")
    assert offer["gates"] == []
    answer = shop.asks("aino", "front_page", n=9)
    (seasonal,) = [a for a in answer["actions"] if a["action_id"] == "seasonal_offer"]
    assert [item["item_id"] for item in seasonal["items"]] == ["winter-tyre"], "the bell is for any month"
    assert "seasonal_items" in [reason["code"] for reason in seasonal["reasons"]]
    assert shop.front_page("aino").actions == {"seasonal_offer"}, "it comes before what anybody might buy"


@pytest.mark.parametrize("now", [WINTER, SPRING])
def test_r2_no_winter_tyres_in_the_wrong_season(shop, now):
    owner(shop, "aino", "bicycle", now)
    answer = shop.asks("aino", "front_page", n=9)
    assert "seasonal_offer" not in answer.actions
    assert "winter-tyre" not in answer.products


def test_r2_a_ski_service_in_spring_and_none_in_autumn(shop):
    owner(shop, "aino", "skis", SPRING)
    assert "ski-service" in shop.asks("aino", "front_page", n=9).products
    owner(shop, "eeva", "skis", AUTUMN)
    assert "ski-service" not in shop.asks("eeva", "front_page", n=9).products


def test_r2_who_has_no_bicycle_is_not_offered_its_tyres(shop):
    shop.now = AUTUMN
    shop.regular("aino")
    assert "seasonal_offer" not in shop.asks("aino", "front_page", n=9).actions


def test_r2_who_sent_the_bicycle_back_or_has_the_tyres_is_left_alone(shop):
    owner(shop, "aino", "bicycle", AUTUMN)
    line = {"item_id": "bicycle", "quantity": 1, "amount": 79900}
    shop.happens("return", "aino", order_id="back", lines=[line])
    shop.wait(days=8)
    assert "seasonal_offer" not in shop.asks("aino", "front_page", n=9).actions
    owner(shop, "eeva", "bicycle", AUTUMN)
    shop.orders("eeva", "winter-tyre", ago=timedelta(days=9))
    shop.wait(seconds=1)
    assert "winter-tyre" not in shop.asks("eeva", "front_page", n=9).products


def test_r2_a_service_done_last_spring_is_due_again_this_spring(shop):
    owner(shop, "aino", "skis", SPRING)
    shop.orders("aino", "ski-service", ago=timedelta(days=360))
    shop.wait(seconds=1)
    assert "ski-service" in shop.asks("aino", "front_page", n=9).products
    shop.orders("aino", "ski-service", ago=timedelta(days=8))
    shop.wait(seconds=1)
    assert "ski-service" not in shop.asks("aino", "front_page", n=9).products


def test_r2_nothing_for_the_bicycle_that_never_came(shop):
    shop.now = AUTUMN
    shop.regular("aino")
    order = shop.orders("aino", "bicycle", ago=timedelta(days=20))
    shop.delivers("aino", order, "cancelled")
    shop.wait(seconds=1)
    assert "winter-tyre" not in shop.asks("aino", "front_page", n=9).products
    shop.orders("aino", "bicycle", ago=timedelta(days=10))
    shop.wait(seconds=1)
    assert "winter-tyre" in shop.asks("aino", "front_page", n=9).products, "this one did"


def sells_by_season(shop, item, months):
    """Two years in which others bought an item in these months alone, and socks all year long."""
    rows = []
    for number in range(24):
        year, month = 2024 + (number + 5) // 12, (number + 5) % 12 + 1
        for day in range(1, 25, 2):
            at = datetime(year, month, day, 12, tzinfo=UTC)
            rows += [(f"n{day}", f"s{at:%y%m%d}", "wool-socks", at)]
            rows += [(f"n{day}", f"t{at:%y%m%d}", item, at)] if month in months else []
    with EventLog(shop.home) as log:
        log.append_history([bought(rows)], source="till", now=shop.now)


def bought(rows):
    """Purchase events of (customer, order, item, moment)."""
    line = {"quantity": 1, "unit_price": 4900, "discount": 0, "amount": None, "offer_id": None}
    events = [
        dict.fromkeys(EVENT_SCHEMA.names)
        | {"event_id": order, "type": "purchase", "customer_id": who, "occurred_at": at, "received_at": at}
        | {
            "source": "till",
            "schema_version": 1,
            "order_id": order,
            "currency": "EUR",
            "lines": [line | {"item_id": i}],
        }
        for who, order, i, at in rows
    ]
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


def learns(shop):
    """The nightly training, of it what is learned of seasons, put in force."""
    with connect(load_purchases(shop.home)) as con:
        seasons = learn_seasons(con, shop.now, item_categories(shop.home))
    shop.takes_up(write_bundle(shop.home, learned=[lambda folder: seasons.save(folder / "seasons.npz")]))


def test_r2_a_season_nobody_stated_is_learned_from_sales(shop):
    shop.stocks("spike-tyre", "Spike tyre", "bikes/spikes", 5900, accessory_of=["bicycle"])
    shop.now = AUTUMN
    sells_by_season(shop, "spike-tyre", {9, 10, 11})
    owner(shop, "aino", "bicycle", AUTUMN)
    assert "spike-tyre" not in seasonal(shop, "aino"), "nobody has told, and nobody has looked yet"
    learns(shop)
    assert "spike-tyre" in seasonal(shop, "aino")
    assert "wool-socks" not in seasonal(shop, "aino"), "bought all year long"
    owner(shop, "eeva", "bicycle", SPRING.replace(year=2027))
    answer = shop.asks("eeva", "front_page", n=9)
    assert "spike-tyre" not in answer.products, "its like is bought in autumn alone: in spring it is nobody's offer"


def seasonal(shop, name):
    """What the seasonal offer shows her."""
    actions = shop.asks(name, "front_page", n=9)["actions"]
    return [item["item_id"] for a in actions if a["action_id"] == "seasonal_offer" for item in a["items"]]
