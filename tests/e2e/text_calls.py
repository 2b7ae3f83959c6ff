"""Calls with a text model through real sockets: one agent and one script for relay and gather mode.

The callers make short sounds, and the carrier's recogniser makes long sentences of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sandbox import PhoneCall, StreamFaults
from sandbox.model import Call, Script, when
from sandbox.model import Say as Write
from sandbox.model.text.faults import TextFault
from sandbox.network import HangUp, Listen, Say, Step, Wait
from sandbox.speech import clip
from tests.e2e.test_tools import Service
from tests.e2e.world import CALLER, FRONT_DESK, World, play

CALL_SECONDS: Final = 40
GREETING: Final = "Harbour Bistro?"
LONG_GREETING: Final = "Good evening, this is the Harbour Bistro. How can I help you tonight?"
SORRY: Final = "Call again later."
AGENT: Final = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
voice: {{VOICE}}
instructions: Take reservations.
fallback_message: {SORRY}
tool_hosts: 127.0.0.1
tools:
  - name: find_table
    description: Finds a free table.
    parameters: {{type: object, properties: {{day: {{type: string}}}}, required: [day]}}
    http: {{url: "http://127.0.0.1:PORT/tables/{{{{ day }}}}"}}
  - builtin: [collect_digits, send_digits]
"""


def write(text: str) -> Write:
    """Write as a text model does."""
    return Write(text, b"")


def ask(name: str) -> Say:
    """Say briefly what is understood as the words of a longer clip."""
    return Say("caller-yes", heard_as=clip(name).text)


SCRIPT: Final = Script(
    (
        when("caller-friday-two", Call("find_table", {"day": "friday"})),
        when("find_table", write("It is booked.")),
        when("caller-menu", Call("collect_digits", {"max_digits": 4})),
        when("collect_digits", write("Thank you.")),
        when("keys", write("That is noted.")),
        when("caller-hello", Call("switch_language", {"language": "de-DE"})),
        when("switch_language", write("Gern.")),
        when("caller-thanks-goodbye", (write("Goodbye."), Call("hang_up"))),
    ),
    otherwise=(write("Yes?"),),
)
BYE: Final[tuple[Step, ...]] = (Listen(), ask("caller-thanks-goodbye"), Wait(8000), HangUp())


def call(
    tmp_path: Path,
    voice: str,
    *steps: Step,
    greeting: str | None = GREETING,
    faults: Sequence[TextFault | None] = (),
    stream: StreamFaults | None = None,
    tool_seconds: float = 0.0,
    text_ms: float = 0.0,
    alerts: frozenset[int] = frozenset(),
    more: str = "",
) -> tuple[PhoneCall, dict[str, Any]]:
    """Play one call to an agent of this `voice`, and return it with its record.

    `faults` are the model's, `stream` the connection's; `alerts` are what Twilio's debugger shows for it.
    """
    played: list[tuple[PhoneCall, dict[str, Any]]] = []
    agent = AGENT.replace("{VOICE}", f"{{{voice}}}") + more
    if greeting is not None:
        agent += f'greeting: "{greeting}"\n'

    async def story(world: World) -> None:
        world.box.model.script = replace(SCRIPT, text_ms=text_ms)
        world.box.model.text_faults.extend(faults)
        async with Service(seconds=tool_seconds).running() as port:
            world.declare(front_desk=agent.replace("PORT", str(port)))
            await world.tm("apply", "--yes")
            async with world.serving():
                caller = world.box.network.dial(
                    from_=CALLER, to=FRONT_DESK, caller=steps, faults=stream or StreamFaults()
                )
                await caller.ended(CALL_SECONDS)
                played.append((caller, await world.record_of(caller.sid)))
        assert {alert.code for alert in world.box.alerts} == alerts

    play(tmp_path, story, front_desk=agent.replace("PORT", "1"))
    return played[0]
