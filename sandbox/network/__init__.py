"""A phone network: callers dial numbers, Twilio's side of each call is played over HTTP and WebSocket.

Without I/O: `twiml`, `flow`, `routing`, `wire`, `playout`, `recording`, `caller`, `line`. The shells
around them: `webhooks` (HTTP), `stream` (WebSocket), `runner` (one call), `network` (all calls).
"""

from __future__ import annotations

from sandbox.network.caller import HangUp, Interrupt, Listen, Press, Say, Step, Wait
from sandbox.network.events import CallEvent, Kind
from sandbox.network.network import Network, Phone
from sandbox.network.phone_call import PhoneCall
from sandbox.network.stream import StreamFaults

__all__ = [
    "CallEvent",
    "HangUp",
    "Interrupt",
    "Kind",
    "Listen",
    "Network",
    "Phone",
    "PhoneCall",
    "Press",
    "Say",
    "Step",
    "StreamFaults",
    "Wait",
]
