"""ConversationRelay: a caller, Twilio's voice and ears, and an app that reads and writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.websockets import WebSocket

from sandbox import HangUp, Interrupt, Kind, Listen, PhoneCall, Press, Sandbox, Say, StreamFaults, Wait, Words
from sandbox.network.caller import Step
from sandbox.network.relay_wire import RefusedMessageError, read_message
from sandbox.network.twiml import parse_twiml
from sandbox.speech import clip
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, asked

LONG = "Tonight we have grilled sea bass with lemon and capers, and a warm apple tart to end with."
Message = dict[str, Any]


@dataclass
class Relay:
    """The app's end of one session."""

    socket: WebSocket
    messages: list[Message] = field(default_factory=list)

    async def read(self) -> Message:
        message: Message = json.loads(await self.socket.receive_text())
        self.messages.append(message)
        return message

    async def until(self, kind: str, **fields: object) -> Message:
        """Read until a message of a kind has come, with these fields."""
        while True:
            message = await self.read()
            if message["type"] == kind and fields.items() <= message.items():
                return message

    async def say(self, *tokens: str, **fields: object) -> None:
        """Speak tokens; the last one ends the answer."""
        for number, token in enumerate(tokens, 1):
            await self.send(type="text", token=token, last=number == len(tokens), **fields)

    async def send(self, **message: object) -> None:
        await self.socket.send_text(json.dumps(message))

    async def end(self, **fields: object) -> None:
        await self.send(type="end", **fields)
        await self.socket.receive()


def talk(
    on_relay: Callable[[Relay], Awaitable[None]],
    *steps: Step,
    attributes: str = "",
    faults: StreamFaults | None = None,
    check: Callable[[PhoneCall, App], None] | None = None,
) -> Relay:
    """Hold one call whose caller carries out the steps, and return the app's side of it."""
    relays: list[Relay] = []

    async def answer(socket: WebSocket) -> None:
        relays.append(Relay(socket))
        await relays[-1].until("setup")
        await on_relay(relays[-1])

    async def story(box: Sandbox, app: App) -> None:
        url = app.base.replace("http", "ws") + "/relay"
        app.documents = {
            "/voice": f'<Response><Connect action="/after"><ConversationRelay url="{url}" {attributes}>'
            '<Parameter name="table" value="7"/></ConversationRelay></Connect></Response>',
            "/after": EMPTY,
            "/status": EMPTY,
        }
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=steps, faults=faults)
        await call.ended()
        assert app.stream_signed == [True] * len(app.stream_signed)
        if check is not None:
            check(call, app)

    play(story, App(on_relay=answer))
    return relays[0] if relays else Relay(WebSocket({"type": "websocket"}, _nothing, _nothing))


async def _nothing(*_: object) -> Any:
    raise AssertionError("there was no session")


def test_a_session_is_set_up_and_ended_by_the_app_with_a_hand_off() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.end(handoffData='{"to": "staff"}')

    def check(call: PhoneCall, app: App) -> None:
        (form,) = asked(app, "/after")
        assert (form["SessionStatus"], form["CallStatus"]) == ("ended", "in-progress")
        assert form["HandoffData"] == '{"to": "staff"}'
        assert form["SessionId"].startswith("VX")
        assert call.status == "completed"

    setup = talk(app_side, Wait(60_000), check=check).messages[0]
    assert (setup["from"], setup["to"], setup["customParameters"]) == (GUEST, BISTRO, {"table": "7"})
    assert (setup["direction"], setup["callType"], setup["forwardedFrom"]) == ("inbound", "PSTN", "")


def test_what_the_caller_says_is_prompted_in_parts_and_at_last_and_the_answer_is_heard() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.until("prompt", last=True)
        await relay.say("Fresh ", "fish, ", "tonight.")
        await asyncio.sleep(0.3)
        await relay.end()

    def check(call: PhoneCall, app: App) -> None:
        assert call.heard_words == ("Hello!", "Fresh fish, tonight.")

    relay = talk(
        app_side,
        Listen(),
        Say(Words("What is on the menu tonight, if I may ask?")),
        Wait(60_000),
        attributes='welcomeGreeting="Hello!" partialPrompts="true"',
        check=check,
    )
    *partials, final = [message for message in relay.messages if message["type"] == "prompt"]
    assert final == {
        "type": "prompt",
        "voicePrompt": "What is on the menu tonight, if I may ask?",
        "lang": "en-US",
        "last": True,
    }
    assert len(partials) > 2
    for earlier, later in zip(partials, [*partials[1:], final], strict=True):
        assert later["voicePrompt"].startswith(earlier["voicePrompt"])
        assert not earlier["last"]


