"""Carrying out a `<Record>`: a beep, and the caller's message until a key, quiet, or its greatest length."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

from sandbox.account.recording_orders import RecordingOrder
from sandbox.network.caller import TICK_MS, Ear
from sandbox.network.flow import Extra
from sandbox.network.line import LineTick
from sandbox.network.live_line import LiveLine
from sandbox.network.phone_call import PhoneCall
from sandbox.network.phones import beep
from sandbox.network.recorder import Recorder
from sandbox.network.verbs import Record


async def take_message(
    record: Record, base: str, line: LiveLine, phone: PhoneCall, recorder: Recorder
) -> Extra | None:
    """Record a message and return what the action is told; None when nothing was said.

    Twilio: the action is told the address and length of the recording, and the key that ended it.
    """
    if record.play_beep:
        await line.play(beep())
    callback = record.callback
    made = recorder.start(
        RecordingOrder(
            track="inbound",
            source="RecordVerb",
            callback=urljoin(base, callback.url) if callback is not None else None,
            callback_method=callback.method if callback is not None else "POST",
            callback_events=callback.events if callback is not None else (),
        )
    )
    message = _Message(record, phone)
    with line.attached(message):
        await message.complete.wait()
    recorder.change(made.sid, "stopped")
    if not message.spoken:
        return None
    return (
        ("RecordingSid", made.sid),
        ("RecordingUrl", made.url),
        ("RecordingDuration", str(made.duration_seconds)),
        ("Digits", message.key),
    )


class _Message:
    """Listens to the caller until the message is over."""

    def __init__(self, record: Record, phone: PhoneCall) -> None:
        self.complete = asyncio.Event()
        self.spoken = False
        self.key = ""
        self._record = record
        self._phone = phone
        self._ear = Ear()
        self._length_ms = 0

    def ticked(self, tick: LineTick, _end_ms: float) -> None:
        self._ear.hear(tick.frame)
        self._length_ms += TICK_MS
        self.spoken = self.spoken or self._ear.speaking
        if tick.caller.digit is not None and tick.caller.digit in self._record.finish_on_key:
            self.key = tick.caller.digit
            self.complete.set()
        quiet = self._ear.quiet_ms >= self._record.timeout_s * 1000
        if quiet or self._length_ms >= self._record.max_length_s * 1000:
            self.complete.set()

    def settle(self) -> None:
        self._phone.line.settle(self._phone.line_ms())
