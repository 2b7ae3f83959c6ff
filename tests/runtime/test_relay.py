"""Relay mode through a whole node in virtual time: the document, the handshake, words, the way back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from twilio.request_validator import RequestValidator

from tests.runtime.fakes import Json, Phone
from tests.runtime.office import AGENT, PUBLIC_URL, TOKEN, Office, open_office
from tests.runtime.virtual_time import run

RELAY = AGENT + "voice: {mode: relay, language: en-US, name: Polly.Joanna-Neural}\n"


class RelayPhone(Phone):
    """Twilio's side of a ConversationRelay."""

    async def __aenter__(self) -> RelayPhone:
        await super().__aenter__()
        return self

    def _take(self, frame: Json) -> None:
        self.frames.append(frame)

    def set_up(self, call_sid: str = "CA1") -> None:
        self.send({"type": "setup", "sessionId": "VX1", "callSid": call_sid})

    def prompt(self, words: str, *, last: bool = True) -> None:
        self.send({"type": "prompt", "voicePrompt": words, "lang": "en-US", "last": last})

    @property
    def text(self) -> str:
        return "".join(frame["token"] for frame in self.frames if frame["type"] == "text").strip()


async def connect(office: Office, document: str, *, token: str = TOKEN) -> RelayPhone:
    """Open the connection that a document asks for; the phone opens with `async with`."""
    found = re.search(r'<ConversationRelay url="([^"]+)"', document)
    assert found is not None, document
    signature = RequestValidator(token).compute_signature(found[1], {})
    return RelayPhone(office.app, found[1], {"X-Twilio-Signature": signature})


def play(folder: Path, story: Callable[[Office], Awaitable[None]], declarations: str = RELAY) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            await story(office)

    run(in_office())


def test_the_document_has_the_voice_and_the_recogniser_in_the_relays_own_names(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        connect_verb = ET.fromstring(answer.text).find("Connect")
        assert connect_verb is not None
        assert connect_verb.attrib == {"action": f"{PUBLIC_URL}/voice/front-desk/after"}
        (relay,) = connect_verb
        address = relay.attrib.pop("url")
        assert address.startswith("wss://agents.example.com/relay/")
        assert relay.attrib == {
            "language": "en-US",
            "ttsProvider": "Amazon",
            "voice": "Joanna-Neural",
            "transcriptionProvider": "Google",
            "speechModel": "telephony",
            "interruptible": "any",
            "dtmfDetection": "true",
            "partialPrompts": "true",
            "events": "speaker-events",
        }
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()

    play(tmp_path, story)


def test_nobody_but_twilio_is_connected_and_only_once(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        async with await connect(office, answer.text, token="f" * 32) as stranger:
            assert not stranger.accepted
        async with await connect(office, answer.text) as phone:
            assert phone.accepted
            async with await connect(office, answer.text) as second:
                assert not second.accepted
            phone.set_up()
            await asyncio.sleep(1)
            assert phone.text == "Good evening."
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()
        assert (await office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_an_answer_that_was_begun_early_leaves_with_the_callers_last_word(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        async with await connect(office, answer.text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            phone.prompt("A table for two", last=False)
            await asyncio.sleep(1.2)
            assert phone.text == "Good evening."
            phone.prompt("A table for two.")
            await asyncio.sleep(0.05)
            assert phone.text == "Good evening. Very well."
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()
        assert len(office.text.asks) == 1

    play(tmp_path, story)


def test_a_caller_whose_socket_broke_is_connected_again(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        async with await connect(office, answer.text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
        form = {"CallStatus": "in-progress", "SessionStatus": "failed", "ErrorCode": "64105"}
        again = await office.webhook("/voice/front-desk/after", **form)
        async with await connect(office, again.text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            assert phone.text == "Very well."
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()
        record = await office.record()
        assert [entry["text"] for entry in record["transcript"]] == ["Good evening.", "Very well."]

    play(tmp_path, story)
