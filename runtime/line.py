"""What a node asks of Twilio while its calls go on, in the background: their limit, recording, hang-up.

Nothing of it may hold up or end a call: what fails is logged, and noted where the record should say so. The
work of a call is a task of its own, the node's end ends them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from runtime import twiml
from runtime.figures.logs import get_logger
from runtime.say_voice import ANY_VOICE, SayVoice
from runtime.twilio_api import AccountApi, TwilioApiError

_log = get_logger(__name__)

# Twilio's own limit is a little later than ours: the net for a node that is gone.
LIMIT_MARGIN_SECONDS: Final = 30
# Twilio asks what follows a stream right after its end. If nobody has asked by then, it is told.
AFTER_SECONDS: Final = 5.0
# How long the node's end waits for what is under way.
CLOSING_SECONDS: Final = 3.0
MOST_TASKS: Final = 5_000


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """A recording that Twilio is to make; `callback` is told of its end."""

    channels: Literal["dual", "mono"]
    callback: str


@dataclass(frozen=True, slots=True)
class CallLine:
    """How a call is reached at Twilio: its SID, and the account and region that process it.

    `voice` speaks what there is to be said behind the agent's back.
    """

    call_sid: str
    api: Callable[[], AccountApi]
    voice: SayVoice = ANY_VOICE


class LineWork:
    """The background requests of one node. `still_ours` tells whether a call (by its id) is this node's."""

    def __init__(self, still_ours: Callable[[str], Awaitable[bool]]) -> None:
        self._still_ours = still_ours
        self._tasks: set[asyncio.Task[None]] = set()
        self._awaited: dict[str, asyncio.Event] = {}
        self._closing = False

    def limit(self, line: CallLine, max_call_seconds: int) -> None:
        """Let Twilio end the call a little after its own limit."""
        self._start(line, "limit", _limit(line, max_call_seconds + LIMIT_MARGIN_SECONDS))

    def record(self, line: CallLine, order: RecordingOrder, failed: Callable[[str], None]) -> None:
        """Record the call; `failed` is told why it cannot be."""
        self._start(line, "record", _record(line, order, failed))

    def hang_up(self, line: CallLine, call_id: str, goodbye: str | None, *, stream_was_open: bool) -> None:
        """See to it that a call which ended on our side ends in Twilio's eyes as well.

        Closing the stream is not hanging up: it leads to a question that is answered with the goodbye. Where
        that does not come, and where there was no stream to be closed, Twilio is told; unless another node
        has gone on with the call meanwhile.
        """
        woken = self._awaited[line.call_sid] = asyncio.Event()
        if not stream_was_open or self._closing:
            woken.set()
        self._start(line, "hang_up", self._tell_unless_asked(line, call_id, goodbye, woken))

    def fetch(self, line: CallLine, url: str) -> None:
        """Let Twilio ask at `url` what the caller hears next, whatever they hear now."""
        self._start(line, "fetch", _fetch(line, url))

    def asked(self, call_sid: str) -> None:
        """Note that Twilio asked what follows, or that the call is over for Twilio."""
        woken = self._awaited.pop(call_sid, None)
        if woken is not None:
            woken.set()

    async def close(self) -> None:
        """Tell Twilio at once what was still being waited for, and wait for that, 3 s at most."""
        self._closing = True
        for woken in self._awaited.values():
            woken.set()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()
            if late:
                _log.warning("line_work_given_up", tasks=len(late))
                await asyncio.wait(late)

    def _start(self, line: CallLine, what: str, work: Coroutine[None, None, None]) -> None:
        if len(self._tasks) >= MOST_TASKS:
            work.close()
            _log.error("line_work_left_out", work=what, call=line.call_sid)
            return
        task = asyncio.create_task(work, name=f"{what} {line.call_sid}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_unless_asked(
        self, line: CallLine, call_id: str, goodbye: str | None, woken: asyncio.Event
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AFTER_SECONDS):
                await woken.wait()
        if self._awaited.pop(line.call_sid, None) is not None and await self._still_ours(call_id):
            await _tell(line, goodbye)


async def _tell(line: CallLine, goodbye: str | None) -> None:
    """Hang up, after the words that the caller is owed."""
    try:
        if goodbye is None:
            await line.api().complete_call(line.call_sid)
        else:
            document = twiml.say_and_hang_up(goodbye, line.voice)
            await line.api().redirect_call(line.call_sid, twiml=document)
    except TwilioApiError as error:
        if not error.call_is_over:
            _log.warning("hang_up_failed", call=line.call_sid, detail=str(error))
        return
    _log.info("hung_up", call=line.call_sid)


async def _fetch(line: CallLine, url: str) -> None:
    try:
        await line.api().redirect_call(line.call_sid, url=url)
    except TwilioApiError as error:
        if not error.call_is_over:
            _log.warning("caller_not_fetched", call=line.call_sid, detail=str(error))


async def _limit(line: CallLine, seconds: int) -> None:
    try:
        await line.api().limit_call(line.call_sid, seconds)
    except TwilioApiError as error:
        if not error.call_is_over:
            _log.warning("time_limit_not_set", call=line.call_sid, detail=str(error))


async def _record(line: CallLine, order: RecordingOrder, failed: Callable[[str], None]) -> None:
    try:
        sid = await line.api().start_recording(
            line.call_sid, channels=order.channels, callback=order.callback
        )
    except TwilioApiError as error:
        _log.warning("recording_failed", call=line.call_sid, detail=str(error))
        failed(str(error))
        return
    _log.info("recording_started", call=line.call_sid, recording=sid)
