"""Keep what another node needs to go on with a call: its answer, its limit, how often it has come back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; calls that are live already have none of it, and end as they would have."""
    op.add_column("calls", sa.Column("answered_at", sa.BigInteger, nullable=True))
    op.add_column("calls", sa.Column("expires_at", sa.BigInteger, nullable=True))
    op.add_column("calls", sa.Column("returns", sa.Integer, nullable=False, server_default="0"))
    op.create_index("calls_that_are_live", "calls", ["status", "expires_at"])


def downgrade() -> None:
    """Drop the columns."""
    op.drop_index("calls_that_are_live", "calls")
    with op.batch_alter_table("calls") as table:
        table.drop_column("returns")
        table.drop_column("expires_at")
        table.drop_column("answered_at")
