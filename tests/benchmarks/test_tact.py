"""The policies' benchmark: the held are sold nothing, worlds are comparable, and figures are those of the truth."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.tact import page
from benchmarks.tact.differences import over_shops
from benchmarks.tact.outcomes import Outcome, outcome
from benchmarks.tact.post import DISCOUNT, NEWS, NOBODY, Mailing, Message, Nothing, Post, Sender
from benchmarks.tact.product import Product, Rechecked, sales_only, without_holds
from benchmarks.tact.ranking import Ranking
from benchmarks.tact.runs import MAILING, NOTHING, POLICIES, TACT
from benchmarks.tact.shop import Led, Setting, items, lead, letters
from features.home import Home
from pipelines.shop.fates import CASE_KINDS
from serving.core.policy import load_policy

SMALL = Setting(customers=80, weeks=18, seed=5, warm_up=8)
GRAVE = ("exchange", "warranty", "complaint", "delivery_claim")


class Watched:
    """A policy, and at each of its letters who was held, and who had a grave case open as the log has it."""

    def __init__(self, sender: Product | Rechecked) -> None:
        self.sender = sender
        self.product = sender if isinstance(sender, Product) else sender.product
        self.open: dict[str, int] = {}
        self.sold_to_held = self.sold_in_case = self.held = self.in_case = 0

    def hear(self, events: pa.Table) -> None:
        for event in events.sort_by("occurred_at").to_pylist():
            if event["type"] == "case" and event["kind"] in GRAVE:
                if event["status"] in ("opened", "reopened"):
                    self.open[event["case_id"]] = int(event["customer_id"][1:])
                elif event["status"] in ("resolved", "closed", "cancelled"):
                    self.open.pop(event["case_id"], None)
        self.sender.hear(events)

    def send(self, week: int, now: datetime) -> Post:
        post = self.sender.send(week, now)
        held, in_case, sold_to = self.product.held(now), set(self.open.values()), set(post.who.tolist())
        self.held, self.in_case = self.held + len(held), self.in_case + len(in_case)
        self.sold_to_held += len(sold_to & held)
        self.sold_in_case += len(sold_to & in_case)
        return post


def watched(sender: Product | Rechecked, setting: Setting = SMALL) -> tuple[Watched, Led]:
    policy = Watched(sender)
    led = lead(setting, policy)
    sender.close()
    return policy, led


def test_nobody_held_is_ever_sent_an_offer(tmp_path: Path) -> None:
    policy, led = watched(Product(tmp_path, items(SMALL)))
    assert policy.held > 20
    assert policy.in_case > 5
    assert (policy.sold_to_held, policy.sold_in_case) == (0, 0)
    assert letters(led).sum() > 30
    sent = {message.action for post in led.posts for message in post.messages}
    assert {"case_status", "check_in"} <= sent


def test_who_asks_before_sending_sells_to_nobody_held(tmp_path: Path) -> None:
    policy, led = watched(Rechecked(tmp_path, items(SMALL), Mailing(SMALL.customers)))
    assert policy.held > 20
    assert (policy.sold_to_held, policy.sold_in_case) == (0, 0)
    assert letters(led).sum() > 30


def test_without_holds_and_service_whoever_is_in_trouble_is_sold_to(tmp_path: Path) -> None:
    larger = Setting(customers=240, weeks=18, seed=5, warm_up=8)
    sender = Product(tmp_path, items(larger), policy=without_holds(), actions=sales_only())
    policy, led = watched(sender, larger)
    assert policy.sold_in_case > 0
    assert not any(post.messages for post in led.posts)


def test_holds_that_hold_nothing_leave_all_else_as_shipped(tmp_path: Path) -> None:
    shipped = load_policy(Home.open(tmp_path / "shipped")).file.model_dump()
    own = Home.open(tmp_path / "own")
    own.config.mkdir()
    (own.config / "policy.yaml").write_text(without_holds(), encoding="utf-8")
    changed = load_policy(own).file.model_dump()
    assert shipped.pop("holds") != changed.pop("holds")
    assert shipped == changed


def test_the_same_seed_is_the_same_world_where_nothing_is_sent() -> None:
    first, again, other = (lead(Setting(60, 12, seed, 4), Nothing()) for seed in (1, 1, 2))
    assert outcome(first).figures == outcome(again).figures != outcome(other).figures
    np.testing.assert_array_equal(first.life.satisfaction, again.life.satisfaction)
    assert first.log.equals(again.log)


def test_until_the_policy_begins_all_worlds_are_one(mailed: Led) -> None:
    nothing = lead(SMALL, Nothing())
    weeks = SMALL.warm_up
    np.testing.assert_array_equal(nothing.life.satisfaction[:weeks], mailed.life.satisfaction[:weeks])
    assert not np.array_equal(nothing.life.satisfaction[weeks:], mailed.life.satisfaction[weeks:])


@pytest.fixture(scope="module")
def mailed() -> Led:
    return lead(SMALL, Mailing(SMALL.customers))


def test_margin_and_letters_are_counted_from_the_truth() -> None:
    setting = Setting(200, 30, 5, 8)
    led = lead(setting, Mailing(setting.customers))
    life, fates = led.life, led.life.fates
    customers = (life.dropped > 7.0 * 8).sum()
    cents = back = 0
    for order, at in enumerate(life.orders.at):
        lines = np.flatnonzero(life.lines.order == order)
        goods, quantity = life.lines.item[lines], life.lines.quantity[lines]
        each = quantity * led.catalogue.margin[goods] - life.discount[lines]
        if at >= 7.0 * 8:
            cents += int(each.sum())
            if CASE_KINDS[fates.case[order]] == "return" and fates.case[order] >= 0 and not fates.cancelled[order]:
                back += int(each[int(fates.wrong_line[order] * len(lines))])
    figures, sent = outcome(led).figures, int(letters(led).sum())
    assert back > 0
    assert figures["margin_eur"] == pytest.approx((cents - back - sent) / 100 / customers)
    assert figures["letters"] == pytest.approx(sent / customers)
    assert figures["letters_in_trouble"] == pytest.approx(100 * sum(f.sum() for f in led.in_trouble) / customers)
    assert figures["letters_in_trouble"] > 0
    assert figures["messages"] == 0


def test_the_mailing_goes_to_whoever_granted_it_and_takes_turns(mailed: Led) -> None:
    offers = [set(post.offer.tolist()) for post in mailed.posts]
    assert offers[:4] == [{2}, {0}, {1}, {2}]
    told = {post.actions[0] for post in mailed.posts}
    assert told == {"weekly_discount", "weekly_free_delivery", "weekly_news"}
    granted = set(np.flatnonzero(mailed.customers.email == 1).tolist())
    assert set(mailed.posts[0].who.tolist()) <= granted


def test_the_ranking_writes_to_as_many_as_it_may_and_those_order_more() -> None:
    setting = Setting(200, 20, 3, 12)
    few = lead(setting, Ranking(setting.customers, lambda week: 15))
    assert letters(few).tolist() == [15] * 8
    chosen = np.concatenate([post.who for post in few.posts])
    granted = np.flatnonzero((few.customers.email == 1) & (few.customers.join_week < 12))
    orders = np.bincount(few.life.orders.who[few.life.orders.at >= 7.0 * 12], minlength=setting.customers)
    assert orders[chosen].mean() > 1.5 * orders[granted].mean()


class Service:
    """Sends everybody a message that is no offer."""

    def hear(self, events: pa.Table) -> None:
        """It need not know."""

    def send(self, week: int, now: datetime) -> Post:
        return Post(messages=[Message(who, "case_status", "message", "service") for who in range(SMALL.customers)])


def test_a_message_moves_satisfaction_only_of_those_in_trouble_and_only_if_assumed() -> None:
    nothing, lifted = (outcome(lead(SMALL, Service())), outcome(lead(_lifted(), Service())))
    assert nothing.figures["satisfaction"] == outcome(lead(SMALL, Nothing())).figures["satisfaction"]
    assert lifted.figures["satisfaction"] > nothing.figures["satisfaction"]
    assert nothing.figures["messages_percent"] == 100


def _lifted() -> Setting:
    return Setting(SMALL.customers, SMALL.weeks, SMALL.seed, SMALL.warm_up, message_lift=0.5)


def test_what_was_sent_is_told_as_its_sender_calls_it() -> None:
    class Once:
        """One letter and one message, in the first week."""

        def hear(self, events: pa.Table) -> None:
            """It need not know."""

        def send(self, week: int, now: datetime) -> Post:
            if week > SMALL.warm_up:
                return Post()
            who = np.array([3], dtype=np.int64)
            message = Message(4, "check_in", "check_in_message", "service")
            return Post(who, np.array([DISCOUNT]), ["win_back_discount"], ["win_back_letter"], [message])

    sender: Sender = Once()
    contacts = [
        row
        for row in lead(SMALL, sender).log.to_pylist()
        if row["type"] == "contact"
        and row["action_id"] in ("win_back_discount", "check_in")
        and row["status"] == "sent"
    ]
    found = {(row["customer_id"], row["action_id"], row["treatment_id"]) for row in contacts}
    assert found == {
        ("c0000003", "win_back_discount", "win_back_letter"),
        ("c0000004", "check_in", "check_in_message"),
    }
    days = {(row["occurred_at"].date() - SMALL.start).days for row in contacts}
    assert days == {7 * SMALL.warm_up}


def test_an_empty_post_is_no_post() -> None:
    class Empty(Nothing):
        """A letter to nobody."""

        def send(self, week: int, now: datetime) -> Post:
            return Post.of(NOBODY, NEWS)

    assert outcome(lead(SMALL, Empty())).figures == outcome(lead(SMALL, Nothing())).figures


def test_intervals_over_shops_are_about_students() -> None:
    values = np.random.default_rng(0).normal(1.0, 1.0, 12)
    found = over_shops(values.tolist(), [0.0] * 12)
    half = 2.201 * values.std(ddof=1) / np.sqrt(12)  # t, 11 degrees of freedom
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.2)
    assert found.low < found.value < found.high


def test_one_shop_that_differs_among_many_alike_is_no_win() -> None:
    found = over_shops([0.0, 0.0, 0.0, 12.0], [0.0] * 4)
    assert (found.low, found.better) == (0.0, False)


def _runs(**better: float) -> list[Mapping[str, Outcome]]:
    """Three shops in which Tahdikas has so much more of each figure than all others."""

    def of(policy: str, shop: int) -> Outcome:
        return Outcome(
            {
                measure.key: 1.0 + (better.get(measure.key, 0.0) * (1 + shop / 10) if policy == TACT else 0.0)
                for measure in page.MEASURES
            },
            np.zeros(4),
        )

    return [{policy: of(policy, shop) for policy in POLICIES} for shop in range(8)]


def test_a_loss_is_told_as_a_loss_and_fewer_leaving_as_a_win() -> None:
    runs = _runs(margin_eur=-2.0, left_percent=-3.0)
    told = page.in_words(runs, TACT, MAILING)
    assert "**loss** in margin, EUR;" in told
    assert "**win** in left, %;" in told
    assert "**parity** in satisfaction at the end" in told
    assert page.difference(runs, TACT, NOTHING, page.JUDGED[2]).better
    rows = page.differences_table(runs)["table"]["rows"]
    assert len(rows) == len(page.PAIRS)
    assert all(len(row) == len(page.JUDGED) + 1 for row in rows)


def test_under_other_assumptions_a_pair_is_told_where_both_were_run() -> None:
    runs = _runs(satisfaction_end=0.1)
    fewer = [{policy: outcomes[policy] for policy in (TACT, MAILING)} for outcomes in runs]
    rows = page.assumptions_table({"all": runs, "two": fewer})["table"]["rows"]
    assert [row[0] for row in rows] == ["all"] * len(page.TESTED) + ["two"]
    assert rows[-1][1] == f"{TACT} - {MAILING}"
    assert rows[-1][2].endswith("win")
