"""The tables of conversations in writing. The schema itself is made by the migrations."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table

from runtime.store.tables import metadata

# One row per agent and contact. `ours` is the address that the contact wrote to last. `record_id` is the
# call record of the conversation that is open, which is over at `idle_at`. `owes`: the contact's words are in
# the record, and an answer is not. `failed`: the last answer was that there is none. `held_by` is the node
# that works for the contact, until `held_until` at the latest; `due_at` is when somebody is to look next.
# Times are epoch milliseconds.
contacts = Table(
    "contacts",
    metadata,
    Column("agent", String(63), primary_key=True),
    Column("contact", String(64), primary_key=True),
    Column("ours", String(64), nullable=False),
    Column("country", String(2), nullable=True),
    Column("opted_out", Boolean, nullable=False),
    Column("last_in_at", BigInteger, nullable=True),
    Column("record_id", String(64), nullable=True),
    Column("idle_at", BigInteger, nullable=True),
    Column("owes", Boolean, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("held_by", String(255), nullable=True),
    Column("held_until", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=True),
    Index("contacts_that_are_due", "due_at"),
)

# One row per message, both ways. `sid` is Twilio's name for it: one of ours has none until Twilio has taken
# it. `item_id` is the turn of the transcript that one of ours is part of. The `content` is kept until the
# message is answered or sent.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("sid", String(64), nullable=True, unique=True),
    Column("agent", String(63), nullable=False),
    Column("contact", String(64), nullable=False),
    Column("inbound", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("record_id", String(64), nullable=True),
    Column("item_id", String(64), nullable=True),
    Column("status", String(32), nullable=False),
    Column("status_at", BigInteger, nullable=True),
    Column("error_code", Integer, nullable=True),
    Column("content", JSON, nullable=True),
    Index("messages_of_a_contact", "agent", "contact", "status"),
    Index("messages_of_a_record", "record_id"),
)
