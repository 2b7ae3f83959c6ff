"""The calls of this node: the live ones, and what is still asked about those that have ended."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from runtime.call.ending import Ending
from runtime.call.events import DrainExpired
from runtime.call.usage import Usage
from runtime.call_progress import Progress, joined
from runtime.call_record import CallRecord, JsonValue, Latency
from runtime.figures.logs import about_call, get_logger
from runtime.gather.session import GatherSession
from runtime.late_answers import add_when_there, closed
from runtime.line import CallLine, LineWork, RecordingOrder
from runtime.relay.session import RelaySession
from runtime.session import CallSession
from runtime.store import CallStore

_log = get_logger(__name__)

# Ended and refused calls whose answer is kept: Twilio repeats webhooks and asks what follows the stream.
MOST_REMEMBERED = 2_000
# A call's checkpoints are at least so far apart, in seconds, and only made where there is something new.
CHECKPOINT_SECONDS = 2.0
# Seconds from a webhook to the answer, hold media included, beyond which no call is believed in.
LONGEST_BEFORE_ANSWER = 600.0
LONGEST_CALL_SECONDS = 14_400.0
EXPIRY_MARGIN = 60.0  # s after its limit at which a call is surely over
# How long ended calls may take to let go of their sockets when the node stops.
LAST_SECONDS = 5.0
# Endings that come over a caller who is still on the line and deserves a word.
_CUT_SHORT = frozenset({"drained", "max_duration", "media_error", "model_error"})


@dataclass(slots=True)
class LiveCall:
    """One call: what was known at the webhook (`opening`), and the session that runs it.

    `token` opens its stream, once. `begun_at` is the monotonic moment of the webhook, `answered_at` that of
    the answer, if it came before the stream, and `expected_at` that by which the stream usually comes.
    `price` turns usage and seconds into the record's cost. `before` is what another run has recorded of this
    call.
    """

    opening: CallRecord
    session: CallSession | GatherSession | RelaySession
    answer: str
    fallback_message: str
    begun_at: float
    answered_at: float | None
    expected_at: float
    price: Callable[[Usage, float | None], Mapping[str, JsonValue]]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    claimed: bool = False
    reported_seconds: int | None = None
    before: CallRecord | None = None
    max_call_seconds: float = LONGEST_CALL_SECONDS
    line: CallLine | None = None
    attended: bool = False
    """Twilio was asked for what the call needs beside its stream."""
    order: RecordingOrder | None = None
    recordings: list[str] = field(default_factory=list)
    settled: bool = False
    """Twilio knows that the call is over, or has been told."""
    checkpointed: tuple[tuple[str, ...], Usage] = ((), Usage())
    checkpoint_at: float = 0.0

    @property
    def agent(self) -> str:
        """The name of the agent whose call it is."""
        return self.opening.agent

    def record(self) -> CallRecord:
        """Return the call's record as it stands, transcript so far included."""
        machine, session = self.session.machine, self.session
        facts, ending = machine.facts, machine.ending
        if ending is None and session.finished:  # an error of ours ended it
            ending = Ending("completed", end_reason="media_error")
        elif ending is None:  # whatever its end is going to be
            ending = Ending("active" if facts.streaming else "incoming")
        duration = self._duration()
        record = replace(
            self.opening,
            status=ending.status,
            reject_reason=ending.reject_reason,
            end_reason=ending.end_reason,
            ended_at=self._epoch_ms(session.finished_at),
            duration_seconds=duration,
            transcript=tuple(machine.transcript),
            tools=closed(facts.tools) if session.finished else tuple(facts.tools),
            caller_profile=facts.caller_profile,
            cost=self.price(facts.usage, duration),
            latency=Latency(facts.first_word_ms, tuple(facts.turns)),
            recordings=self._recordings(),
        )
        return record if self.before is None else joined(self.before, record)

    def _recordings(self) -> tuple[str, ...] | None:
        recording = self.session.recording
        local = () if recording is None else (recording.told,)
        return tuple(dict.fromkeys((*(self.opening.recordings or ()), *self.recordings, *local))) or None

    def not_recorded(self, why: str) -> None:
        """Note that Twilio does not record the call."""
        self.recordings.append(f"not recorded: {why}")

    def progress(self) -> Progress:
        """Return what another node needs to know to go on with the call."""
        answered_at = self._answered_at()
        begun = self.begun_at + LONGEST_BEFORE_ANSWER if answered_at is None else answered_at
        expires_at = self._epoch_ms(begun + self.max_call_seconds + EXPIRY_MARGIN)
        assert expires_at is not None
        return Progress(expires_at, self._epoch_ms(answered_at), self.session.machine.returns)

    @property
    def goodbye(self) -> str | None:
        """What Twilio is to say after the stream; the fallback message where the agent could not speak."""
        machine = self.session.machine
        words = self.session.goodbye or machine.facts.message
        if words is not None:
            return words
        ending = machine.ending
        owed = ending is None or ending.reject_reason is not None or ending.end_reason in _CUT_SHORT
        return self.fallback_message if owed else None

    def _epoch_ms(self, moment: float | None) -> int | None:
        return None if moment is None else self.opening.started_at + round((moment - self.begun_at) * 1000)

    def _duration(self) -> float | None:
        """Seconds from the answer to the end; Twilio's own count once it is known."""
        if self.reported_seconds is not None:
            return self.reported_seconds
        answered_at = self._answered_at()
        if answered_at is None or self.session.finished_at is None:
            return None
        return round(self.session.finished_at - answered_at, 3)

    def _answered_at(self) -> float | None:
        return self.session.stream_started_at if self.answered_at is None else self.answered_at


