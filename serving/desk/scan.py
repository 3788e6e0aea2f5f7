"""Everybody who may be held, in the order of their ids, each read once: held or not, readable or not.

Only rows that can hold anybody are read (`features.customer.concern`), beside those named in `also`. Rows come in
pages, so that no reading keeps the store's log from being trimmed.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from features.instants import to_us
from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from features.log.identity import resolve
from serving.desk.lens import Lens, Standing, look
from serving.desk.reading import standing_of
from serving.snapshot import state_of

_PAGE = 100


def everybody(
    run: Connection,
    lens: Lens,
    *,
    also: Collection[str] = (),
    after: str = "",
    since: int | None = None,
    skip: Collection[str] = (),
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Standing]:
    """Standings of who may be held at the lens's moment, who is in doubt, and `also`; by id, from past `after` on.

    `since` (microseconds; default the lens's moment) takes in who could be held from then on. Of `skip` only those in
    doubt and in `also` are read.
    """
    moment = to_us(lens.now) if since is None else min(since, to_us(lens.now))
    concerned = run.execute("select customer_id from state where concern_until > ?", (moment,))
    named = {resolve(run, key) for key in {*also, *customers_in_doubt(run)}}
    wanted = {key for (key,) in concerned if key not in skip} | named
    return of(run, sorted(key for key in wanted if key > after), lens, asking=named, pause=pause)


def all_states(run: Connection, lens: Lens, pause: Callable[[], None]) -> Iterator[Standing]:
    """Standings of everyone with a state, by id; doubts are not asked about."""
    return of(run, [key for (key,) in run.execute("select customer_id from state order by 1")], lens, pause=pause)


def of(
    run: Connection,
    customers: Sequence[str],
    lens: Lens,
    *,
    asking: Collection[str] = (),
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Standing]:
    """Standings of `customers` by their keys, in that order; of `asking` with all that only a single reading asks.

    `pause` is called between pages.
    """
    for start in range(0, len(customers), _PAGE):
        page = customers[start : start + _PAGE]
        marks = ",".join("?" * len(page))
        query = f"select customer_id, position, body from state where customer_id in ({marks})"
        rows = {row[0]: row[1:] for row in run.execute(query, page)}
        for key in page:
            if key in asking or key not in rows:
                standing = standing_of(run, key, lens)
                if standing.customer_id == key:  # else it came to be somebody's just now, who is told of next
                    yield standing
            else:
                state, problem = state_of(run, key, rows[key], rows[key][0])
                yield look(key, state, problem, lens)
        pause()
