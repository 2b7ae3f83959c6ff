"""People who write to a node in virtual time, and what they and Twilio see of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2

from runtime.call.usage import Usage
from runtime.messages.voice_notes import Transcript
from tests.runtime.office import AGENT, CALLER, ENVIRONMENT, FRONT_DESK, Office, open_office
from tests.runtime.tools.test_http_call import Wire
from tests.runtime.virtual_time import run

MINUTE = 60.0
PERSON, SENDER = f"whatsapp:{CALLER}", f"whatsapp:{FRONT_DESK}"
WRITING = AGENT + f"sms: true\nwhatsapp: {{sender: {FRONT_DESK}}}\n"
BRIEF = WRITING + "messages: {idle_hours: 0.05}\n"  # three minutes
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ENVIRONMENT['TWILIO_ACCOUNT_SID']}/Messages/MM1/Media"

Story = Callable[[Office], Awaitable[None]]


async def hear(name: str, sound: bytes, content_type: str) -> Transcript:
    return Transcript(f"{name}, {content_type}: {sound.decode()}", Usage(transcription_in=3))


def play(folder: Path, story: Story, declarations: str = WRITING) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations, transcribe=hear) as office:
            await story(office)

    run(in_office())


async def write(office: Office, text: str, sid: str, person: str = PERSON, **more: str) -> httpx2.Response:
    ours = SENDER if person.startswith("whatsapp:") else FRONT_DESK
    form = {"MessageSid": sid, "From": person, "To": ours, "Body": text, **more}
    return await office.webhook("/whatsapp/front-desk", **form)


async def report(office: Office, number: int, status: str, code: str = "") -> None:
    """Report on the message of ours with this number, by the address that it gave."""
    path = office.twilio.of("StatusCallback")[number].removeprefix("https://agents.example.com")
    form = {"MessageSid": f"SM{number}out", "MessageStatus": status, "ErrorCode": code}
    assert (await office.webhook(path, **form)).status_code == 204


def json_answer(body: bytes) -> httpx2.Response:
    """The answer of a tool, as it comes over a wire."""
    return httpx2.Response(200, headers={"content-type": "application/json"}, stream=Wire(body))


def sent(office: Office) -> list[str]:
    return office.twilio.of("Body")


def spoken(record: Mapping[str, Any]) -> list[str]:
    return [f"{entry['role']}: {entry['text']}" for entry in record["transcript"]]