def test_without_partial_prompts_only_whole_ones_come() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.until("prompt")
        await relay.end()

    assert (
        talk(app_side, Say("caller-menu"), Wait(60_000)).messages[-1]["voicePrompt"]
        == clip("caller-menu").text
    )


def test_an_interruption_says_what_was_heard_and_then_what_interrupted() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.say(LONG)
        await relay.until("prompt")
        await relay.end()

    def check(call: PhoneCall, app: App) -> None:
        (heard,) = call.heard_words
        assert LONG.startswith(heard)
        assert 20 <= len(heard) < len(LONG)
        assert call.heard_words[0] == heard

    relay = talk(app_side, Interrupt("caller-yes", after_ms=2000), Wait(60_000), check=check)
    interrupt, prompt = relay.messages[1:3]
    assert interrupt["type"] == "interrupt"
    assert LONG.startswith(interrupt["utteranceUntilInterrupt"])
    spoken_ms = 60 * len(interrupt["utteranceUntilInterrupt"])
    assert 2000 <= interrupt["durationUntilInterruptMs"] <= 2300
    assert spoken_ms <= interrupt["durationUntilInterruptMs"] <= spoken_ms + 600
    assert prompt["voicePrompt"] == clip("caller-yes").text


@pytest.mark.parametrize(
    ("attributes", "types"),
    [
        ('interruptible="none"', []),
        ('interruptible="dtmf" dtmfDetection="true"', []),
        ('interruptible="none" reportInputDuringAgentSpeech="speech"', ["prompt"]),
        ('interruptible="speech"', ["interrupt", "prompt"]),
        ('ignoreBackchannel="true"', []),
    ],
)
def test_speech_into_the_voice_does_what_the_attributes_say(attributes: str, types: list[str]) -> None:
    async def app_side(relay: Relay) -> None:
        await relay.say(LONG)
        await relay.until("prompt", voicePrompt="Goodbye then.")
        await relay.end()

    steps = (
        Interrupt(Words("Okay."), after_ms=1000),
        Listen(until_quiet_ms=1500),
        Say(Words("Goodbye then.")),
        Wait(60_000),
    )
    messages = talk(app_side, *steps, attributes=attributes).messages
    assert [message["type"] for message in messages[1:-1]] == types


def test_a_token_may_forbid_interruption() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.say("This call is recorded, by law.", interruptible=False)
        await relay.until("prompt")
        await relay.end()

    steps = (Interrupt("caller-yes", after_ms=500), Listen(), Say("caller-no"), Wait(60_000))
    relay = talk(app_side, *steps)
    assert [message["type"] for message in relay.messages] == ["setup", "prompt"]


@pytest.mark.parametrize(("attributes", "digits"), [("", ""), ('dtmfDetection="true"', "12")])
def test_keys_are_told_when_they_are_wanted(attributes: str, digits: str) -> None:
    async def app_side(relay: Relay) -> None:
        await relay.until("prompt")
        await relay.end()

    messages = talk(
        app_side, Wait(3000), Press("12"), Say("caller-yes"), Wait(60_000), attributes=attributes
    ).messages
    assert "".join(message["digit"] for message in messages if message["type"] == "dtmf") == digits


def test_an_app_may_follow_its_tokens_and_who_speaks() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.say("One ", "two.")
        await relay.until("info", name="agentSpeaking", value="off")
        await relay.end()

    attributes = 'events="speaker-events tokens-played"'
    messages = talk(app_side, Wait(60_000), attributes=attributes).messages
    assert [(one["name"], one["value"]) for one in messages if one["type"] == "info"] == [
        ("agentSpeaking", "on"),
        ("tokensPlayed", "One "),
        ("tokensPlayed", "two."),
        ("agentSpeaking", "off"),
    ]


def test_an_answer_that_pauses_between_its_tokens_can_still_be_cut_off() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.send(type="text", token="One moment. ", last=False)
        await relay.until("info", name="agentSpeaking", value="off")
        await relay.send(type="text", token=LONG, last=True)
        await relay.until("prompt")
        await relay.end()

    def check(call: PhoneCall, app: App) -> None:
        (heard,) = call.heard_words
        assert f"One moment. {LONG}".startswith(heard)

    steps = (Interrupt("caller-yes", after_ms=2000), Wait(60_000))
    relay = talk(app_side, *steps, attributes='events="speaker-events"', check=check)
    (interrupt,) = [one for one in relay.messages if one["type"] == "interrupt"]
    assert interrupt["utteranceUntilInterrupt"].startswith("One moment. Tonight")


