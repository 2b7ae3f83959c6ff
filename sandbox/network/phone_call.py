"""A call as the person at the phone has it: its status, what happened, what was said and heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.account.call_requests import Instructions
from sandbox.account.calls import Call, CallStatus
from sandbox.network.caller import Step
from sandbox.network.clock import Clock
from sandbox.network.events import CallEvent, Kind
from sandbox.network.line import Line


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is to end now: who did it."""

    by: Literal["caller", "api", "time_limit", "other_side"]


@dataclass(frozen=True, slots=True)
class Redirected:
    """Another document is to control the call."""

    instructions: Instructions


class PhoneCall:
    """One call. `events` grow while it lasts; `ended` waits for its end.

    Times in events count from dialling; `answered_at_ms` is where the recording begins.
    """

    def __init__(self, call: Call, steps: Sequence[Step], clock: Clock) -> None:
        self.call = call
        self.clock = clock
        self.line = Line(steps)
        self.events: list[CallEvent] = []
        self.answered_at_ms: int | None = None
        self.time_limit_seconds: int | None = None
        self.interruption: HungUp | Redirected | None = None
        self.interrupted = asyncio.Event()
        self._began_ms = clock.now_ms()
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def sid(self) -> str:
        """The call's SID (CA…)."""
        return self.call.sid

    @property
    def status(self) -> CallStatus:
        """The status as REST shows it."""
        return self.call.status

    @property
    def heard(self) -> bytes:
        """All of the agent's audio that was played, µ-law, without the silence between."""
        return self.line.heard.placed()

    @property
    def heard_words(self) -> tuple[str, ...]:
        """What the voices of Say and ConversationRelay said, as far as it was heard, one by one."""
        if self.answered_at_ms is None:
            return ()
        until = self.line_ms()
        return tuple(words for one in self.line.utterances if (words := one.heard(until).strip()))

    @property
    def spoken(self) -> bytes:
        """All that the caller said, µ-law, without the silence between."""
        return self.line.spoken.placed()

    @property
    def is_over(self) -> bool:
        """Whether the call has ended and its callbacks are sent."""
        return self._over.is_set()

    def recording_wav(self) -> bytes:
        """Return the call in stereo since its answer: µ-law WAV at 8 kHz, caller left, agent right."""
        return self.line.recording_wav()

    def hang_up(self) -> None:
        """Let the caller hang up now, whatever the steps say."""
        self.interrupt(HungUp("caller"))

    async def ended(self, timeout_seconds: float | None = None) -> CallStatus:
        """Wait for the end and return the final status.

        Raises TimeoutError, or what broke the sandbox itself.
        """
        async with asyncio.timeout(timeout_seconds):
            await self._over.wait()
        if self._error is not None:
            raise self._error
        return self.status

    async def follow(self) -> AsyncIterator[CallEvent]:
        """Yield all events, those of the past first, until the call has ended."""
        seen = 0
        while True:
            while seen < len(self.events):
                yield self.events[seen]
                seen += 1
            if self.is_over:
                return
            await self._news.wait()

    def happened(self, *kinds: Kind) -> tuple[CallEvent, ...]:
        """Return the events of some kinds."""
        return tuple(event for event in self.events if event.kind in kinds)

    # What follows is for the network, which carries the call.

    def now_ms(self) -> float:
        """Return the time since dialling."""
        return self.clock.now_ms() - self._began_ms

    def line_ms(self) -> float:
        """Return the time since the answer."""
        assert self.answered_at_ms is not None, "the line begins with the answer"
        return self.now_ms() - self.answered_at_ms

    def note(self, kind: Kind, detail: str = "") -> None:
        """Add an event."""
        self.events.append(CallEvent(int(self.now_ms()), kind, detail))
        self._wake()

    def interrupt(self, what: HungUp | Redirected) -> None:
        """Order an end or a redirection; an end stands against anything that comes later."""
        if not isinstance(self.interruption, HungUp):
            self.interruption = what
            self.interrupted.set()

    def finish(self, error: BaseException | None = None) -> None:
        """Let those who wait know that nothing more comes; `error` is a fault of the sandbox's own."""
        self._error = error
        self._over.set()
        self._wake()

    def _wake(self) -> None:
        """Wake all who follow, and let them wait for the next news on a new event."""
        self._news.set()
        self._news = asyncio.Event()
