"""A stranger who answers our ConversationRelay: Twilio Agent Connect, with a brain of a few lines.

    python relay_app.py DOMAIN ACCOUNT_SID AUTH_TOKEN

It prints its address and serves until its standard input ends; then it prints one JSON object of what it met
with. `/twiml` answers calls. Signatures are checked by its own server, for `https://DOMAIN` and `wss://DOMAIN`.
It runs in the witnesses' environment and imports nothing of the project.

Nothing of Twilio's cloud is needed: without a conversation configuration it only relays, and its usage
telemetry is turned off.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tac import TAC
from tac.channels.voice import VoiceChannel
from tac.channels.voice.conversation_relay import ConversationRelayProviderConfig
from tac.core.config import TACConfig
from tac.models.handoff import PendingHandoffData
from tac.models.session import ConversationSession
from tac.models.voice import (
    InterruptMessage,
    LanguageConfig,
    PromptMessage,
    SetupMessage,
    VoiceTwiMLOptionsConversationRelay,
)
from tac.server import TACFastAPIServer

MENU = "Tonight we have grilled sea bass with lemon and capers, and a warm apple tart to end with."
HANDOFF = '{"reason": "a person"}'
PIECE_SECONDS = 0.01  # between two words of a streamed answer
ACTION = "/conversation-relay-callback"
TYPES = {"setup": SetupMessage, "prompt": PromptMessage, "interrupt": InterruptMessage}
TWIML = VoiceTwiMLOptionsConversationRelay(
    welcome_greeting="Harbour Bistro?",
    language="en-US",
    dtmf_detection=True,
    interruptible="any",
    hints="sea bass,Harbour Bistro",
    languages=[LanguageConfig(code="de-DE", tts_provider="Amazon", voice="Vicki-Neural")],
)


@dataclass
class Met:
    """What the app met with."""

    frames: Counter[str] = field(default_factory=Counter)
    """How many messages of each type came."""
    unknown: list[str] = field(default_factory=list)
    """Fields of messages that the app's own models do not have."""
    callers: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    interrupts: list[tuple[str | None, int | None]] = field(default_factory=list)
    """The words until each interruption, and the ms."""
    outcome: dict[str, str] = field(default_factory=dict)
    """What the action of `<Connect>` was told."""
    ended: int = 0


class Brain:
    """Answers what the caller says: the menu word by word, a person with a hand-off."""

    def __init__(self, channel: VoiceChannel, met: Met) -> None:
        self._channel = channel
        self._met = met

    async def answer(self, words: str, session: ConversationSession, _memory: object) -> str | None:
        """Return an answer to be spoken, None where it has been streamed."""
        self._met.prompts.append(words)
        self._met.callers.append(session.author_info.address if session.author_info else "")
        if "menu" in words:
            await self._channel.send_response(session.conversation_id, _streamed(MENU))
            return None
        if "person" in words:
            session.pending_handoff_data = PendingHandoffData(handoff_data=HANDOFF)
            return "One moment."
        return "Yes?"

    def interrupted(self, _session: ConversationSession, by: InterruptMessage) -> None:
        """Note an interruption."""
        self._met.interrupts.append((by.utterance_until_interrupt, by.duration_until_interrupt_ms))

    def ended(self, _session: ConversationSession) -> None:
        """Note the end of a conversation."""
        self._met.ended += 1


async def _streamed(text: str) -> AsyncGenerator[str, None]:
    for word in text.split():
        yield f"{word} "
        await asyncio.sleep(PIECE_SECONDS)


class BehindTls:
    """The end of the TLS connection before the app: says what was asked for, and notes what comes in."""

    def __init__(self, app: ASGIApp, met: Met) -> None:
        self._app = app
        self._met = met

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                self._note(json.loads(message["text"]))
            elif scope["path"] == ACTION and message.get("body"):
                self._met.outcome = dict(parse_qsl(message["body"].decode()))
            return message

        headers = [*scope.get("headers", ()), (b"x-forwarded-proto", b"https")]
        await self._app({**scope, "headers": headers}, received, send)

    def _note(self, frame: dict[str, object]) -> None:
        kind = str(frame["type"])
        self._met.frames[kind] += 1
        if kind in TYPES:
            known = {known.alias or name for name, known in TYPES[kind].model_fields.items()}
            self._met.unknown += sorted(frame.keys() - known)


def app(met: Met, domain: str, account_sid: str, auth_token: str) -> ASGIApp:
    """Return the app as its makers serve it."""
    tac = TAC(
        config=TACConfig(
            account_sid=account_sid,
            auth_token=auth_token,
            api_key="SK" + "0" * 32,
            api_secret="unused",
            phone_number="+14155550123",
            voice_public_domain=domain,
            voice_action_path=ACTION,
            log_level="WARNING",
        )
    )
    channel = VoiceChannel(tac, config=ConversationRelayProviderConfig(default_twiml_options=TWIML))
    brain = Brain(channel, met)
    tac.on_message_ready(brain.answer)
    tac.on_interrupt(brain.interrupted)
    tac.on_conversation_ended(brain.ended)
    return BehindTls(TACFastAPIServer(tac=tac, voice_channel=channel).app, met)


def main() -> None:
    """Serve on a free port of this machine until the input ends."""
    os.environ["TAC_ANALYTICS_DISABLED"] = "true"
    met = Met()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(met, *sys.argv[1:]), log_level="warning"))

    def stop() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=stop, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])
    sys.stdout.write(json.dumps(vars(met)) + "\n")


if __name__ == "__main__":
    main()
