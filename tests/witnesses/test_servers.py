"""A server that others wrote as the model of real calls: phones, `tm serve`, and speech-to-speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.network import HangUp, Interrupt, Kind, Listen, PhoneCall, Say, Step, Wait
from tests.e2e.test_calls import dial, said
from tests.e2e.world import World, play
from tests.runtime.audio.sounds import heard, strength
from tests.witnesses.stranger import stranger

TONE = 1.5  # s: how long each answer of speech_server.py is
PITCHES = (400, 800, 1200)  # Hz: those of its answers
WINDOW = 1600  # samples: 200 ms


def call_it(folder: Path, *steps: Step, options: tuple[str, ...] = ()) -> tuple[PhoneCall, dict[str, Any]]:
    """Let one call come in while the strange server is the model; return the call and its record."""
    outcome: list[tuple[PhoneCall, dict[str, Any]]] = []

    async def story(world: World) -> None:
        assert (await world.tm("apply", "--yes")).code == 0
        async with stranger("speech_server.py", *options) as server:
            assert server.stdout is not None
            url = (await server.stdout.readline()).decode().strip()
            async with world.serving({"OPENAI_BASE_URL": url}):
                call = await dial(world, *steps)
                outcome.append((call, await world.record_of(call.sid)))
                assert len(await world.calls()) == 1
            assert "ERROR" not in world.server_log()

    play(folder, story)
    return outcome[0]


def seconds_of(pitch: int, ulaw: bytes) -> float:
    """Return for how long a pitch is the one that is heard."""
    samples = heard(ulaw)
    windows = [samples[at : at + WINDOW] for at in range(0, len(samples), WINDOW)]
    return sum(strength(window, pitch) > 0.15 for window in windows) * WINDOW / 8000


def test_a_server_of_24_khz_answers_the_telephone_and_is_interrupted(tmp_path: Path) -> None:
    call, record = call_it(
        tmp_path,
        Listen(),
        Say("caller-opening-hours"),
        Listen(),
        Say("caller-menu"),
        Interrupt("caller-friday-two", after_ms=700),
        Listen(),
        HangUp(),
    )
    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
    assert said(record, "caller") == ["question 1", "question 2", "question 3"]
    assert [text for text in said(record, "agent") if text] == ["answer 0", "answer 1", "answer 3"]
    (cut,) = [entry for entry in record["transcript"] if entry["interrupted"]]
    assert 500 < cut["heard_ms"] < 1200
    assert call.happened(Kind.CLEARED)
    # The greeting, the first answer, the one that was cut, and the last one, which has the greeting's pitch.
    lasted = [seconds_of(pitch, call.heard) for pitch in PITCHES]
    assert 2 * TONE - 0.6 < lasted[0] < 2 * TONE + 0.4
    assert TONE - 0.4 < lasted[1] < TONE + 0.2
    assert 0.4 < lasted[2] < 1.2


def test_a_server_that_says_mulaw_and_sends_something_else_ends_no_call(tmp_path: Path) -> None:
    call, record = call_it(
        tmp_path, Wait(3000), Say("caller-menu"), Wait(3000), HangUp(), options=("--claims-mulaw",)
    )
    assert call.status == "completed"
    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
