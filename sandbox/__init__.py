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
from sandbox.account.messages import Attachment, Message
from sandbox.box import Sandbox
from sandbox.network import (
    Button,
    CallEvent,
    HangUp,
    Inbox,
    Interrupt,
    Kind,
    Listen,
    Messenger,
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
    "Attachment",
    "Button",
    "CallEvent",
    "Faults",
    "HangUp",
    "Inbox",
    "Interrupt",
    "Kind",
    "Listen",
    "Message",
    "MessagingService",
    "Messenger",
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
