"""One client's WebSocket: moves frames between the socket and the session, and keeps the time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sandbox.model import server_events as tell
from sandbox.model.clock import Clock
from sandbox.model.config import JsonObject
from sandbox.model.faults import Action, FaultyLine, HangUp, Send
from sandbox.model.live.events import LiveEvent
from sandbox.model.live.session import LiveSession
from sandbox.model.session import Session

# Frames that are remembered per connection; the oldest go.
_MAX_FRAMES = 20_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: from the client (`in`) or to it (`out`), `at_ms` after the connection opened."""

    direction: Literal["in", "out"]
    at_ms: float
    text: str


class Connection:
    """A session on a socket. `frames` is everything that was said, `session` what became of it."""

    def __init__(
        self, socket: WebSocket, session: Session | LiveSession, line: FaultyLine, clock: Clock
    ) -> None:
        self.session = session
        self.frames: deque[Frame] = deque(maxlen=_MAX_FRAMES)
        self.close_code: int | None = None
        self.ended = asyncio.Event()
        self._socket = socket
        self._line = line
        self._clock = clock
        self._opened_at = clock.now()
        self._in_order = asyncio.Lock()
        self._rescheduled = asyncio.Event()
        self._cut = asyncio.Event()

    async def run(self) -> None:
        """Serve until either side ends it; the socket is accepted already.

        Returning without a close frame makes the server cut the connection, which is what `drop` does.
        """
        duties = {
            asyncio.create_task(self._read()),
            asyncio.create_task(self._keep_time()),
            asyncio.create_task(self._cut.wait()),
        }
        try:
            done, _ = await asyncio.wait(duties, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)
            self.ended.set()
        for duty in done:
            try:
                await duty
            except WebSocketDisconnect as end:
                self.close_code = self.close_code or end.code

    def received(self, event_type: str) -> list[JsonObject]:
        """Return the client's events of this type."""
        return self._parsed("in", event_type)

    def sent(self, event_type: str) -> list[JsonObject]:
        """Return the server's events of this type."""
        return self._parsed("out", event_type)

    def drop(self) -> None:
        """Cut the connection without a close frame."""
        self._cut.set()

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """Close with a code; nothing happens when it is closed already."""
        if self._socket.application_state is WebSocketState.CONNECTED and not self._cut.is_set():
            self.close_code = code
            with contextlib.suppress(WebSocketDisconnect):  # the client was faster
                await self._socket.close(code, reason)
        self._cut.set()

    async def inject(self, frame: str) -> None:
        """Send any text to the client, valid or not."""
        async with self._in_order:
            await self._carry_out([Send(frame)])

    async def _read(self) -> None:
        async with self._in_order:
            await self._tell(self.session.begin())
        while True:
            frame = await self._receive()
            self._remember("in", frame)
            async with self._in_order:
                await self._tell(self.session.handle(frame, self._clock.now()))

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"]).decode(errors="replace")

    async def _keep_time(self) -> None:
        while True:
            due = self._wake_at()
            try:
                async with asyncio.timeout(
                    None if due is None else self._clock.seconds(due - self._clock.now())
                ):
                    await self._rescheduled.wait()
                self._rescheduled.clear()
            except TimeoutError:
                async with self._in_order:
                    await self._carry_out(self._line.wake(self._clock.now()))
                    await self._tell(self.session.wake(self._clock.now()))

    def _wake_at(self) -> float | None:
        times = (self.session.wake_at(), self._line.wake_at)
        return min((time for time in times if time is not None), default=None)

    async def _tell(self, events: Iterable[tell.ServerEvent | LiveEvent]) -> None:
        for event in events:
            await self._carry_out(self._line.passing(event))
            self._rescheduled.set()
        if self.session.closing is not None:
            await self.close(self.session.closing.code, self.session.closing.reason)

    async def _carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if self._cut.is_set():
                return
            match action:
                case Send(frame=frame, after_ms=after_ms):
                    if after_ms:
                        await asyncio.sleep(self._clock.seconds(after_ms))
                    self._remember("out", frame)
                    await self._socket.send_text(frame)
                case HangUp(code=None):
                    self.drop()
                case HangUp(code=int(code), reason=reason):
                    await self.close(code, reason)

    def _remember(self, direction: Literal["in", "out"], text: str) -> None:
        self.frames.append(Frame(direction, self._clock.now() - self._opened_at, text))

    def _parsed(self, direction: Literal["in", "out"], event_type: str) -> list[JsonObject]:
        found = (_object(frame.text) for frame in self.frames if frame.direction == direction)
        return [event for event in found if event.get("type") == event_type]


def _object(text: str) -> JsonObject:
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
