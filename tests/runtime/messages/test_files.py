"""Files that come with messages: from Twilio alone, with bounds, and known for what they are."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from runtime.call.usage import Usage
from runtime.messages.contact import Inbound
from runtime.messages.files import LARGEST_FILE, FileReader, ReadFile, kind_of
from runtime.messages.reader import TOO_MUCH, MessageReader
from runtime.messages.turn import Words
from runtime.messages.voice_notes import Transcript, TranscriptionError
from runtime.messages.webhook import FileReference
from runtime.tools.guarded_transport import TOOL_HOSTS
from schemas.private_hosts import ToolHosts
from tests.runtime.office import AGENT, ENVIRONMENT, TOKEN, fleet_of

ACCOUNT_SID = ENVIRONMENT["TWILIO_ACCOUNT_SID"]
URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/MM1/Media/ME1"
CDN = "https://media.twiliocdn.com/ME1?signature=x"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


class Wire(httpx2.AsyncBaseTransport):
    """Answers each request with the next response, and keeps the requests."""

    def __init__(self, *responses: httpx2.Response) -> None:
        self.requests: list[httpx2.Request] = []
        self._responses = list(responses)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._responses.pop(0)


async def hear(name: str, sound: bytes, content_type: str) -> Transcript:
    assert (name, content_type) == ("file-1.ogg", "audio/ogg")
    if sound == b"noise":
        raise TranscriptionError("the endpoint answered 500")
    return Transcript("Until when are you open?", Usage(transcription_in=9))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ReadFile]:
    """Read a file of this address and type from a wire."""
    fleet = fleet_of(tmp_path, AGENT)
    (account,) = fleet.accounts.values()

    def reading(
        wire: Wire, content_type: str = "image/png", url: str = URL, api_url: str | None = None
    ) -> ReadFile:
        async def story() -> ReadFile:
            reader = FileReader(hear, api_url=api_url, transport=wire)
            try:
                return await reader.read(FileReference(url, content_type), account, number=1)
            finally:
                await reader.close()

        return asyncio.run(story())

    return reading


def answer(content: bytes) -> httpx2.Response:
    return httpx2.Response(200, content=content)


def test_a_picture_is_fetched_with_the_accounts_credentials_and_shown(read: Callable[..., ReadFile]) -> None:
    wire = Wire(answer(PNG))
    found = read(wire)
    assert found.words == "[picture: file-1.png]"
    assert found.file is not None
    assert found.file.data == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    credentials = base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
    assert wire.requests[0].headers["authorization"] == f"Basic {credentials}"


def test_a_redirect_is_followed_without_the_credentials_and_to_public_hosts_only(
    read: Callable[..., ReadFile],
) -> None:
    wire = Wire(httpx2.Response(307, headers={"location": CDN}), answer(PNG))
    assert read(wire).file is not None
    assert str(wire.requests[1].url) == CDN
    assert "authorization" not in wire.requests[1].headers
    hosts = wire.requests[1].extensions[TOOL_HOSTS]
    assert isinstance(hosts, ToolHosts)
    assert not hosts.allows("127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("api.twilio.com", "api.twilio.com.evil.example"),
        URL.replace("api.twilio.com", "user@evil.example"),
        URL.replace(ACCOUNT_SID, "AC" + "1" * 32),
        URL.replace("Messages/MM1", "../../2010-04-01"),
        "https://169.254.169.254/latest/meta-data",
        "//",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(read: Callable[..., ReadFile], url: str) -> None:
    wire = Wire()
    assert "not kept by Twilio" in read(wire, url=url).words
    assert not wire.requests


@pytest.mark.parametrize(
    "responses",
    [
        [httpx2.Response(200, headers={"content-length": str(LARGEST_FILE + 1)})],
        [httpx2.Response(200, content=bytes(LARGEST_FILE + 1))],
    ],
)
def test_a_file_that_is_too_large_is_not_read(
    read: Callable[..., ReadFile], responses: list[httpx2.Response]
) -> None:
    assert "larger than 16 MB" in read(Wire(*responses)).words


@pytest.mark.parametrize("url", ["https://[api.twilio.com/2010-04-01", "https://api.twilio.com:x/", "\0"])
def test_an_address_that_is_none_is_a_file_that_cannot_be_read(
    read: Callable[..., ReadFile], url: str
) -> None:
    wire = Wire()
    assert "cannot be read" in read(wire, url=url).words
    assert not wire.requests


def redirects() -> Iterator[httpx2.Response]:
    for _ in range(5):
        yield httpx2.Response(302, headers={"location": CDN})


@pytest.mark.parametrize(
    ("responses", "why"),
    [
        ([httpx2.Response(404)], "Twilio answered 404"),
        ([httpx2.Response(302, headers={"location": "http://cdn.example/x"})], "without TLS"),
        ([*redirects()], "in circles"),
    ],
)
def test_what_cannot_be_fetched_is_told_to_the_model(
    read: Callable[..., ReadFile], responses: list[httpx2.Response], why: str
) -> None:
    found = read(Wire(*responses))
    assert found.file is None
    assert why in found.words


def test_a_voice_note_is_its_words_and_what_they_cost(read: Callable[..., ReadFile]) -> None:
    found = read(Wire(answer(b"OggS....")), "audio/ogg")
    assert (found.words, found.usage) == ("Until when are you open?", Usage(transcription_in=9))


def test_a_voice_note_that_nobody_can_write_down_is_said_to_be_one(read: Callable[..., ReadFile]) -> None:
    assert "voice note" in read(Wire(answer(b"noise")), "audio/ogg").words


def test_text_is_given_to_the_model_as_text(read: Callable[..., ReadFile]) -> None:
    assert read(Wire(answer("Grüße".encode())), "text/plain").words == "[text: Grüße]"


def test_of_a_long_text_the_model_is_given_the_beginning(read: Callable[..., ReadFile]) -> None:
    words = read(Wire(answer(b"x" * 30_000)), "text/csv").words
    assert words.count("x") == 20_000 + "text".count("x")


def test_no_more_files_are_shown_than_one_request_takes(tmp_path: Path) -> None:
    (account,) = fleet_of(tmp_path, AGENT).accounts.values()
    large = answer(PNG + bytes(11 * 1024 * 1024))
    files = tuple(FileReference(URL, "image/png") for _ in range(4))

    async def story() -> Words:
        reader = FileReader(hear, api_url=None, transport=Wire(large, large, large, answer(PNG)))
        messages = [Inbound("MM1", 0, "Look", files[:2]), Inbound("MM2", 1, "and these", files[2:])]
        return await MessageReader(reader, account, reader.place()).read(messages)

    words = asyncio.run(story())
    assert [file.name for file in words.files] == ["file-1.png", "file-2.png", "file-4.png"]
    assert words.text.splitlines()[4:] == [TOO_MUCH, "[picture: file-4.png]"]


def test_a_type_that_nobody_reads_is_named(read: Callable[..., ReadFile]) -> None:
    assert "video/mp4" in read(Wire(answer(b"....ftyp")), "video/mp4").words


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (PNG, "image/jpeg", "image/png"),
        (PNG, "audio/ogg", None),
        (b"<html>", "image/png", None),
        (b"MZ", "application/pdf", None),
        (b"%PDF-1.7", "application/pdf", "application/pdf"),
        (b"RIFF....WEBPVP8", "image/webp", "image/webp"),
        (b"RIFF....WAVEfmt", "audio/wav", "audio/wav"),
        (b"anything", "audio/mpeg", "audio/mpeg"),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, declared: str, kind: str | None) -> None:
    assert kind_of(content, declared) == kind


def test_in_a_sandbox_twilios_host_is_named_beside_the_address(read: Callable[..., ReadFile]) -> None:
    wire = Wire(answer(PNG))
    assert read(wire, api_url="http://127.0.0.1:4010").file is not None
    assert wire.requests[0].url.host == "127.0.0.1"
    assert wire.requests[0].headers["x-twilio-host"] == "api.twilio.com"
