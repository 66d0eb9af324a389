"""Make the tables of printer profiles and of saved requests."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables: there is nothing in them yet."""
    op.create_table(
        "printers",
        *_named("printers"),
        sa.Column("sheet_template", sa.String(64)),
        sa.Column("next_position", sa.Integer, nullable=False),
        sa.Column("taken_by", sa.String(22)),
        sa.Column("reserved_at", sa.DateTime),
    )
    op.create_table("saved_requests", *_named("saved_requests"))


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("saved_requests")
    op.drop_table("printers")


def _named(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Return the columns of documents that an organisation keeps by name."""
    return (
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.UniqueConstraint("organisation_id", "name", name=f"uq_{table}_organisation_id_name"),
    )
