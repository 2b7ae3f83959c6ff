"""What is found out about a caller before the first word, through real sockets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.network import HangUp, Listen, PhoneCall, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import dial, said
from tests.e2e.test_tools import Service
from tests.e2e.world import CALLER, FRONT_DESK, World, play

GREETING = clip("agent-greeting-bistro")
FALLBACK = "We are sorry, please call again later."
GUEST = b'{"name": "Ana", "table": "by the window"}'
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: {GREETING.text}
instructions: Take reservations.
fallback_message: {FALLBACK}
tool_hosts: 127.0.0.1
prep:
  http:
    - name: guest
      http: {{url: "http://127.0.0.1:PORT/guests/{{{{ caller }}}}", method: GET, timeout: 5}}
  brief: {{instructions: Who is calling}}
  timeout: 1
  required: REQUIRED
"""


def call(
    tmp_path: Path,
    service: Service,
    *,
    required: bool,
    look: Callable[[World], Awaitable[None]] | None = None,
) -> tuple[PhoneCall, dict[str, Any]]:
    """Play a call to an agent that asks the service about its caller, and return it with its record."""
    played: list[tuple[PhoneCall, dict[str, Any]]] = []

    async def story(world: World) -> None:
        async with service.running() as port:
            world.declare(
                front_desk=AGENT.replace("PORT", str(port)).replace("REQUIRED", str(required).lower())
            )
            assert (await world.tm("apply", "--yes")).code == 0
            async with world.serving():
                made = await dial(world, Listen(), Wait(500), HangUp())
                played.append((made, await world.record_of(made.sid)))
                if look is not None:
                    await look(world)

    play(tmp_path, story)
    return played[0]


def test_the_agent_knows_the_caller_before_its_first_word(tmp_path: Path) -> None:
    service = Service(GUEST)
    told: list[str] = []

    async def look(world: World) -> None:
        (model,) = world.box.model.sessions
        told.extend(json.dumps(update) for update in model.received("session.update"))

    made, record = call(tmp_path, service, required=True, look=look)
    (request,) = service.requests
    assert request.startswith(f"GET /guests/%2B{CALLER[1:]}?country=US&")
    brief = "A guest who has been here before, and likes the window."
    assert record["caller_profile"] == {"guest": json.loads(GUEST), "brief": brief}
    assert brief in told[-1]
    assert "by the window" in told[-1]
    assert GREETING.ulaw[480:] in made.heard  # the waiting sound fades out under its first 60 ms


def test_a_slow_service_does_not_keep_the_caller_waiting(tmp_path: Path) -> None:
    made, record = call(tmp_path, Service(GUEST, seconds=4), required=False)
    assert record["caller_profile"] is None
    assert said(record, "agent") == [GREETING.text]
    assert record["transcript"][0]["at_ms"] < 2500  # the second that it may take, and the way of the sound
    assert GREETING.ulaw[480:] in made.heard  # the waiting sound fades out under its first 60 ms


@pytest.mark.parametrize("answer", [b'{"name": ', b""])
def test_an_agent_that_must_know_says_so_when_it_cannot(tmp_path: Path, answer: bytes) -> None:
    made, record = call(tmp_path, Service(answer, seconds=4), required=True)
    assert (record["status"], record["reject_reason"]) == ("rejected", "prep_timeout")
    assert FALLBACK in made.heard_words
