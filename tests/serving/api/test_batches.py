import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from features.errors import DataError
from serving.api.batches import Batches


def batches(answer: Any, **more: Any) -> Batches[Any, Any]:
    return Batches(answer, **{"seconds": 5, "threads": 1, "waiting": 100, "largest": 10, "name": "t"} | more)


class Gate:
    """Answers with the question, batch by batch, once it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.seen: list[list[Any]] = []

    def __call__(self, questions: Sequence[Any]) -> list[Any]:
        self.seen.append(list(questions))
        self.open.wait(5)
        if "bad" in questions:
            raise DataError("bad was asked")
        return [f"{one}!" for one in questions]


async def asked_together(of: Batches[Any, Any], gate: Gate, questions: Sequence[Any]) -> list[Any]:
    """Ask the first, then, while it is under way, all others; then let answers come."""
    first = asyncio.create_task(of.ask(questions[0]))
    while not gate.seen:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(of.ask(one)) for one in questions[1:]]
    await asyncio.sleep(0.02)
    gate.open.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_what_waits_is_answered_at_once_and_each_gets_its_own() -> None:
    gate = Gate()
    of = batches(gate, largest=3)
    found = asyncio.run(asked_together(of, gate, list("abcdef")))
    assert found == [f"{one}!" for one in "abcdef"]
    assert gate.seen == [["a"], ["b", "c", "d"], ["e", "f"]]
    of.close()


def test_weights_bound_a_batch_but_a_heavy_question_still_goes() -> None:
    gate = Gate()
    of = batches(gate, largest=4, weight=len)
    asyncio.run(asked_together(of, gate, ["a", "bbb", "cc", "ddddddd", "e"]))
    assert gate.seen == [["a"], ["bbb"], ["cc"], ["ddddddd"], ["e"]]
    of.close()


def test_a_fault_of_one_is_not_the_others() -> None:
    gate = Gate()
    of = batches(gate)
    found = asyncio.run(asked_together(of, gate, ["a", "b", "bad", "c"]))
    assert found[:2] + found[3:] == ["a!", "b!", "c!"] and isinstance(found[2], DataError)
    of.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_one_person_is_never_twice_under_way(threads: int) -> None:
    now: list[str] = []
    clashes: list[str] = []
    lock = threading.Lock()

    def answer(questions: Sequence[str]) -> Sequence[str]:
        with lock:
            clashes.extend(one for one in questions if now.count(one))
            now.extend(questions)
            clashes.extend(one for one in questions if now.count(one) > 1)
        threading.Event().wait(0.002)
        with lock:
            for one in questions:
                now.remove(one)
        return questions

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(of.ask(f"p{n % 4}") for n in range(60)))

    of = batches(answer, threads=threads, key=lambda one: one)
    assert asyncio.run(all_of_them()) == [f"p{n % 4}" for n in range(60)]
    assert clashes == []
    of.close()


def test_the_next_batch_is_computed_while_the_one_before_waits_for_the_disk() -> None:
    written = threading.Event()
    log: list[str] = []

    def answer(questions: Sequence[str]) -> Sequence[str]:
        log.append(f"computed {'+'.join(questions)}")
        of.let_next()
        if "a" in questions:
            written.wait(5)
        else:
            written.set()
        log.append(f"written {'+'.join(questions)}")
        return questions

    async def both() -> list[Any]:
        first = asyncio.create_task(of.ask("a"))
        while not log:
            await asyncio.sleep(0.001)
        return [await of.ask("b"), await first, await of.ask("c")]

    of = batches(answer, threads=2)
    assert asyncio.run(both()) == ["b", "a", "c"]
    assert log == ["computed a", "computed b", "written b", "written a", "computed c", "written c"]
    of.close()


def test_only_one_batch_is_computed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.api.batches._JOIN_SECONDS", 30.0)
    computing: list[int] = []
    most: list[int] = []

    def answer(questions: Sequence[int]) -> Sequence[int]:
        computing.append(1)
        most.append(len(computing))
        time.sleep(0.002)
        computing.pop()
        of.let_next()
        time.sleep(0.004)
        return questions

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(of.ask(n) for n in range(60)))

    of = batches(answer, threads=3, largest=4)
    assert asyncio.run(all_of_them()) == list(range(60))
    assert max(most) == 1
    of.close()


def test_late_answers_are_undone_and_those_given_up_never_made() -> None:
    gate = Gate()
    undone: list[str] = []
    of = batches(gate, seconds=0.05, undo=undone.append)

    async def late() -> list[Any]:
        found = await asyncio.gather(of.ask("a"), of.ask("b"))
        gate.open.set()
        while not undone:
            await asyncio.sleep(0.001)
        return [*found, await of.ask("c")]

    found = asyncio.run(late())
    assert found == ["deadline", "deadline", "c!"]
    assert gate.seen[0][0] == "a" and undone[0] == "a!"
    assert set(undone) == {f"{one}!" for batch in gate.seen[:-1] for one in batch}
    of.close()


def test_too_many_waiting_are_told_so() -> None:
    gate = Gate()
    of = batches(gate, waiting=2)

    async def three() -> list[Any]:
        tasks = [asyncio.create_task(of.ask(one)) for one in "ab"]
        await asyncio.sleep(0.01)
        third = await of.ask("c")
        gate.open.set()
        return [*await asyncio.gather(*tasks), third, await of.ask("d")]

    assert asyncio.run(three()) == ["a!", "b!", "overloaded", "d!"]
    of.close()


def test_what_cannot_come_in_time_is_told_at_once_and_the_rest_is_in_time() -> None:
    """Forty seconds of work are asked for within two: without a look ahead, all wait and nearly all are late."""

    def slow(questions: Sequence[Any]) -> list[Any]:
        time.sleep(0.05 * len(questions))
        return list(questions)

    of = batches(slow, seconds=0.5, waiting=1_000, largest=4)

    async def storm() -> list[Any]:
        async def one(number: int) -> Any:
            await asyncio.sleep(number * 0.0025)
            return await of.ask(number)

        return await asyncio.gather(*(one(number) for number in range(800)))

    found = asyncio.run(storm())
    of.close()
    assert sum(isinstance(answer, int) for answer in found) >= 10
    assert found.count("overloaded") > 2 * found.count("deadline"), "most are told before they have waited for nothing"


def test_one_slow_answer_does_not_turn_the_next_away() -> None:
    def first_slow(questions: Sequence[Any]) -> list[Any]:
        time.sleep(1.0 if questions == [0] else 0.0)
        return list(questions)

    of = batches(first_slow, seconds=20)
    assert asyncio.run(of.ask(0)) == 0
    assert asyncio.run(of.ask(1)) == 1
    of.close()


def test_threads_do_not_share_out_what_waits() -> None:
    gate = Gate()
    of = batches(gate, threads=2)

    async def soon() -> list[Any]:
        asyncio.get_running_loop().call_later(0.02, gate.open.set)
        return await asyncio.gather(of.ask("a"), *(of.ask(one) for one in "bcde"))

    assert asyncio.run(soon()) == [f"{one}!" for one in "abcde"]
    assert len(gate.seen) <= 2
    of.close()


def test_behind_a_batch_that_hangs_another_thread_answers() -> None:
    never = threading.Event()

    def answer(questions: Sequence[str]) -> Sequence[str]:
        if "stuck" in questions:
            never.wait(5)
        return questions

    of = batches(answer, threads=2, seconds=1)

    async def asked() -> list[Any]:
        stuck = asyncio.create_task(of.ask("stuck"))
        await asyncio.sleep(0.01)
        others = [await of.ask(one) for one in "abc"]
        return [*others, await stuck]

    assert asyncio.run(asked()) == ["a", "b", "c", "deadline"]
    never.set()
    of.close()