@dataclass(frozen=True, slots=True)
class PastCall:
    """What is still asked about a call that is over: its answer, and the words after its stream."""

    answer: str
    goodbye: str | None
    agent: str
    token: str | None = None


class Calls:
    """The registry of one node.

    `store` is given every state of a record that is worth keeping, `on_end` the last one; `line` asks Twilio
    for what a call needs beside its stream.
    """

    def __init__(self, store: CallStore, line: LineWork, *, on_end: Callable[[CallRecord], None]) -> None:
        self._store = store
        self._line = line
        self._on_end = on_end
        self._live: dict[str, LiveCall] = {}
        self._past: OrderedDict[str, PastCall] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tokens: dict[str, str] = {}
        self.draining = False

    def begin(self, call: LiveCall) -> None:
        """Take up a call: it is stored, and runs in a task of its own until it is over."""
        call_sid = call.session.name
        assert call_sid not in self._live
        self._live[call_sid] = call
        self._tokens[call.token] = call_sid
        self._store.save(call.record(), call.progress())
        task = asyncio.create_task(self._run(call), name=f"call {call_sid}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        _log.info("call_begun", call=call_sid, agent=call.opening.agent)

    def refuse(self, record: CallRecord, answer: str) -> None:
        """Store the record of a call that was refused at the webhook, and remember its answer."""
        self._store.save(record)
        self._on_end(record)
        self._remember(record.call_sid or record.id, PastCall(answer, None, record.agent))
        _log.info("call_rejected", call=record.call_sid, agent=record.agent, reason=record.reject_reason)

    def streaming(self, call_sid: str) -> None:
        """Store that a stream has started; at the first one ask Twilio for what the call needs beside it."""
        call = self._live.get(call_sid)
        if call is None:
            return
        self._store.save(call.record(), call.progress())
        if call.line is None or call.attended:
            return
        call.attended = True
        self._line.limit(call.line, round(call.max_call_seconds))
        if call.order is not None:
            self._line.record(call.line, call.order, call.not_recorded)

    def look_after(self, call_sid: str, now: float) -> None:
        """Hand on what a second of the call has brought: to its recording, and to the database."""
        call = self._live.get(call_sid)
        if call is None:
            return
        if call.session.recording is not None:
            call.session.recording.pass_on(now)
        if now < call.checkpoint_at:
            return
        call.checkpoint_at = now + CHECKPOINT_SECONDS
        machine = call.session.machine
        # how much of the last words was heard changes all the time
        reached = tuple(entry.text for entry in machine.transcript), machine.facts.usage
        if reached != call.checkpointed:
            call.checkpointed = reached
            self._store.checkpoint(call.record(), call.progress())

    def extend(self, call_sid: str, seconds: float) -> None:
        """Let a call last longer in the eyes of Twilio and other nodes: its caller is with nobody of ours."""
        call = self._live.get(call_sid)
        if call is None:
            return
        call.max_call_seconds += seconds
        self._store.save(call.record(), call.progress())
        if call.line is not None:
            self._line.limit(call.line, round(call.max_call_seconds))

    def expect_back(self, call: LiveCall, until: float) -> str:
        """Return a new token for the stream of a caller who is on the way back; the last one is void."""
        self._tokens.pop(call.token, None)
        call.token = secrets.token_urlsafe(24)
        self._tokens[call.token] = call.session.name
        call.claimed = False
        call.expected_at = until
        self._store.save(call.record(), call.progress())  # the next node is to know how often that was
        return call.token

    def fetch(self, call_sid: str, url: str) -> None:
        """Let Twilio ask at `url` how a call goes on whose stream is dead, though Twilio may not know it."""
        call = self._live.get(call_sid)
        if call is not None and call.line is not None:
            _log.warning("stream_dead", call=call_sid)
            self._line.fetch(call.line, url)

    def settle(self, call_sid: str) -> None:
        """Note that Twilio asks what follows, or has ended the call: it need not be told."""
        call = self._live.get(call_sid)
        if call is not None:
            call.settled = True
        self._line.asked(call_sid)

    def claim(self, token: str) -> LiveCall | PastCall | None:
        """Return the call that a stream's token belongs to; a token opens one stream."""
        call_sid = self._tokens.pop(token, None)
        if call_sid is None:
            return None
        call = self._live.get(call_sid)
        if call is None:
            return self._past.get(call_sid)
        call.claimed = True
        return call

    def find(self, name: str) -> LiveCall | None:
        """Return a live call by its SID or its id."""
        if name in self._live:
            return self._live[name]
        return next((call for call in self._live.values() if call.opening.id == name), None)

    def of_agent(self, call_sid: str, agent: str) -> LiveCall | None:
        """Return a live call by its SID; another agent's account cannot touch it."""
        call = self._live.get(call_sid)
        return call if call is not None and call.opening.agent == agent else None

    def knows(self, call_sid: str) -> bool:
        """Whether the call is live or was over a while ago."""
        return call_sid in self._live or call_sid in self._past

    def past(self, call_sid: str) -> PastCall | None:
        """Return what is remembered of a call that is over."""
        return self._past.get(call_sid)

    def live(self) -> Iterable[LiveCall]:
        """Return the live calls, the oldest first."""
        return tuple(self._live.values())

    def active(self, agent: str) -> int:
        """Return how many calls the agent has."""
        return sum(call.opening.agent == agent and not call.session.finished for call in self._live.values())

    @property
    def unclaimed(self) -> int:
        """How many calls wait for their stream, each with a connection to the model."""
        return sum(not call.claimed for call in self._live.values())

    def worth_waiting_for(self, now: float) -> bool:
        """Whether a stopping node should go on: somebody talks, or a stream is about to come."""
        return any(call.claimed or now < call.expected_at for call in self._live.values())

    async def drained(self, seconds: float) -> bool:
        """Wait until no call is live, `seconds` at most; whether none is."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return not self._tasks

    async def end_all(self) -> bool:
        """End what is still live, for the node stops; whether Twilio will ask what follows a stream."""
        streaming = any(call.claimed for call in self.live())
        for call in self.live():
            call.session.feed(DrainExpired())
        if not await self.drained(LAST_SECONDS):
            _log.error("calls_cut_off", calls=len(self._tasks))
            for task in set(self._tasks):
                task.cancel()
            await self.drained(LAST_SECONDS)
        return streaming

    async def _run(self, call: LiveCall) -> None:
        """Run the session; whatever happens to it, the call leaves the registry into one record."""
        about_call(call.session.name, call.opening.agent)
        try:
            await call.session.run()
        finally:
            if call.session.recording is not None:
                call.session.recording.close(call.session.finished_at or 0.0)
            record = call.record()
            del self._live[call.session.name]
            past = PastCall(call.answer, call.goodbye, call.agent, call.token)
            self._remember(call.session.name, past)
            self._store.save(record, call.progress())
            if call.session.errands is not None:
                add_when_there(record, call.session.errands.kept, self._store)
            self._on_end(record)
            self._hang_up(call)
            _log.info(
                "call_ended",
                status=record.status,
                reason=record.reject_reason or record.end_reason,
                seconds=record.duration_seconds,
            )

    def _hang_up(self, call: LiveCall) -> None:
        """See to it that a call which the caller has not ended is over for Twilio as well."""
        facts = call.session.machine.facts
        ended_there = facts.stopped or facts.reported is not None or facts.transferred or facts.dismissed
        if call.line is not None and not (call.settled or ended_there):
            self._line.hang_up(
                call.line, call.opening.id, call.goodbye, stream_was_open=call.session.stream_was_ended
            )

    def _remember(self, call_sid: str, past: PastCall) -> None:
        self._past[call_sid] = past
        while len(self._past) > MOST_REMEMBERED:
            _, forgotten = self._past.popitem(last=False)
            if forgotten.token is not None:
                self._tokens.pop(forgotten.token, None)
