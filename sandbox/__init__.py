"""A Twilio account, a phone network and a Realtime model server on this machine.

async with Sandbox.start(Seed(numbers=(NumberSeed("+14155550123"),))) as box:
    call = box.network.dial(from_="+14155550199", to="+14155550123", caller=[Listen(), Say("caller-menu")])
    await call.ended()
"""

from __future__ import annotations

from sandbox.account import (
    Account,
    Alert,
    ApiRequest,
    Application,
    Faults,
    MessagingService,
    Sender,
    Webhook,
)
from sandbox.box import Sandbox
from sandbox.network import (
    CallEvent,
    HangUp,
    Interrupt,
    Kind,
    Listen,
    Network,
    Phone,
    PhoneCall,
    Press,
    Say,
    Step,
    StreamFaults,
    Wait,
    Words,
    voicemail,
)
from sandbox.seed import NumberSeed, Seed
from sandbox.server import SandboxError

__all__ = [
    "Account",
    "Alert",
    "ApiRequest",
    "Application",
    "CallEvent",
    "Faults",
    "HangUp",
    "Interrupt",
    "Kind",
    "Listen",
    "MessagingService",
    "Network",
    "NumberSeed",
    "Phone",
    "PhoneCall",
    "Press",
    "Sandbox",
    "SandboxError",
    "Say",
    "Seed",
    "Sender",
    "Step",
    "StreamFaults",
    "Wait",
    "Webhook",
    "Words",
    "voicemail",
]
