"""Records: durable, small, once."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from features.errors import DataError
from features.home import Home
from features.instants import to_us
from features.log.connection import STORE_ERRORS
from serving.record_body import pack, unpack, unpack_answer
from serving.records import Entry, KeyReusedError, Records
from serving.reservations import OvertakenError, reserved, seen_by


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def entry(shop, one, decision_id="d1", *, reserve=None, **asked):
    request = shop.ask("email", "email", **asked)
    snapshot = shop.regular(asked.get("key", "aino"), versions={"state": "0", "reservations": "0"})
    decision = msgspec.structs.replace(one(request, snapshot), decision_id=decision_id)
    return Entry(decision, request, reserve)


def test_a_record_survives_reopening_and_comes_back_whole(home, shop, one):
    records = Records(home)
    held = shop.regular(holds=(shop.hold(),), values={"open_cases": 1, "max_case_severity": 2})
    request = shop.ask(n=3)
    decision = msgspec.structs.replace(one(request, held), decision_id="d1")
    assert records.write([Entry(decision, request)]) == [decision]
    records.close()
    assert Records(home).get("d1") == decision
    assert Records(home).get("d2") is None


@pytest.mark.parametrize("count", [2, 300])
def test_records_are_kept_all_or_none(home, shop, one, count):
    records, first = Records(home), entry(shop, one)
    assert records.write([first]) == [first.decision]
    more = [
        Entry(msgspec.structs.replace(first.decision, decision_id=f"more {n}"), first.request) for n in range(count)
    ]
    with pytest.raises(STORE_ERRORS):
        records.write([*more, first])
    assert not any(records.get(one.decision.decision_id) for one in more)
    assert records.write(more) == [one.decision for one in more]
    assert [records.get(one.decision.decision_id) for one in more] == [one.decision for one in more]


def test_a_record_is_small(shop, one):
    assert len(pack(one(shop.ask(n=5), shop.regular(holds=(shop.hold(),))))) < 4096


def test_a_torn_or_altered_record_is_an_error_and_never_another_decision(shop, one):
    body = pack(one(shop.ask(), shop.regular()))
    for broken in (body[:-5], body[:5] + bytes([body[5] ^ 1]) + body[6:]):
        with pytest.raises(DataError, match="Restore the live store"):
            unpack(broken)
    for of_another_format in (b"", b"\x78" + body[1:]):
        with pytest.raises(DataError, match="is of format"):
            unpack(of_another_format)


def test_a_record_of_before_is_still_read(shop, one):
    decision = one(shop.ask(n=3), shop.regular(holds=(shop.hold(),)))
    told = msgspec.msgpack.encode(msgspec.structs.replace(decision, holds=[]))
    assert unpack(b"\x02" + zlib.compress(told, 1)) == decision == unpack(pack(decision))


@pytest.mark.parametrize("n", [1, 3])
def test_the_answer_alone_is_that_of_the_whole_record(shop, one, n):
    decision = one(shop.ask(n=n, context={"cart": ["boots"]}), shop.regular(holds=(shop.hold(channels="email"),)))
    body, told = pack(decision), msgspec.msgpack.encode(msgspec.structs.replace(decision, holds=[]))
    for answer in (unpack_answer(body), unpack_answer(b"\x02" + zlib.compress(told, 1))):
        assert answer.actions and {f: getattr(decision, f) for f in answer.__struct_fields__} == (
            msgspec.structs.asdict(answer)
        )
    with pytest.raises(DataError, match="Restore the live store"):
        unpack_answer(body[:-5])


def test_many_answers_and_outcomes_are_read_at_once(home, shop, one):
    records = Records(home)
    ids = [f"d{i}" for i in range(1_100)]
    records.write([entry(shop, one, name, key=f"c{name}") for name in ids])
    records.outcome("d7", "sent", "x", occurred_at=shop.NOON, received_at=shop.NOON)
    records.outcome("d7", "click", "y", occurred_at=shop.NOON, received_at=shop.NOON)
    found = records.answers([*ids, "nothing", "d0"])
    assert found.keys() == set(ids) and all(answer.decision_id == name for name, answer in found.items())
    assert records.with_outcome(["nothing", *ids], "sent") == {("d7", "x")}


def test_a_length_that_is_made_up_is_an_error_and_takes_no_memory(shop, one):
    body = pack(one(shop.ask(), shop.regular()))
    for length in (0, 1, 2**32 - 1):
        rest = length.to_bytes(4, "big") + body[9:]
        with pytest.raises(DataError, match="Restore the live store"):
            unpack(body[:1] + zlib.crc32(rest).to_bytes(4, "big") + rest)


def test_threads_pack_the_same(shop, one):
    decisions = [one(shop.ask(n=n), shop.regular()) for n in range(1, 9)]
    alone = [pack(d) for d in decisions]
    with ThreadPoolExecutor(4) as pool:
        assert [body for bodies in pool.map(lambda _: [pack(d) for d in decisions], range(50)) for body in bodies] == (
            alone * 50
        )


def test_the_same_key_is_answered_once_and_another_question_under_it_is_refused(home, shop, one):
    records = Records(home)
    first = entry(shop, one, "d1", idempotency_key="k")
    retry = entry(shop, one, "d2", idempotency_key="k", now=shop.NOON + timedelta(hours=1))
    assert records.answered(first.request) is None
    records.write([first])
    assert records.answered(retry.request) == first.decision
    assert records.write([retry]) == [first.decision], "one that lost the race is given the winner's answer"
    assert records.get("d2") is None
    with pytest.raises(KeyReusedError, match="'k' was used for another question"):
        records.answered(shop.ask("email", "email", "venla", idempotency_key="k"))


def test_a_batch_is_written_whole_or_not_at_all(home, shop, one):
    records = Records(home)
    with pytest.raises(STORE_ERRORS):
        records.write([entry(shop, one, "d1"), entry(shop, one, "d2"), entry(shop, one, "d1")])
    assert records.get("d1") is None and records.get("d2") is None


def test_a_reservation_counts_within_its_time_and_until_it_is_settled(home, shop, one):
    records = Records(home)
    records.write([entry(shop, one, "d1", reserve=timedelta(hours=2))])
    second = entry(shop, one, "d2", reserve=timedelta(hours=2))
    second.decision.versions["reservations"] = "1"
    records.write([second])

    def held(hours):
        found = reserved(records.connection(), ["aino", "venla"], shop.NOON + timedelta(hours=hours))
        return sorted(c.decision_id for c in found.get("aino", []))

    assert held(1) == ["d1", "d2"] and held(2) == []
    noted = {"occurred_at": shop.NOON, "received_at": shop.NOON}
    assert records.outcome("d1", "click", "a", **noted) is True
    assert held(1) == ["d1", "d2"]
    assert records.outcome("d1", "sent", "a", **noted, settles=True) is True
    assert records.outcome("d1", "sent", "a", **noted, settles=True) is False
    assert held(1) == ["d2"]


def test_two_never_take_the_same_place(home, shop, one):
    """Both were decided for when no place was reserved."""
    records = Records(home)
    first, second, venlas = (
        entry(shop, one, name, reserve=timedelta(hours=2), key=key)
        for name, key in (("d1", "aino"), ("d2", "aino"), ("d3", "venla"))
    )
    with pytest.raises(OvertakenError) as together:
        records.write([first, second, venlas])
    assert together.value.decision_ids == {"d2"} and records.get("d1") is None, "nothing is written"
    records.write([first])
    with pytest.raises(OvertakenError):
        records.write([second, venlas])
    records.write([venlas])
    with pytest.raises(OvertakenError):
        records.reserve([second.decision], shop.NOON, timedelta(hours=2), seen=[seen_by(second.decision)])


def test_the_last_decision_at_a_moment(home, shop, one):
    records = Records(home)
    for day, decision_id in enumerate(["d0", "d1", "d2"]):
        request = shop.ask("email", "email", now=shop.NOON + timedelta(days=day))
        decision = msgspec.structs.replace(one(request, shop.regular()), decision_id=decision_id)
        records.write([Entry(decision, request)])
    assert records.last("aino", shop.NOON - timedelta(seconds=1)) is None
    assert records.last("aino", shop.NOON + timedelta(days=1)).decision_id == "d1"
    assert records.last("aino", shop.NOON + timedelta(days=9), placement="front_page") is None


def test_texts_are_kept_by_hash(home):
    records = Records(home)
    records.keep("policy", "abc", "salt: x")
    records.keep("policy", "abc", "salt: x")
    assert records.kept("abc") == "salt: x" and records.kept("x") is None
    assert to_us  # the store counts in microseconds
