"""Files that come with messages: fetched from Twilio with the account's credentials, and looked at.

Twilio: a file's address is under the account's own, asks for its credentials, and redirects to where the file
is kept, which is no business of the credentials.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from runtime.call.text.text_events import File
from runtime.call.usage import Usage
from runtime.figures.logs import get_logger
from runtime.messages.voice_notes import TranscriptionError
from runtime.tools.guarded_transport import TOOL_HOSTS, GuardedTransport
from runtime.twilio_api import Access, TwilioApiError, access_to, messaging_region
from schemas.private_hosts import ToolHosts

if TYPE_CHECKING:
    from runtime.messages.voice_notes import Transcribe
    from runtime.messages.webhook import FileReference
    from schemas import Account

_log = get_logger(__name__)

LARGEST_FILE: Final = 16 * 1024 * 1024  # Twilio: of WhatsApp's media
FETCH_SECONDS: Final = 30.0
MOST_AT_ONCE: Final = 4  # fetched and looked at on one node, of 16 MB each at most
MOST_SHOWING: Final = 4  # turns of one node that have files which the model looks at
MOST_REDIRECTS: Final = 3
LONGEST_INLINE: Final = 20_000  # characters of a text that the model is given
_TWILIO: Final = "api.twilio.com"

_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
)
_SHOWN: Final = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"))
_ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/webm": "webm",
    "audio/flac": "flac",
}


class FileProblemError(Exception):
    """A file cannot be had or read; the message says why, for the model as well."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file says: words for the transcript, the file for a model that can look at it, and the cost."""

    words: str
    file: File | None = None
    usage: Usage | None = None


class FilePlace:
    """The room in memory for the files of one turn: taken with the first one, kept until the turn is over.

    Who comes too late, when the turn is over, gets none.
    """

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._taken = False
        self._left = False

    async def take(self) -> None:
        """Wait until there is room, unless the turn has it."""
        if not self._taken:
            await self._room.acquire()
            self._taken = True
        if self._left:
            self.leave()

    def leave(self) -> None:
        """Give the room back."""
        if self._taken:
            self._room.release()
        self._taken, self._left = False, True


