"""A shop led by a policy: the old letter while its log fills, then whatever the policy sends; the truth answers."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from benchmarks.tact.post import Post, Sender, told
from pipelines.shop.arrays import Flags, Ints
from pipelines.shop.catalogue import Catalogue, items_table, make_catalogue
from pipelines.shop.customers import Customers, draw_customers
from pipelines.shop.dice import CommonDice
from pipelines.shop.letters import SENT_AT, Plan
from pipelines.shop.parameters import PARAMETERS, Parameters
from pipelines.shop.registrations import contacts
from pipelines.shop.running_log import RunningLog
from pipelines.shop.weeks import Life, Weeks, old_letter


@dataclass(frozen=True)
class Setting:
    """A shop to be led: its size, its seed, its truth; the policy is in charge from week `warm_up` on."""

    customers: int
    weeks: int
    seed: int
    warm_up: int = 13
    start: date = date(2024, 11, 1)
    parameters: Parameters = PARAMETERS
    message_lift: float = 0.0  # what a service message to one in trouble adds to her satisfaction


@dataclass(frozen=True)
class Led:
    """What came of it: the truth, and what was sent in each week of the policy's."""

    setting: Setting
    catalogue: Catalogue
    customers: Customers
    life: Life
    posts: tuple[Post, ...]
    in_trouble: tuple[Flags, ...]  # over the letters of each of these weeks
    log: pa.Table  # all that the policy was told


def opened(setting: Setting) -> tuple[Weeks, RunningLog]:
    """The shop and its log on the first day."""
    shelves, who, life, register = np.random.SeedSequence(setting.seed).spawn(4)
    catalogue = make_catalogue(np.random.default_rng(shelves))
    customers = draw_customers(
        np.random.default_rng(who), catalogue, setting.parameters, first=0, size=setting.customers, weeks=setting.weeks
    )
    shop = Weeks(CommonDice(life), catalogue, customers, setting.parameters, setting.start, setting.weeks)
    return shop, RunningLog(register, shop, setting.start)


def items(setting: Setting) -> pa.Table:
    """The shop's catalogue, as its policy may see it."""
    shelves = np.random.SeedSequence(setting.seed).spawn(1)[0]
    return items_table(make_catalogue(np.random.default_rng(shelves)), setting.start)


def lead(setting: Setting, sender: Sender) -> Led:
    """Lead the shop to its end. The sender is told at each letter what was received before it, and nothing else."""
    shop, log = opened(setting)
    posts: list[Post] = []
    troubled: list[Flags] = []
    heard: list[pa.Table] = []
    for week in range(setting.weeks):
        shop.begin()
        heard.append(log.heard_by(7.0 * week + SENT_AT))
        sender.hear(heard[-1])
        if week < setting.warm_up:
            brought = shop.end(old_letter(shop))
            log.tell(brought, [contacts(brought.letters)])
            continue
        post = sender.send(week, log.moment(7.0 * week + SENT_AT))
        posts.append(post)
        troubled.append(shop.trouble[post.who].copy())
        served = np.array([message.who for message in post.messages if message.category == "service"], dtype=np.int64)
        served = served[shop.trouble[served]]
        brought = shop.end(Plan.to(post.who, post.offer, shop.customers, shop.trouble))
        at = np.full(len(served), 7.0 * week + SENT_AT)
        shop.minds.shake(shop.customers, served, at, np.full(len(served), setting.message_lift))
        log.tell(brought, told(post, brought.letters, week))
    return Led(
        setting, shop.catalogue, shop.customers, shop.life(), tuple(posts), tuple(troubled), pa.concat_tables(heard)
    )


def letters(led: Led) -> Ints:
    """How many letters that sell went out in each week of the policy's."""
    counted: Ints = np.array([len(post.who) for post in led.posts], dtype=np.int64)
    return counted
