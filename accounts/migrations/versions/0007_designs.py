"""Make the table of label designs."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table: there is no design yet."""
    op.create_table(
        "designs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("removed_at", sa.DateTime),
        sa.UniqueConstraint(
            "organisation_id", "name", "version", name="uq_designs_organisation_id_name_version"
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("designs")
