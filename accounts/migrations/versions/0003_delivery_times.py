"""Add to each delivery when it was made, so that old ones can be forgotten."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column. Deliveries that are there count as made now."""
    op.add_column("deliveries", sa.Column("created_at", sa.DateTime))
    op.execute("UPDATE deliveries SET created_at = CURRENT_TIMESTAMP")
    with op.batch_alter_table("deliveries") as table:
        table.alter_column("created_at", existing_type=sa.DateTime(), nullable=False)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("deliveries", "created_at")
