"""A phone network: callers dial numbers, Twilio's side of each call is played over HTTP and WebSocket.

Without I/O: what documents say (`twiml`, `verbs`, `flow`, `routing`), a stream's messages (`wire`), what a
line plays, hears and keeps (`playout`, `line`, `recording`, `call_recording`), who is on the phone (`phones`,
`caller`, `detecting`), what a Gather collects (`gathering`), how a relay talks (`relay_talk`), who hears whom
(`mixing`, `conference_room`).

The shells around them: `webhooks` and `postbox` (HTTP), `stream` (WebSocket), `live_line` (one line in real
time), `performing` with a module for each verb that lasts (`collecting`, `relaying`, `dialling`, `attending`,
`message_taking`), `runner` (one call), `rooms` (all conferences), `network` (all calls).
"""

from __future__ import annotations

from sandbox.network.caller import HangUp, Interrupt, Listen, Press, Say, Step, Wait, Words
from sandbox.network.events import CallEvent, Kind
from sandbox.network.message_forms import Button
from sandbox.network.messenger import Inbox, Messenger
from sandbox.network.network import Network
from sandbox.network.phone_call import PhoneCall
from sandbox.network.phones import Phone, voicemail
from sandbox.network.stream_faults import StreamFaults

__all__ = [
    "Button",
    "CallEvent",
    "HangUp",
    "Inbox",
    "Interrupt",
    "Kind",
    "Listen",
    "Messenger",
    "Network",
    "Phone",
    "PhoneCall",
    "Press",
    "Say",
    "Step",
    "StreamFaults",
    "Wait",
    "Words",
    "voicemail",
]
