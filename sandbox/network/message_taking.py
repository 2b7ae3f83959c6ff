"""Carrying out a `<Record>`: a beep, and the caller's message until a key, quiet, or its greatest length."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

from sandbox.account.recording_orders import RecordingOrder
from sandbox.account.recordings import Recording
from sandbox.network.caller import TICK_MS, Ear
from sandbox.network.flow import Extra
from sandbox.network.line import LineTick
from sandbox.network.live_line import LiveLine
from sandbox.network.phone_call import PhoneCall
from sandbox.network.phones import beep
from sandbox.network.recorder import Recorder
from sandbox.network.verbs import Record

HANGUP = "hangup"


class Message:
    """A message that is being taken: attached to the line until it is complete."""

    def __init__(self, record: Record, base: str, phone: PhoneCall, recorder: Recorder) -> None:
        self._record = record
        self._base = base
        self._phone = phone
        self._recorder = recorder
        self._recording: Recording | None = None
        self._complete = asyncio.Event()
        self._spoken = False
        self._key = HANGUP
        self._ear = Ear()
        self._length_ms = 0

    async def take(self, line: LiveLine) -> Extra | None:
        """Take the message and return what the action is told; None when nothing was said."""
        if self._record.play_beep:
            await line.play(beep())
        self._recording = self._recorder.start(self._order())
        with line.attached(self):
            await self._complete.wait()
        self._recorder.change(self._recording.sid, "stopped")
        return self.form() if self._spoken else None

    def form(self) -> Extra:
        """Return what the action is told. Twilio: the recording, and the key that ended it, or `hangup`."""
        ended = ("Digits", self._key)
        recording = self._recording
        if recording is None:
            return (ended,)
        return (
            ("RecordingSid", recording.sid),
            ("RecordingUrl", recording.url),
            ("RecordingDuration", str(recording.duration_seconds)),
            ended,
        )

    def ticked(self, tick: LineTick, _end_ms: float) -> None:
        """Listen to the caller."""
        self._ear.hear(tick.frame)
        self._length_ms += TICK_MS
        self._spoken = self._spoken or self._ear.speaking
        key = tick.caller.digit
        quiet = self._ear.quiet_ms >= self._record.timeout_s * 1000
        if key is not None and key in self._record.finish_on_key:
            self._end(key)
        elif quiet or self._length_ms >= self._record.max_length_s * 1000:
            self._end("")

    def settle(self, _end_ms: float) -> None:
        """Let the line play up to now."""
        self._phone.line.settle(self._phone.line_ms())

    def _end(self, key: str) -> None:
        if not self._complete.is_set():
            self._key = key
            self._complete.set()

    def _order(self) -> RecordingOrder:
        callback = self._record.callback
        return RecordingOrder(
            track="inbound",
            source="RecordVerb",
            callback=urljoin(self._base, callback.url) if callback is not None else None,
            callback_method=callback.method if callback is not None else "POST",
            callback_events=callback.events if callback is not None else (),
        )
