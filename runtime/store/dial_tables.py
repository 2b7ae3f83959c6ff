"""The table of calls that were placed. The schema itself is made by the migrations."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table

from runtime.store.tables import metadata

# The `node` of call records that belong to no node yet: somebody's phone is ringing.
DIALLED_NODE = "-dialled-"

# One row per call that was ordered, made before it is dialled; `attempt` is the id of its call record too.
# The columns from `status` on are what the carrier has told. `taken`: a node has, or had, its session. At
# `due_at` somebody asks the account what has become of the call, None when nothing is owed any more. Times
# are epoch milliseconds.
dials = Table(
    "dials",
    metadata,
    Column("attempt", String(32), primary_key=True),
    Column("agent", String(63), nullable=False),
    Column("order", JSON, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=True),
    Column("taken", Boolean, nullable=False),
    Column("call_sid", String(64), nullable=True),
    Column("status", String(16), nullable=False),
    Column("answered_by", String(32), nullable=True),
    Column("detection_ms", Integer, nullable=True),
    Column("sip_code", Integer, nullable=True),
    Column("error_code", Integer, nullable=True),
    Column("seconds", Integer, nullable=True),
    Index("dials_that_are_due", "due_at"),
    Index("dials_by_sid", "call_sid"),
)
