"""In whose voice callers hear what is said in an agent's place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runtime.say_voice import SayVoice, say_voice
from tests.runtime.office import AGENT, Office, fleet_of, open_office
from tests.runtime.virtual_time import run


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("{}", SayVoice()),
        ("{language: de}", SayVoice(None, "de-DE")),
        ("{language: ja}", SayVoice(None, "ja-JP")),
        ("{mode: gather}", SayVoice("Polly.Salli", None)),
        ("{mode: gather, name: Polly.Vicki, language: de-DE}", SayVoice("Polly.Vicki", "de-DE")),
        ("{mode: relay, name: Polly.Vicki, language: de-DE}", SayVoice("Polly.Vicki", "de-DE")),
        ("{mode: relay, name: ElevenLabs.abc, language: de-DE}", SayVoice(None, "de-DE")),
        ("{mode: relay, name: Polly.Salli}", SayVoice("Polly.Salli", None)),
    ],
)
def test_what_is_said_in_an_agents_place_is_said_in_its_language(
    tmp_path: Path, voice: str, expected: SayVoice
) -> None:
    agent = fleet_of(tmp_path, f"{AGENT}voice: {voice}\n").agents["front-desk"]
    assert say_voice(agent) == expected


GERMAN = AGENT + "voice: {mode: gather, name: Polly.Vicki, language: de-DE}\n"
SPOKEN = '<Say voice="Polly.Vicki" language="de-DE">'


def play(folder: Path, story: Callable[[Office], Awaitable[None]], declarations: str = GERMAN) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


@pytest.mark.parametrize("path", ["fallback", "after", "turn?n=7"])
def test_the_fallback_is_in_the_agents_voice(tmp_path: Path, path: str) -> None:
    async def story(office: Office) -> None:
        document = (await office.webhook(f"/voice/front-desk/{path}", CallSid="CA9")).text
        assert f"{SPOKEN}Please call again later.</Say>" in document

    play(tmp_path, story)


@pytest.mark.parametrize("mode", ["gather", "relay"])
def test_the_announcement_is_in_the_agents_voice(tmp_path: Path, mode: str) -> None:
    async def story(office: Office) -> None:
        assert f"{SPOKEN}Wir zeichnen auf.</Say>" in (await office.webhook()).text

    recorded = GERMAN.replace("gather", mode) + "recording: {announcement: Wir zeichnen auf.}\n"
    play(tmp_path, story, recorded)
