"""A kept state opened field by field: the same state, and what cannot be read is refused as a whole one is."""

import msgspec
import pytest
from customer_facts import case, fact, purchase, rating

from features.customer.opened import Opened, browsed_at, open_state
from features.customer.state import CustomerState, contents_of, encode, fold, sealed
from features.errors import DataError

VIEWS = [fact("browse", n, action="view", session_id="s", item_id="tea") for n in range(3)]
STATE = fold([purchase(0, "O1", ("tea", 1, 500)), case(1, "opened"), rating(2, 1), *VIEWS])


def test_every_field_is_there_and_unchanged_the_bytes_are_the_same() -> None:
    opened = open_state(encode(STATE))
    assert opened.encoded() == encode(STATE)
    for name in set(CustomerState.__struct_fields__) - {"browsed"}:
        assert getattr(opened, name) == getattr(STATE, name)
    assert [browsed_at(one) for one in opened.browsed] == [one.at for one in STATE.browsed]
    with pytest.raises(AttributeError):
        _ = opened.colour


def test_a_change_is_in_the_next_state_alone() -> None:
    before = open_state(encode(STATE))
    after = before.with_fields({"facts": 7, "browsed": [*before.browsed, STATE.browsed[0]]})
    assert before.encoded() == encode(STATE) and not before.changed
    expected = msgspec.structs.replace(STATE, facts=7, browsed=[*STATE.browsed, STATE.browsed[0]])
    assert after.encoded() == encode(expected) and after.changed.keys() == {"facts", "browsed"}


@pytest.mark.parametrize("many", [0, 1, 15, 16, 70_000])
def test_how_many_there_are_and_the_first_is_told_without_reading_the_others(many: int) -> None:
    state = fold([fact("score", n, model="m", version="1", value=0.5) for n in range(min(many, 20))])
    scores = (state.scores * 4_000)[:many]
    opened = open_state(encode(msgspec.structs.replace(state, scores=scores)))
    assert opened.count("scores") == many and opened.first("scores") == next(iter(scores), None)
    assert "scores" not in vars(opened)
    after = opened.with_fields({"scores": scores[1:]})
    assert after.count("scores") == max(0, many - 1) and after.first("scores") == next(iter(scores[1:]), None)


def cut(body: bytes) -> bytes:
    parts = msgspec.msgpack.decode(contents_of(body), type=list[msgspec.Raw])
    return sealed(msgspec.msgpack.encode(parts[:-1]))


@pytest.mark.parametrize(
    "spoilt",
    [b"", b"torn", bytes((250,)) + encode(STATE)[1:], encode(STATE)[:-1] + b"x", cut(encode(STATE)), sealed(b"\x07")],
    ids=["empty", "torn", "another version", "altered", "a field short", "no list"],
)
def test_what_is_no_state_is_refused(spoilt: bytes) -> None:
    with pytest.raises(DataError):
        open_state(spoilt)


def test_a_number_beyond_64_bits_is_told() -> None:
    opened: Opened = open_state(encode(STATE)).with_fields({"facts": 2**64})
    with pytest.raises(OverflowError):
        opened.encoded()
