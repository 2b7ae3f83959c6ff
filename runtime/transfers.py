"""The transfers of a node: each transaction with its timer, its requests to Twilio, and Twilio's callbacks.

`runtime.call.transfer` decides; here its actions are carried out, and what comes of them is handed in. A
transfer outlives its call for as long as something may still have to be undone: a leg that was being dialled
when the caller hung up is cancelled as soon as it is known.

Callbacks go to the node that has the call. When that is gone, the person's leg ends by itself, for nobody
answers what it is to hear; the caller in the conference is found by whichever node serves the next piece of
hold music after the time in which the transfer must have ended, and is brought back to the agent there.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime import transfer_documents as documents
from runtime import waiting_music
from runtime.call import transfer_steps as ts
from runtime.call.actions import BeginTransfer
from runtime.call.events import Event, TransferEnded
from runtime.call.transfer import (
    DIALLING_SECONDS,
    JOINING_SECONDS,
    LEAVING_SECONDS,
    RETURNING_SECONDS,
    RINGING_MARGIN,
    Transfer,
    TransferTerms,
)
from runtime.logs import get_logger
from runtime.transfer_documents import Papers, Places
from runtime.twilio_api import TwilioApiError

if TYPE_CHECKING:
    from runtime.hold_media import HoldMedia, Recording
    from runtime.line import CallLine
    from schemas import Agent, Fleet
    from schemas import transfer as declared

_log = get_logger(__name__)

MOST_REMEMBERED: Final = 2_000
MOST_TASKS: Final = 2_000
CLOSING_SECONDS: Final = 3.0
# Twilio ends a call after four hours in any case; the two who have met may talk for so long.
LONGEST_TALK_SECONDS: Final = 14_400
_SETTLING_SECONDS: Final = (
    LEAVING_SECONDS + DIALLING_SECONDS + RINGING_MARGIN + JOINING_SECONDS + RETURNING_SECONDS
)

Feed: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What a call's session wants: `order` is the agent's, `feed` takes what comes of it.

    `caller_id` is the number that was called, and `call_id` the record's.
    """

    agent: Agent
    line: CallLine
    call_id: str
    caller_id: str
    order: BeginTransfer
    feed: Feed


