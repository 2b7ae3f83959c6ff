"""Create the tables of campaigns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `campaigns`, `leads`, `attempts`, `never_call` and `outbound_processes`."""
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("next_call_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leads",
        sa.Column("campaign", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("number", sa.String(16), nullable=True),
        sa.Column("time_zone", sa.String(64), nullable=True),
        sa.Column("variables", sa.JSON, nullable=False),
        sa.Column("own_id", sa.Text, nullable=True),
        sa.Column("line", sa.Integer, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("detail", sa.Text, nullable=True),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("queued", sa.Boolean, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("leads_by_state", "leads", ["campaign", "state", "outcome"])
    op.create_index("leads_to_be_queued", "leads", ["campaign", "queued", "state", "line"])
    op.create_index("leads_by_number", "leads", ["number", "state"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("campaign", sa.String(63), nullable=False),
        sa.Column("lead", sa.String(32), nullable=False),
        sa.Column("workflow", sa.String(128), nullable=False),
        sa.Column("agent", sa.String(63), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("caller", sa.String(16), nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("dialled_at", sa.BigInteger, nullable=True),
        sa.Column("call_sid", sa.String(64), nullable=True),
        sa.Column("refused", sa.String(16), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("sip_code", sa.Integer, nullable=True),
        sa.Column("end_reason", sa.String(32), nullable=True),
        sa.Column("error_code", sa.Integer, nullable=True),
        sa.Column("seconds", sa.Integer, nullable=True),
        sa.Column("opted_out", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
    )
    op.create_index("attempts_of_a_lead", "attempts", ["campaign", "lead"])
    op.create_index("attempts_that_are_open", "attempts", ["ended_at", "agent"])
    op.create_index("attempts_by_time", "attempts", ["campaign", "dialled_at"])
    op.create_table(
        "never_call",
        sa.Column("number", sa.String(16), primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbound_processes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables and, with them, their indexes."""
    op.drop_table("outbound_processes")
    op.drop_table("never_call")
    op.drop_table("attempts")
    op.drop_table("leads")
    op.drop_table("campaigns")
