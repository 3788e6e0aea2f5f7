import pytest

from benchmarks.load.connection import request_bytes, whole_answer

ANSWER = b'HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'


@pytest.mark.parametrize("read", range(len(ANSWER)))
def test_a_part_of_an_answer_is_no_answer(read: int) -> None:
    assert whole_answer(ANSWER[:read]) is None


def test_an_answer_has_a_status_and_a_body() -> None:
    assert whole_answer(ANSWER) == (503, b'{"a":1}')


def test_a_length_within_the_body_is_not_the_answers() -> None:
    with pytest.raises(ValueError, match="states no length"):
        whole_answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\ncontent-length: 3\r\n")


def test_a_request_says_how_long_it_is() -> None:
    told = request_bytes("/v1/decisions", '{"q":"é"}'.encode(), "tdk_1")
    assert told.endswith(b'\r\nContent-Length: 10\r\n\r\n{"q":"\xc3\xa9"}')
    assert b"\r\nAuthorization: Bearer tdk_1\r\n" in told
