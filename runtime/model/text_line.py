"""The way to a text model: one request for each ask, its answer read as it is written.

One client for all calls of a node. Nothing is repeated here: whether to ask again is the call's decision, who
knows what of the answer has been spoken.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from runtime.call.text.text_events import AskFailed
from runtime.figures.logs import get_logger

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from runtime.call import events as ev
    from runtime.call.text.text_events import AskModel, TextModelEvent
    from runtime.engines.text import TextEngine
    from runtime.settings import Settings

_log = get_logger(__name__)

LONGEST_SILENCE: Final = 10.0  # s between two pieces of an answer
LONGEST_LINE: Final = 1024 * 1024  # bytes of one event
LONGEST_STREAM: Final = 8 * 1024 * 1024  # bytes of one answer, with all that protocols repeat in it
_DATA: Final = b"data:"
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


class TooMuchError(Exception):
    """The server sends more than an answer can be."""


class AskText(Protocol):
    """How a call asks its model."""

    def __call__(
        self, engine: TextEngine, ask: AskModel
    ) -> AsyncGenerator[TextModelEvent | ev.ToolRequested | ev.ToolReported, None]:
        """Yield what comes of an ask. The last event is `TextEnded` or `AskFailed`; nothing is raised."""


class TextLine:
    """Asks OpenAI, or whatever speaks its protocols at `OPENAI_BASE_URL`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AsyncOpenAI | None = None

    def open(self) -> AsyncOpenAI:
        """Make the client, if there is none yet: importing it takes a second, in which nobody is heard."""
        from openai import AsyncOpenAI, Timeout

        if self._client is None:
            self._client = AsyncOpenAI(
                api_key=self._settings.openai_api_key,
                base_url=self._settings.openai_base_url,
                max_retries=0,
                timeout=Timeout(LONGEST_SILENCE, connect=5.0),
            )
            # Imported with their first use.
            _ = self._client.responses, self._client.chat.completions
        return self._client

    async def __call__(
        self, engine: TextEngine, ask: AskModel
    ) -> AsyncGenerator[TextModelEvent | ev.ToolRequested | ev.ToolReported, None]:
        """Yield what comes of an ask."""
        from httpx2 import HTTPError
        from openai import APIStatusError, OpenAIError

        reader = engine.reader(ask.ask_id)
        try:
            async for data in self._events(engine, ask):
                for event in reader.read(data):
                    yield event
                if reader.ended:
                    return
            failure = AskFailed(ask.ask_id, "the model's server broke the answer off")
        except TooMuchError:
            failure = AskFailed(ask.ask_id, "the model's server sent more than an answer can be")
        except APIStatusError as error:
            passing = error.status_code in _PASSING or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            detail = f"the model's server answered {error.status_code}"
            failure = AskFailed(ask.ask_id, detail, may_pass=passing and error.code != "insufficient_quota")
        except (OpenAIError, HTTPError, OSError) as error:
            detail = f"the model's server cannot be reached ({type(error).__name__})"
            failure = AskFailed(ask.ask_id, detail)
        finally:
            if reader.unreadable:
                _log.warning("model_events_unreadable", events=reader.unreadable)
        yield reader.close(failure)

    async def _events(self, engine: TextEngine, ask: AskModel) -> AsyncIterator[str]:
        """Yield the data of each server-sent event of the answer."""
        client = self.open()
        # As `extra_body` it is sent as it is; of arguments the client looks at every value, each time.
        body = engine.body(ask)
        if engine.api == "chat":
            async with client.chat.completions.with_streaming_response.create(
                model="", messages=(), extra_body=body
            ) as chat:
                async for data in data_of(chat.iter_bytes()):
                    yield data
        else:
            async with client.responses.with_streaming_response.create(extra_body=body) as response:
                async for data in data_of(response.iter_bytes()):
                    yield data

    async def close(self) -> None:
        """Let go of the client."""
        if self._client is not None:
            await self._client.close()


async def data_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the data of server-sent events; each of these servers' events has one line of data.

    Raises `TooMuchError` when a line, or all of them, are longer than they can be.
    """
    begun, size = bytearray(), 0
    async for piece in pieces:
        size += len(piece)
        begun += piece
        if b"\n" in piece:
            *lines, begun = begun.split(b"\n")
            for line in lines:
                if data := _data(line):
                    yield data
        if size > LONGEST_STREAM or len(begun) > LONGEST_LINE:
            raise TooMuchError
    if data := _data(begun):
        yield data


def _data(line: bytearray) -> str:
    """Return the data of a line, nothing for one of another field."""
    return line[len(_DATA) :].strip().decode(errors="replace") if line.startswith(_DATA) else ""
