"""Models on this machine, Realtime, Live and such that write: they hear by loudness and answer from a script.

`RealtimeServer(script, faults=…).routes()` is mounted in a Starlette application; its base URL for a
client is `http://host:port/v1`. The session itself (`session.Session`) does no I/O.
"""

from __future__ import annotations

from sandbox.model.connection import Connection, Frame
from sandbox.model.faults import (
    Close,
    Complain,
    Drip,
    Drop,
    Duplicate,
    EchoPcm,
    Expire,
    Fault,
    LastOnly,
    Malformed,
    Refuse,
    SendPcm,
    Stall,
    UnknownEvent,
    When,
)
from sandbox.model.script import BISTRO, Call, Fail, Reply, Rule, Say, Script, say, when
from sandbox.model.server import RealtimeServer
from sandbox.model.session import Session

__all__ = [
    "BISTRO",
    "Call",
    "Close",
    "Complain",
    "Connection",
    "Drip",
    "Drop",
    "Duplicate",
    "EchoPcm",
    "Expire",
    "Fail",
    "Fault",
    "Frame",
    "LastOnly",
    "Malformed",
    "RealtimeServer",
    "Refuse",
    "Reply",
    "Rule",
    "Say",
    "Script",
    "SendPcm",
    "Session",
    "Stall",
    "UnknownEvent",
    "When",
    "say",
    "when",
]
