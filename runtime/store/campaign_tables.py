"""The tables of campaigns. The schema itself is made by the migrations. Times are epoch milliseconds."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from runtime.store.tables import metadata

# One row per campaign that was ever run. `reason` says why it is paused, when nobody asked for it. No call is
# placed before `next_call_at`.
campaigns = Table(
    "campaigns",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=True),
    Column("changed_at", BigInteger, nullable=False),
    Column("next_call_at", BigInteger, nullable=False),
)

# One row per person of a campaign, and per row of its list that nobody is called for. `line` and `own_id` are
# the list's; `queued` says that a workflow waits for the lead, until `due_at` at least; `calls` counts those
# that were begun.
leads = Table(
    "leads",
    metadata,
    Column("campaign", String(63), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("number", String(16), nullable=True),
    Column("time_zone", String(64), nullable=True),
    Column("variables", JSON, nullable=False),
    Column("own_id", Text, nullable=True),
    Column("line", Integer, nullable=True),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16), nullable=True),
    Column("detail", Text, nullable=True),
    Column("calls", Integer, nullable=False),
    Column("queued", Boolean, nullable=False),
    Column("due_at", BigInteger, nullable=True),
    Column("changed_at", BigInteger, nullable=False),
    Index("leads_by_state", "campaign", "state", "outcome"),
    Index("leads_to_be_queued", "campaign", "queued", "state", "line"),
    Index("leads_by_number", "number", "state"),
)

# One row per call that was ordered, made before it is dialled. `dialled_at` is when Twilio was asked for it,
# `workflow` what waits for it. `refused` says that there was no call: `for_now` or `for_good`. What is known
# of the call stands in the columns from `status` on; `ended_at` is when it was acted on.
attempts = Table(
    "attempts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign", String(63), nullable=False),
    Column("lead", String(32), nullable=False),
    Column("workflow", String(128), nullable=False),
    Column("agent", String(63), nullable=False),
    Column("number", String(16), nullable=False),
    Column("caller", String(16), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("dialled_at", BigInteger, nullable=True),
    Column("call_sid", String(64), nullable=True),
    Column("refused", String(16), nullable=True),
    Column("status", String(16), nullable=False),
    Column("answered_by", String(32), nullable=True),
    Column("sip_code", Integer, nullable=True),
    Column("end_reason", String(32), nullable=True),
    Column("error_code", Integer, nullable=True),
    Column("seconds", Integer, nullable=True),
    Column("opted_out", Boolean, nullable=False),
    Column("outcome", String(16), nullable=True),
    Column("ended_at", BigInteger, nullable=True),
    Index("attempts_of_a_lead", "campaign", "lead"),
    Index("attempts_that_are_open", "ended_at", "agent"),
    Index("attempts_by_time", "campaign", "dialled_at"),
)

# Numbers that asked not to be called again; no campaign calls them.
never_call = Table(
    "never_call",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# The processes that run workflows, each as long as it says so now and then.
outbound_processes = Table(
    "outbound_processes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
)
