"""Make room for encrypted webhook secrets. The service encrypts them when it starts, because it has the key."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Widen the column."""
    _resize(128, 255)


def downgrade() -> None:
    """Narrow the column. Secrets that are encrypted by now do not fit."""
    _resize(255, 128)


def _resize(old: int, new: int) -> None:
    with op.batch_alter_table("webhooks") as table:
        table.alter_column("secret", existing_type=sa.String(old), type_=sa.String(new))
