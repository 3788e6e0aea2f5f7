"""Each customer's facts in the order in which they came, and bodies beside their keys.

Her latest fact is at the end of an index, not among all of hers; while it is built decisions go on, and events wait. A
decision's body, packed already, stays in its row, where it was cut in two and put elsewhere before; so does what is
kept of a customer, which was squeezed at each write. That counts for rows written from now on.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

WHOLE = ("decisions", "state")


def upgrade() -> None:
    """Add the index, and let rows be as long as a page takes."""
    op.execute("create index facts_by_arrival on facts (origin_id, position)")
    for table in WHOLE:
        op.execute(f"alter table {table} set (toast_tuple_target = 8160)")


def downgrade() -> None:
    """Take the index away, and let long rows be cut again."""
    op.execute("drop index facts_by_arrival")
    for table in WHOLE:
        op.execute(f"alter table {table} reset (toast_tuple_target)")
