"""Runs revisions of the store in PostgreSQL, on the connection that `features.log.postgres.upgrade` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
