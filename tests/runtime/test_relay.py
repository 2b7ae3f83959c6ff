"""Relay mode through a whole node in virtual time: the document, the handshake, words, the way back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from runtime.call.stream_link import MOST_RETURNS
from sandbox.network import relay_attributes
from tests.runtime.fake_text_model import TOOL
from tests.runtime.fakes import Json, Phone
from tests.runtime.office import AGENT, PUBLIC_URL, TOKEN, Office, open_office
from tests.runtime.tools.test_http_call import Service
from tests.runtime.virtual_time import run

RELAY = AGENT + "voice: {mode: relay, language: en-US, name: Polly.Joanna-Neural}\n"
POLYGLOT = """\
voice:
  mode: relay
  language: en-US
  name: Polly.Joanna-Neural
  hints: [Harbour Bistro, O'Hara]
  languages: {de-DE: {name: Polly.Vicki-Neural}, fr-FR: {speech_model: deepgram_nova-3-general}}
"""
SETTINGS = """\
voice:
  mode: relay
  name: ElevenLabs.UgBBYS2sOqTuMpoF3BR0
  speech_model: deepgram_flux-general-en
  relay:
    interrupt_by: speech
    interrupt_sensitivity: low
    ignore_backchannel: true
    speech_timeout_ms: 900
    profanity_filter: false
    background_noise_reduction: true
    smart_format: false
    eot_threshold: 0.7
    text_normalization: auto
    intelligence_service: GA1
"""
PREP = """\
prep: {http: [{name: crm, http: {url: "https://crm.example/who", method: GET}}]}
"""
LANGUAGE = {"type": "language", "ttsLanguage": "de-DE", "transcriptionLanguage": "de-DE"}


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
        assert list(relay) == []
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


def test_the_document_has_the_hints_and_every_language_with_its_own_voice(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        relay = ET.fromstring(answer.text).find("Connect/ConversationRelay")
        assert relay is not None
        assert relay.attrib["hints"] == "Harbour Bistro,O'Hara"
        assert [dict(language.attrib) for language in relay] == [
            {
                "code": "en-US",
                "ttsProvider": "Amazon",
                "voice": "Joanna-Neural",
                "transcriptionProvider": "Google",
                "speechModel": "telephony",
            },
            {"code": "de-DE", "ttsProvider": "Amazon", "voice": "Vicki-Neural"},
            # A language without a voice is spoken by one like the agent's own.
            {
                "code": "fr-FR",
                "ttsProvider": "Amazon",
                "voice": "Lea-Neural",
                "transcriptionProvider": "Deepgram",
                "speechModel": "nova-3-general",
            },
        ]
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()

    play(tmp_path, story, AGENT + POLYGLOT)


def test_every_setting_of_the_relay_is_written_in_its_own_words(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        relay = ET.fromstring(answer.text).find("Connect/ConversationRelay")
        assert relay is not None
        assert relay_attributes.read_relay(relay, (), None, "POST").error == ""
        assert set(relay.attrib) <= relay_attributes.RELAY_ATTRIBUTES
        usual = {"url", "ttsProvider", "voice", "transcriptionProvider", "speechModel"}
        usual |= {"dtmfDetection", "partialPrompts", "events"}
        assert {name: value for name, value in relay.attrib.items() if name not in usual} == {
            "interruptible": "speech",
            "reportInputDuringAgentSpeech": "any",
            "interruptSensitivity": "low",
            "ignoreBackchannel": "true",
            "speechTimeout": "900",
            "profanityFilter": "false",
            "backgroundNoiseReduction": "true",
            "deepgramSmartFormat": "false",
            "eotThreshold": "0.7",
            "elevenlabsTextNormalization": "auto",
            "intelligenceService": "GA1",
        }
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()

    play(tmp_path, story, AGENT + SETTINGS)


def test_what_is_said_to_an_agent_that_cannot_be_interrupted_is_told_all_the_same(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        answer = await office.webhook()
        assert 'interruptible="none" reportInputDuringAgentSpeech="any"' in answer.text
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()

    play(tmp_path, story, AGENT + "voice: {mode: relay, interrupt: never}\n")


def test_a_caller_who_waits_hears_a_file_that_is_served(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 6
        answer = await office.webhook()
        async with await connect(office, answer.text) as phone:
            phone.set_up()
            await asyncio.sleep(2)
            phone.prompt("A table for two.")
            await asyncio.sleep(5)
            (play_message,) = [frame for frame in phone.frames if frame["type"] == "play"]
            assert (play_message["loop"], play_message["preemptible"]) == (0, True)
            path = str(play_message["source"]).removeprefix(PUBLIC_URL)
            assert (await office.client.get(path)).headers["content-type"] == "audio/wav"
        await office.webhook("/voice/front-desk/status", CallStatus="completed")
        await office.over()

    play(tmp_path, story)


@pytest.mark.parametrize("code", ["64101", "64106"])
def test_a_voice_that_twilio_does_not_have_ends_the_call_with_the_fallback_message(
    tmp_path: Path, code: str
) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        form = {"CallStatus": "in-progress", "SessionStatus": "failed", "ErrorCode": code}
        after = await office.webhook("/voice/front-desk/after", **form)
        assert "Please call again later." in after.text
        assert "<Hangup/>" in after.text
        await office.over()
        assert (await office.record())["end_reason"] == "media_error"

    play(tmp_path, story)


def test_a_connection_that_never_comes_about_is_tried_a_few_times(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.webhook()
        form = {"CallStatus": "in-progress", "SessionStatus": "failed", "ErrorCode": "64102"}
        answers = [await office.webhook("/voice/front-desk/after", **form) for _ in range(MOST_RETURNS + 1)]
        assert all("<ConversationRelay" in answer.text for answer in answers[:-1])
        assert "Please call again later." in answers[-1].text
        await office.over()

    play(tmp_path, story)


def test_a_call_that_moves_keeps_its_language_and_what_is_known_about_the_caller(tmp_path: Path) -> None:
    async def in_offices() -> None:
        declarations = AGENT + POLYGLOT + PREP
        crm = httpx2.MockTransport(Service(httpx2.Response(200, json={"name": "Ada"})))
        async with open_office(tmp_path, declarations, name="first", tool_transport=crm) as first:
            first.text.replies = [f'{TOOL}switch_language {{"language": "de-DE"}}', "Gern."]
            answer = await first.webhook()
            async with await connect(first, answer.text) as phone:
                phone.set_up()
                await asyncio.sleep(2)
                phone.prompt("Sprechen Sie Deutsch?")
                await asyncio.sleep(5)
                assert LANGUAGE in phone.frames
                async with open_office(tmp_path, declarations, name="second", tool_transport=crm) as second:
                    form = {"CallStatus": "in-progress", "SessionStatus": "failed", "ErrorCode": "64105"}
                    again = await second.webhook("/voice/front-desk/after", **form)
                    async with await connect(second, again.text) as phone:
                        phone.set_up()
                        await asyncio.sleep(3)
                        assert phone.frames[0] == LANGUAGE
                    assert "Ada" in second.text.instructions
                    await second.webhook("/voice/front-desk/status", CallStatus="completed")
                    await second.over()
                    record = await second.record()
                    assert record["caller_profile"] == {"crm": {"name": "Ada"}}
                    assert [use["name"] for use in record["tools"]] == ["switch_language"]

    run(in_offices())


@pytest.mark.parametrize(
    ("reason", "words"), [("hang_up", None), ("farewell", "Please call again later."), ("away", None)]
)
def test_a_node_that_knows_nothing_of_a_call_that_was_ended_does_not_begin_it_again(
    tmp_path: Path, reason: str, words: str | None
) -> None:
    async def in_offices() -> None:
        async with open_office(tmp_path, RELAY, name="first") as first:
            answer = await first.webhook()
            async with await connect(first, answer.text) as phone:
                phone.set_up()
                await asyncio.sleep(3)
                async with open_office(tmp_path, RELAY, name="second") as second:
                    form = {"SessionStatus": "ended", "HandoffData": f'{{"reason": "{reason}"}}'}
                    after = await second.webhook("/voice/front-desk/after", CallStatus="in-progress", **form)
                    assert ("<ConversationRelay" in after.text) is (reason == "away")
                    assert words is None or words in after.text

    run(in_offices())
