"""A Twilio account: its records, and the REST API over them.

Each resource has a module with its record, its rules and its answers (`numbers`, `calls`, `applications`,
`messaging`, `senders`, `routing`, `events`, `documents`, `caller_ids`), all without I/O; `resources` finds
the one that a path names; `account` holds the records; `routes` is the HTTP shell with authentication,
faults and the log of requests.
"""

from __future__ import annotations

from sandbox.account.account import Account, Alert, ApiRequest
from sandbox.account.applications import Application
from sandbox.account.faults import Faults
from sandbox.account.messaging import MessagingService
from sandbox.account.numbers import PhoneNumber
from sandbox.account.senders import Sender, Webhook

__all__ = [
    "Account",
    "Alert",
    "ApiRequest",
    "Application",
    "Faults",
    "MessagingService",
    "PhoneNumber",
    "Sender",
    "Webhook",
]
