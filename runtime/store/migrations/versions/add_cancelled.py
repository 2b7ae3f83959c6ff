"""Keep when an operator has hung up, for the node that has the call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("calls", sa.Column("cancelled_at", sa.BigInteger, nullable=True))


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("calls") as table:
        table.drop_column("cancelled_at")
