"""Add to each organisation since when it is suspended."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column: nobody is suspended."""
    op.add_column("organisations", sa.Column("suspended_at", sa.DateTime))


def downgrade() -> None:
    """Drop the column, and with it all suspensions."""
    op.drop_column("organisations", "suspended_at")