class TransferRun:
    """One transfer, from the moment when the caller has left the agent's stream; it ends within `seconds`."""

    def __init__(self, request: TransferRequest, person: declared.Transfer, owner: Transfers) -> None:
        brief = person.brief or request.order.summary or documents.NO_SUMMARY
        brief_seconds = documents.brief_seconds(brief)
        self.seconds = person.timeout + brief_seconds + _SETTLING_SECONDS
        self.token = secrets.token_urlsafe(16)
        self.line = request.line
        self._feed = request.feed
        self._owner = owner
        self._warm = person.mode == "warm"
        self._person = person
        self._papers = Papers(
            places=Places(owner.node_url, owner.public_url, request.agent.name, self.token),
            person=person,
            caller_id=person.caller_id or request.caller_id,
            room=f"tm-{request.call_id}-{self.token[:8]}",
            brief=brief,
            language=request.agent.voice.language,
            wait_until=round(owner.epoch() + self.seconds),
        )
        terms = TransferTerms(self._warm, person.timeout, brief_seconds)
        self._transfer = Transfer(terms, now=owner.clock())
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    @property
    def waits(self) -> bool:
        """Whether the caller waits in the conference."""
        return self._transfer.waits

    def step(self, event: ts.TransferEvent) -> str | None:
        """Take an event; the document that answers it, if it was a question."""
        return self._carry_out(self._transfer.handle(event, self._owner.clock()))

    def let_go(self) -> None:
        """Let no timer go off any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _carry_out(self, actions: Sequence[ts.TransferAction]) -> str | None:
        document: str | None = None
        for action in actions:
            if isinstance(action, ts.Answer):
                document = self._papers.render(action.document)
            elif isinstance(action, ts.DialPerson):
                self._start(self._dial())
            elif isinstance(action, ts.CancelLeg):
                self._start(self._cancel(action.leg))
            elif isinstance(action, ts.BringBack):
                self._start(self._bring_back())
            elif isinstance(action, ts.GiveBack):
                _log.info("transfer_failed", call=self.line.call_sid, outcome=action.outcome)
                self._feed(TransferEnded(action.outcome))
            else:
                _log.info("transferred", call=self.line.call_sid)
                self._start(self._limit_to(LONGEST_TALK_SECONDS))
                self._feed(TransferEnded(None))
        self._arm()
        return document

    # --- requests to Twilio

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._owner.start(work, f"transfer {self.line.call_sid}")

    async def _dial(self) -> None:
        places = self._papers.places
        try:
            leg = await self.line.api().create_call(
                self._person.number,
                self._papers.caller_id,
                Url=places.step("brief"),
                Timeout=self._person.timeout,
                StatusCallback=places.step("person"),
                StatusCallbackEvent=["initiated", "ringing", "answered", "completed"],
                MachineDetection="Enable",
                AsyncAmd="true",
                AsyncAmdStatusCallback=places.machine,
            )
        except TwilioApiError as error:
            _log.warning("transfer_not_dialled", call=self.line.call_sid, detail=str(error))
            self.step(ts.DialFailed())
            return
        self.step(ts.LegDialled(leg))

    async def _cancel(self, leg: str) -> None:
        try:
            await self.line.api().complete_call(leg)
        except TwilioApiError as error:
            if not error.call_is_over:
                _log.warning("leg_not_cancelled", call=self.line.call_sid, leg=leg, detail=str(error))

    async def _bring_back(self) -> None:
        try:
            await self.line.api().redirect_call(self.line.call_sid, url=self._papers.places.after)
        except TwilioApiError as error:
            _log.warning("not_brought_back", call=self.line.call_sid, detail=str(error))
            self.step(ts.BringBackFailed(over=error.call_is_over))

    async def _limit_to(self, seconds: int) -> None:
        try:
            await self.line.api().limit_call(self.line.call_sid, seconds)
        except TwilioApiError as error:
            if not error.call_is_over:
                _log.warning("time_limit_not_set", call=self.line.call_sid, detail=str(error))

    # --- time

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._transfer.wake_at()
        if due != float("inf"):
            delay = max(0.0, due - self._owner.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._carry_out(self._transfer.wake(self._owner.clock()))


class Transfers:
    """The transfers of one node, those that are over included for as long as callbacks may come.

    `node_url` is where this node is reached, `public_url` where any is; `clock` gives monotonic seconds,
    `epoch` seconds since 1970.
    """

    def __init__(
        self,
        fleet: Fleet,
        media: HoldMedia,
        node_url: str,
        clock: Callable[[], float],
        epoch: Callable[[], float],
    ) -> None:
        self.node_url = node_url
        self.public_url = fleet.service.public_url
        self.clock = clock
        self.epoch = epoch
        self._music: dict[str, tuple[Recording, float]] = {}
        self._runs: OrderedDict[str, TransferRun] = OrderedDict()
        self._of_call: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for agent in fleet.agents.values():
            if any(person.mode == "warm" for person in agent.transfer):
                sound = media.sound(fleet.hold_of(agent))
                recording = waiting_music.as_file(sound)
                media.add(recording)
                self._music[agent.name] = recording, waiting_music.seconds(sound)

    def begin(self, request: TransferRequest) -> float:
        """Begin a transfer, and return how long it may take (s).

        The caller's stream is being closed, and Twilio will ask what follows it.
        """
        person = person_of(request.agent, request.order.destination)
        run = TransferRun(request, person, self)
        self._runs[run.token] = run
        self._of_call[run.line.call_sid] = run.token
        while len(self._runs) > MOST_REMEMBERED:
            token, oldest = self._runs.popitem(last=False)
            oldest.let_go()
            if self._of_call.get(oldest.line.call_sid) == token:
                del self._of_call[oldest.line.call_sid]
        _log.info("transfer_begun", call=run.line.call_sid, agent=request.agent.name, mode=person.mode)
        return run.seconds

    # --- what Twilio tells and asks

    def find(self, token: str) -> TransferRun | None:
        """Return the transfer with this token."""
        return self._runs.get(token)

    def follow(self, call_sid: str, *, dial: str | None, gone: bool) -> str | None:
        """Return what a caller who is being transferred hears next, None when that is the agent's affair."""
        run = self._latest(call_sid)
        document = run.step(ts.CallerAsks(dial, gone)) if run is not None else None
        return None if gone else document

    def caller_left(self, call_sid: str) -> None:
        """Note that the caller's call is over in Twilio's eyes."""
        run = self._latest(call_sid)
        if run is not None:
            run.step(ts.CallerLeft())

    def call_over(self, call_sid: str) -> None:
        """Note that the call is over for us."""
        run = self._latest(call_sid)
        if run is not None:
            run.step(ts.CallOver())

    def plays_for(self, agent: Agent) -> bool:
        """Tell whether callers of an agent ever wait in a conference."""
        return agent.name in self._music

    def music(self, agent: Agent, line: CallLine, token: str, until: int) -> str:
        """Return a piece of hold music for a caller in a conference; one who was left there is fetched."""
        run = self._runs.get(token)
        if run is None and self.epoch() > until:
            _log.warning("caller_left_waiting", call=line.call_sid)
            self.start(_fetch(line, f"{self.public_url}/voice/{agent.name}/after"), f"fetch {line.call_sid}")
        recording, seconds = self._music[agent.name]
        places = Places(self.node_url, self.public_url, agent.name, token)
        url = f"{self.public_url}{recording.path}"
        return documents.music(url, seconds=seconds, again_url=places.wait(until))

    def _latest(self, call_sid: str) -> TransferRun | None:
        return self._runs.get(self._of_call.get(call_sid, ""))

    # --- the background

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do something beside everything else; bounded in number, and ended with the node."""
        if len(self._tasks) >= MOST_TASKS:
            work.close()
            _log.error("transfer_work_left_out", work=name)
            return
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way, 3 s at most, and let nothing go off any more."""
        for run in self._runs.values():
            run.let_go()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


def person_of(agent: Agent, destination: str | None) -> declared.Transfer:
    """Return whom the agent means; the only one where there is one, or none has that name."""
    named = [person for person in agent.transfer if person.name == destination]
    return (named or list(agent.transfer))[0]


async def _fetch(line: CallLine, after_url: str) -> None:
    try:
        await line.api().redirect_call(line.call_sid, url=after_url)
    except TwilioApiError as error:
        if not error.call_is_over:
            _log.warning("not_brought_back", call=line.call_sid, detail=str(error))
