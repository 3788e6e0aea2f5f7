"""The console: who opens it, their sessions, notes on customers, and campaigns with what was done to them."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    """create table people (
        name {text} primary key, password {text} not null, roles {text} not null, made_at bigint not null,
        made_by {text} not null, shut_at bigint, wrong bigint not null default 0, locked_until bigint,
        toured bigint not null default 0)""",
    """create table console_sessions (
        token_hash bytea primary key, name {text}, key_id {text}, csrf {text} not null, ends_at bigint not null)""",
    """create table campaigns (
        campaign_id {text} primary key, version bigint not null, status {text} not null, spec {text} not null,
        made_by {text} not null, made_at bigint not null, changed_by {text} not null, changed_at bigint not null,
        list_id {text})""",
    """create table campaign_deeds (
        campaign_id {text} not null, n bigint not null, at bigint not null, person {text} not null,
        deed {text} not null, detail {text} not null, primary key (campaign_id, n))""",
    """create table campaign_off (
        list_id {text} not null, customer_id {text} not null, person {text} not null, reason {text} not null,
        at bigint not null, primary key (list_id, customer_id))""",
    """create table campaign_jobs (
        job_id {text} primary key, campaign_id {text} not null, kind {text} not null, version bigint not null,
        spec {text} not null, asked_by {text} not null, asked_at bigint not null, status {text} not null,
        done bigint not null default 0, total bigint not null default 0, result {text} not null default '{{}}',
        ended_at bigint)""",
    """create table customer_notes (
        customer_id {text} not null, note_id {text} not null, at bigint not null, person {text} not null,
        note {text} not null, primary key (customer_id, note_id))""",
)


def upgrade() -> None:
    """Make the tables, empty."""
    for statement in TABLES:
        op.execute(statement.format(text='text collate "C"'))


def downgrade() -> None:
    """What people did in the console goes with them."""
    for statement in TABLES:
        op.execute(f"drop table {statement.split()[2]}")
