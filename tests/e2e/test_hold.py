"""What the phone really hears before the agent speaks, for every hold strategy, with a slow model."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.audio.telephone_band import RATE, Samples
from sandbox import NumberSeed
from sandbox.network import HangUp, Listen, PhoneCall, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import CALL_SECONDS, channels
from tests.e2e.world import CALLER, World, play
from tests.runtime.audio.sounds import heard, level, pcm16, strength, tone, wav

STRATEGIES = (
    "none", "text", "audio", "music", "audio_then_music", "text_then_music", "voice_over_music",
)  # fmt: skip
NUMBERS = {strategy: f"+1415555020{index}" for index, strategy in enumerate(STRATEGIES)}
GREETING = clip("agent-greeting-bistro")
VOICE_HZ, MUSIC_HZ = 500, 1000
VOICE_SECONDS = 1.5
MUSIC = (
    Path(__file__).parents[1] / "runtime" / "audio" / "data" / "tones.mp3"
)  # 1000 Hz, and what no phone carries
THINKING_MS = 4000
FRAME = RATE // 50
LONGEST_SILENCE = 1.5  # s
SILENCE = -50.0  # dBFS: a comfort sound lies above it


def agents() -> Iterator[str]:
    """Yield an agent for every strategy."""
    for strategy, number in NUMBERS.items():
        name = strategy.replace("_", "-")
        hold = f"{{strategy: {strategy}, text: One moment., audio: voice.wav, music: music.mp3}}"
        yield (
            f"kind: Agent\nname: {name}\nnumbers: {number}\ngreeting: {GREETING.text}\n"
            f"instructions: Take reservations.\nhold: {hold}\n"
        )


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PhoneCall]:
    """One finished call to each agent, all made at once, with a model that thinks for four seconds."""
    made: dict[str, PhoneCall] = {}

    async def story(world: World) -> None:
        folder = world.folder / "agents.d"
        (folder / "voice.wav").write_bytes(wav(pcm16(tone(VOICE_HZ, VOICE_SECONDS, rate=44100)), 44100))
        shutil.copy(MUSIC, folder / "music.mp3")
        world.box.model.script = replace(world.box.model.script, think_ms=THINKING_MS)
        assert (await world.tm("apply", "--yes")).code == 0
        async with world.serving():
            for strategy, number in NUMBERS.items():
                steps = (Wait(THINKING_MS), Listen(), HangUp())
                made[strategy] = world.box.network.dial(from_=CALLER, to=number, caller=steps)
            await asyncio.gather(*(call.ended(CALL_SECONDS) for call in made.values()))
            sha256 = hashlib.sha256((folder / "voice.wav").read_bytes()).hexdigest()
            served = await world.get(f"/media/{sha256}/voice.wav")
        assert served.content == (folder / "voice.wav").read_bytes()
        assert world.box.alerts == []

    seeds = tuple(NumberSeed(number) for number in NUMBERS.values())
    play(tmp_path_factory.mktemp("hold"), story, numbers=seeds, fleet="---\n".join(agents()))
    return made


def line(call: PhoneCall) -> bytes:
    """What the phone played since the answer, as µ-law, silence included."""
    return channels(call.recording_wav())[1]


def greeting_at(call: PhoneCall) -> int:
    """The sample at which the greeting begins; its first 60 ms may have the end of music under them."""
    rest = GREETING.ulaw[480:4480]
    at = line(call).find(rest)
    assert at >= 0, "the greeting was not heard as it was made"
    return at - 480


def before_the_greeting(call: PhoneCall) -> Samples:
    return heard(line(call)[: greeting_at(call)])


def music_in(samples: Samples) -> float:
    """How strong the music is in most tenths of a second: where it begins again, its phase jumps."""
    return float(np.median([strength(tenth, MUSIC_HZ) for tenth in samples.reshape(-1, RATE // 10)]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nobody_is_left_in_silence_before_the_agents_first_word(
    calls: dict[str, PhoneCall], strategy: str
) -> None:
    frames = before_the_greeting(calls[strategy])
    silent = longest = 0
    for at in range(0, len(frames), FRAME):
        silent = silent + 1 if level(frames[at : at + FRAME]) < SILENCE else 0
        longest = max(longest, silent)
    assert longest * FRAME / RATE <= LONGEST_SILENCE
    assert len(frames) / RATE > THINKING_MS / 1000 - 1  # there was a wait to be filled


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_sound_goes_over_into_the_agents_words_without_a_gap(
    calls: dict[str, PhoneCall], strategy: str
) -> None:
    last = before_the_greeting(calls[strategy])[-RATE // 10 :]
    assert level(last) > SILENCE


@pytest.mark.parametrize("strategy", ["music", "audio_then_music", "text_then_music", "voice_over_music"])
def test_music_is_heard_until_the_agent_speaks(calls: dict[str, PhoneCall], strategy: str) -> None:
    assert music_in(before_the_greeting(calls[strategy])[-RATE:]) > 0.05


@pytest.mark.parametrize("strategy", ["audio", "audio_then_music", "voice_over_music"])
def test_a_recording_is_heard_once_from_the_beginning(calls: dict[str, PhoneCall], strategy: str) -> None:
    samples = before_the_greeting(calls[strategy])
    blocks = samples[: len(samples) // RATE * RATE].reshape(-1, RATE // 10)
    voiced = [strength(block, VOICE_HZ) > 0.05 for block in blocks]
    assert sum(voiced) == pytest.approx(VOICE_SECONDS * 10, abs=2)
    assert voiced.index(True) <= 10  # within a second of the answer
    assert np.flatnonzero(voiced)[-1] - np.flatnonzero(voiced)[0] < VOICE_SECONDS * 10 + 2


def test_voice_and_music_are_heard_together(calls: dict[str, PhoneCall]) -> None:
    samples = before_the_greeting(calls["voice_over_music"])
    under = samples[RATE : RATE + RATE // 2]
    alone = samples[-RATE:]
    assert strength(under, VOICE_HZ) > 0.05
    assert music_in(under) > 0.005
    assert music_in(alone) > 3 * music_in(under)


@pytest.mark.parametrize("strategy", ["none", "text", "audio"])
def test_where_there_is_no_music_a_soft_sound_shows_that_the_line_is_alive(
    calls: dict[str, PhoneCall], strategy: str
) -> None:
    second = before_the_greeting(calls[strategy])[-RATE:]
    assert SILENCE < level(second) < -35
