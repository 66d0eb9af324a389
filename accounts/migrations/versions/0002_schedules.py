"""Rename the table `plans` to `schedules`: a plan is the frozen order of one job."""  # noqa: INP001

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rename the table and its constraint; ids and rows stay as they are."""
    _rename("plans", "schedules")


def downgrade() -> None:
    """Undo the renaming."""
    _rename("schedules", "plans")


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    with op.batch_alter_table(new) as table:
        table.drop_constraint(f"uq_{old}_organisation_id_name", type_="unique")
        table.create_unique_constraint(f"uq_{new}_organisation_id_name", ["organisation_id", "name"])
