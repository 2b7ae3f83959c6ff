"""The Twilio account as a newcomer's demo finds it: bought numbers, none of them configured by `tm` yet."""

from __future__ import annotations

import os

from sandbox import NumberSeed, Seed, Sender
from sandbox.seed import DEFAULT_ACCOUNT_SID, DEFAULT_AUTH_TOKEN
from schemas import Fleet

# Somebody else's number, and one that is declared before it was bought: plan and apply skip both.
FOREIGN_WEBHOOK = {"+14155550140": "https://hooks.events-agency.example/voice"}
NOT_BOUGHT_YET = frozenset({"+14155550199"})
TWILIO_DEMO_URL = "https://demo.twilio.com/welcome/voice/"


def sandbox_environment() -> dict[str, str]:
    """Return this process's environment with the sandbox's account, whatever the real one is."""
    return {
        **os.environ,
        "TM_PUBLIC_URL": "http://127.0.0.1",
        "TWILIO_ACCOUNT_SID": DEFAULT_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": DEFAULT_AUTH_TOKEN,
    }


def seed_for(fleet: Fleet) -> Seed:
    """Return an account that owns the fleet's numbers and WhatsApp senders, with the exceptions above.

    A number that was never configured carries Twilio's demo URL, as a freshly bought one does.
    """
    numbers = [declared.number for declared in fleet.numbers() if declared.number not in NOT_BOUGHT_YET]
    channels = [agent.whatsapp for agent in fleet.agents.values() if agent.whatsapp is not None]
    return Seed(
        numbers=tuple(
            NumberSeed(number, voice_url=FOREIGN_WEBHOOK.get(number, TWILIO_DEMO_URL)) for number in numbers
        ),
        senders=tuple(Sender(f"whatsapp:{channel.sender}") for channel in channels if channel.sender),
    )
