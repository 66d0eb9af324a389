"""Alembic's environment: migrates over the connection it is given, inside that one's transaction."""  # noqa: INP001

from alembic import context
from sqlalchemy import Connection

from accounts.tables import Base

connection: Connection = context.config.attributes["connection"]
# SQLite changes a column only by copying its table: "batch" lets one migration serve both databases.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
