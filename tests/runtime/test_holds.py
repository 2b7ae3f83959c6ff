"""A node's calls with each hold strategy, in virtual time: what is on the stream before the agent's words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.call.playback.hold_sound import FADE, LEAD, MESSAGE
from tests.runtime.audio.sounds import pcm16, tone, wav
from tests.runtime.fakes import SECOND_OF_SPEECH
from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.virtual_time import run

WAIT = 4.0  # s until the model answers


def declared(folder: Path, strategy: str) -> str:
    """Return an agent with a hold, whose files stand beside it."""
    agents = folder / "agents.d"
    agents.mkdir()
    (agents / "voice.wav").write_bytes(wav(pcm16(tone(500, 1.5))))
    (agents / "music.wav").write_bytes(wav(pcm16(tone(1200, 2.0))))
    return AGENT + (
        f"hold: {{strategy: {strategy}, text: One moment., audio: voice.wav, music: music.wav}}\n"
    )


@pytest.mark.parametrize(
    "strategy",
    ["none", "text", "audio", "music", "audio_then_music", "text_then_music", "voice_over_music"],
)
def test_each_strategy_fills_the_wait_and_gives_way_to_the_agent_at_once(
    tmp_path: Path, strategy: str
) -> None:
    async def story() -> None:
        async with open_office(tmp_path, declared(tmp_path, strategy)) as office:
            office.model.reads.clear()
            answer = await office.webhook()
            assert ("<Say" in answer.text) == ("text" in strategy)
            assert "<Play" not in answer.text
            async with await office.phone(answer) as phone:
                phone.start()
                await asyncio.sleep(WAIT)
                agent = office.node.fleet.agents["front-desk"]
                sound = office.node.media.sound(office.node.fleet.hold_of(agent))
                before = phone.heard
                assert (WAIT - sound.delay) * 8000 <= len(before) <= (WAIT - sound.delay + LEAD) * 8000
                expected = sound.lead + (sound.loop * 2)[sound.loop_from :] + sound.loop * 2
                assert before[MESSAGE:] == expected[MESSAGE : len(before)]
                await spoken_at_once(office, lambda: phone.heard[len(before) :])
                phone.stop()
                await office.over()
            assert (await office.record())["end_reason"] == "caller_hangup"

    run(story())


async def spoken_at_once(office: Office, heard: Callable[[], bytes]) -> None:
    """Let the model answer, and see its words on the stream right behind what was sent already."""
    office.model.reads.set()
    await asyncio.sleep(0.01)
    begun = heard()
    assert begun[FADE:800] == SECOND_OF_SPEECH[FADE:800]
    await asyncio.sleep(2)
    assert heard()[FADE:] == SECOND_OF_SPEECH[FADE:]


def test_a_call_without_a_hold_is_silent_while_the_model_is_quick_and_no_longer_than_a_second(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            office.model.reads.clear()
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await asyncio.sleep(0.9)
                assert phone.heard == b""
                await asyncio.sleep(0.2)
                assert phone.heard != b""
                phone.stop()
                await office.over()

    run(story())


def test_a_call_is_answered_when_its_stream_starts_and_not_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, declared(tmp_path, "audio_then_music")) as office:
            answer = await office.webhook()
            await asyncio.sleep(5)
            async with await office.phone(answer) as phone:
                phone.start()
                await asyncio.sleep(3)
                phone.stop()
                await office.over()
            record = await office.record()
            assert record["duration_seconds"] == pytest.approx(3, abs=0.1)
            assert record["transcript"][0]["at_ms"] < 100

    run(story())
