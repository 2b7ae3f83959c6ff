"""Carrying out a `<ConversationRelay>` on a live line: the WebSocket to the app, and how the session ends."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from sandbox.account.formats import new_sid
from sandbox.network import relay_wire as wire
from sandbox.network.call_requests import CallRequests
from sandbox.network.events import Kind
from sandbox.network.flow import Extra
from sandbox.network.line import LineTick
from sandbox.network.live_line import LiveLine
from sandbox.network.racing import first_of
from sandbox.network.relay_talk import Talk
from sandbox.network.sockets import StreamError, checked_address, open_socket
from sandbox.network.stream_faults import StreamFaults
from sandbox.network.verbs import Relay

MAX_WAITING = 500  # messages to an app that does not read
MOST_MALFORMED = 10
TOO_MANY_MALFORMED = "Too many consecutive malformed messages."
NORMAL_CLOSURE = "Closing websocket session"


class RelayCall:
    """One session. `run` returns when it has ended; `form` is what its action is told then."""

    def __init__(self, relay: Relay, line: LiveLine, requests: CallRequests) -> None:
        self._relay = relay
        self._live = line
        self._requests = requests
        self._phone = requests.phone
        self._sid = new_sid("VX")
        self._talk = Talk(relay, self._phone.line, requests.around.ms_per_character)
        self._outbox: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._faults: StreamFaults = line.faults_of_next_stream()
        self._began_ms = self._phone.now_ms()
        self._ended: tuple[str, Extra] = ("completed", ())
        self._leaving = asyncio.Event()
        self._thaw = asyncio.Event()
        self._socket: ClientConnection | None = None

    def form(self) -> Extra:
        """Return the outcome: ended by the app, completed by a hang-up, or failed."""
        status, extra = self._ended
        seconds = round((self._phone.now_ms() - self._began_ms) / 1000)
        session = (
            ("SessionId", self._sid),
            ("SessionStatus", status),
            ("SessionDuration", str(seconds)),
        )
        return (*session, *extra)

    async def run(self) -> None:
        """Connect, greet, and carry messages both ways until one side ends it."""
        socket = await self._connect()
        if socket is None:
            return
        self._socket = socket
        self._phone.note(Kind.STREAM_OPENED, self._relay.url.partition("?")[0])
        self._put(wire.setup(self._sid, self._phone.call, dict(self._relay.parameters)))
        self._talk.greet(self._phone.line_ms())
        sender = asyncio.create_task(self._send_all(socket), name="relay-sender")
        try:
            with self._live.attached(self):
                await first_of(self._read_all(socket), self._leaving.wait())
        except asyncio.CancelledError:
            self._phone.note(Kind.STREAM_CLOSED, "ended with the call")
            raise
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._hush()
            await socket.close(1000, NORMAL_CLOSURE)
        self._phone.note(Kind.STREAM_CLOSED, self._ended[0])

    def ticked(self, tick: LineTick, end_ms: float) -> None:
        """Tell the app what the caller did in 20 ms; this is also when a faulty connection breaks."""
        for message in self._talk.tick(tick, end_ms):
            self._put(message)
        if self._ended[0] == "failed":
            return
        at_ms = self._phone.now_ms() - self._began_ms
        if self._faults.drop_after_ms is not None and at_ms >= self._faults.drop_after_ms and self._socket:
            self._fail(64105, "WebSocket ended")
            self._socket.transport.abort()
        elif self._faults.close_after_ms is not None and at_ms >= self._faults.close_after_ms:
            self._fail(64105, "WebSocket ended")
            self._leaving.set()

    def settle(self, end_ms: float) -> None:
        """Let the voice go on up to the end of the tick."""
        self._phone.line.settle(end_ms)

    async def _connect(self) -> ClientConnection | None:
        around, url = self._requests.around, self._relay.url
        if self._relay.error:
            self._fail(64101, self._relay.error)
            return None
        try:
            address = checked_address(url, around.tunnels)
            return await open_socket(
                address, token=around.token, tunnels=around.tunnels, tls=around.tls, agent="TwilioRelay"
            )
        except StreamError as error:
            self._fail(64102, f"Unable to connect to the WebSocket URL: {error.text}")
            return None

    async def _read_all(self, socket: ClientConnection) -> None:
        malformed = 0
        try:
            async for frame in socket:
                await self._frozen()
                if self._faults.read_delay_ms:
                    await asyncio.sleep(self._faults.read_delay_ms / 1000)
                try:
                    message = wire.read_message(frame)
                except wire.RefusedMessageError as refused:
                    malformed += 1
                    self._refuse(frame, str(refused))
                    if malformed >= MOST_MALFORMED:
                        self._fail(64105, TOO_MANY_MALFORMED)
                        await socket.close(1007, TOO_MANY_MALFORMED)
                        return
                    continue
                malformed = 0
                if await self._obey(message):
                    return
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 1006
            self._fail(64105, f"WebSocket ended ({code})")
            return
        self._close_by_app(socket)

    def _close_by_app(self, socket: ClientConnection) -> None:
        """Judge an end without a message: a normal close ends the session, any other is a failure."""
        if self._ended[0] == "failed":
            return
        if socket.close_code == 1000:
            self._ended = ("ended", ())
        else:
            self._fail(64105, f"WebSocket ended ({socket.close_code})")

    async def _obey(self, message: wire.FromApp) -> bool:
        """Do what the app asks for, and tell whether that ends the session."""
        now = self._phone.line_ms
        match message:
            case wire.Text():
                self._talk.text(message, now())
            case wire.Play(source):
                self._talk.play(message, await self._requests.media(source), now())
            case wire.SendDigits(digits):
                self._phone.note(Kind.HEARS_KEYS, digits)
            case wire.SwitchLanguage(transcription=transcription):
                self._talk.language = transcription or self._talk.language
            case wire.End(handoff):
                self._ended = ("ended", () if handoff is None else (("HandoffData", handoff),))
                return True
        return False

    def _refuse(self, frame: str | bytes, why: str) -> None:
        self._requests.alert(64107, self._relay.url, f"Invalid message received: {why}")
        self._put(wire.error(frame))

    def _fail(self, code: int, text: str) -> None:
        self._requests.alert(code, self._relay.url, text)
        self._ended = ("failed", (("ErrorCode", str(code)), ("ErrorMessage", text)))

    def _put(self, message: str) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self._requests.alert(64105, self._relay.url, "the app does not read: messages are lost")

    async def _send_all(self, socket: ClientConnection) -> None:
        while True:
            message = await self._outbox.get()
            await self._frozen()
            await socket.send(message)

    async def _frozen(self) -> None:
        """Wait for ever once the connection is to freeze."""
        after = self._faults.freeze_after_ms
        if after is not None and self._phone.now_ms() - self._began_ms >= after:
            await self._thaw.wait()

    def _hush(self) -> None:
        """Silence the voice: with the session, what it had still to say is over."""
        line, now = self._phone.line, self._phone.line_ms()
        line.playout.clear(now)
        line.settle(now)
        for utterance in line.utterances:
            utterance.cut(now)
