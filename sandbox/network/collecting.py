"""Carrying out a `<Gather>` on a live line: prompts while it listens, and callbacks of what it makes out."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

from sandbox.network.call_requests import CallRequests
from sandbox.network.events import Kind
from sandbox.network.flow import Extra
from sandbox.network.gathering import Collector
from sandbox.network.line import LineTick
from sandbox.network.live_line import LiveLine
from sandbox.network.phone_call import PhoneCall
from sandbox.network.racing import first_of
from sandbox.network.recognising import PARTIALS_EVERY_MS
from sandbox.network.verbs import Callback, Gather, Play, Say


async def collect(gather: Gather, base: str, line: LiveLine, requests: CallRequests) -> Extra | None:
    """Play the prompts, wait for input, and return what the action is told; None when there was none."""
    phone = requests.phone
    listening = _Listening(gather, base, phone, requests)
    with line.attached(listening):
        await first_of(_prompts(gather, base, line, requests), listening.begun.wait())
        listening.collector.prompts_ended()
        await listening.complete.wait()
    collected = listening.collector.result
    assert collected is not None, "complete means that there is a result"
    if not (collected.digits or collected.speech):
        return collected.form() if gather.action_on_empty_result else None
    phone.note(Kind.COLLECTED, collected.digits or collected.speech)
    return collected.form()


async def _prompts(gather: Gather, base: str, line: LiveLine, requests: CallRequests) -> None:
    for prompt in gather.prompts:
        sound = await requests.sound(prompt, urljoin(base, prompt.url) if isinstance(prompt, Play) else "")
        words = prompt.text if isinstance(prompt, Say) else ""
        await line.play(sound, prompt.loop if isinstance(prompt, Say | Play) else 1, words=words)


class _Listening:
    """Attaches a collector to a line."""

    def __init__(self, gather: Gather, base: str, phone: PhoneCall, requests: CallRequests) -> None:
        self.collector = Collector(gather)
        self.begun = asyncio.Event()
        self.complete = asyncio.Event()
        self._base = base
        self._partial = gather.partial_callback
        self._phone = phone
        self._requests = requests
        self._told = ""
        self._stable = ""
        self._told_ms = 0.0
        self._partials = 0

    def ticked(self, tick: LineTick, end_ms: float) -> None:
        self.collector.hear(tick)
        if self.collector.begun:
            self.begun.set()
        words = self.collector.words
        stayed = self._stable != words and end_ms - self._told_ms >= PARTIALS_EVERY_MS
        if self._partial is not None and (words != self._told or stayed):
            self._told_ms = end_ms
            self._tell(self._partial, words)
        if self.collector.result is not None:
            self.complete.set()

    def settle(self, _end_ms: float) -> None:
        self._phone.line.settle(self._phone.line_ms())

    def _tell(self, partial: Callback, words: str) -> None:
        """Post what is made out so far, and what of it has stayed. Twilio: the answer is ignored."""
        self._stable = self._told
        form = (
            ("UnstableSpeechResult", words),
            ("StableSpeechResult", self._stable),
            ("Stability", "0.8"),
            ("SequenceNumber", str(self._partials)),
        )
        self._told = words
        self._partials += 1
        callback = Callback(urljoin(self._base, partial.url), partial.method)
        self._requests.post(callback, form)