def test_a_preemptible_answer_gives_way_to_the_next() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.say(LONG, preemptible=True)
        await asyncio.sleep(0.05)
        await relay.say("Your table is ready.")
        await relay.until("prompt")
        await relay.end()

    def check(call: PhoneCall, app: App) -> None:
        first, second = call.heard_words
        assert LONG.startswith(first)
        assert first != LONG
        assert second == "Your table is ready."

    talk(app_side, Listen(until_quiet_ms=1000), Say("caller-yes"), Wait(60_000), check=check)


def test_the_language_of_prompts_can_be_switched() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.send(type="language", transcriptionLanguage="sv-SE")
        await relay.until("prompt")
        await relay.end()

    assert talk(app_side, Wait(500), Say(Words("Hej!")), Wait(60_000)).messages[-1]["lang"] == "sv-SE"


def test_keys_are_sent_to_the_other_side() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.send(type="sendDigits", digits="9w12#")
        await relay.end()

    def check(call: PhoneCall, app: App) -> None:
        assert [event.detail for event in call.happened(Kind.HEARS_KEYS)] == ["9w12#"]

    talk(app_side, Wait(60_000), check=check)


def test_ten_bad_messages_close_the_session_and_fewer_do_not() -> None:
    async def app_side(relay: Relay) -> None:
        for _ in range(9):
            await relay.send(type="dance")
            assert (await relay.until("error"))["description"].startswith("Invalid message received: ")
        await relay.say("Still here.")
        for _ in range(10):
            await relay.socket.send_text("{")
        await relay.until("never")

    def check(call: PhoneCall, app: App) -> None:
        (form,) = asked(app, "/after")
        assert (form["SessionStatus"], form["ErrorCode"]) == ("failed", "64105")
        assert form["CallStatus"] == "in-progress"

    talk(app_side, Wait(60_000), check=check)


def test_a_caller_who_hangs_up_completes_the_session() -> None:
    async def app_side(relay: Relay) -> None:
        await relay.until("never")

    def check(call: PhoneCall, app: App) -> None:
        (form,) = asked(app, "/after")
        assert (form["SessionStatus"], form["CallStatus"]) == ("completed", "completed")
        assert form["SessionDuration"] == "1"

    talk(app_side, Wait(1000), HangUp(), check=check)


@pytest.mark.parametrize("faults", [StreamFaults(drop_after_ms=500), StreamFaults(close_after_ms=500)])
def test_a_broken_socket_fails_the_session_and_the_action_decides(faults: StreamFaults) -> None:
    async def app_side(relay: Relay) -> None:
        await relay.until("never")

    def check(call: PhoneCall, app: App) -> None:
        (form,) = asked(app, "/after")
        assert (form["SessionStatus"], form["ErrorCode"]) == ("failed", "64105")

    talk(app_side, Wait(60_000), faults=faults, check=check)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [('ttsProvider="Acme"', "64101"), ('language="multi" ttsProvider="Google"', "64101")],
)
def test_a_setting_that_there_is_not_fails_the_session(attributes: str, code: str) -> None:
    def check(call: PhoneCall, app: App) -> None:
        (form,) = asked(app, "/after")
        assert (form["SessionStatus"], form["ErrorCode"]) == ("failed", code)

    talk(_nothing, Wait(60_000), attributes=attributes, check=check)


def test_attributes_in_the_wrong_case_are_warned_about() -> None:
    noun = '<ConversationRelay url="wss://voice.example/" speechtimeout="1"/>'
    document = parse_twiml(f"<Response><Connect>{noun}</Connect></Response>")
    assert [oddity.code for oddity in document.warnings] == [12200]
    assert "speechtimeout" in document.warnings[0].text


@pytest.mark.parametrize(
    "frame",
    [
        b"binary",
        "[]",
        '{"type": "text"}',
        '{"type": "text", "token": null}',
        '{"type": "text", "token": "a", "interuptible": true}',
        '{"type": "play", "source": "/relative.mp3"}',
        '{"type": "sendDigits", "digits": "12a"}',
        '{"type": "language"}',
        '{"type": "end", "handoffData": {"an": "object"}}',
    ],
)
def test_what_is_no_message_is_refused(frame: str | bytes) -> None:
    with pytest.raises(RefusedMessageError):
        read_message(frame)
