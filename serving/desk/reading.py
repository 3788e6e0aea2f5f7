"""One customer read from the live store for staff, as a decision sees her."""

from features.log.connection import Connection
from features.log.doubts import in_doubt
from features.log.identity import origins, resolve
from features.log.value_lists import marks
from serving.desk.lens import Lens, Standing, look
from serving.snapshot import state_of


def standing_of(run: Connection, customer_id: str, lens: Lens) -> Standing:
    """One customer, by any id of hers."""
    key = resolve(run, customer_id)
    hers = origins(run, key)
    row = run.execute("select position, body from state where customer_id = ?", (key,)).fetchone()
    last = run.execute(f"select max(position) from facts where origin_id in ({marks(hers)})", hers).fetchone()[0]
    state, problem = state_of(run, key, row, last)
    return look(key, state, problem, lens, in_doubt=bool(in_doubt(run, hers)))
