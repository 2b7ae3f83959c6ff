"""Create the tables of conversations in writing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `contacts` and `messages`."""
    op.create_table(
        "contacts",
        sa.Column("agent", sa.String(63), primary_key=True),
        sa.Column("contact", sa.String(64), primary_key=True),
        sa.Column("ours", sa.String(64), nullable=False),
        sa.Column("country", sa.String(2), nullable=True),
        sa.Column("opted_out", sa.Boolean, nullable=False),
        sa.Column("last_in_at", sa.BigInteger, nullable=True),
        sa.Column("record_id", sa.String(64), nullable=True),
        sa.Column("idle_at", sa.BigInteger, nullable=True),
        sa.Column("owes", sa.Boolean, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("held_by", sa.String(255), nullable=True),
        sa.Column("held_until", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
    )
    op.create_index("contacts_that_are_due", "contacts", ["due_at"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("sid", sa.String(64), nullable=True, unique=True),
        sa.Column("agent", sa.String(63), nullable=False),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("inbound", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.String(64), nullable=True),
        sa.Column("item_id", sa.String(64), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("status_at", sa.BigInteger, nullable=True),
        sa.Column("error_code", sa.Integer, nullable=True),
        sa.Column("content", sa.JSON, nullable=True),
    )
    op.create_index("messages_of_a_contact", "messages", ["agent", "contact", "status"])
    op.create_index("messages_of_a_record", "messages", ["record_id"])


def downgrade() -> None:
    """Drop the tables and, with them, their indexes."""
    op.drop_table("messages")
    op.drop_table("contacts")
