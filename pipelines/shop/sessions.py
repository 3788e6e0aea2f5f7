"""Tells the browsing: what is searched, viewed and put into the cart in each session, and the log-ins."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.shop.arrays import Flags, Floats, Ints, positions
from pipelines.shop.baskets import choose_items
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.parameters import Parameters
from pipelines.shop.telling import Coded, Numbered, Told, tell
from pipelines.shop.visits import DEVICES, Sessions, draw_visits
from pipelines.shop.weeks import Life

ACTIONS = ("search", "view", "cart_add", "cart_remove", "wishlist", "checkout_start")
SEARCH, VIEW, CART_ADD, CART_REMOVE, WISHLIST, CHECKOUT = range(6)
QUERIES = {
    "bicycles": "bicycle|polkupyörä|gravel bike|e-bike",
    "bicycle_gear": "winter tyres|nastarenkaat|helmet|bike lock|pyöränvalo",
    "skis": "skis|hiihtosukset|skin skis|alpine skis",
    "ski_care": "wax|suksivoide|ski poles|ski service",
    "shoes": "running shoes|kengät|winter boots|talvikengät|sandals",
    "outdoor_clothing": "rain jacket|takki|merino|untuvatakki|gloves",
    "children": "nappies|vaipat|snowsuit|lelut|picture book",
    "books": "crime novel|dekkari|cookbook|Inspector Halla",
    "coffee": "coffee beans|kahvi|filters|espresso",
    "groceries": "olive oil|kaurahiutaleet|tea|crispbread|suklaa",
    "household": "detergent|pesuaine|toilet paper|wc-paperi",
    "pets": "dog food|koiranruoka|cat litter|kissanhiekka",
    "home": "cast-iron pan|peitto|candles|advent star|pyyhe",
}
IN_VAIN = (
    "left-handed scissors", "size 49 boots", "gift wrapping", "opening hours", "kayak", "lahjakortti", "vegan sausage",
    "spare key for lock", "mummo's rye", "running shoes wide fit", "lactose free chocolate", "tandem bicycle",
)  # fmt: skip


@dataclass(frozen=True)
class Browsing:
    """The browsing told, and who is behind each device."""

    told: list[Told]
    owner: Ints  # [devices] customer, or -1 for visitors
    linked: Floats  # [devices] moment of its first log-in, inf without


def browse(
    rng: np.random.Generator,
    catalogue: Catalogue,
    customers: Customers,
    life: Life,
    p: Parameters,
    months: Ints,
    first_session: int,
) -> Browsing:
    """All sessions of the chunk as events."""
    visitors = rng.poisson(p.visitors * customers.size)
    sessions = draw_visits(rng, catalogue, customers, life, p, months, visitors)
    devices = DEVICES * customers.size + visitors
    owner = np.where(np.arange(devices) < DEVICES * customers.size, np.arange(devices) // DEVICES, -1)
    lines = np.bincount(life.lines.order, minlength=len(life.orders.who))
    ends = sessions.order >= 0
    carts = np.where(ends, lines[np.maximum(sessions.order, 0)], sessions.carts)
    steps = sessions.searches + sessions.views + carts + ends
    pace = np.where(sessions.absorbed, 150.0, 45.0) * rng.lognormal(0, 0.35, len(steps)) / 86_400
    start = np.where(ends, sessions.start - (steps + 1) * pace, sessions.start)
    linked = np.full(devices, np.inf)
    logs_in = sessions.logs_in & (sessions.device % DEVICES < 2)
    moment = np.where(ends, sessions.start - 0.4 * pace, start - 0.2 * pace)
    np.minimum.at(linked, sessions.device[logs_in], moment[logs_in])
    linked[DEVICES * customers.size :] = np.inf

    row = np.repeat(np.arange(len(steps)), steps)
    step = positions(steps)
    action = _actions(rng, sessions, carts, row, step)
    at = start[row] + (step + 0.15 + 0.5 * rng.random(len(row))) * pace[row]
    item = _items(rng, catalogue, customers, life, sessions, months, row, step, action, p)
    known = (sessions.who[row] >= 0) & (at >= linked[sessions.device[row]]) & sessions.named[row]
    of_item = (action != SEARCH) & (action != CHECKOUT)
    looking = (action == VIEW) | (action == SEARCH)
    dwell = rng.lognormal(3.0, 0.8, len(row)) * np.where(sessions.absorbed[row], 4.0, 1.0)
    vain = sessions.in_vain[row]
    told = tell(
        "browse",
        at,
        np.where(known, sessions.who[row], -1),
        Coded((sessions.who[row] % 5 == 0).astype(np.int64), ("web", "app")),
        Coded(np.array([0, 1, 1, 2, 1, 3])[action], ("search", "product_page", "cart", "checkout")),
        sessions.device[row],
        action=Coded(action, ACTIONS),
        session_id=Numbered("s", first_session + row),
        item_id=Coded(np.where(of_item, item, -1), catalogue.ids),
        category=Coded(np.where(of_item, catalogue.department[item], -1), catalogue.departments),
        query=_queries(rng, catalogue, sessions.department[row], vain, action == SEARCH),
        result_count=pa.array(np.where(vain, 0, 1 + rng.poisson(14, len(row))), mask=action != SEARCH),
        dwell_seconds=pa.array(np.round(dwell, 1), mask=~looking),
    )
    device = np.flatnonzero(np.isfinite(linked))
    links = tell("identity", linked[device], owner[device], "web", "login", device, action="link")
    return Browsing([told, links], owner, linked)


def _actions(rng: np.random.Generator, sessions: Sessions, carts: Ints, row: Ints, step: Ints) -> Ints:
    """Searches first, then views, then what is put into the cart, then the checkout."""
    searches, views = sessions.searches[row], sessions.views[row]
    seen = searches + views
    action = np.select([step < searches, step < seen, step < seen + carts[row]], [SEARCH, VIEW, CART_ADD], CHECKOUT)
    loose = (action == CART_ADD) & (sessions.order[row] < 0)
    u = rng.random(len(row))
    action[loose & (u < 0.25)] = WISHLIST
    action[loose & (u > 0.9)] = CART_REMOVE
    return action


def _items(
    rng: np.random.Generator,
    catalogue: Catalogue,
    customers: Customers,
    life: Life,
    sessions: Sessions,
    months: Ints,
    row: Ints,
    step: Ints,
    action: Ints,
    p: Parameters,
) -> Ints:
    """The item of each event: the session's goods first, then others of its department by taste and season."""
    week = np.minimum(sessions.start[row] // 7, len(months) - 1).astype(np.int64)
    month = months[week]
    factors = np.where(sessions.who[:, None] >= 0, customers.factors[sessions.who], 0.0)
    item = np.zeros(len(row), dtype=np.int64)
    for number in range(1, 13):
        here = np.flatnonzero((month == number) & (action != SEARCH) & (action != CHECKOUT))
        session = row[here]
        item[here] = choose_items(
            rng, catalogue, sessions.department[session], factors[session], number, p.factor_strength
        )
    goods = sessions.goods[row]
    first_view = (action == VIEW) & (step == sessions.searches[row])
    item = np.where(first_view & (goods >= 0), goods, item)
    seen = sessions.searches + sessions.views
    bought = (action == CART_ADD) & (sessions.order[row] >= 0)
    counts = np.bincount(life.lines.order, minlength=len(life.orders.who))
    first_line = np.cumsum(counts) - counts
    line = first_line[sessions.order[row[bought]]] + step[bought] - seen[row[bought]]
    item[bought] = life.lines.item[line]
    loose = np.flatnonzero((action != SEARCH) & ~bought & (step >= seen[row]) & (action != CHECKOUT))
    item[loose] = item[loose - 1]  # what was looked at last
    return item


def _queries(rng: np.random.Generator, catalogue: Catalogue, department: Ints, vain: Flags, search: Flags) -> Coded:
    words: list[str] = []
    begin, count = [], []
    for name in catalogue.departments:
        queries = QUERIES[name].split("|")
        begin.append(len(words))
        count.append(len(queries))
        words += queries
    u = rng.random(len(department))
    hit = np.array(begin)[department] + np.floor(u * np.array(count)[department]).astype(np.int64)
    miss = len(words) + np.floor(u * len(IN_VAIN)).astype(np.int64)
    return Coded(np.where(search, np.where(vain, miss, hit), -1), (*words, *IN_VAIN))
