"""Who asked to be forgotten: nothing is kept of her any more, whatever a page that was open before may still send."""

from features.errors import DataError
from features.log.connection import Connection
from features.log.identity import resolve
from features.log.rules import RESERVED_PREFIX
from serving.said import said

_ASKED = """select 1 from facts where origin_id = ? and type = 'erasure' limit 1"""
_ASKED_BY_VISITOR = f"""select 1 from links l cross join facts f on f.origin_id = '{RESERVED_PREFIX}' || l.external_id
    where l.customer_id = ? and f.type = 'erasure'
    and (l.unlinked_at is null or (l.linked_at <= f.received_at and l.unlinked_at > f.received_at)) limit 1"""


def not_forgotten(run: Connection, customer_id: str) -> str:
    """Her key, of which something may be kept in the caller's transaction: who asks later is forgotten later.

    Raises `DataError` for one who asked to be forgotten: herself, or by a visitor who is her, or was when she asked.
    """
    key = resolve(run, customer_id)
    if any(
        run.execute(query, (one,)).fetchone() for one in {key, customer_id} for query in (_ASKED, _ASKED_BY_VISITOR)
    ):
        raise DataError(said("She asked to be forgotten: nothing is kept of her any more."))
    return key
