"""Carries out what a call's flow says, one action at a time."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.account.recording_orders import RecordingOrder
from sandbox.network import flow as flows
from sandbox.network.attending import attend
from sandbox.network.bridge import Bridge
from sandbox.network.call_requests import CallRequests
from sandbox.network.caller import BETWEEN_DIGITS_MS, WAIT_DIGIT_MS
from sandbox.network.collecting import collect
from sandbox.network.dialling import DialResult, dial_numbers
from sandbox.network.events import Kind
from sandbox.network.flow import Action, CallFlow, Extra, Failure
from sandbox.network.live_line import LiveLine
from sandbox.network.message_taking import Message
from sandbox.network.recorder import Recorder
from sandbox.network.relaying import RelayCall
from sandbox.network.twiml import TwimlError
from sandbox.network.verbs import StartRecording
from sandbox.network.webhooks import DeliveryError, Reply, is_audio, read_document


class Performer:
    """Performs the actions of one call; `perform` may be cancelled when something else takes over.

    `answer` picks up the call, `bridge` is where it meets the call that dialled it, if one did.
    """

    def __init__(
        self,
        flow: CallFlow,
        line: LiveLine,
        requests: CallRequests,
        recorder: Recorder,
        answer: Callable[[], None],
        bridge: Bridge | None,
    ) -> None:
        self._flow = flow
        self._line = line
        self._requests = requests
        self._recorder = recorder
        self._answer = answer
        self._bridge = bridge
        self._in_hand: Callable[[], Extra] | None = None

    def left_behind(self) -> tuple[flows.Fetch, Extra] | None:
        """Return the request that the verb in hand owes the app when the call has ended, and what it says.

        Twilio: the actions of Connect, Dial and Record are asked after a hang-up as well.
        """
        if self._in_hand is None or self._flow.follow_up is None:
            return None
        return self._flow.follow_up, self._in_hand()

    def redirected(self) -> None:
        """Forget the verb in hand: another document controls the call now."""
        self._in_hand = None

    async def perform(self, action: Action) -> Action:
        """Carry out an action and return the next one."""
        match action:
            case flows.Fetch():
                return await self._fetch(action)
            case flows.Read(markup):
                return self._read(Reply("", "text/xml", markup.encode()))
            case flows.End():
                return action
            case flows.Collect(gather, base):
                return self._flow.done(await collect(gather, base, self._line, self._requests))
            case flows.OpenStream(stream):
                self._in_hand = lambda: ()
                await self._line.hold_stream(stream)
                self._in_hand = None
            case flows.OpenRelay(relay):
                session = RelayCall(relay, self._line, self._requests)
                self._in_hand = session.form
                await session.run()
                self._in_hand = None
                return self._flow.done(session.form())
            case flows.Connect():
                return self._flow.done(await self._connect(action))
            case flows.TakeMessage(record, base):
                message = Message(record, base, self._requests.phone, self._recorder)
                self._in_hand = message.form
                told = await message.take(self._line)
                self._in_hand = None
                return self._flow.done(told)
            case _:
                await self._brief(action)
        return self._flow.done()

    async def _brief(self, action: Action) -> None:
        match action:
            case flows.Speak(text, times):
                await self._line.play(self._requests.speech(text), times, words=text)
            case flows.PlayMedia(url, times):
                await self._line.play(await self._requests.media(url), times)
            case flows.Silence(ms):
                await self._line.wait(ms)
            case flows.SendDigits(digits):
                await self._send(digits)
            case flows.Record(recording):
                self._recorder.start(_order(recording))
            case flows.Meet() if self._bridge is not None:
                await self._bridge.come(self._requests.phone, self._line)

    async def _connect(self, action: flows.Connect) -> Extra:
        """Carry out a Dial, and return how it went. Twilio: after a conference that is `answered`."""
        dial, result = action.dial, DialResult()
        self._in_hand = result.form
        if dial.conference is not None:
            result.status = "answered"
            self._answer()
            await attend(dial.conference, action.base, self._line, self._requests)
        else:
            await dial_numbers(dial, action.base, self._line, self._requests, result, self._answer)
        self._in_hand = None
        return result.form()

    async def _send(self, digits: str) -> None:
        """Let the phone hear keys, in the time that they take."""
        self._requests.phone.note(Kind.HEARS_KEYS, digits)
        for digit in digits:
            await self._line.wait(WAIT_DIGIT_MS if digit == "w" else BETWEEN_DIGITS_MS)

    async def _fetch(self, action: flows.Fetch) -> Action:
        try:
            reply = await self._requests.ask(action.method, action.url, action.extra)
        except DeliveryError as error:
            return self._fail(error.failure)
        return self._read(reply)

    def _read(self, reply: Reply) -> Action:
        if is_audio(reply):
            return self._flow.audio(reply.url)
        try:
            document = read_document(reply)
        except TwimlError as error:
            return self._fail(Failure(error.code, reply.url, error.text))
        for oddity in document.warnings:
            self._requests.alert(oddity.code, reply.url, oddity.text)
        return self._flow.document(document, reply.url)

    def _fail(self, failure: Failure) -> Action:
        self._requests.alert(failure.code, failure.url, failure.text)
        return self._flow.failed(failure)


def _order(recording: StartRecording) -> RecordingOrder:
    """Return what `<Start><Recording>` orders. Twilio: always two channels."""
    callback = recording.callback
    return RecordingOrder(
        channels=2,
        track=recording.track,
        source="StartCallRecordingTwiML",
        callback=callback.url if callback is not None else None,
        callback_method=callback.method if callback is not None else "POST",
        callback_events=callback.events if callback is not None else (),
    )
