"""A sample of the shop's customers, the same for the same seed: those held or with an open case, and the rest.

Each of the two is drawn by a hash of seed and id. Who is held is rare and what a policy is about, so that up to a third
of the sample is theirs; counts of the whole shop are told from each group's own share.
"""

import heapq
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgspec

from features.log.connection import Connection
from features.log.rules import RESERVED_PREFIX
from serving.desk.lens import Lens, has_open_case
from serving.desk.scan import everybody

CONCERNED_SHARE = 1 / 3


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Customers by key. `held` and `with_cases` are counts of the sample, `customers` and `concerned` of the shop.

    The first `of_concerned` of `keys` are held or have an open case.
    """

    keys: list[str]
    of_concerned: int
    held: int
    with_cases: int
    customers: int
    concerned: int

    def weight(self, place: int) -> float:
        """For how many customers of the shop the one at a place of `keys` stands."""
        if place < self.of_concerned:
            return self.concerned / self.of_concerned
        return (self.customers - self.concerned) / (len(self.keys) - self.of_concerned)


def draw(
    run: Connection, lens: Lens, *, also: Iterable[str] = (), size: int, seed: str, pause: Callable[[], None]
) -> Sample:
    """Draw `size` of the customers known now, all of them where there are fewer; visitors without a name are left out.

    `also` are customers whom only an incident may hold.
    """
    concerned: dict[str, tuple[bool, bool]] = {}
    for standing in everybody(run, lens, also=list(also), pause=pause):
        held, waits = standing.is_held, has_open_case(standing, lens)
        if (held or waits) and _is_customer(standing.customer_id) and standing.problem != "erased":
            concerned[standing.customer_id] = (held, waits)
    known = [key for (key,) in run.execute("select customer_id from state") if _is_customer(key)]
    rest = [key for key in known if key not in concerned]
    wanted = min(size, len(concerned) + len(rest))
    theirs = min(len(concerned), max(round(wanted * CONCERNED_SHARE), wanted - len(rest)))
    first = _least(concerned, theirs, seed)
    return Sample(
        keys=first + _least(rest, wanted - theirs, seed),
        of_concerned=theirs,
        held=sum(concerned[key][0] for key in first),
        with_cases=sum(concerned[key][1] for key in first),
        customers=len(concerned) + len(rest),
        concerned=len(concerned),
    )


def _least(keys: Iterable[str], count: int, seed: str) -> list[str]:
    """The `count` with the smallest hash."""
    return heapq.nsmallest(count, keys, key=lambda key: (_hash(seed, key), key))


def _hash(seed: str, key: str) -> bytes:
    return blake2b(f"{seed}\0{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _is_customer(key: str) -> bool:
    return not key.startswith(RESERVED_PREFIX)