class FileReader:
    """Reads the files of all contacts of a node. `api_url` takes the place of Twilio's hosts."""

    def __init__(
        self, transcribe: Transcribe, *, api_url: str | None, transport: httpx2.AsyncBaseTransport | None
    ) -> None:
        self._transcribe = transcribe
        self._api_url = api_url.rstrip("/") if api_url else None
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None
        self._lines = asyncio.Semaphore(MOST_AT_ONCE)
        self._room = asyncio.Semaphore(MOST_SHOWING)

    def place(self) -> FilePlace:
        """Return a place for the files of one turn."""
        return FilePlace(self._room)

    async def read(self, reference: FileReference, account: Account, *, number: int) -> ReadFile:
        """Read one file, `number` among those of its conversation's turn; a problem with it becomes words."""
        async with self._lines:
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    content = await self._fetch(reference.url, account)
            except FileProblemError as problem:
                return _unreadable(str(problem))
            except TimeoutError:
                return _unreadable(f"it did not come within {FETCH_SECONDS:g} s")
            except (
                httpx2.HTTPError,
                httpx2.InvalidURL,
                TwilioApiError,
                ValueError,
            ) as error:  # or no address
                _log.warning("file_not_fetched", detail=type(error).__name__)
                return _unreadable("it cannot be fetched")
            return await self._look_at(content, reference.content_type, number)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()

    # --- what is in it

    async def _look_at(self, content: bytes, declared: str, number: int) -> ReadFile:
        kind = kind_of(content, declared)
        if kind is None:
            return _unreadable(f"it is not what it is said to be ({declared or 'nothing'})")
        name = f"file-{number}.{_ENDINGS.get(kind, 'bin')}"
        if kind in _SHOWN:
            data = await asyncio.to_thread(_inline, kind, content)
            return ReadFile(
                f"[{'picture' if kind.startswith('image/') else 'document'}: {name}]", File(name, kind, data)
            )
        if kind.startswith("text/"):
            return ReadFile(f"[text: {content.decode('utf-8', 'replace')[:LONGEST_INLINE]}]")
        if kind in _ENDINGS:
            return await self._listen(name, content, kind)
        return _unreadable(f"files of the type {kind} are not read")

    async def _listen(self, name: str, sound: bytes, kind: str) -> ReadFile:
        try:
            note = await self._transcribe(name, sound, kind)
        except TranscriptionError as error:
            _log.warning("voice_note_not_heard", detail=str(error))
            return _unreadable("a voice note that cannot be listened to at the moment")
        return ReadFile(note.text or "[a voice note without words]", usage=note.usage)

    # --- fetching

    async def _fetch(self, url: str, account: Account) -> bytes:
        """Return a file. Raises `FileProblemError`, `TwilioApiError`, and what the client raises."""
        parts = urlsplit(url)
        under = f"/2010-04-01/Accounts/{account.account_sid}/"
        if (
            parts.scheme != "https"
            or parts.netloc != _TWILIO
            or not parts.path.startswith(under)
            or ".." in parts.path
        ):
            raise FileProblemError("it is not kept by Twilio for this account")
        access = access_to(account, messaging_region(account))
        request = self._first_request(parts.path, access)
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._open().send(request, stream=True)
            try:
                if response.status_code == httpx2.codes.OK:
                    return await _bounded(response)
                if response.next_request is None:
                    raise FileProblemError(f"Twilio answered {response.status_code}")
                request = self._redirected(str(response.next_request.url))
            finally:
                await response.aclose()
        raise FileProblemError("it is redirected in circles")

    def _first_request(self, path: str, access: Access) -> httpx2.Request:
        base = self._api_url or f"https://{_TWILIO}"
        host = urlsplit(base).hostname or ""
        request = self._open().build_request(
            "GET",
            f"{base}{path}",
            headers={"X-Twilio-Host": _TWILIO} if self._api_url else None,
            extensions={TOOL_HOSTS: ToolHosts((host,) if self._api_url else ())},
        )
        return next(httpx2.BasicAuth(access.username, access.password).auth_flow(request))

    def _redirected(self, url: str) -> httpx2.Request:
        """Return the request for where a file is kept: over TLS, to a public address, without credentials."""
        if urlsplit(url).scheme != "https":
            raise FileProblemError("it is redirected to an address without TLS")
        return self._open().build_request("GET", url, extensions={TOOL_HOSTS: ToolHosts(())})

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(
                transport=self._transport or GuardedTransport(),
                trust_env=False,
                follow_redirects=False,
                timeout=10,
            )
        return self._client


def may_be_shown(reference: FileReference) -> bool:
    """Tell whether a file may be one that the model looks at, by what it is said to be."""
    return reference.content_type.partition("/")[0] not in ("audio", "text", "video")


def _inline(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def kind_of(content: bytes, declared: str) -> str | None:
    """Return what a file is: by its first bytes where these tell, else as declared; None where they differ.

    Pictures and PDFs are always known by their bytes; sound and text are believed to be what they are said to
    be, unless they are something else.
    """
    found = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if content[:4] == b"RIFF":
        found = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12])
    if found is not None:
        return found if found.partition("/")[0] == declared.partition("/")[0] else None
    return None if declared in _SHOWN else declared


async def _bounded(response: httpx2.Response) -> bytes:
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_FILE:
        raise _too_large()
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_FILE:
            raise _too_large()
    return bytes(content)


def _too_large() -> FileProblemError:
    return FileProblemError(f"it is larger than {LARGEST_FILE // 1024 // 1024} MB")


def _unreadable(why: str) -> ReadFile:
    return ReadFile(f"[a file that cannot be read: {why}]")
