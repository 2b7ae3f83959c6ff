"""Create the table of call records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `calls` and its indexes."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("call_sid", sa.String(64), nullable=True),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("agent", sa.String(63), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reject_reason", sa.String(32), nullable=True),
        sa.Column("end_reason", sa.String(32), nullable=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("duration_seconds", sa.Float, nullable=True),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_index("calls_newest_first", "calls", ["started_at", "id"])
    op.create_index("calls_of_an_agent", "calls", ["agent", "started_at", "id"])
    op.create_index("calls_by_sid", "calls", ["call_sid"])
    op.create_index("calls_of_a_node", "calls", ["node", "status"])


def downgrade() -> None:
    """Drop the table and, with it, its indexes."""
    op.drop_table("calls")
