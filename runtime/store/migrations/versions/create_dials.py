"""Create the table of calls that were placed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `dials`."""
    op.create_table(
        "dials",
        sa.Column("attempt", sa.String(32), primary_key=True),
        sa.Column("agent", sa.String(63), nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("taken", sa.Boolean, nullable=False),
        sa.Column("call_sid", sa.String(64), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("detection_ms", sa.Integer, nullable=True),
        sa.Column("sip_code", sa.Integer, nullable=True),
        sa.Column("error_code", sa.Integer, nullable=True),
        sa.Column("seconds", sa.Integer, nullable=True),
    )
    op.create_index("dials_that_are_due", "dials", ["due_at"])
    op.create_index("dials_by_sid", "dials", ["call_sid"])


def downgrade() -> None:
    """Drop the table and, with it, its indexes."""
    op.drop_table("dials")
