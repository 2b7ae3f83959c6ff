"""The tables as SQLAlchemy Core sees them. The schema itself is made by the migrations."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, String, Table

metadata = MetaData()

# The statuses of calls that are not over.
LIVE_STATUSES = ("incoming", "active")
# The `node` of conversations in writing, which are nobody's between two messages.
MESSAGES_NODE = "-messages-"

# One row per call. The columns are what lists filter and sort by; `record` is the whole call record, as
# `GET /api/calls/{id}` answers it. `answered_at`, `expires_at` and `returns` are what another node needs to
# go on with a live call (`runtime.call_progress`); `cancelled_at` is when an operator hung it up at another
# one. Times are epoch milliseconds.
calls = Table(
    "calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("call_sid", String(64), nullable=True),
    Column("node", String(255), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("agent", String(63), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reject_reason", String(32), nullable=True),
    Column("end_reason", String(32), nullable=True),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=True),
    Column("duration_seconds", Float, nullable=True),
    Column("record", JSON, nullable=False),
    Column("answered_at", BigInteger, nullable=True),
    Column("expires_at", BigInteger, nullable=True),
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("cancelled_at", BigInteger, nullable=True),
    Index("calls_newest_first", "started_at", "id"),
    Index("calls_of_an_agent", "agent", "started_at", "id"),
    Index("calls_by_sid", "call_sid"),
    Index("calls_of_a_node", "node", "status"),
    Index("calls_that_are_live", "status", "expires_at"),
)
