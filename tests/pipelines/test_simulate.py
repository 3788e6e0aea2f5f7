"""The simulated shop is repeatable, valid and consistent, and has the effects it says it has."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.errors import DataError, SourceError
from features.log.validation import validate
from pipelines.shop.assortment import RANGES
from pipelines.shop.parameters import PARAMETERS
from pipelines.shop.phrases import GRAMMAR, OPENERS, THINGS, TOPICS, expand, sentences
from pipelines.simulate import SimulationReport, simulate
from pipelines.sources.simulated import Simulated

END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shop")
    simulate(out, customers=2_000, seed=7)
    return out


@pytest.fixture(scope="module")
def sql(shop: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"create table events as select distinct on (event_id) * from read_parquet('{shop}/events/*.parquet')"
        )
        for name in ("customers", "satisfaction", "letters", "orders", "anonymous", "offer_effects"):
            connection.execute(f"create view {name} as select * from read_parquet('{shop}/truth/{name}-*.parquet')")
        yield connection


def rows(sql: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return sql.execute(query).fetchall()


def one(sql: duckdb.DuckDBPyConnection, query: str) -> float:
    return rows(sql, query)[0][0]


def digest(folder: Path) -> dict[str, str]:
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*.parquet"))
    }


def small(out: Path, seed: int, customers: int = 150) -> SimulationReport:
    return simulate(out, customers=customers, seed=seed, start=date(2025, 9, 1), days=60)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    small(tmp_path / "a", 3)
    small(tmp_path / "b", 3)
    small(tmp_path / "c", 4)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    simulate(tmp_path / "a", customers=50, seed=1, start=date(2024, 1, 1), days=60)
    small(tmp_path / "a", 3)
    small(tmp_path / "b", 3)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_every_event_is_valid(shop: Path) -> None:
    for batch in Simulated().batches(shop):
        assert batch.events.schema.equals(EVENT_SCHEMA)
        assert batch.rejected == []
        assert [(r.reason, r.detail) for r in validate(batch.events, END).rejected] == []


def test_the_source_reads_the_log_and_the_catalogue_and_no_truth(shop: Path, tmp_path: Path) -> None:
    source = Simulated()
    read = sum(batch.events.num_rows for batch in source.batches(shop))
    assert read == source.total_rows(shop)
    assert source.items(shop).num_rows == sum(len(r.products.split("|")) * len(r.variants.split("|")) for r in RANGES)
    for name in ("events", "items.parquet"):
        (tmp_path / name).symlink_to(shop / name)
    assert source.total_rows(tmp_path) == read


def test_the_source_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="tahdikas simulate"):
        list(Simulated().batches(tmp_path))
    (tmp_path / "events").mkdir()
    torn = tmp_path / "events" / "2025-01-part-000.parquet"
    torn.write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"2025-01-part-000\.parquet cannot be read"):
        list(Simulated().batches(tmp_path))


def test_repeated_rows_are_exact_and_some_rows_are_late_or_out_of_place(shop: Path) -> None:
    with duckdb.connect() as sql:
        sql.execute(f"create view log as select * from read_parquet('{shop}/events/*.parquet')")
        total, distinct, ids = sql.execute(
            "select (select count(*) from log), (select count(*) from (select distinct * from log)), "
            "(select count(distinct event_id) from log)"
        ).fetchall()[0]
        late = sql.execute("select avg((received_at - occurred_at > interval 1 day)::int) from log").fetchall()[0][0]
        stores = sql.execute(
            "select median(epoch(received_at - occurred_at)) from log where channel = 'store'"
        ).fetchall()[0][0]
    assert distinct == ids
    assert (total - ids) / total == pytest.approx(PARAMETERS.duplicates, rel=0.3)
    assert late == pytest.approx(PARAMETERS.late_arrival, rel=0.5)
    assert stores > 3 * 3600


IMPOSSIBLE = {
    "a delivery before its order, or out of its own order": """
        with d as (
            select order_id, min(occurred_at) filter (status = 'promised') as promised,
                   min(occurred_at) filter (status = 'shipped') as shipped,
                   max(occurred_at) filter (status = 'delivered') as delivered
            from events where type = 'delivery' group by 1
        )
        select 1 from d join events p on p.type = 'purchase' and p.order_id = d.order_id
        where promised < p.occurred_at or shipped < promised or delivered < shipped""",
    "a case before it is opened": """
        with o as (select case_id, min(occurred_at) as opened from events where status = 'opened' group by 1)
        select 1 from events join o using (case_id) where type in ('case', 'return') and occurred_at < opened""",
    "anything about an order before it is made": """
        select 1 from events e join events p on p.type = 'purchase' and p.order_id = e.order_id
        where e.type in ('case', 'feedback', 'return') and e.occurred_at < p.occurred_at""",
    "a question about how a case went before it is resolved": """
        with r as (select case_id, min(occurred_at) as resolved from events where status = 'resolved' group by 1)
        select 1 from events join r using (case_id) where kind in ('csat', 'ces') and occurred_at < resolved""",
    "a device known to be hers before its first log-in": """
        select 1 from events e join anonymous a using (anonymous_id)
        where e.customer_id is not null and (e.customer_id <> a.customer_id or e.occurred_at < a.linked_at)""",
    "a link of somebody who never becomes a customer": """
        select 1 from events e join anonymous a using (anonymous_id)
        where e.type = 'identity' and a.customer_id is null""",
    "a letter without a grant in force": """
        select 1 from events c where c.type = 'contact' and c.status = 'sent' and 'granted' is distinct from (
            select arg_max(k.status, k.occurred_at) from events k
            where k.type = 'consent' and k.purpose = 'marketing' and k.consent_channel = 'email'
            and k.customer_id = c.customer_id and k.occurred_at <= c.occurred_at)""",
    "an order of somebody who has left": """
        select 1 from events join customers using (customer_id)
        where type = 'purchase' and occurred_at > dropped_at + interval 7 day""",
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_nothing_impossible_happens(sql: duckdb.DuckDBPyConnection, impossible: str) -> None:
    assert rows(sql, IMPOSSIBLE[impossible]) == []


def test_people_browse_before_they_are_known(sql: duckdb.DuckDBPyConnection) -> None:
    unknown, linked, all_devices = rows(
        sql,
        "select count(*) filter (customer_id is null), count(linked_at), count(*) from anonymous",
    )[0]
    assert unknown > 0
    assert 0 < linked < all_devices
    before = "select count(*) from events join anonymous a using (anonymous_id) where occurred_at < linked_at"
    assert one(sql, before) > 0


def test_the_randomised_control_shows_the_true_effects(sql: duckdb.DuckDBPyConnection) -> None:
    measured = {
        segment: (sent - control, true)
        for segment, sent, control, true in rows(
            sql,
            """
            with planned as (
                select l.*, segment, exists(
                    select 1 from events p where p.type = 'purchase' and p.customer_id = l.customer_id
                    and p.occurred_at > planned_at and p.occurred_at < planned_at + interval 7 day
                ) as ordered
                from letters l join customers using (customer_id) where planned_at < timestamp '2026-10-20'
            )
            select segment, avg(ordered::int) filter (sent), avg(ordered::int) filter (not sent),
                   avg(order_chance_with - order_chance_without)
            from planned group by 1
            """,
        )
    }
    lift, true = measured["persuadable"]
    assert true > 0.025 and lift == pytest.approx(true, abs=0.02) and lift > 0.015
    assert measured["sure_thing"][1] == measured["lost_cause"][1] == 0
    assert measured["sleeping_dog"][1] < 0
    assert one(sql, "select avg(sent::int) from letters") == pytest.approx(1 - PARAMETERS.control, abs=0.02)


def test_the_control_group_is_in_the_log(sql: duckdb.DuckDBPyConnection) -> None:
    released = one(sql, "select count(*) from events where type = 'contact' and status = 'released'")
    assert released == pytest.approx(one(sql, "select count(*) from letters where not sent"), rel=0.03)


def test_being_sold_to_in_trouble_hurts(sql: duckdb.DuckDBPyConnection) -> None:
    change = dict(
        rows(
            sql,
            """
            with w as (select *, date_diff('day', timestamptz '2024-11-01', planned_at) // 7 + 1 as week from letters)
            select sent, avg(satisfaction[week] - satisfaction[week - 1])
            from w join satisfaction using (customer_id) where in_trouble and week > 1 group by 1
            """,
        )
    )
    assert change[True] < change[False] - 0.25


def test_the_unhappy_leave_sooner(sql: duckdb.DuckDBPyConnection) -> None:
    left = dict(
        rows(
            sql,
            """
            select satisfaction[52] < -0.5 as unhappy, avg((activity[78] = 0)::int)
            from satisfaction where activity[52] = 1 group by 1
            """,
        )
    )
    assert left[True] > 1.5 * left[False]


def test_churn_can_be_predicted_but_not_read_off(sql: duckdb.DuckDBPyConnection) -> None:
    known = rows(
        sql,
        """
        select max(occurred_at) filter (occurred_at < timestamptz '2026-05-01') as last,
               count(*) filter (occurred_at between timestamptz '2026-05-01' and timestamptz '2026-07-30') = 0 as gone
        from events where type = 'purchase' group by customer_id
        having min(occurred_at) < timestamptz '2026-05-01' and last > timestamptz '2025-05-01' order by customer_id
        """,
    )
    last = np.array([k[0].timestamp() for k in known])
    gone = np.array([k[1] for k in known])
    before = last[gone][:, None] < last[~gone][None, :]
    assert 0.7 < before.mean() < 0.87
    assert 0.25 < gone.mean() < 0.6


def test_seasons_and_needs(sql: duckdb.DuckDBPyConnection, shop: Path) -> None:
    sql.execute(f"create or replace view items as select * from read_parquet('{shop}/items.parquet')")
    bought = dict(
        rows(
            sql,
            """
            select category || ' ' || (month(occurred_at) in (9, 10, 11))::text, count(*)
            from (select occurred_at, unnest(lines).item_id as item_id from events where type = 'purchase')
            join items using (item_id) where category = 'bicycle_gear/winter_tyres' group by 1
            """,
        )
    )
    assert bought["bicycle_gear/winter_tyres true"] > 3 * bought["bicycle_gear/winter_tyres false"]


def test_what_they_write_is_what_happened(sql: duckdb.DuckDBPyConnection) -> None:
    texts = rows(
        sql,
        "select lower(text), cause, kind, score from events join orders using (order_id) "
        "where type = 'feedback' and text is not null",
    )
    assert len({t for t, *_ in texts}) > 400
    late = [cause for text, cause, *_ in texts if "myöhässä" in text or "after the promised date" in text]
    assert len(late) > 20 and set(late) == {"late"}
    size = [cause for text, cause, *_ in texts if "size was" in text or "koko oli" in text]
    assert len(size) > 5 and set(size) == {"wrong_size"}
    happy = [score for text, _, kind, score in texts if kind == "review" and ("great shop" in text or "mainio" in text)]
    assert min(happy) >= 4


def test_effort_scores_are_lower_for_the_better(sql: duckdb.DuckDBPyConnection) -> None:
    effort = dict(
        rows(
            sql,
            "select slow_case, avg(score) from events join orders using (order_id) where kind = 'ces' and not "
            "higher_is_better group by 1",
        )
    )
    assert effort[True] > effort[False] + 1


@pytest.mark.parametrize("seed", [1, 2])
def test_at_the_end_there_are_customers_to_be_tactful_to(tmp_path: Path, seed: int) -> None:
    simulate(tmp_path, customers=3_000, seed=seed, start=date(2026, 3, 1), days=245)
    with duckdb.connect() as sql:
        sql.execute(f"create view events as select * from read_parquet('{tmp_path}/events/*.parquet')")
        sql.execute(
            "create view cases as select case_id, any_value(kind) as kind, arg_max(status, occurred_at) as status, "
            "bool_or(status = 'customer_asked') as chased from events where type = 'case' group by 1"
        )
        open_cases = "select count(*) from cases where status not in ('resolved', 'closed', 'cancelled') "
        assert one(sql, open_cases + "and kind = 'exchange' and chased") >= 2
        assert one(sql, open_cases + "and kind = 'complaint'") >= 3
        assert one(sql, open_cases + "and kind = 'return' and not chased") >= 3
        assert (
            one(
                sql,
                "select count(*) from events where type = 'feedback' and channel = 'store' and score = 1 "
                "and occurred_at >= timestamptz '2026-10-02'",
            )
            >= 1
        )
        assert (
            one(
                sql,
                "select count(*) from (select order_id from events where type = 'delivery' group by 1 "
                "having max(promised_at) < timestamptz '2026-11-01' "
                "and not bool_or(status in ('delivered', 'failed', 'cancelled')))",
            )
            >= 2
        )


def test_impossible_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 customers"):
        simulate(tmp_path, customers=0, seed=1)


def test_progress_counts_customers(tmp_path: Path) -> None:
    seen: list[int] = []
    report = simulate(
        tmp_path, customers=120, seed=1, start=date(2025, 1, 1), days=35, progress=lambda done: seen.append(done)
    )
    assert seen == [120]
    assert report.rows == sum(report.events.values()) == Simulated().total_rows(tmp_path)
    assert report.end == date(2025, 2, 5)
    assert "120 customers" in str(report) and '"seed": 1' in report.to_json()


def test_the_grammar_is_complete() -> None:
    for language, said in GRAMMAR.items():
        assert set(said) == {*TOPICS, *OPENERS}, language
    assert expand("[a|b] c") == ["a c", "b c"]
    for department in THINGS:
        assert not re.search(r"[\[\]{}|]", " ".join(sentences("fi", "late", department)))


def test_every_parameter_is_documented_with_its_value() -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulated-shop.md").read_text(encoding="utf-8")
    items = sum(len(r.products.split("|")) * len(r.variants.split("|")) for r in RANGES)
    assert f"stores: {items} items" in text
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\d.-]+) \|", text, flags=re.MULTILINE))
    assert documented == {f.name: f"{getattr(PARAMETERS, f.name):g}" for f in fields(PARAMETERS)}


def test_truth_lies_apart_and_covers_everybody(shop: Path) -> None:
    customers = pq.read_table(next((shop / "truth").glob("customers-*.parquet")))
    assert customers.num_rows == 2_000
    names = {f.name.split("-part")[0] for f in (shop / "truth").glob("*.parquet")}
    assert names == {"customers", "satisfaction", "offer_effects", "letters", "orders", "anonymous", "items"}
