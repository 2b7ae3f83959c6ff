"""The model server: Realtime and GPT-Live sessions over WebSockets, and texts over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections.abc import Sequence

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sandbox.model.clock import Clock
from sandbox.model.connection import Connection
from sandbox.model.faults import Fault, FaultyLine, quirks_of, refused_status
from sandbox.model.ids import id_maker
from sandbox.model.live.session import LiveSession
from sandbox.model.script import Script
from sandbox.model.session import Session
from sandbox.model.text.desk import TextDesk, TextExchange
from sandbox.model.text.faults import TextFault
from sandbox.model.text.stream import Delivery
from sandbox.model.text.transcriptions import Note

# What is listed. A connection may name any model.
MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-5.6-luna")

_CLOSE_TIMEOUT_S = 5
_MESSAGES = {
    400: ("missing_model", "You must provide a model parameter."),
    401: ("invalid_api_key", "Incorrect API key provided."),
    403: ("unsupported_country_region_territory", "Country, region, or territory not supported."),
    429: ("rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", "The server had an error while processing your request."),
    503: ("server_error", "The server is overloaded."),
}


class RealtimeServer:
    """Answers Realtime clients from a script.

    Mount `routes()` in a Starlette application. `sessions` holds a `Connection` for each client that was
    accepted, oldest first, `live_sessions` those of GPT-Live, and `texts` each request for a text; `script`
    and `faults` may be changed and hold for the next connection, `text_faults` for the next requests. The
    same seed makes the same ids, chunk sizes and delays. With a `key` set, any other is refused.
    `speed` lets its clock run faster than the real one, for tests.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        seed: int = 0,
        faults: Sequence[Fault] = (),
        key: str | None = None,
        speed: float = 1.0,
    ) -> None:
        self.script = script or Script()
        self.faults: list[Fault] = list(faults)
        self.sessions: list[Connection] = []
        self.live_sessions: list[Connection] = []
        self.attempts = 0
        self._seed = seed
        self._key = key
        self._clock = Clock(speed)
        self._desk = TextDesk(seed, self._clock, _refusal)

    @property
    def texts(self) -> list[TextExchange]:
        """The requests for texts, oldest first."""
        return self._desk.exchanges

    @property
    def notes(self) -> list[Note]:
        """The recordings that were to be written down, oldest first."""
        return self._desk.notes

    @property
    def text_faults(self) -> list[TextFault | None]:
        """What goes wrong with the next requests for texts: each takes the first one."""
        return self._desk.faults

    def routes(self) -> list[BaseRoute]:
        """Return the routes: the sessions, texts without a voice, and the list of models."""
        return [
            WebSocketRoute("/v1/realtime", self._answer),
            WebSocketRoute("/v1/live/sessions", self._answer_live),
            Route("/v1/models", self._list_models, methods=["GET"]),
            Route("/v1/responses", self._respond, methods=["POST"]),
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
        ]

    async def close(self) -> None:
        """Close every connection with 1001 and wait until they have ended."""
        every = (*self.sessions, *self.live_sessions)
        live = [connection for connection in every if not connection.ended.is_set()]
        for connection in live:
            await connection.close(1001, "server shutdown")
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await asyncio.gather(*(connection.ended.wait() for connection in live))

    async def _answer(self, socket: WebSocket) -> None:
        self.attempts += 1
        number = self.attempts
        model = socket.query_params.get("model", "")
        status = refused_status(self.faults, number) or self._status(socket, model)
        if status is not None:
            await socket.send_denial_response(_refusal(status))
            return
        await self._hold(socket, number, self._session(number, model), self.sessions)

    async def _answer_live(self, socket: WebSocket) -> None:
        self.attempts += 1
        number = self.attempts
        status = refused_status(self.faults, number) or (None if self._knows(socket) else 401)
        if status is not None:
            await socket.send_denial_response(_refusal(status))
            return
        await self._hold(socket, number, self._live_session(number), self.live_sessions)

    async def _hold(
        self, socket: WebSocket, number: int, session: Session | LiveSession, kept: list[Connection]
    ) -> None:
        """Carry a connection that is let in to its end, and keep it for those who look."""
        await socket.accept()
        line = FaultyLine(self.faults, number, id_maker(self._random(f"line/{number}")), self._clock.now())
        connection = Connection(socket, session, line, self._clock)
        kept.append(connection)
        await connection.run()

    async def _list_models(self, request: Request) -> Response:
        """Answer the list of models to the key that sessions take."""
        if not self._knows(request):
            return _refusal(401)
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "sandbox"} for name in MODELS]
        return JSONResponse({"object": "list", "data": models})

    async def _respond(self, request: Request) -> Response | Delivery:
        """Answer a request for a text to the key that sessions take."""
        return await self._desk.respond(request, self.script) if self._knows(request) else _refusal(401)

    async def _complete(self, request: Request) -> Response | Delivery:
        """Answer the same in the older form."""
        return await self._desk.complete(request, self.script) if self._knows(request) else _refusal(401)

    async def _transcribe(self, request: Request) -> Response:
        """Write a recording down."""
        return await self._desk.transcribe(request) if self._knows(request) else _refusal(401)

    def _session(self, number: int, model: str) -> Session:
        return Session(
            model=model,
            script=self.script,
            rng=self._random(str(number)),
            now=self._clock.now(),
            epoch_s=time.time(),
            quirks=quirks_of(self.faults, number),
        )

    def _live_session(self, number: int) -> LiveSession:
        return LiveSession(
            script=self.script,
            rng=self._random(str(number)),
            now=self._clock.now(),
            epoch_s=time.time(),
            lasts_ms=quirks_of(self.faults, number).lasts_ms,
        )

    def _random(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")  # noqa: S311 - repeatable, and no secret

    def _status(self, socket: WebSocket, model: str) -> int | None:
        if not self._knows(socket):
            return 401
        return None if model else 400

    def _knows(self, connection: HTTPConnection) -> bool:
        """Tell whether the bearer's key is one that is let in."""
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return False
        return self._key is None or hmac.compare_digest(key.encode(), self._key.encode())


def _refusal(status: int) -> JSONResponse:
    code, message = _MESSAGES.get(status, ("server_error", "The server had an error."))
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status)
