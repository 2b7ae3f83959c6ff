"""An app that others wrote behind ConversationRelay, and calls of the sandbox's phones to it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from sandbox import (
    HangUp,
    Interrupt,
    Listen,
    NumberSeed,
    PhoneCall,
    Press,
    Sandbox,
    Say,
    Seed,
    Wait,
    Words,
)
from sandbox.network import Step
from tests.e2e.sandbox.network.app import BISTRO, GUEST
from tests.witnesses.stranger import stranger

DOMAIN = "agent-connect.example"
SPEED = 4
GREETING = "Harbour Bistro?"
MENU = "Tonight we have grilled sea bass with lemon and capers, and a warm apple tart to end with."
ASK = Say(Words("What is on the menu tonight?"))
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Outcome:
    """How a call went: the call itself, what the app met with, and what Twilio's debugger would show."""

    call: PhoneCall
    met: dict[str, Any]
    alerts: list[str]


def hold_a_call(*steps: Step) -> Outcome:
    """Let a phone call the strange app, through a tunnel from the domain that it is configured with."""

    async def run() -> Outcome:
        seed = Seed(numbers=(NumberSeed(BISTRO),))
        async with Sandbox.start(seed, speed=SPEED) as box, asyncio.timeout(PATIENCE_SECONDS):
            async with stranger("relay_app.py", DOMAIN, box.account_sid, box.auth_token) as process:
                assert process.stdout is not None
                base = (await process.stdout.readline()).decode().strip()
                box.network.tunnels[f"https://{DOMAIN}"] = base
                box.account.edit(BISTRO, voice_url=f"https://{DOMAIN}/twiml")
                call = box.network.dial(from_=GUEST, to=BISTRO, caller=steps)
                await call.ended()
                await box.network.quiet()
            met = json.loads(await process.stdout.read())
            return Outcome(call, met, [f"{alert.code} {alert.text}" for alert in box.account.alerts])

    return asyncio.run(run())


def test_agent_connect_greets_answers_is_interrupted_and_hands_off() -> None:
    outcome = hold_a_call(
        Listen(),
        ASK,
        Listen(),
        Press("1"),
        Say(Words("Is the menu the same tomorrow?")),
        Interrupt(Words("Stop, please."), after_ms=1500),
        Listen(),
        Say(Words("I want a person.")),
        Wait(60_000),
    )
    assert outcome.alerts == []
    met = outcome.met
    assert met["unknown"] == []
    assert met["frames"] == {"setup": 1, "prompt": 4, "dtmf": 1, "interrupt": 1}
    assert set(met["callers"]) == {GUEST}
    assert met["prompts"] == [
        "What is on the menu tonight?",
        "Is the menu the same tomorrow?",
        "Stop, please.",
        "I want a person.",
    ]
    ((until, ms),) = met["interrupts"]
    assert MENU.startswith(until)
    assert until not in ("", MENU)
    assert 1000 < ms < 3000
    # Its hand-off leaves right behind the last words, which the sandbox takes as the end of them.
    assert outcome.call.heard_words[:4] == (GREETING, MENU, until, "Yes?")
    assert (met["outcome"]["SessionStatus"], met["outcome"]["CallStatus"]) == ("ended", "in-progress")
    assert met["outcome"]["HandoffData"] == '{"reason": "a person"}'
    assert met["ended"] == 1


def test_agent_connect_is_told_that_the_caller_has_hung_up() -> None:
    outcome = hold_a_call(Listen(), ASK, Wait(1500), HangUp())
    assert outcome.alerts == []
    assert outcome.call.status == "completed"
    assert outcome.met["frames"] == {"setup": 1, "prompt": 1}
    assert outcome.met["outcome"]["SessionStatus"] == "completed"
    assert outcome.met["ended"] == 1
